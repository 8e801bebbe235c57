//! What the dashboard asks of commands: runs opened again, plans checked, drills begun. Everything is what a command prints.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;

use crate::cli;
use crate::cli::check::Format;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::kept;
use crate::cli::ready;
use crate::cli::ready::Moment;
use crate::cli::runs;
use crate::cli::runs::LookArgs;
use crate::cli::runs::ShowArgs;
use crate::cli::serve::dashboard::Options;
use crate::cli::serve::dashboard::begun::Begun;
use crate::cli::serve::dashboard::drills;
use crate::cli::serve::dashboard::plans::Plans;
use crate::cli::session;
use crate::clock::Clock;
use crate::drill::plans::Found;
use crate::event::RunEventKind;
use crate::forecast;
use crate::id::RunId;
use crate::journal::Database;
use crate::journal::Entry;
use crate::journal::Lock;
use crate::journal::RunRecord;
use crate::journal::StateDir;
use crate::render::style::Verbosity;
use crate::web;
use crate::web::Kept;
use crate::web::NewDrill;
use crate::web::PlanDetail;
use crate::web::PlanRow;
use crate::web::Refusal;
use crate::web::RefusalKind;

/// A desk that answers with what commands print.
pub(super) struct CliDesk {
    pub(super) folder: PathBuf,
    /// The folder that the paths of plans begin at.
    pub(super) base: PathBuf,
    /// How much of each plan was exercised, and of which record that was said.
    pub(super) coverage: Mutex<(String, HashMap<PathBuf, Option<f64>>)>,
    pub(super) dir: StateDir,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settings: Option<PathBuf>,
    /// The processes that it began.
    pub(super) begun: Begun,
    found: tokio::sync::watch::Receiver<Arc<Found>>,
    variables: BTreeMap<String, String>,
    pub(super) plans: Plans,
    /// Runs that have ended, by the place of their last event: their records were checked.
    ended: Mutex<HashMap<RunId, (u64, Value)>>,
}

/// Returns the refusal that tells of an error, with what caused it.
pub(super) fn refused(kind: RefusalKind, error: &CliError) -> Refusal {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    Refusal { kind, message }
}

impl CliDesk {
    pub(super) fn new(options: &Options<'_>, dir: &StateDir, env: &Env<'_>) -> Self {
        Self {
            folder: env.folder.clone(),
            base: options.base.clone(),
            coverage: Mutex::default(),
            dir: dir.clone(),
            clock: Arc::clone(&env.clock),
            settings: options.settings.clone(),
            begun: Begun::default(),
            found: options.found.clone(),
            variables: env.variables.clone(),
            plans: Plans::new(options.base.clone(), options.plans.clone()),
            ended: Mutex::default(),
        }
    }

    /// Does something in the surroundings of a command, and returns what it printed beside.
    pub(super) fn in_env<T>(&self, folder: &Path, act: impl FnOnce(&mut Env<'_>) -> T) -> (T, Vec<u8>) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut env = Env::new(&mut out, &mut err, folder, Arc::clone(&self.clock));
        env.verbosity = Verbosity::Quiet;
        env.variables.clone_from(&self.variables);
        let done = act(&mut env);
        // They are written into memory.
        let _ = std::io::Write::flush(&mut env.out);
        drop(env);
        (done, out)
    }

    /// Returns what a command prints, run as if it were typed.
    ///
    /// # Errors
    ///
    /// [`Refusal`] with what the command says instead.
    pub(super) fn printed(&self, folder: &Path, words: &[&OsStr]) -> Result<Vec<u8>, Refusal> {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut env = Env::new(&mut out, &mut err, folder, Arc::clone(&self.clock));
        env.variables.clone_from(&self.variables);
        let exit = cli::run(std::iter::once(OsStr::new("failback")).chain(words.iter().copied()), &mut env);
        drop(env);
        if exit == Exit::Success || !out.is_empty() {
            return Ok(out);
        }
        let said = String::from_utf8_lossy(&err);
        let first = said.lines().next().unwrap_or("it can't be told").trim_start_matches("error: ");
        Err(Refusal::unavailable(first))
    }

    /// Returns the plans that the scheduler looks after.
    pub(super) fn found(&self) -> Arc<Found> {
        Arc::clone(&self.found.borrow())
    }

    pub(super) fn database(&self) -> Result<Database, Refusal> {
        Database::open_to_read(&self.dir.database()).map_err(|error| Refusal::unavailable(error.in_words()))
    }

    fn record(&self, run: &RunId) -> Result<RunRecord, Refusal> {
        let found = self.database()?.run(run).map_err(|error| Refusal::unavailable(error.in_words()))?;
        found.ok_or_else(|| Refusal::missing(format!("there is no run {run}")))
    }

    fn listed(&self, database: &Database, entry: Entry) -> Value {
        let id = entry.id.clone();
        let last = database.last_event(&id).ok().flatten();
        let seq = last.as_ref().map_or(0, |event| event.seq);
        let is_over = last.is_some_and(|event| matches!(event.kind, RunEventKind::RunFinished { .. }));
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = ended.get(&id).filter(|(place, _)| *place == seq && is_over) {
            return known.clone();
        }
        let record = runs::row(&self.dir, database, entry).record();
        if is_over && record["broken"].is_null() {
            ended.insert(id, (seq, record.clone()));
        }
        record
    }
}

impl web::Desk for CliDesk {
    fn runs(&self) -> Result<Value, Refusal> {
        let database = self.database()?;
        let entries = database.runs().map_err(|error| Refusal::unavailable(error.in_words()))?;
        let runs: Vec<Value> = entries.into_iter().map(|entry| self.listed(&database, entry)).collect();
        Ok(json!({"version": 1, "runs": runs}))
    }

