//! The driver of real runs and rehearsals: asks in the background, and waits by the run's clock.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::clock::pace::Pace;
use crate::event::Letter;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::id::MachineName;
use crate::model::Machine;
use crate::model::Model;
use crate::provider::Observe;
use crate::provider::Operate;
use crate::provider::ProviderError;
use crate::rules::Options;
use crate::rules::Policies;
use crate::run::approver::Approver;
use crate::run::approver::Question;
use crate::run::driver::End;
use crate::run::driver::engine::Engine;
use crate::run::driver::engine::Manner;
use crate::run::driver::inquiry::Answer;
use crate::run::driver::inquiry::Inquiry;
use crate::run::driver::inquiry::Purpose;
use crate::run::hook::Hooks;
use crate::run::recorder::Recorder;
use crate::run::recorder::RunError;

/// A site that can be asked and changed.
pub trait Site: Observe + Operate {}

impl<T: Observe + Operate> Site for T {}

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

/// Why a task of the driver has an answer.
const NEVER_FAILS: &str = "a task of the driver neither panics nor is cancelled";

/// Drives one run.
pub struct Driver<'r> {
    engine: Engine<'r>,
    site: Arc<dyn Site>,
    pace: Arc<dyn Pace>,
    hooks: Arc<dyn Hooks>,
    approver: Arc<dyn Approver>,
    stop: watch::Receiver<bool>,
    tasks: JoinSet<(StepIndex, Answer)>,
    questions: Questions,
    first_look: FirstLook,
    orders: Option<UnboundedReceiver<Letter>>,
}

/// The look at everything with which a run goes on that was taken over. One is enough, whatever is under way: the other steps
/// look at their own machines when it is answered.
#[derive(Default)]
struct FirstLook {
    /// The step that it was begun for, until it is answered.
    of: Option<StepIndex>,
    /// Looks that wait for it.
    waiting: Vec<(StepIndex, Purpose)>,
}

/// Questions that are asked at a terminal, where one person answers one after the other.
#[derive(Default)]
struct Questions {
    /// Those that wait for the ones before them.
    waiting: VecDeque<(StepIndex, Question)>,
    /// Whether one stands on the terminal.
    is_open: bool,
}

impl<'r> Driver<'r> {
    /// Returns a driver of the run that `recorder` keeps.
    #[must_use]
    pub fn new(recorder: Recorder<'r>, parts: Parts) -> Self {
        let Parts { site, pace, hooks, approver, model, options, stop } = parts;
        let manner = Manner {
            immediate: pace.is_immediate(),
            at_terminal: approver.is_at_terminal(),
            told: false,
            person: approver.person(),
            is_taken_back: false,
        };
        let clock: Arc<dyn Clock> = Arc::clone(&pace) as Arc<dyn Clock>;
        let engine = Engine::new(recorder, model, clock, options, manner);
        Self {
            engine,
            site,
            pace,
            hooks,
            approver,
            stop,
            tasks: JoinSet::new(),
            questions: Questions::default(),
            first_look: FirstLook::default(),
            orders: None,
        }
    }

    /// Returns the driver, which asks an organisation's own rules before anything is changed, too.
    #[must_use]
    pub fn judged_by(mut self, policies: Arc<Policies>) -> Self {
        self.engine.policies = policies;
        self
    }

    /// Returns the driver, which follows the orders that arrive while it drives. Those that are there when it begins come before
    /// anything else.
    #[must_use]
    pub fn ordered_by(mut self, orders: UnboundedReceiver<Letter>) -> Self {
        self.orders = Some(orders);
        self.engine.manner.is_taken_back = self.engine.graph.model().plan.is_taken_back;
        self
    }

    /// Follows the orders that have arrived. While the run stops they are left for whoever takes it over.
    fn follow_orders(&mut self) -> Result<(), RunError> {
        while let Some(letter) = self.orders.as_mut().and_then(|orders| orders.try_recv().ok()) {
            self.engine.follow(letter)?;
        }
        Ok(())
    }

