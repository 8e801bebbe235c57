//! `runs`, `show` and `logs`: what runs there were, and what happened in one.

use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use serde_json::json;

use crate::cli::args::PlanArgs;
use crate::cli::check::Format;
use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::kept;
use crate::cli::lost;
use crate::cli::order;
use crate::cli::past;
use crate::cli::past::Past;
use crate::cli::ready;
use crate::cli::ready::Moment;
use crate::cli::ready::Ready;
use crate::cli::session;
use crate::escape;
use crate::event::Outcome;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::event::RunStatus;
use crate::event::StepStatus;
use crate::graph::StepIndex;
use crate::id::RunId;
use crate::journal::Database;
use crate::journal::DatabaseError;
use crate::journal::Entry;
use crate::journal::Intact;
use crate::journal::Lock;
use crate::journal::RunRecord;
use crate::journal::StateDir;
use crate::model::digest;
use crate::report;

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

/// List the runs that there were, the newest first
#[derive(Clone, Debug, clap::Args)]
pub struct RunsArgs {
    /// Common flags.
    #[command(flatten)]
    pub look: LookArgs,
}

/// Show what became of each step of a run
#[derive(Clone, Debug, clap::Args)]
pub struct ShowArgs {
    /// Id of the run, or `latest`
    #[arg(value_name = "RUN", default_value = "latest")]
    pub run: String,
    /// Common flags.
    #[command(flatten)]
    pub look: LookArgs,
}

/// Print the log of a run
#[derive(Clone, Debug, clap::Args)]
pub struct LogsArgs {
    /// Id of the run, or `latest`
    #[arg(value_name = "RUN", default_value = "latest")]
    pub run: String,
    /// Print the journal's events, one JSON object a line, instead of the log
    #[arg(long)]
    pub events: bool,
    /// Look for runs in this folder
    #[arg(long, value_name = "DIR", default_value = ".failback")]
    pub state_dir: PathBuf,
}

/// Returns whether nothing was ever run in a state directory, or there is none.
fn has_none(path: &Path, env: &Env<'_>) -> bool {
    let root = env.path(path);
    (root.is_dir() || !root.exists()) && matches!(StateDir::existing(&root), Ok(None))
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
    if folder.join("plan.yaml").exists() {
        return Ok(());
    }
    let message = format!("what run {} is pinned to is gone: there is no `{}`", record.id, folder.display());
    Err(CliError::usage(message).hinted(
        "put the folder back from a copy; without one, start another run, which looks at the site first and adopts what is done",
    ))
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
        Some(_) | None => match Lock::take(&dir.run(run)) {
            Err(crate::journal::LockError::Held) => "running",
            Ok(_) | Err(crate::journal::LockError::Io { .. }) => "interrupted",
        },
    };
    Ok((word, last))
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

