//! A drill in the database: entered when it begins, with its run when it has one, ended once.

use std::sync::Arc;

use crate::cli::checkout;
use crate::cli::drill::DrillArgs;
use crate::cli::drill::exit_of;
use crate::cli::drill::show;
use crate::cli::drill::subject::Subject;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::lost;
use crate::cli::notices;
use crate::cli::past;
use crate::cli::ready::Ready;
use crate::cli::run;
use crate::cli::session::SessionArgs;
use crate::cli::settings;
use crate::drill::notice::Recipient;
use crate::drill::taken_back;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::event::RunStatus;
use crate::forecast;
use crate::graph::Graph;
use crate::id::DrillId;
use crate::id::RunId;
use crate::journal::Database;
use crate::journal::DrillEnd;
use crate::journal::DrillRow;
use crate::journal::Lock;
use crate::journal::LockError;
use crate::journal::StateDir;
use crate::model::Model;
use crate::model::age;
use crate::model::digest;
use crate::report::assessment;
use crate::report::assessment::Assessment;
use crate::report::assessment::Reason;
use crate::report::assessment::Verdict;
use crate::report::assessment::Weight;
use crate::report::drill::DrillFacts;
use crate::report::drill::DrillResult;
use crate::report::timeline::Recording;

/// Reads the id of a drill.
///
/// # Errors
///
/// A sentence that says what is wrong.
pub(super) fn id(text: &str) -> Result<String, String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    if (1..=64).contains(&text.len()) && text.chars().all(is_plain) && !text.starts_with('-') {
        Ok(text.to_owned())
    } else {
        Err("write up to 64 letters, digits and hyphens".to_owned())
    }
}

/// A drill that goes on in this process.
pub(crate) struct Entry {
    row: DrillRow,
    dir: StateDir,
    database: Database,
    by: Option<String>,
    is_taken_back: bool,
    /// Held until it has ended: whoever finds it free knows that the process died.
    _lock: Lock,
}

impl Entry {
    /// Enters a drill.
    pub(super) fn begin(args: &DrillArgs, subject: &Subject, env: &Env<'_>) -> Result<Self, CliError> {
        let now = env.clock.now();
        let dir = StateDir::create(&env.path(&args.state_dir)).map_err(run::unusable)?;
        lost::refuse_emptied(&dir)?;
        let database = Database::open(&dir.database()).map_err(|error| run::no_database(&dir, error))?;
        let id = DrillId::new(args.origin.id.clone().unwrap_or_else(|| run::new_id(now)));
        let known = database.drill(&id).map_err(|error| run::no_database(&dir, error))?;
        // Whoever scheduled it entered it for this process.
        let is_entered = known.as_ref().is_some_and(|known| {
            known.never_began()
                && known.cause == args.origin.cause.as_str()
                && known.kind == subject.kind.as_str()
                && known.name == subject.name
        });
        if known.is_some() && !is_entered {
            return Err(CliError::usage(format!("there is a drill {id} already")));
        }
        let began_at = known.map_or(now, |known| known.began_at);
        let lock = take(&dir, &id)?;
        let path = env.path(&args.path);
        let path = std::path::absolute(&path).unwrap_or(path);
        let commit = || path.parent().and_then(checkout::commit);
        let row = DrillRow {
            id,
            plan: subject.plan().to_owned(),
            plan_path: args.origin.plan_path.clone().unwrap_or_else(|| path.display().to_string()),
            name: subject.name.clone(),
            kind: subject.kind.as_str().to_owned(),
            cause: args.origin.cause.as_str().to_owned(),
            due_at: args.origin.due_at,
            began_at,
            ended_at: None,
            run: None,
            git_commit: args.origin.commit.clone().or_else(commit),
            plan_digest: Some(subject.pin.digest().to_owned()),
            verdict: None,
            result: None,
        };
        let (by, is_taken_back) = (args.origin.by.clone(), subject.part.is_taken_back);
        let mut entry = Self { row, dir, database, by, is_taken_back, _lock: lock };
        let row = &entry.row;
        let digest = row.plan_digest.as_deref().unwrap_or_default();
        let entered = match is_entered {
            true => entry.database.take_drill(&row.id, digest, row.git_commit.as_deref()),
            false => entry.database.add_drill(row),
        };
        entered.map_err(|error| run::no_database(&entry.dir, error))?;
        Ok(entry)
    }

