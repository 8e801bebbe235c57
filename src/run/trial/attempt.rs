//! One virtual run: what is tried, and how it ended.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::SignedDuration;
use jiff::Timestamp;
use serde::Serialize;

use crate::event::Journal;
use crate::event::JournalError;
use crate::event::Outcome;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::event::StepStatus;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::id::MachineName;
use crate::id::RunId;
use crate::id::StepId;
use crate::model::Model;
use crate::model::digest;
use crate::model::resolve;
use crate::provider::emulator::Scenario;
use crate::provider::emulator::Whereabouts;
use crate::provider::emulator::World;
use crate::rules::Options;
use crate::run::End;
use crate::run::Recorder;
use crate::run::SetClock;
use crate::run::Simulation;
use crate::run::trial::law;
use crate::run::trial::law::Breach;
use crate::run::trial::law::Law;
use crate::run::trial::way;
use crate::run::trial::way::Way;

/// After this long a virtual run counts as one that does not end: far more than any deadline and any weekly window takes.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24 * 60);

/// A plan that is tried.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its steps.
    pub graph: Arc<Graph>,
    /// When a run begins.
    pub start: Timestamp,
    /// How rules are evaluated at guards.
    pub options: Options,
    /// The longest that a person takes to answer; none takes any time if it is zero.
    pub people: SignedDuration,
}

/// A step that failed for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The step.
    pub step: StepId,
    /// What it does.
    pub kind: StepKind,
    /// Code of the service, or ours.
    pub code: String,
    /// What was said.
    pub message: String,
}

/// How a virtual run ended.
#[derive(Clone, Debug)]
pub struct Trial {
    /// How; `None` if it did not end.
    pub outcome: Option<Outcome>,
    /// From its first event to its last.
    pub took: SignedDuration,
    /// Steps that failed for good.
    pub failures: Vec<Failure>,
    /// How a person gets the machines home from there; `None` of a run without failures, or where no way was found.
    pub way: Option<Way>,
    /// Breaches of the laws of runs.
    pub breaches: Vec<Breach>,
}

impl Trial {
    /// Returns whether every step was done and no law was broken.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.outcome == Some(Outcome::Succeeded) && self.breaches.is_empty()
    }
}

/// The events of one run, which nobody resumes.
#[derive(Default)]
struct Notes(Vec<RunEvent>);

impl Journal for Notes {
    fn append(&mut self, event: &RunEvent) -> Result<(), JournalError> {
        self.0.push(event.clone());
        Ok(())
    }

    fn sync(&mut self) -> Result<(), JournalError> {
        Ok(())
    }

    fn keeps(&self) -> bool {
        false
    }
}

/// A run that has come to rest, with the world around it.
pub(super) struct Rested {
    pub end: Option<End>,
    pub state: RunState,
    pub events: Vec<RunEvent>,
    pub world: World,
}

impl Subject {
    /// Runs the plan once, with what a scenario says goes wrong.
    #[must_use]
    pub fn attempt(&self, scenario: &Scenario) -> Trial {
        let world = World::new(self.inventory(), scenario.clone(), self.start);
        let before: Vec<Whereabouts> = world.machines().collect();
        let rested = match self.run("trial", world, self.start, None, scenario.drawn_from()) {
            Ok(rested) => rested,
            Err(error) => return broken(error),
        };
        let mut breaches = law::breaches_of_site(&rested.world);
        let mut order = law::Order::default();
        for event in &rested.events {
            breaches.extend(order.take(&self.graph, event));
        }
        let failures = failures(&self.graph, &rested.events);
        breaches.extend(untold(&self.graph, &before, &rested, &failures));
        let outcome = match rested.end {
            Some(End::Finished(outcome)) => Some(outcome),
            Some(End::Interrupted | End::WaitsForApproval) | None => None,
        };
        let first = rested.events.first().map_or(self.start, |event| event.at);
        let took = rested.events.last().map_or(SignedDuration::ZERO, |event| event.at.duration_since(first));
        if outcome.is_none() {
            let last = rested.events.last().map(|event| format!("{:?}", event.kind)).unwrap_or_default();
            breaches.push(Breach::new(Law::Ends, format!("the run does not end after {last}")));
        }
        let way = (outcome == Some(Outcome::Failed)).then(|| way::find(self, &rested, scenario));
        if let Some(Err(why)) = &way {
            let first = failures.first().map_or_else(String::new, |failure| {
                format!("{} failed with {}: {}", failure.step, failure.code, failure.message)
            });
            breaches
                .push(Breach::new(Law::WayOut, format!("no way on from {first}; the last one tried: {why}")));
        }
        let way = way.and_then(Result::ok);
        breaches.sort();
        breaches.dedup();
        Trial { outcome, took, failures, way, breaches }
    }

    /// Runs the plan once; a panic on the way is a breach like others, so that it is told with the scenario that leads to it.
    pub(super) fn attempt_safely(&self, scenario: &Scenario) -> Trial {
        let attempt = std::panic::AssertUnwindSafe(|| self.attempt(scenario));
        std::panic::catch_unwind(attempt).unwrap_or_else(|panic| {
            let message = panic.downcast_ref::<String>().map(String::as_str);
            let message = message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            broken(format!("the program panicked: {message}"))
        })
    }

    /// Runs until nothing moves any more: from the beginning, or on from a state that a journal shows.
    ///
    /// # Errors
    ///
    /// In words, if the run made an event that can't follow.
    pub(super) fn run(
        &self,
        run: &str,
        world: World,
        now: Timestamp,
        before: Option<(RunState, Vec<RunEventKind>)>,
        seed: u64,
    ) -> Result<Rested, String> {
        self.run_with(run, self.model(), world, now, before, seed)
    }

