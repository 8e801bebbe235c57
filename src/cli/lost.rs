//! Runs that left a folder and are not in the database: they must not seem never to have been.

use std::io::Write as _;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::escape;
use crate::journal::Database;
use crate::journal::DatabaseError;
use crate::journal::StateDir;

/// What to do where nothing of a run can be put back.
pub(crate) const ANOTHER_RUN: &str = "start another run, which looks at the site first and goes on with what is half way; take out of the plan what is home already (FB008 names it)";

/// Runs that are named; of others it is said that there are more.
const NAMED: usize = 5;

fn named(runs: &[String]) -> String {
    let names: Vec<String> = runs.iter().take(NAMED).map(|id| escape::line(id).into_owned()).collect();
    let more = if runs.len() > names.len() { ", …" } else { "" };
    format!("{}{more}", names.join(", "))
}

/// Refuses to begin a record anew in a database that was emptied beside runs that it once held.
///
/// # Errors
///
/// [`CliError`] that says what to do.
pub(crate) fn refuse_emptied(dir: &StateDir) -> Result<(), CliError> {
    let runs = dir.begun();
    if runs.is_empty() || !dir.database().exists() {
        return Ok(());
    }
    match Database::open_to_read(&dir.database()) {
        Err(DatabaseError::Empty { path }) => Err(CliError::usage(format!(
            "`{}` was emptied: it has no record of {}, which {} a folder beside it",
            path.display(),
            named(&runs),
            have(&runs)
        ))
        .hinted(format!(
            "put back a copy of the database; without one, move `{}` away, or name another folder with --state-dir",
            dir.root().join("runs").display()
        ))),
        // What else is wrong is told when it is opened.
        _ => Ok(()),
    }
}

/// Returns what is wrong where runs whose ids begin with a word left folders, and the database knows none of them.
#[must_use]
pub(crate) fn no_record(dir: &StateDir, word: &str) -> Option<CliError> {
    let runs: Vec<String> = dir.begun().into_iter().filter(|id| id.starts_with(word)).collect();
    if runs.is_empty() {
        return None;
    }
    let message = format!(
        "{} has no record of run {}, which {} a folder beside it: the database was replaced or cut short",
        dir.database().display(),
        named(&runs),
        have(&runs)
    );
    Some(
        CliError::usage(message)
            .hinted(format!("put back a copy of the database; without one, {ANOTHER_RUN}")),
    )
}

/// Returns whether the database has no record of any run that a word may mean.
#[must_use]
pub(crate) fn is_unknown(database: &Database, word: &str) -> bool {
    let means = |id: &str| word == "latest" || id.starts_with(word);
    database.runs().is_ok_and(|runs| !runs.iter().any(|run| means(run.id.as_str())))
}

/// Returns what is wrong where the database is gone that runs began in.
#[must_use]
pub(crate) fn gone(dir: &StateDir) -> Option<CliError> {
    let runs = dir.begun();
    if runs.is_empty() || dir.database().exists() {
        return None;
    }
    let message = format!(
        "`{}` is gone: there is no record of {}, which {} a folder beside it",
        dir.database().display(),
        named(&runs),
        have(&runs)
    );
    Some(CliError::usage(message).hinted(format!(
        "put back a copy of the database, with its `-wal` if there is one; without one, {ANOTHER_RUN}"
    )))
}

/// Says which runs left a folder and are not among those that are known.
///
/// # Errors
///
/// The output's own.
pub(crate) fn tell(
    dir: &StateDir,
    is_known: impl Fn(&str) -> bool,
    env: &mut Env<'_>,
) -> Result<bool, CliError> {
    let lost: Vec<String> = dir.begun().into_iter().filter(|id| !is_known(id)).collect();
    if lost.is_empty() {
        return Ok(false);
    }
    writeln!(
        env.err,
        "warning: {} has no record of {}, which {} a folder in {}: the database was replaced or cut short",
        dir.database().display(),
        named(&lost),
        have(&lost),
        dir.root().join("runs").display(),
    )?;
    Ok(true)
}

/// Says the same where a run is about to begin.
///
/// # Errors
///
/// [`CliError`] if the runs can't be read.
pub(crate) fn tell_before_a_run(
    dir: &StateDir,
    database: &Database,
    env: &mut Env<'_>,
) -> Result<(), CliError> {
    let entries = database.runs().map_err(|error| crate::cli::run::no_database(dir, error))?;
    if tell(dir, |id| entries.iter().any(|entry| entry.id.as_str() == id), env)? {
        writeln!(
            env.err,
            "this run looks at the site first, and adopts what is done already; put back a copy of the database if there is one"
        )?;
    }
    Ok(())
}

/// Returns the run that a word names among those that left a folder with a log, where the database can't say.
#[must_use]
pub(crate) fn named_by(dir: &StateDir, word: &str) -> Option<String> {
    let mut runs = dir.begun();
    if word == "latest" {
        // An id begins with the time at which its run was started.
        return runs.pop();
    }
    if runs.iter().any(|id| id == word) {
        return Some(word.to_owned());
    }
    runs.retain(|id| id.starts_with(word));
    if runs.len() == 1 { runs.pop() } else { None }
}

/// Says that a log is shown in place of a record, which can't be read or is not there.
///
/// # Errors
///
/// The output's own.
pub(crate) fn tell_of_log(run: &str, env: &mut Env<'_>) -> Result<(), CliError> {
    writeln!(
        env.err,
        "warning: the journal can't be read; this is the log of run {}, which proves nothing",
        escape::line(run)
    )?;
    Ok(())
}

fn have(runs: &[String]) -> &'static str {
    if runs.len() == 1 { "has" } else { "have" }
}
