//! Drives a run: starts what may start, asks the site, waits, and turns each answer into events.

mod answer;
mod decision;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::event::Outcome;
use crate::event::RunEventKind;
use crate::event::RunStatus;
use crate::event::StepProgress;
use crate::event::StepStatus;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::id::IdempotencyKey;
use crate::id::MachineName;
use crate::id::OperationId;
use crate::model::Model;
use crate::provider::Observation;
use crate::provider::Observe;
use crate::provider::Operate;
use crate::provider::OperationStatus;
use crate::provider::ProviderError;
use crate::provider::Request;
use crate::rules::Options;
use crate::run::approver::Approver;
use crate::run::approver::Question;
use crate::run::approver::Reply;
use crate::run::hook::Hooks;
use crate::run::hook::Variables;
use crate::run::machine;
use crate::run::pace::Pace;
use crate::run::recorder::Recorder;
use crate::run::recorder::RunError;
use crate::run::retry;
use crate::run::step;

/// A site that can be asked and changed.
pub trait Site: Observe + Operate {}

impl<T: Observe + Operate> Site for T {}

/// How a drive ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The run ended.
    Finished(Outcome),
    /// It was interrupted and can be resumed.
    Interrupted,
    /// Everything waits for a person, and nobody is there.
    WaitsForApproval,
}

/// What a driver works with.
pub struct Parts {
    /// The site.
    pub site: Arc<dyn Site>,
    /// The run's clock.
    pub pace: Arc<dyn Pace>,
    /// Actions and probes.
    pub hooks: Arc<dyn Hooks>,
    /// Who answers.
    pub approver: Arc<dyn Approver>,
    /// Plan and facts; the facts are replaced by what is observed.
    pub model: Model,
    /// How rules are evaluated at guards.
    pub options: Options,
    /// Becomes `true` when nothing new is to be begun.
    pub stop: watch::Receiver<bool>,
}

/// An answer from outside.
enum Answer {
    Observed(Box<Result<Observation, ProviderError>>),
    Began(Result<OperationId, ProviderError>),
    Polled(Result<OperationStatus, ProviderError>),
    Found(Result<Option<OperationId>, ProviderError>),
    /// What is seen after a search found nothing.
    Looked(Box<Result<Observation, ProviderError>>),
    /// What a last search found, after a person said to send the request again.
    Confirmed(Result<Option<OperationId>, ProviderError>),
    Replied(Reply),
    Acted(Result<String, String>),
    Probed(Result<String, String>),
}

/// Drives one run.
pub struct Driver<'r> {
    recorder: Recorder<'r>,
    parts: Parts,
    graph: Arc<Graph>,
    policy: retry::Policy,
    tasks: JoinSet<(StepIndex, Answer)>,
    /// Steps that an answer is awaited for.
    asked: HashSet<StepIndex>,
    /// Of those, how many ask a person.
    people: usize,
    /// When steps look again.
    wakes: BTreeSet<(Timestamp, StepIndex)>,
    wake_of: HashMap<StepIndex, Timestamp>,
    progress: BTreeMap<StepIndex, StepProgress>,
    /// Findings that block a step's guard, as they were last recorded.
    blocked: HashMap<StepIndex, Vec<String>>,
    /// When a request's search began.
    searched_since: HashMap<StepIndex, Timestamp>,
    /// What each step was last recorded to wait for.
    waits: HashMap<StepIndex, String>,
    /// Mark of the site's servers as they were last observed.
    seen: Option<u64>,
}

impl<'r> Driver<'r> {
    /// Returns a driver of the run that `recorder` keeps.
    #[must_use]
    pub fn new(recorder: Recorder<'r>, parts: Parts) -> Self {
        let graph = Arc::clone(recorder.state().graph());
        let policy = retry::Policy::of(&graph.model().plan);
        Self {
            recorder,
            parts,
            graph,
            policy,
            tasks: JoinSet::new(),
            asked: HashSet::new(),
            people: 0,
            wakes: BTreeSet::new(),
            wake_of: HashMap::new(),
            progress: BTreeMap::new(),
            blocked: HashMap::new(),
            searched_since: HashMap::new(),
            waits: HashMap::new(),
            seen: None,
        }
    }