    /// Runs the plan anew, with the facts as they are by then.
    ///
    /// # Errors
    ///
    /// Those of [`Subject::run`], and the site's if it does not answer.
    pub(super) fn run_again(&self, mut world: World, now: Timestamp, seed: u64) -> Result<Rested, String> {
        let names: Vec<MachineName> = world.machines().map(|is| is.machine).collect();
        let facts = world.observe(now, &names).map_err(|error| error.to_string())?.facts;
        let model = resolve(self.graph.model().plan.clone(), facts);
        self.run_with("trial-again", model, world, now, None, seed)
    }

    fn run_with(
        &self,
        run: &str,
        model: Model,
        world: World,
        now: Timestamp,
        before: Option<(RunState, Vec<RunEventKind>)>,
        seed: u64,
    ) -> Result<Rested, String> {
        let clock = Arc::new(SetClock::new(now));
        let mut journal = Notes::default();
        let (state, first) = match before {
            Some(before) => before,
            None => (RunState::new(Arc::clone(&self.graph)), vec![self.started()]),
        };
        let mut after = state.clone();
        let mut recorder = Recorder::new(RunId::new(run), clock.clone(), &mut journal, Vec::new(), state);
        for kind in first {
            recorder.record(kind).map_err(|error| error.to_string())?;
        }
        let limit = now.saturating_add(PATIENCE).unwrap_or(Timestamp::MAX);
        let mut simulation = Simulation::new(recorder, model, world, clock, self.options);
        if self.people.is_positive() {
            let (mut draw, most) = (fastrand::Rng::with_seed(seed), self.people.as_secs().max(1));
            simulation =
                simulation.answered_after(Box::new(move |_| SignedDuration::from_secs(draw.i64(1..=most))));
        }
        let (end, world) = simulation.run_until(limit).map_err(|error| error.to_string())?;
        let Notes(events) = journal;
        for event in &events {
            let legal = after.check(event).map_err(|error| error.to_string())?;
            after.apply(event, legal);
        }
        Ok(Rested { end, state: after, events, world })
    }

    fn started(&self) -> RunEventKind {
        let model = self.graph.model();
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        RunEventKind::RunStarted {
            plan: model.plan.name.value.clone(),
            plan_digest: digest::plan(model),
            facts_digest: digest::facts(model),
            provider: "emulator".into(),
            program: PROGRAM.into(),
            machines: count(model.machines().len()),
            steps: count(self.graph.steps().len()),
            simulated_actions: true,
            author: None,
            ordered_by: None,
            people: Vec::new(),
        }
    }

    /// Returns the facts that a run begins with.
    pub(super) fn inventory(&self) -> crate::syntax::inventory::Inventory {
        self.graph.model().inventory.clone()
    }

    /// Returns plan and facts for a run of its own, which replaces the facts by what it sees.
    fn model(&self) -> Model {
        resolve(self.graph.model().plan.clone(), self.inventory())
    }
}

pub(super) const PROGRAM: &str = concat!("failback ", env!("CARGO_PKG_VERSION"));

fn broken(error: String) -> Trial {
    let breaches = vec![Breach::new(Law::Ends, error)];
    Trial { outcome: None, took: SignedDuration::ZERO, failures: Vec::new(), way: None, breaches }
}

/// Returns the steps that failed for good.
pub(super) fn failures(graph: &Graph, events: &[RunEvent]) -> Vec<Failure> {
    let failure = |event: &RunEvent| match &event.kind {
        RunEventKind::StepFailed { step, code, message } => {
            let kind = graph.step(graph.find(step)?).kind;
            Some(Failure { step: step.clone(), kind, code: code.clone(), message: message.clone() })
        }
        RunEventKind::MemberFailed { step, machine, code, message } => {
            let kind = graph.step(graph.find(step)?).kind;
            let message = format!("{machine}: {message}");
            Some(Failure { step: step.clone(), kind, code: code.clone(), message })
        }
        _ => None,
    };
    events.iter().filter_map(failure).collect()
}

/// Returns the breaches of machines that came to rest on both sides or on neither, of which no failure tells.
fn untold(graph: &Graph, before: &[Whereabouts], rested: &Rested, failures: &[Failure]) -> Vec<Breach> {
    let before: HashMap<&MachineName, &Whereabouts> = before.iter().map(|is| (&is.machine, is)).collect();
    let is_told = |machine: &MachineName| {
        let about = |step: StepIndex| {
            graph.machines_of(step).iter().any(|about| about.name().value == machine.as_str())
        };
        let named = failures.iter().any(|failure| {
            graph.find(&failure.step).is_some_and(about) || failure.message.contains(machine.as_str())
        });
        // What the run did not come to, it says so, too.
        let steps = (0..).zip(graph.steps()).map(|(step, _)| step);
        let mut undone = steps.filter(|step| rested.state.step(*step).status == StepStatus::Blocked);
        named || undone.any(about)
    };
    let is_planned = |machine: &MachineName| graph.model().machine_named(machine.as_str()).is_some();
    let astray = law::astray(&rested.world).filter(|is| {
        // Whoever was so before the run began is none of its business.
        let was = before.get(&is.machine);
        let as_before =
            was.is_some_and(|was| (was.runs_in_azure, was.runs_onprem) == (is.runs_in_azure, is.runs_onprem));
        is_planned(&is.machine) && !as_before && !is_told(&is.machine)
    });
    astray.map(|is| Breach::new(Law::OneSide, format!("{} is left {}", is.machine, law::side(&is)))).collect()
}