    /// Returns its id.
    pub(super) fn id(&self) -> DrillId {
        self.row.id.clone()
    }

    /// Takes the run that the drill made, with which it was entered.
    pub(super) fn made(&mut self, run: &RunId) {
        self.row.run = Some(run.clone());
    }

    /// Returns the result of the drill as far as it is known when it ends.
    pub(super) fn result(&self, env: &Env<'_>) -> DrillResult {
        let row = self.row.clone();
        DrillResult {
            version: 1,
            drill: row.id,
            plan: row.plan,
            name: row.name,
            kind: row.kind,
            cause: row.cause,
            by: self.by.clone(),
            due_at: row.due_at,
            began_at: row.began_at,
            ended_at: env.clock.now(),
            run: row.run,
            git_commit: row.git_commit,
            plan_digest: row.plan_digest,
            facts: None,
            is_taken_back: self.is_taken_back,
            simulated_actions: None,
            left_out: Vec::new(),
            verdict: Verdict::Failed,
            reasons: Vec::new(),
            objectives: None,
            groups: Vec::new(),
            machines: Vec::new(),
        }
    }

    /// Returns the facts of a plan as a result tells them.
    pub(super) fn facts(&self, model: &Model, are_live: Option<bool>) -> DrillFacts {
        DrillFacts {
            digest: digest::facts(model),
            observed_at: model.observed_at().ok(),
            age_s: age::age(&model.inventory, self.row.began_at).map(|age| age.as_secs()),
            are_live,
        }
    }

    /// Returns what the run of the drill is worth, which has ended.
    pub(super) fn judged(&self, graph: &Arc<Graph>) -> Result<Assessment, CliError> {
        let run = self.row.run.as_ref().ok_or_else(|| CliError::usage("the drill made no run"))?;
        let mut recording = Recording::new(graph);
        let mut state = RunState::new(Arc::clone(graph));
        let mut illegal = None;
        let read = self.database.each_event(run, |event| {
            let taken = recording.take(&event).and_then(|()| state.check(&event));
            match taken {
                Ok(legal) => state.apply(&event, legal),
                Err(error) => drop(illegal.get_or_insert(error)),
            }
        });
        read.map_err(|error| run::no_database(&self.dir, error))?;
        if let Some(error) = illegal {
            return Err(CliError::usage("the run's journal does not belong to its plan").because(error));
        }
        let start = state.started_at().unwrap_or(self.row.began_at);
        let forecast = forecast::forecast(graph, start);
        let assessment = assessment::assess(graph, &recording.timeline(), Some(&forecast));
        Ok(if self.is_taken_back { taken_back::judged(assessment, &state) } else { assessment })
    }

    /// Enters how the drill ended.
    pub(super) fn end(&mut self, result: &DrillResult, env: &Env<'_>) -> Result<(), CliError> {
        let end = DrillEnd {
            ended_at: env.clock.now(),
            verdict: result.verdict.as_str().to_owned(),
            result: serde_json::to_string(result).expect("a result has a JSON form"),
        };
        let ended = self.database.end_drill(&self.row.id, &end);
        ended.map_err(|error| run::no_database(&self.dir, error))
    }
}

impl Entry {
    /// Tells of the end of the drill.
    ///
    /// # Errors
    ///
    /// [`CliError`] if the system gives nothing to work on.
    pub(super) fn tell(
        &self,
        result: &DrillResult,
        told: Vec<Recipient>,
        env: &mut Env<'_>,
    ) -> Result<(), CliError> {
        let row = DrillRow {
            ended_at: Some(result.ended_at),
            verdict: Some(result.verdict.as_str().to_owned()),
            ..self.row.clone()
        };
        let reason = result.reasons.first().map(|reason| reason.message.as_str());
        let reason = reason.filter(|_| result.verdict != Verdict::Passed);
        let head =
            self.row.run.as_ref().and_then(|run| self.database.head(run).ok()).map(|(_, digest)| digest);
        notices::drill_ended(&row, reason, head, told, env)
    }
}

