//! `inventory diff`: what has changed about a site between two looks.

use std::io::Write as _;
use std::path::PathBuf;

use serde_json::json;

use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::escape;
use crate::model::drift;
use crate::model::drift::Change;
use crate::model::drift::Drift;
use crate::model::fact_source::FactSource;
use crate::quantity::Bytes;
use crate::render::style::Tone;
use crate::syntax::file::DEFAULT_MAX_BYTES;
use crate::syntax::inventory::Inventory;

/// How differences are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum DiffFormat {
    /// For people: a line for each
    #[default]
    Human,
    /// One JSON object
    Json,
}

/// Flags of `inventory diff`.
#[derive(Clone, Debug, clap::Args)]
pub struct DiffArgs {
    /// The earlier look
    #[arg(value_name = "BEFORE")]
    pub before: PathBuf,
    /// The later look
    #[arg(value_name = "AFTER")]
    pub after: PathBuf,
    /// Print differences like this
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: DiffFormat,
    /// Exit with 1 if there is a difference
    #[arg(long)]
    pub exit_code: bool,
    /// Read files up to this size, such as `512 MiB`
    #[arg(long, value_name = "SIZE", value_parser = Bytes::parse, default_value_t = Bytes(DEFAULT_MAX_BYTES))]
    pub max_file_size: Bytes,
}

/// Shows what differs.
///
/// # Errors
///
/// [`CliError`] if a file can't be read or the output can't be written.
pub(super) fn run(args: &DiffArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let limit = args.max_file_size.0;
    let before = match super::read(&args.before, limit, env)? {
        Ok(inventory) => inventory,
        Err(exit) => return Ok(exit),
    };
    let after = match super::read(&args.after, limit, env)? {
        Ok(inventory) => inventory,
        Err(exit) => return Ok(exit),
    };
    let found = drift::between(&before, &after);
    match args.format {
        DiffFormat::Human => human(&before, &after, &found, env)?,
        DiffFormat::Json => {
            env.out.guarded(Guard::Json)?;
            let record = json!({
                "version": 1,
                "before": {"name": before.name.value, "observed_at": before.observed_at.as_ref().map(|at| at.value)},
                "after": {"name": after.name.value, "observed_at": after.observed_at.as_ref().map(|at| at.value)},
                "drift": found,
            });
            writeln!(env.out, "{record:#}")?;
        }
    }
    Ok(if args.exit_code && !found.is_empty() { Exit::Refused } else { Exit::Success })
}

fn human(before: &Inventory, after: &Inventory, found: &[Drift], env: &mut Env<'_>) -> Result<(), CliError> {
    let style = env.style();
    let moment = |inventory: &Inventory| {
        inventory
            .observed_at
            .as_ref()
            .map_or_else(|| "a look without a date".to_owned(), |at| at.value.to_string())
    };
    let mut section = "";
    for drift in found {
        if drift.kind != section {
            section = drift.kind;
            writeln!(env.out, "{}", style.paint(Tone::Strong, section))?;
        }
        let (sign, tone) = match drift.change {
            Change::Appeared => ('+', Tone::Good),
            Change::Gone => ('-', Tone::Error),
            Change::Changed => ('~', Tone::Warning),
            Change::Known => ('?', Tone::Good),
            Change::Unknown => ('?', Tone::Open),
        };
        let by = match drift.source {
            FactSource::Person => " (a person wrote it)",
            FactSource::SiteRecovery | FactSource::Vcenter | FactSource::Azure => "",
        };
        let line = escape::line(&drift.sentence()).into_owned();
        writeln!(env.out, "  {} {line}{by}", style.paint(tone, sign.to_string()))?;
    }
    let count = match found.len() {
        0 => "nothing differs".to_owned(),
        1 => "1 fact differs".to_owned(),
        count => format!("{count} facts differ"),
    };
    writeln!(env.out, "{count} between {} and {}", moment(before), moment(after))?;
    Ok(())
}