    /// Drives the run until it ends, is interrupted, or waits for a person who is not there.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the journal can't be kept; the site is not touched after that.
    pub async fn drive(mut self) -> Result<End, RunError> {
        let mut is_told = false;
        loop {
            let stopping = *self.stop.borrow();
            if !stopping {
                self.follow_orders()?;
                self.engine.go_on()?;
            }
            // Whatever is to be sent is on disk before it is; what came up in one turn is kept together.
            self.engine.recorder.sync()?;
            self.ask();
            self.put_question(stopping);
            if let Some(end) = self.engine.ended(stopping)? {
                return Ok(end);
            }
            if stopping && !std::mem::replace(&mut is_told, true) {
                self.engine.recorder.stopping(self.engine.asked.len());
            }
            if !stopping && self.engine.goes_on() {
                continue;
            }
            if self.engine.recorder.is_watched() {
                let shown: Vec<_> = self.engine.progress.values().cloned().collect();
                self.engine.recorder.tick(&shown);
            }
            let mut next = self.wait(stopping).await?;
            // Answers that are there, too, are taken in the same turn.
            while let Some((step, answer)) = next {
                if matches!(answer, Answer::Replied(..)) && std::mem::take(&mut self.questions.is_open) {
                    self.engine.recorder.pause(false);
                }
                let first = self.ends_first_look(step, &answer);
                self.engine.answered(step, answer, stopping)?;
                if let Some(error) = first {
                    self.look_on(error, stopping)?;
                }
                next = self.tasks.try_join_next().map(|done| done.expect(NEVER_FAILS));
            }
        }
    }

    /// Waits for an answer, for the next moment at which a step looks again, or for the wish to stop.
    async fn wait(&mut self, stopping: bool) -> Result<Option<(StepIndex, Answer)>, RunError> {
        let calls = self.engine.asked.len();
        let next = self.engine.next_wake();
        let pace = Arc::clone(&self.pace);
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
        let mut stop = self.stop.clone();
        let orders = self.orders.as_mut().filter(|_| !stopping);
        let ordered = async {
            match orders {
                Some(orders) => match orders.recv().await {
                    Some(letter) => letter,
                    None => std::future::pending().await,
                },
                None => std::future::pending().await,
            }
        };
        let letter = tokio::select! {
            biased;
            Some(done) = self.tasks.join_next() => {
                return Ok(Some(done.expect(NEVER_FAILS)));
            }
            () = async { if stopping || stop.wait_for(|stop| *stop).await.is_err() { std::future::pending().await } } => None,
            letter = ordered => Some(letter),
            () = passes => None,
        };
        if let Some(letter) = letter {
            self.engine.follow(letter)?;
        }
        Ok(None)
    }

    /// Returns whether an answer is that to the look at everything, with the error that it ended in.
    fn ends_first_look(&mut self, step: StepIndex, answer: &Answer) -> Option<Option<ProviderError>> {
        let (Answer::Observed(result) | Answer::Looked(result)) = answer else { return None };
        self.first_look.of.take_if(|of| *of == step)?;
        Some(result.as_ref().as_ref().err().cloned())
    }

    /// Lets the steps look that waited for the look at everything; where that had no answer, neither have they.
    fn look_on(&mut self, error: Option<ProviderError>, stopping: bool) -> Result<(), RunError> {
        for (step, purpose) in std::mem::take(&mut self.first_look.waiting) {
            match &error {
                None => self.engine.inquire(step, Inquiry::Look(purpose)),
                Some(error) => {
                    let answer = Answer::Observed(Box::new(Err(error.clone())));
                    self.engine.answered(step, answer, stopping)?;
                }
            }
        }
        Ok(())
    }

