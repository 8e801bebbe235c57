//! `runs`, `show` and `logs`: what runs there were, what happened in one, and which one a word names.

mod list;
mod logs;
mod show;

pub use list::RunsArgs;
pub use list::list;
pub(crate) use list::row;
pub use logs::LogsArgs;
pub use logs::logs;
pub use show::ShowArgs;
pub use show::show;

use std::path::Path;
use std::path::PathBuf;

use crate::cli::check::Format;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::kept;
use crate::cli::lost;
use crate::cli::ready;
use crate::cli::ready::Moment;
use crate::cli::ready::Ready;
use crate::cli::session;
use crate::escape;
use crate::event::Outcome;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::id::RunId;
use crate::journal::Database;
use crate::journal::DatabaseError;
use crate::journal::Entry;
use crate::journal::Lock;
use crate::journal::RunRecord;
use crate::journal::StateDir;
use crate::model::digest;

/// Flags of the commands that look at runs.
#[derive(Clone, Debug, clap::Args)]
pub struct LookArgs {
    /// Print like this
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: Format,
    /// Look for runs in this folder
    #[arg(long, value_name = "DIR", default_value = ".failback")]
    pub state_dir: PathBuf,
}

/// Returns the state directory, which must be there.
pub(crate) fn state_dir(path: &Path, env: &Env<'_>) -> Result<StateDir, CliError> {
    let root = env.path(path);
    if root.exists() && !root.is_dir() {
        return Err(CliError::usage(format!("`{}` is no folder", path.display()))
            .hinted("name the folder of the runs with --state-dir"));
    }
    match StateDir::existing(&env.path(path)) {
        Ok(Some(dir)) => Ok(dir.given_as(path)),
        Ok(None) => Err(no_runs(path)),
        Err(error) => {
            let is_closed = error.source.kind() == std::io::ErrorKind::PermissionDenied;
            let told = CliError::usage(format!("can't look for runs in `{}`", path.display())).because(error);
            Err(if is_closed {
                told.hinted("a state directory is closed to others: ask its owner")
            } else {
                told
            })
        }
    }
}

fn no_runs(path: &Path) -> CliError {
    CliError::usage(format!("there are no runs in `{}`", path.display()))
        .hinted("start one with `failback run PLAN`, or name the folder with --state-dir")
}

pub(crate) fn database(dir: &StateDir) -> Result<Database, CliError> {
    if let Some(gone) = lost::gone(dir) {
        return Err(gone);
    }
    Database::open_to_read(&dir.database()).map_err(|error| match error {
        // A process that was killed while it made the first one lost nothing.
        DatabaseError::Empty { .. } if dir.begun().is_empty() => no_runs(dir.given()),
        error => unreadable(dir, error),
    })
}

pub(crate) fn unreadable(dir: &StateDir, error: DatabaseError) -> CliError {
    let help = error.help_typed_with(&session::of_state_dir(dir.given()));
    let told = CliError::usage(format!("can't read the runs in `{}`", dir.root().display())).because(error);
    help.into_iter().fold(told, CliError::hinted)
}

/// Returns the run that an argument names: `latest`, an id, or the beginning of one.
pub(crate) fn find(dir: &StateDir, database: &Database, word: &str) -> Result<RunRecord, CliError> {
    named(dir, database, word)?.record.map_err(|error| unreadable(dir, error))
}

/// Returns the same, whether its entry can be read or not.
fn named(dir: &StateDir, database: &Database, word: &str) -> Result<Entry, CliError> {
    let runs = database.runs().map_err(|error| unreadable(dir, error))?;
    let flags = session::of_state_dir(dir.given());
    if word == "latest" {
        // The one that can't be read may be the latest, and an order must not go to another one.
        if let Some(error) = runs.iter().find_map(|run| run.record.as_ref().err()) {
            let message = format!("which run is the latest can't be told: {}", error.in_words());
            return Err(
                CliError::usage(message).hinted(format!("name the run; list them: failback runs{flags}"))
            );
        }
        return runs.into_iter().next().ok_or_else(|| {
            lost::no_record(dir, "").unwrap_or_else(|| CliError::usage("there is no run yet"))
        });
    }
    // Every id begins with nothing, and an order to no run must not go to the only one that there is.
    if word.is_empty() {
        return Err(CliError::usage("no run is named: the id is empty").hinted("write the id, or `latest`"));
    }
    let mut found: Vec<Entry> = runs.into_iter().filter(|run| run.id.as_str().starts_with(word)).collect();
    if let Some(at) = found.iter().position(|run| run.id.as_str() == word) {
        return Ok(found.swap_remove(at));
    }
    match found.len() {
        0 => Err(lost::no_record(dir, word).unwrap_or_else(|| {
            CliError::usage(format!("there is no run {}", escape::line(word)))
                .hinted(format!("list them: failback runs{flags}"))
        })),
        1 => Ok(found.swap_remove(0)),
        count => Err(CliError::usage(format!("{count} runs begin with {}", escape::line(word)))
            .hinted("write more of the id")),
    }
}

