//! `man`: manual pages, one for each command.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use clap_mangen::Man;

use crate::cli::command;
use crate::cli::commands;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::escape;
use crate::render::style::Verbosity;

/// Print the manual page of failback, or write those of all its commands
#[derive(Clone, Debug, clap::Args)]
pub struct ManArgs {
    /// Write a page for each command into this folder
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub out: Option<PathBuf>,
    /// Print it like this
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, conflicts_with = "out")]
    pub format: Format,
}

/// How a manual is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A page for `man`
    #[default]
    Man,
    /// One page of all commands, as Markdown
    Markdown,
}

/// Prints or writes manual pages.
///
/// # Errors
///
/// [`CliError`] if a page can't be written.
pub fn run(args: &ManArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    if args.format == Format::Markdown {
        env.out.write_all(commands::page(command()).as_bytes())?;
        return Ok(Exit::Success);
    }
    let mut top = command();
    top.build();
    let Some(out) = &args.out else {
        let page = page(top)?;
        env.out.write_all(&page)?;
        return Ok(Exit::Success);
    };
    let cant = |error| CliError::usage(format!("can't write into `{}`", out.display())).because(error);
    let folder = env.path(out);
    fs::create_dir_all(&folder).map_err(cant)?;
    let commands = top.get_subcommands().filter(|command| !command.is_hide_set());
    for command in std::iter::once(&top).chain(commands) {
        // The name of a page has a dash where a command line has a blank.
        let file = format!("{}.1", command.get_display_name().unwrap_or(command.get_name()));
        fs::write(folder.join(&file), page(command.clone())?).map_err(cant)?;
        if env.verbosity > Verbosity::Quiet {
            writeln!(env.out, "{}", escape::line(&out.join(&file).to_string_lossy()))?;
        }
    }
    Ok(Exit::Success)
}

fn page(command: clap::Command) -> Result<Vec<u8>, CliError> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(page)
}
