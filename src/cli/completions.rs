//! `completions`: what a shell needs to complete our command lines.

use clap_complete::Shell;

use crate::cli::command;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;

/// Print what a shell needs to complete command lines of failback
///
/// For bash: `failback completions bash > ~/.local/share/bash-completion/completions/failback`. For zsh, fish, PowerShell
/// and elvish, write it where the shell looks for completions, or run it when the shell starts.
#[derive(Clone, Debug, clap::Args)]
pub struct CompletionsArgs {
    /// Shell that is to complete
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

/// Prints the completions of a shell.
///
/// # Errors
///
/// [`CliError`] if the output can't be written.
pub fn run(args: &CompletionsArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    // The generator takes a failed write for a bug, so that it writes where none can fail.
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "failback", &mut text);
    std::io::Write::write_all(&mut env.out, &text)?;
    Ok(Exit::Success)
}