    fn run(&self, run: &RunId) -> Result<Value, Refusal> {
        let record = self.record(run)?;
        let look = LookArgs { format: Format::Json, state_dir: self.dir.root().to_owned() };
        let args = ShowArgs { run: record.id.as_str().to_owned(), look };
        let (shown, out) = self.in_env(&self.folder, |env| runs::show(&args, env));
        let told = serde_json::from_slice(&out).ok();
        match (told, shown) {
            // What is broken of it says so.
            (Some(told), _) => Ok(told),
            (None, Err(error)) => Err(refused(RefusalKind::Unavailable, &error)),
            (None, Ok(_)) => {
                Err(Refusal::unavailable(format!("the plan of run {run} can't be read any more")))
            }
        }
    }

    fn kept(&self, run: &RunId) -> Result<Kept, Refusal> {
        let record = self.record(run)?;
        let (path, args) = kept::kept_documents(&self.dir.run(&record.id), &record.options);
        let (plan, _) = self.in_env(&self.folder, |env| ready::ready(&path, &args, Moment::Observed, env));
        let plan = plan
            .map_err(|error| refused(RefusalKind::Unavailable, &error))?
            .map_err(|_| Refusal::unavailable(format!("the plan of run {run} can't be read any more")))?;
        runs::is_pinned(&record, &plan).map_err(|error| refused(RefusalKind::Unavailable, &error))?;
        let graph = session::compile(&plan);
        let start = plan.plan.model().observed_at().unwrap_or(record.created_at);
        let forecast = Arc::new(forecast::forecast(&graph, start));
        Ok(Kept { record, graph, forecast })
    }

    fn is_driven(&self, run: &RunId) -> bool {
        Lock::is_held(&self.dir.run(run))
    }

    fn plans(&self) -> Vec<PlanRow> {
        let mut rows = self.plans.rows(self);
        drills::add(self, &mut rows);
        rows
    }

    fn plan(&self, key: &str) -> Result<PlanDetail, Refusal> {
        let mut detail = self.plans.detail(self, key)?;
        drills::add(self, std::slice::from_mut(&mut detail.row));
        Ok(detail)
    }

    fn drills(&self, now: Timestamp) -> Result<Value, Refusal> {
        drills::all(self, &self.plans.rows(self), now)
    }

    fn report_as(&self, run: &RunId, format: &str) -> Result<Vec<u8>, Refusal> {
        self.record(run)?;
        drills::report(self, run, format)
    }

    fn report(&self, run: &RunId) -> Result<String, Refusal> {
        self.record(run)?;
        let text = drills::report(self, run, "html")?;
        String::from_utf8(text).map_err(|_| Refusal::unavailable("the report is no text"))
    }

    fn start(&self, drill: &NewDrill, by: &str) -> Result<Value, Refusal> {
        drills::start(self, drill, by)
    }

    fn resume(&self, run: &RunId, _by: &str) -> Result<(), Refusal> {
        let record = self.record(run)?;
        let conflict = |message: String| Err(Refusal { kind: RefusalKind::Conflict, message });
        if record.provider != "emulator" {
            return conflict(format!(
                "run {run} acts on a real site: go on with it where its credentials are"
            ));
        }
        if self.is_driven(run) {
            return conflict(format!("a process drives run {run} already"));
        }
        let shown = web::Desk::run(self, run)?;
        let state = shown["state"].as_str().unwrap_or_default();
        // Somebody may have ordered a run that has ended to do something again.
        let waits = shown["orders_waiting"].as_array().is_some_and(|orders| !orders.is_empty());
        if matches!(state, "succeeded" | "failed" | "cancelled") && !waits {
            return conflict(format!("run {run} has ended: it {state}"));
        }
        let is_real =
            |kind: &RunEventKind| matches!(kind, RunEventKind::RunStarted { simulated_actions: false, .. });
        let mut runs_for_real = false;
        let read = self.database()?.each_event(run, |event| runs_for_real |= is_real(&event.kind));
        read.map_err(|error| Refusal::unavailable(error.in_words()))?;
        if runs_for_real {
            return conflict(format!("run {run} runs its actions for real: go on with it where it began"));
        }
        drills::resume(self, run)
    }
}
