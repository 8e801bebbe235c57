//! `runs`: the runs that there were, the newest first.

use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use crate::cli::check::Format;
use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::lost;
use crate::cli::runs::LookArgs;
use crate::cli::runs::database;
use crate::cli::runs::state_dir;
use crate::cli::runs::status;
use crate::cli::runs::unreadable;
use crate::escape;
use crate::event::RunEvent;
use crate::id::RunId;
use crate::journal::Database;
use crate::journal::DatabaseError;
use crate::journal::Entry;
use crate::journal::RunRecord;
use crate::journal::StateDir;

/// List the runs that there were, the newest first
#[derive(Clone, Debug, clap::Args)]
pub struct RunsArgs {
    /// Common flags.
    #[command(flatten)]
    pub look: LookArgs,
}

/// Returns whether nothing was ever run in a state directory, or there is none.
fn has_none(path: &Path, env: &Env<'_>) -> bool {
    let root = env.path(path);
    (root.is_dir() || !root.exists()) && matches!(StateDir::existing(&root), Ok(None))
}

/// A run as it is listed.
pub(crate) struct Row {
    id: RunId,
    /// What is kept about it, if that can be read.
    record: Option<RunRecord>,
    state: &'static str,
    last: Option<RunEvent>,
    wrong: Option<DatabaseError>,
}

impl Row {
    /// Returns the run as programs are told of it.
    pub(crate) fn record(&self) -> serde_json::Value {
        let Self { id, record, state, last, wrong } = self;
        let record = record.as_ref();
        json!({
            "run": id, "plan": record.map(|record| &record.plan), "state": state,
            "plan_path": record.map(|record| &record.plan_path),
            "plan_digest": record.map(|record| &record.plan_digest),
            "provider": record.map(|record| &record.provider),
            "created_at": record.map(|record| record.created_at),
            "events": last.as_ref().map_or(0, |event| event.seq), "last_at": last.as_ref().map(|event| event.at),
            "broken": wrong.as_ref().map(DatabaseError::in_words),
        })
    }
}

/// Looks at a run that is to be listed: its whole record is checked.
pub(crate) fn row(dir: &StateDir, database: &Database, entry: Entry) -> Row {
    let Entry { id, record } = entry;
    // A list that shows a changed record like any other would make it trusted.
    let looked = record.map(|record| {
        let checked = database.verify(&id).and_then(|_| status(dir, database, &id));
        (record, checked)
    });
    match looked {
        Ok((record, Ok((state, last)))) => Row { id, record: Some(record), state, last, wrong: None },
        Ok((record, Err(error))) => {
            Row { id, record: Some(record), state: "broken", last: None, wrong: Some(error) }
        }
        Err(error) => Row { id, record: None, state: "broken", last: None, wrong: Some(error) },
    }
}

/// Lists runs.
///
/// # Errors
///
/// [`CliError`] if there are none, or they can't be read.
pub fn list(args: &RunsArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let dir = match state_dir(&args.look.state_dir, env) {
        // Programs ask for a list, and one without entries is a list.
        Err(_) if args.look.format == Format::Json && has_none(&args.look.state_dir, env) => {
            env.out.guarded(Guard::Json)?;
            writeln!(env.out, "{}", json!({"version": 1, "runs": []}))?;
            return Ok(Exit::Success);
        }
        found => found?,
    };
    let database = database(&dir)?;
    let entries = database.runs().map_err(|error| unreadable(&dir, error))?;
    let rows: Vec<Row> = entries.into_iter().map(|entry| row(&dir, &database, entry)).collect();
    lost::tell(&dir, |id| rows.iter().any(|row| row.id.as_str() == id), env)?;
    if args.look.format == Format::Json {
        env.out.guarded(Guard::Json)?;
        let runs: Vec<_> = rows.iter().map(Row::record).collect();
        let text = json!({"version": 1, "runs": runs}).to_string();
        writeln!(env.out, "{text}")?;
    } else {
        let plan = |row: &Row| row.record.as_ref().map_or("?", |record| record.plan.as_str()).to_owned();
        let width = rows.iter().map(|row| plan(row).chars().count()).max().unwrap_or(4).clamp(4, 40);
        writeln!(env.out, "{:<20}  {:<width$}  {:<11}  started", "run", "plan", "state")?;
        for row in &rows {
            let started = row.record.as_ref().map_or_else(
                || "?".to_owned(),
                |record| record.created_at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            );
            let (id, plan) = (escape::line(row.id.as_str()), plan(row));
            writeln!(env.out, "{id:<20}  {:<width$}  {:<11}  {started}", escape::line(&plan), row.state)?;
        }
    }
    let broken = rows.into_iter().find_map(|row| row.wrong);
    broken.map_or(Ok(Exit::Success), |error| Err(unreadable(&dir, error)))
}