    /// Drives the run until it ends, is interrupted, or waits for a person who is not there.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the journal can't be kept; the site is not touched after that.
    pub async fn drive(mut self) -> Result<End, RunError> {
        // A run that is taken over goes on with what was under way.
        let mut fresh: Vec<StepIndex> = self.recorder.state().active().collect();
        loop {
            let stopping = *self.parts.stop.borrow();
            if !stopping {
                while let Some(kind) = machine::next(self.recorder.state()) {
                    if let RunEventKind::StepStarted { step } = &kind {
                        fresh.extend(self.graph.find(step));
                    }
                    self.recorder.record(kind)?;
                }
                for step in fresh.drain(..).chain(self.due()) {
                    self.work(step)?;
                }
            }
            self.recorder.sync()?;
            if let RunStatus::Finished(outcome) = self.recorder.state().status() {
                return Ok(End::Finished(outcome));
            }
            // A step that needed nobody's answer may have let others begin, or have been the last.
            if !stopping && machine::next(self.recorder.state()).is_some() {
                continue;
            }
            if let Some(end) = self.ended(stopping)? {
                return Ok(end);
            }
            if self.recorder.is_watched() {
                let shown: Vec<StepProgress> = self.progress.values().cloned().collect();
                self.recorder.tick(&shown);
            }
            if let Some((step, answer)) = self.wait(stopping).await {
                self.asked.remove(&step);
                if matches!(answer, Answer::Replied(_)) {
                    self.people -= 1;
                    self.pause(false);
                }
                self.take(step, answer, stopping)?;
            }
        }
    }

    /// Returns how the drive ends, if nothing more can happen now.
    fn ended(&mut self, stopping: bool) -> Result<Option<End>, RunError> {
        let calls = self.asked.len() - self.people;
        if stopping && calls == 0 {
            self.recorder.record(RunEventKind::Interrupted { reason: "asked to stop".into() })?;
            self.recorder.sync()?;
            return Ok(Some(End::Interrupted));
        }
        let idle = self.asked.is_empty() && self.wakes.is_empty();
        if !stopping && idle {
            self.recorder.record(RunEventKind::Interrupted { reason: "waits for an approval".into() })?;
            self.recorder.sync()?;
            return Ok(Some(End::WaitsForApproval));
        }
        Ok(None)
    }

    /// Waits for an answer, for the next moment at which a step looks again, or for the wish to stop.
    async fn wait(&mut self, stopping: bool) -> Option<(StepIndex, Answer)> {
        let calls = self.asked.len() - self.people;
        let next = self.wakes.first().map(|(at, _)| *at);
        let pace = Arc::clone(&self.parts.pace);
        // A clock that jumps must not jump over answers that are on their way.
        let may_pass = !stopping && (calls == 0 || !pace.is_immediate());
        let passes = async {
            match next.filter(|_| may_pass) {
                Some(next) => {
                    // Answers that are there already come first, so that time does not depend on who is asked.
                    tokio::task::yield_now().await;
                    pace.until(next).await;
                }
                None => std::future::pending().await,
            }
        };
        let mut stop = self.parts.stop.clone();
        tokio::select! {
            biased;
            Some(done) = self.tasks.join_next() => {
                Some(done.expect("a task of the driver neither panics nor is cancelled"))
            }
            () = async { if stopping || stop.wait_for(|stop| *stop).await.is_err() { std::future::pending().await } } => None,
            () = passes => None,
        }
    }

    /// Takes the steps whose time to look again has come.
    fn due(&mut self) -> Vec<StepIndex> {
        let now = self.parts.pace.now();
        let mut due = Vec::new();
        while let Some((at, step)) = self.wakes.first().copied().filter(|(at, _)| *at <= now) {
            self.wakes.remove(&(at, step));
            self.wake_of.remove(&step);
            due.push(step);
        }
        due
    }

    fn wake(&mut self, step: StepIndex, at: Timestamp) {
        if let Some(before) = self.wake_of.insert(step, at) {
            self.wakes.remove(&(before, step));
        }
        self.wakes.insert((at, step));
    }