fn take(dir: &StateDir, id: &DrillId) -> Result<Lock, CliError> {
    let folder = dir.make_drill(id).map_err(run::unusable)?;
    Lock::take(&folder).map_err(|error| match error {
        LockError::Held => CliError::new(Exit::Busy, format!("another process holds drill {id}")),
        LockError::Io { .. } => CliError::usage(format!("can't take drill {id}")).because(error),
    })
}

/// Returns an error as the reason of a drill that could not be carried out.
pub(super) fn reason_of(error: &CliError) -> Reason {
    use std::error::Error as _;
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    let code = match error.exit() {
        Exit::Refused => "refused",
        Exit::Busy => "busy",
        Exit::Success | Exit::Usage | Exit::Failed | Exit::Waiting | Exit::Bug | Exit::Interrupted => {
            "not-carried-out"
        }
    };
    Reason { weight: Weight::Failed, code: code.into(), subject: None, step: None, message }
}

/// A drill whose run is taken over, to be ended with it.
pub(crate) struct Resumed {
    entry: Entry,
    graph: Arc<Graph>,
    result: DrillResult,
    told: Vec<Recipient>,
}

/// Returns the drill that a run was made by, if that has not ended: whoever takes the run over ends the drill with it.
///
/// # Errors
///
/// [`CliError`] if it can't be read, or another process has it.
pub(crate) fn after_resume(
    dir: &StateDir,
    run: &RunId,
    plan: &Ready,
    graph: &Arc<Graph>,
    args: &SessionArgs,
    env: &mut Env<'_>,
) -> Result<Option<Resumed>, CliError> {
    let mut database = Database::open(&dir.database()).map_err(|error| run::no_database(dir, error))?;
    let drills = database.drills().map_err(|error| run::no_database(dir, error))?;
    let made = |drill: &DrillRow| drill.run.as_ref() == Some(run) && drill.ended_at.is_none();
    let Some(row) = drills.into_iter().find(made) else { return Ok(None) };
    let lock = take(dir, &row.id)?;
    database.forget_stop(&row.id).map_err(|error| run::no_database(dir, error))?;
    let is_taken_back = plan.part.as_ref().is_some_and(|part| part.is_taken_back);
    let entry =
        Entry { row, dir: dir.clone(), database, by: args.ordered_by.clone(), is_taken_back, _lock: lock };
    let mut result = entry.result(env);
    result.facts = Some(entry.facts(plan.plan.model(), None));
    result.left_out = plan.left_out.iter().map(ToString::to_string).collect();
    let settings = settings::read_named(args.settings.as_deref(), env)?
        .map_err(|exit| CliError::new(exit, "the settings can't be used, and nobody would be told"))?;
    let told = notices::recipients(&plan.plan.model().plan.notify, settings.as_ref(), env)?;
    Ok(Some(Resumed { entry, graph: Arc::clone(graph), result, told }))
}

impl Resumed {
    /// Ends the drill, if its run has ended, shows its result, and returns the exit code of its verdict.
    ///
    /// # Errors
    ///
    /// [`CliError`] if it can't be written.
    pub(crate) fn end(mut self, env: &mut Env<'_>) -> Result<Option<Exit>, CliError> {
        let Some(run) = self.entry.row.run.clone() else { return Ok(None) };
        let past = past::read(&self.entry.database, &self.graph, &run)?;
        match past.state.status() {
            RunStatus::Finished(_) => {}
            RunStatus::New | RunStatus::Running | RunStatus::Interrupted => return Ok(None),
        }
        let simulated = match past.first {
            Some(RunEventKind::RunStarted { simulated_actions, .. }) => Some(simulated_actions),
            Some(_) | None => None,
        };
        let assessment = self.entry.judged(&self.graph)?;
        let mut result = self.result.assessed(assessment);
        result.simulated_actions = simulated;
        result.ended_at = env.clock.now();
        self.entry.end(&result, env)?;
        self.entry.tell(&result, std::mem::take(&mut self.told), env)?;
        show::talk(&result, env)?;
        Ok(Some(exit_of(result.verdict)))
    }
}