/// Shows a run: as far as its record is intact, if it is not.
///
/// # Errors
///
/// [`CliError`] if there is no such run, or its record can't be read to its end.
pub fn show(args: &ShowArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let dir = state_dir(&args.look.state_dir, env)?;
    let database = database(&dir)?;
    let record = find(&dir, &database, &args.run)?;
    database.check_entry(&record.id).map_err(|error| unreadable(&dir, error))?;
    has_its_folder(&dir, &record)?;
    let (path, plan_args): (PathBuf, PlanArgs) = kept::kept_documents(&dir.run(&record.id), &record.options);
    let plan = match ready::ready(&path, &plan_args, Moment::Observed, env)? {
        Ok(plan) => plan,
        Err(exit) => return Ok(exit),
    };
    is_pinned(&record, &plan)?;
    let graph = session::compile(&plan);
    let Past { state, broken, .. } = past::read(&database, &graph, &record.id)?;
    let word = if broken.is_some() {
        "broken"
    } else {
        status(&dir, &database, &record.id).map_err(|error| unreadable(&dir, error))?.0
    };
    let head = database.head(&record.id).ok().map(|(_, head)| head);
    let waiting = order::waiting(&dir, &record.id, &state);
    if args.look.format == Format::Json {
        env.out.guarded(Guard::Json)?;
        let steps: Vec<_> = (0..)
            .zip(graph.steps())
            .map(|(index, step)| {
                let at = state.step(index);
                json!({
                    "id": step.id, "kind": step.kind, "subject": graph.subject_name(index), "state": at.status.as_str(),
                    "attempts": at.attempts, "started_at": at.started_at, "ended_at": at.ended_at, "note": at.note,
                })
            })
            .collect();
        let machines: Vec<_> = report::whereabouts(&state)
            .into_iter()
            .map(|(name, place)| json!({"name": name, "place": place}))
            .collect();
        let orders: Vec<_> = waiting
            .iter()
            .map(|letter| {
                json!({
                    "letter": letter.id, "at": letter.at, "by": letter.by, "order": letter.order,
                    "withdrawn_by": letter.withdrawn_by,
                })
            })
            .collect();
        let shown = json!({
            "version": 1, "run": record.id, "plan": record.plan, "state": word, "machines": machines, "plan_digest": record.plan_digest,
            "facts_digest": record.facts_digest, "events": state.seq(), "started_at": state.started_at(),
            "last_at": state.last_at(), "head": head, "steps": steps, "orders_waiting": orders,
            "broken": broken.as_ref().map(DatabaseError::in_words),
        });
        // In one piece: what is written is looked through as it comes.
        let text = shown.to_string();
        writeln!(env.out, "{text}")?;
    } else {
        show_steps(&record, word, &state, env)?;
        if let Some(head) = &head {
            writeln!(env.out, "head {head}")?;
        }
        for letter in &waiting {
            writeln!(env.out, "{}", order::in_words(letter))?;
        }
    }
    broken.map_or(Ok(Exit::Success), |error| Err(unreadable(&dir, error)))
}

fn show_steps(record: &RunRecord, word: &str, state: &RunState, env: &mut Env<'_>) -> Result<(), CliError> {
    let graph = state.graph();
    writeln!(env.out, "run {} of {}: {word}", record.id, escape::line(&record.plan))?;
    if let (Some(from), Some(to)) = (state.started_at(), state.last_at()) {
        let took = crate::quantity::Seconds(u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0));
        writeln!(env.out, "from {from:.0} to {to:.0}: {took}, {} events", state.seq())?;
    }
    if state.status() != RunStatus::Finished(Outcome::Succeeded) {
        for place in report::places(state) {
            writeln!(env.out, "{}", escape::line(&place))?;
        }
    }
    let width = graph.steps().iter().map(|step| step.id.as_str().chars().count()).max().unwrap_or(4).min(60);
    for index in (0..).take(graph.steps().len()) {
        writeln!(env.out, "  {}", step_line(state, index, width))?;
    }
    Ok(())
}

fn step_line(state: &RunState, index: StepIndex, width: usize) -> String {
    let (step, at) = (state.graph().step(index), state.step(index));
    let sign = match at.status {
        StepStatus::Succeeded => "+",
        StepStatus::Adopted => "=",
        StepStatus::Skipped => "-",
        StepStatus::Failed => "!",
        StepStatus::Blocked => "x",
        StepStatus::Running => ">",
        StepStatus::Asked => "?",
        StepStatus::Waiting | StepStatus::Ready => ".",
    };
    let mut line = format!("{sign} {:<width$}  {:<9}", escape::line(step.id.as_str()), at.status.as_str());
    if let (Some(from), Some(to)) = (at.started_at, at.ended_at) {
        let took = u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0);
        line.push_str(&format!("  {:>8}", crate::quantity::Seconds(took).to_string()));
    }
    if at.attempts > 1 {
        line.push_str(&format!("  {} attempts", at.attempts));
    }
    if let Some(note) = &at.note {
        line.push_str(&format!("  {}", escape::line(note)));
    }
    line.trim_end().to_owned()
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
