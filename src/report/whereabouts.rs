//! Where each machine of a run is, as far as the run saw.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::event::RunState;
use crate::event::Seen;
use crate::event::Sides;
use crate::event::StepState;
use crate::event::StepStatus;
use crate::event::TAKEN_BACK;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::model::Machine;
use crate::report::some_of;
use crate::report::tally::steps_of_machines;
use crate::syntax::machine::State;

/// Where a machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// It is in Azure, as before the run.
    Azure,
    /// It is in Azure and replicates to on-premises; its on-premises VM is off.
    AzureReplicating,
    /// It failed back and nothing is committed: its data is still in Azure, too.
    OnpremUncommitted,
    /// It is on-premises for good.
    OnpremCommitted,
    /// It was seen running on both sides.
    BothSides,
    /// It was seen running on neither side.
    NeitherSide,
    /// Something was asked for and its end was not seen, or nothing tells where it is.
    Unknown,
}

impl Place {
    /// Every place, in the order in which they are told.
    const ALL: [Self; 7] = [
        Self::Azure,
        Self::AzureReplicating,
        Self::OnpremUncommitted,
        Self::OnpremCommitted,
        Self::BothSides,
        Self::NeitherSide,
        Self::Unknown,
    ];

    /// Returns where a machine is that was seen like this.
    fn of(seen: Seen) -> Self {
        match (seen.sides(), seen.state) {
            (Some(Sides::Both), _) => Self::BothSides,
            (Some(Sides::Neither), _) => Self::NeitherSide,
            (None, Some(State::FailedOver | State::FailedOverCommitted)) => Self::Azure,
            (None, Some(State::ReprotectingToOnprem | State::ProtectedToOnprem)) => Self::AzureReplicating,
            (None, Some(State::FailedBack)) => Self::OnpremUncommitted,
            (
                None,
                Some(State::FailedBackCommitted | State::ReprotectingToAzure | State::ProtectedToAzure),
            ) => Self::OnpremCommitted,
            (
                None,
                Some(
                    State::FailingBack
                    | State::Migrated
                    | State::AzureVmDeleted
                    | State::ReplicationDisabled
                    | State::AzureVmMoved,
                )
                | None,
            ) => Self::Unknown,
        }
    }

    const fn is_onprem(self) -> bool {
        matches!(self, Self::OnpremUncommitted | Self::OnpremCommitted)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Azure => "in Azure",
            Self::AzureReplicating => "in Azure, replicating to on-premises",
            Self::OnpremUncommitted => "on-premises, not committed",
            Self::OnpremCommitted => "on-premises, committed",
            Self::BothSides => "on both sides",
            Self::NeitherSide => "on neither side",
            Self::Unknown => "not known, look at it",
        })
    }
}

/// Returns where each machine of a run is, by name, in the order of the plan.
#[must_use]
pub fn whereabouts(state: &RunState) -> Vec<(String, Place)> {
    let machines = state.graph().model().machines().zip(steps_of_machines(state.graph()));
    machines
        .map(|(machine, steps)| {
            let place = Steps { state, machine, steps: &steps }.place();
            (machine.name().value.clone(), place)
        })
        .collect()
}

/// A machine of a run, and its steps.
struct Steps<'r> {
    state: &'r RunState,
    machine: Machine<'r>,
    steps: &'r [StepIndex],
}

impl Steps<'_> {
    /// Returns where the machine is: by what its steps did, by how it was seen last, or else by the facts of the plan.
    fn place(&self) -> Place {
        let seen = self.state.seen(self.machine.index());
        let was_taken_back = self.was_taken_back();
        let comes_through = |kind| self.came_through(kind) && !was_taken_back;
        if comes_through(StepKind::Commit) {
            return Place::OnpremCommitted;
        }
        if self.is_open(StepKind::Commit) || self.is_open(StepKind::Failover) {
            return Place::Unknown;
        }
        if let Some(seen) = seen.filter(|seen| seen.sides().is_some()) {
            return Place::of(seen);
        }
        let is_back = comes_through(StepKind::Failover);
        if self.is_lost() || (!is_back && !was_taken_back && self.failed_after_sending(StepKind::Failover)) {
            return seen.map_or(Place::Unknown, Place::of);
        }
        if was_taken_back {
            return Place::AzureReplicating;
        }
        let before = Place::of(seen.unwrap_or_else(|| Seen::of(self.machine)));
        let reached = if is_back {
            Place::OnpremUncommitted
        } else if self.came_through(StepKind::Reprotect) {
            Place::AzureReplicating
        } else if self.is_open(StepKind::Reprotect) {
            return Place::Unknown;
        } else {
            return before;
        };
        // A machine that was half way through the cycle is further than the steps that the run has come to.
        if before.is_onprem() { before.max(reached) } else { reached }
    }

    fn find(&self, kind: StepKind) -> Option<StepIndex> {
        self.steps.iter().copied().find(|step| self.state.graph().step(*step).kind == kind)
    }

    fn of(&self, kind: StepKind) -> Option<&StepState> {
        self.find(kind).map(|step| self.state.step(step))
    }

    /// Returns whether something was asked for whose end was not seen.
    fn is_open(&self, kind: StepKind) -> bool {
        self.of(kind)
            .is_some_and(|step| step.is_in_flight() || step.code.as_deref() == Some("outcome-unknown"))
    }

    /// Returns whether a step failed that had asked for something.
    fn failed_after_sending(&self, kind: StepKind) -> bool {
        self.of(kind).is_some_and(|step| step.status == StepStatus::Failed && step.attempts > 0)
    }

    /// Returns whether the machine failed inside a step of several.
    fn is_lost(&self) -> bool {
        let index = self.machine.index();
        self.state.out().contains(&index) && !self.state.is_taken_out(index)
    }

    fn came_through(&self, kind: StepKind) -> bool {
        let (state, index) = (self.state, self.machine.index());
        self.find(kind).is_some_and(|at| {
            let step = state.step(at);
            let is_done = matches!(step.status, StepStatus::Succeeded | StepStatus::Adopted);
            // A step of several is done for those that were still in it; what a machine's own step did stays done when
            // the machine is taken out.
            let is_its_own = matches!(state.graph().step(at).subject, StepSubject::Machine(_));
            (is_done && (is_its_own || !state.out().contains(&index))) || step.is_done_for(index)
        })
    }

    fn was_taken_back(&self) -> bool {
        [StepKind::Verify, StepKind::Commit].into_iter().any(|kind| {
            self.of(kind).is_some_and(|step| {
                step.code.as_deref() == Some(TAKEN_BACK) || step.took_back(self.machine.index())
            })
        })
    }
}

/// Returns the same by place, in words, a line each.
#[must_use]
pub fn places(state: &RunState) -> Vec<String> {
    let machines = whereabouts(state);
    let line = |place: Place| {
        let names: Vec<&str> =
            machines.iter().filter(|(_, at)| *at == place).map(|(name, _)| name.as_str()).collect();
        (!names.is_empty()).then(|| format!("{place}: {}", some_of(names.into_iter())))
    };
    Place::ALL.into_iter().filter_map(line).collect()
}
