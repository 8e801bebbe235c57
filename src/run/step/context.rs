//! What a step knows when it decides, and the waits that it makes of it.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::event::StepState;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::id::RunId;
use crate::model::Machine;
use crate::model::Model;
use crate::provider::Item;
use crate::run::step::Decision;
use crate::run::step::Gate;
use crate::run::step::Wait;

/// What a step knows when it decides.
#[derive(Clone, Copy, Debug)]
pub struct Context<'c> {
    /// The run.
    pub run: &'c RunId,
    /// The graph that it executes.
    pub graph: &'c Graph,
    /// The plan with the facts as they were just observed.
    pub model: &'c Model,
    /// The step.
    pub step: StepIndex,
    /// Its state.
    pub state: &'c StepState,
    /// Machines that failed inside a step of several: nothing more is done about them.
    pub out: &'c BTreeSet<usize>,
    /// Machines whose failover the site took on for this run.
    pub own: &'c BTreeSet<usize>,
    /// Who asks for what was left to a person.
    pub gate: Option<Gate<'c>>,
    /// Whether the recovery plan of the step's replication group is there: it is deleted when its group has ended.
    pub has_recovery_plan: bool,
    /// What the service says about the step's machines.
    pub items: &'c [Item],
    /// The present moment.
    pub now: Timestamp,
}

/// How long a look that found nothing new is followed by the next, where the site can't tell when something will change.
pub const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// Longest pause between two looks.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// Returns how long to wait before looking again: an eighth of what the site expects, since what it expects changes when other
/// transfers end and leave their share of the line; half a minute at least, five minutes at most.
fn pause(now: Timestamp, expected: Option<Timestamp>) -> SignedDuration {
    let left = expected.map(|expected| expected.duration_since(now)).filter(|left| left.is_positive());
    match left {
        Some(left) if left <= LOOK_AGAIN => left,
        Some(left) => (left / 8).clamp(LOOK_AGAIN, LONGEST_PAUSE),
        None => LOOK_AGAIN,
    }
}

impl<'c> Context<'c> {
    /// Returns whether this run may take back the failover of a machine: one that is to end like that takes back its own alone.
    pub(super) fn may_take_back(&self, machine: Machine<'_>) -> bool {
        !self.model.plan.is_taken_back || self.own.contains(&machine.index())
    }
    /// Returns the machines that the step is about and that have not failed, with the facts as they were just observed.
    pub(crate) fn machines(&self) -> impl Iterator<Item = Machine<'c>> + use<'c> {
        let (model, out) = (self.model, self.out);
        let members = self.graph.indexes_of(self.step).filter(|index| !out.contains(index));
        members.map(|index| model.machine(index))
    }

    /// Returns the machine of a step that is about one.
    pub(super) fn machine(&self) -> Machine<'c> {
        self.machines().next().expect("the step is about a machine")
    }

    pub(super) fn item(&self, machine: Machine<'_>) -> Option<&'c Item> {
        self.items.iter().find(|item| item.machine.as_str() == machine.name().value)
    }

    /// Returns whether the service shows an operation that runs on a machine.
    pub(super) fn is_busy(&self, machine: Machine<'_>) -> bool {
        self.item(machine).is_some_and(|item| item.running.is_some())
    }

    pub(super) fn kind(&self) -> StepKind {
        self.graph.kind(self.step)
    }

    /// Returns the replication group of a step that is about one.
    pub(super) fn group(&self) -> Option<String> {
        match self.graph.step(self.step).subject {
            StepSubject::Group(_) => Some(self.graph.subject_name(self.step)),
            StepSubject::Plan
            | StepSubject::Machine(_)
            | StepSubject::Wave(_)
            | StepSubject::BootGroup(_)
            | StepSubject::Action(_) => None,
        }
    }

    /// Adopts what is seen to be done, and says so if it was not there at the start and this run never asked for it.
    pub(super) fn adopt(&self, what: &str) -> Decision {
        let is_own = self.graph.step(self.step).adopted || self.state.attempts > 0;
        let whose = if is_own { "" } else { "; it was not this run that did it" };
        Decision::Adopt(format!("{what}{whose}"))
    }

    /// Returns who has to decide what to do now.
    pub(super) fn who_decides(&self) -> String {
        match &self.model.plan.owner {
            Some(owner) => format!("{owner} has to decide"),
            None => "a person has to decide".to_owned(),
        }
    }

    pub(super) fn began(&self) -> Timestamp {
        self.state.started_at.unwrap_or(self.now)
    }

    /// Returns a wait until the site expects a change, else for half a minute, never past `patience` from the step's begin.
    pub(super) fn wait(
        &self,
        reason: String,
        expected: Option<Timestamp>,
        patience: SignedDuration,
    ) -> Decision {
        self.wait_from(self.began(), reason, expected, patience)
    }

    /// Returns a wait for what others do. It may have begun while no process had the run, so that this time does not count.
    pub(super) fn wait_for_others(&self, reason: String, patience: SignedDuration) -> Decision {
        let from = self.state.taken_over_at.map_or(self.began(), |taken_over| taken_over.max(self.began()));
        self.wait_from(from, reason, None, patience)
    }

    pub(super) fn wait_from(
        &self,
        from: Timestamp,
        reason: String,
        expected: Option<Timestamp>,
        patience: SignedDuration,
    ) -> Decision {
        let deadline = from.saturating_add(patience).unwrap_or(Timestamp::MAX);
        if self.now >= deadline {
            return Decision::Fail {
                code: "deadline",
                message: format!("{reason}, after {}; {}", in_words(patience), self.who_decides()),
            };
        }
        let until = self.now.saturating_add(pause(self.now, expected)).unwrap_or(deadline).min(deadline);
        Decision::Wait(Wait { until, reason, deadline, done: None, told_until: Some(deadline) })
    }
}

/// Returns a duration in words.
fn in_words(duration: SignedDuration) -> String {
    crate::quantity::Seconds(u64::try_from(duration.as_secs()).unwrap_or(0)).to_string()
}