/// Refuses to go on without the folder of a run: the texts that it is pinned to are in it.
///
/// # Errors
///
/// [`CliError`] that says what to do.
pub(crate) fn has_its_folder(dir: &StateDir, record: &RunRecord) -> Result<(), CliError> {
    let folder = dir.run(&record.id);
    let plan = folder.join("plan.yaml");
    if plan.exists() {
        return Ok(());
    }
    let gone = if folder.exists() { plan } else { folder };
    let message = format!("what run {} is pinned to is gone: there is no `{}`", record.id, gone.display());
    let hint = format!("put the folder back from a copy; without one, {}", lost::ANOTHER_RUN);
    Err(CliError::usage(message).hinted(hint))
}

/// Reads the plan that a run is pinned to.
///
/// # Errors
///
/// [`CliError`] if it is gone, is not what it was, or is refused: it was not when the run began.
pub(crate) fn pinned(dir: &StateDir, record: &RunRecord, env: &mut Env<'_>) -> Result<Ready, CliError> {
    has_its_folder(dir, record)?;
    let (path, plan_args) = kept::kept_documents(&dir.run(&record.id), &record.options);
    let Ok(plan) = ready::ready(&path, &plan_args, Moment::Observed, env)? else {
        let message = format!(
            "run {} is pinned to its plan, and the one in its folder is refused: it is another, or this program judges it otherwise",
            record.id
        );
        return Err(CliError::new(Exit::Refused, message)
            .hinted("put the files in its folder back as they were, or start another run"));
    };
    is_pinned(record, &plan)?;
    Ok(plan)
}

/// Refuses to go on when the texts that a run keeps are no longer those that it began with.
///
/// # Errors
///
/// [`CliError`] that says which one moved.
pub(crate) fn is_pinned(record: &RunRecord, plan: &Ready) -> Result<(), CliError> {
    let model = plan.plan.model();
    let moved = |what: &str| {
        let message =
            format!("run {} is pinned to its {what}, and the one in its folder is another", record.id);
        Err(CliError::new(Exit::Refused, message).hinted("put the file back as it was, or start another run"))
    };
    if digest::plan(model) != record.plan_digest {
        return moved("plan");
    }
    if digest::facts(model) != record.facts_digest {
        return moved("inventory");
    }
    if kept::kept_policies(&record.options).is_some_and(|kept| kept != plan.policy_digests()) {
        let message =
            format!("run {} is pinned to its policies, and those in its folder are others", record.id);
        return Err(CliError::new(Exit::Refused, message)
            .hinted("put the files back as they were, or start another run"));
    }
    Ok(())
}

/// Where a run is, as far as its journal and its lock tell.
fn status(
    dir: &StateDir,
    database: &Database,
    run: &RunId,
) -> Result<(&'static str, Option<RunEvent>), DatabaseError> {
    let last = database.last_event(run)?;
    let word = match last.as_ref().map(|event| &event.kind) {
        Some(RunEventKind::RunFinished { outcome: Outcome::Succeeded }) => "succeeded",
        Some(RunEventKind::RunFinished { outcome: Outcome::Failed }) => "failed",
        Some(RunEventKind::RunFinished { outcome: Outcome::Cancelled }) => "cancelled",
        // A process that was killed leaves its lock to whoever comes next.
        Some(_) | None if Lock::is_held(&dir.run(run)) => "running",
        Some(_) | None => "interrupted",
    };
    Ok((word, last))
}