    /// Does the next thing about a step: asks whatever has to be known before it can go on.
    fn work(&mut self, step: StepIndex) -> Result<(), RunError> {
        let state = self.recorder.state().step(step);
        let now = self.parts.pace.now();
        if state.status == StepStatus::Asked && self.question_ends(step).is_some_and(|end| end <= now) {
            return self.unanswered(step);
        }
        if self.asked.contains(&step) {
            return Ok(());
        }
        match state.status {
            StepStatus::Asked => {
                let (prompt, roles) = (state.note.clone().unwrap_or_default(), Vec::new());
                self.ask_person(step, prompt, roles);
            }
            StepStatus::Running => {
                if let Some(operation) = state.operation.clone() {
                    self.spawn(step, |site| async move { Answer::Polled(site.poll(&operation).await) });
                } else if let Some((key, _)) = state.intent.clone() {
                    self.spawn(step, |site| async move { Answer::Found(site.find(&key).await) });
                } else if let Some(retry_at) = state.retry_at.filter(|retry_at| *retry_at > now) {
                    self.wake(step, retry_at);
                } else if step::looks(self.graph.step(step).kind) {
                    self.look(step, Answer::Observed);
                } else {
                    let decision = self.decide(step, &[]);
                    self.carry_out(step, decision)?;
                }
            }
            StepStatus::Waiting
            | StepStatus::Ready
            | StepStatus::Succeeded
            | StepStatus::Adopted
            | StepStatus::Skipped
            | StepStatus::Failed
            | StepStatus::Blocked => {}
        }
        Ok(())
    }

    /// Looks at the step's machines in the background.
    fn look(&mut self, step: StepIndex, answer: fn(Box<Result<Observation, ProviderError>>) -> Answer) {
        let (machines, seen) = (self.observed_machines(step), self.seen);
        self.spawn(
            step,
            move |site| async move { answer(Box::new(site.observe_since(&machines, seen).await)) },
        );
    }

    fn observed_machines(&self, step: StepIndex) -> Vec<MachineName> {
        let names = |machine: crate::model::Machine<'_>| MachineName::new(machine.name().value.as_str());
        if self.graph.step(step).kind == StepKind::Preflight {
            return self.graph.model().machines().map(names).collect();
        }
        self.graph.machines_of(step).into_iter().map(names).collect()
    }

    /// Asks the site in the background.
    fn spawn<F, A>(&mut self, step: StepIndex, ask: F)
    where
        F: FnOnce(Arc<dyn Site>) -> A,
        A: Future<Output = Answer> + Send + 'static,
    {
        let answer = ask(Arc::clone(&self.parts.site));
        self.asked.insert(step);
        self.tasks.spawn(async move { (step, answer.await) });
    }

    fn ask_person(&mut self, step: StepIndex, prompt: String, roles: Vec<String>) {
        let approver = Arc::clone(&self.parts.approver);
        let question = Question { step: self.recorder.state().id(step).clone(), prompt, roles };
        self.asked.insert(step);
        self.people += 1;
        self.pause(true);
        if let Some(end) = self.question_ends(step) {
            self.wake(step, end);
        }
        self.tasks.spawn(async move { (step, Answer::Replied(approver.ask(&question).await)) });
    }

    /// Lets displays stand back while a person answers at their terminal.
    fn pause(&mut self, paused: bool) {
        if self.parts.approver.is_at_terminal() {
            self.recorder.pause(paused);
        }
    }

    fn send(&mut self, step: StepIndex, request: Request, key: IdempotencyKey) {
        self.spawn(step, |site| async move { Answer::Began(site.begin(&request, &key).await) });
    }

    fn act(&mut self, step: StepIndex) {
        let StepSubject::Action(index) = self.graph.step(step).subject else { return };
        let action = self.graph.model().plan.actions[index].clone();
        let hooks = Arc::clone(&self.parts.hooks);
        let variables = Variables {
            plan: self.graph.model().plan.name.value.clone(),
            run: self.recorder.run().to_string(),
            outcome: if self.recorder.state().failed() > 0 { "failure".into() } else { "success".into() },
        };
        self.asked.insert(step);
        self.tasks.spawn(async move { (step, Answer::Acted(hooks.action(&action, &variables).await)) });
    }

    fn probe(&mut self, step: StepIndex) {
        let StepSubject::Machine(index) = self.graph.step(step).subject else { return };
        let probes = self.graph.model().machine(index).probes().to_vec();
        let hooks = Arc::clone(&self.parts.hooks);
        self.asked.insert(step);
        self.tasks.spawn(async move {
            let mut seen = Vec::new();
            for probe in probes {
                match hooks.probe(&probe).await {
                    Ok(what) => seen.push(format!("{}: {what}", probe.name)),
                    Err(what) => return (step, Answer::Probed(Err(format!("{}: {what}", probe.name)))),
                }
            }
            (step, Answer::Probed(Ok(seen.join(", "))))
        });
    }
}