    /// Asks in the background whatever is to be asked.
    fn ask(&mut self) {
        while let Some((step, inquiry)) = self.engine.inquiries.pop_front() {
            let site = Arc::clone(&self.site);
            let hooks = Arc::clone(&self.hooks);
            match inquiry {
                Inquiry::Look(purpose) if self.engine.unseen && self.first_look.of.is_some() => {
                    self.first_look.waiting.push((step, purpose));
                }
                Inquiry::Look(purpose) => {
                    if self.engine.unseen {
                        self.first_look.of = Some(step);
                    }
                    let (machines, seen) = (self.observed_machines(step), self.engine.seen);
                    let freshness = self.engine.freshness(step);
                    self.tasks.spawn(async move {
                        let seen = Box::new(site.observe_since(&machines, seen, freshness).await);
                        match purpose {
                            Purpose::Decide => (step, Answer::Observed(seen)),
                            Purpose::MakeSure => (step, Answer::Looked(seen)),
                        }
                    });
                }
                Inquiry::Poll(operation) => {
                    self.tasks.spawn(async move { (step, Answer::Polled(site.poll(&operation).await)) });
                }
                Inquiry::Find(key, purpose) => {
                    self.tasks.spawn(async move {
                        let found = site.find(&key).await;
                        match purpose {
                            Purpose::Decide => (step, Answer::Found(found)),
                            Purpose::MakeSure => (step, Answer::Confirmed(found)),
                        }
                    });
                }
                Inquiry::Begin(intent) => {
                    self.tasks.spawn(async move {
                        let (key, request) = &*intent;
                        (step, Answer::Began(site.begin(request, key).await))
                    });
                }
                Inquiry::Person(question) if self.engine.manner.at_terminal => {
                    self.questions.waiting.push_back((step, *question));
                }
                Inquiry::Person(question) => {
                    self.put(step, *question);
                }
                Inquiry::Withdraw(step) => self.approver.withdraw(&step),
                Inquiry::Approved(question) => self.approver.approved_elsewhere(&question),
                Inquiry::Act(asked) => {
                    self.tasks.spawn(async move {
                        let (action, variables) = &*asked;
                        (step, Answer::Acted(hooks.action(action, variables).await))
                    });
                }
                Inquiry::Leftover(action) => {
                    self.tasks.spawn(async move { (step, Answer::LeftRunning(hooks.leftover(&action))) });
                }
                Inquiry::LeftoverEnds(action) => {
                    self.tasks.spawn(async move {
                        hooks.leftover_ends(&action).await;
                        (step, Answer::NothingRuns)
                    });
                }
                Inquiry::Probe(probes) => {
                    self.tasks.spawn(async move {
                        let mut seen = Vec::new();
                        for probe in probes {
                            match hooks.probe(&probe).await {
                                Ok(what) => seen.push(format!("{}: {what}", probe.name)),
                                Err(what) => {
                                    return (step, Answer::Probed(Err(format!("{}: {what}", probe.name))));
                                }
                            }
                        }
                        (step, Answer::Probed(Ok(seen.join(", "))))
                    });
                }
            }
        }
    }

    /// Puts the next question, if none stands: displays stand back for it, and come back before the one after it.
    fn put_question(&mut self, stopping: bool) {
        if stopping || self.questions.is_open {
            return;
        }
        let Some((step, question)) = self.questions.waiting.pop_front() else { return };
        self.questions.is_open = true;
        self.engine.recorder.pause(true);
        self.put(step, question);
    }

    fn put(&mut self, step: StepIndex, question: Question) {
        let approver = Arc::clone(&self.approver);
        self.tasks.spawn(async move {
            let reply = approver.ask(&question).await;
            (step, Answer::Replied(question.number, reply))
        });
    }

    fn observed_machines(&self, step: StepIndex) -> Vec<MachineName> {
        let names = |machine: Machine<'_>| MachineName::new(machine.name().value.as_str());
        let graph = &self.engine.graph;
        if graph.step(step).kind == StepKind::Preflight || self.engine.unseen {
            return graph.model().machines().map(names).collect();
        }
        graph.machines_of(step).into_iter().map(names).collect()
    }
}
