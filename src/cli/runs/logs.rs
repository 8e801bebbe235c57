//! `logs`: the log of a run, or its events.

use std::io::Write as _;
use std::path::PathBuf;

use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::lost;
use crate::cli::runs::database;
use crate::cli::runs::named;
use crate::cli::runs::state_dir;
use crate::cli::runs::unreadable;
use crate::escape;
use crate::id::RunId;
use crate::journal::Intact;
use crate::journal::StateDir;

/// Print the log of a run
#[derive(Clone, Debug, clap::Args)]
pub struct LogsArgs {
    /// Id of the run or the beginning of it, or `latest`
    #[arg(value_name = "RUN", default_value = "latest")]
    pub run: String,
    /// Print the journal's events, one JSON object a line, instead of the log
    #[arg(long)]
    pub events: bool,
    /// Look for runs in this folder
    #[arg(long, value_name = "DIR", default_value = ".failback")]
    pub state_dir: PathBuf,
}

/// Prints the log of a run.
///
/// # Errors
///
/// [`CliError`] if there is no such run, or its log can't be read.
pub fn logs(args: &LogsArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let dir = state_dir(&args.state_dir, env)?;
    let database = match database(&dir) {
        Ok(database) => database,
        Err(error) => return log_alone(&dir, args, error, env),
    };
    let run = match named(&dir, &database, &args.run) {
        Ok(entry) => entry.id,
        Err(error) if lost::is_unknown(&database, &args.run) => return log_alone(&dir, args, error, env),
        Err(error) => return Err(error),
    };
    if args.events {
        env.out.guarded(Guard::Json)?;
        let Intact { events, broken } = database.intact(&run);
        for event in events {
            let text = serde_json::to_string(&event).expect("an event has a JSON form");
            writeln!(env.out, "{text}")?;
        }
        return broken.map_or(Ok(Exit::Success), |error| Err(unreadable(&dir, error)));
    }
    print_log(&dir, &run, env)?;
    Ok(Exit::Success)
}

/// Prints the log of a run whose journal can't be read or is lost, and says so.
fn log_alone(dir: &StateDir, args: &LogsArgs, error: CliError, env: &mut Env<'_>) -> Result<Exit, CliError> {
    if let Some(run) = lost::named_by(dir, &args.run).filter(|_| !args.events) {
        lost::tell_of_log(&run, env)?;
        print_log(dir, &RunId::new(run), env)?;
    }
    Err(error)
}

fn print_log(dir: &StateDir, run: &RunId, env: &mut Env<'_>) -> Result<(), CliError> {
    let path = dir.run(run).join("log");
    let text = std::fs::read_to_string(&path)
        .map_err(|error| CliError::usage(format!("can't read `{}`", path.display())).because(error))?;
    for line in text.lines() {
        writeln!(env.out, "{}", escape::line(line))?;
    }
    Ok(())
}
