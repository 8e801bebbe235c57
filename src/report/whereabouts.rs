//! Where each machine of a run is, as far as the run saw.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::event::RunState;
use crate::event::StepStatus;
use crate::event::TAKEN_BACK;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::report::some_of;
use crate::report::tally::steps_of_machines;

/// Where a machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// It runs in Azure, as before the run.
    Azure,
    /// It runs in Azure and replicates to on-premises; its on-premises VM is off.
    AzureReplicating,
    /// It failed back and nothing is committed: its data is still in Azure, too.
    OnpremUncommitted,
    /// It is on-premises for good.
    OnpremCommitted,
    /// Something was asked for, and its end was not seen.
    Unknown,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Azure => "in Azure",
            Self::AzureReplicating => "in Azure, replicating to on-premises",
            Self::OnpremUncommitted => "on-premises, not committed",
            Self::OnpremCommitted => "on-premises, committed",
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
            let index = machine.index();
            let find = |kind: StepKind| {
                let mut steps = steps.iter().copied();
                steps.find(|step| state.graph().step(*step).kind == kind)
            };
            let of = |kind: StepKind| find(kind).map(|step| state.step(step));
            let is_open = |kind| {
                of(kind).is_some_and(|step| {
                    step.is_in_flight() || step.code.as_deref() == Some("outcome-unknown")
                })
            };
            let is_lost = state.out().contains(&index) && !state.is_taken_out(index);
            let came_through = |kind| {
                find(kind).is_some_and(|at| {
                    let step = state.step(at);
                    let is_done = matches!(step.status, StepStatus::Succeeded | StepStatus::Adopted);
                    // A step of several is done for those that were still in it; what a machine's own step did stays done when
                    // the machine is taken out.
                    let is_its_own = matches!(state.graph().step(at).subject, StepSubject::Machine(_));
                    (is_done && (is_its_own || !state.out().contains(&index))) || step.is_done_for(index)
                })
            };
            let was_taken_back = [StepKind::Verify, StepKind::Commit].into_iter().any(|kind| {
                of(kind).is_some_and(|step| step.code.as_deref() == Some(TAKEN_BACK) || step.took_back(index))
            });
            let place = if came_through(StepKind::Commit) && !was_taken_back {
                Place::OnpremCommitted
            } else if is_lost || is_open(StepKind::Commit) || is_open(StepKind::Failover) {
                Place::Unknown
            } else if came_through(StepKind::Failover) && !was_taken_back {
                Place::OnpremUncommitted
            } else if came_through(StepKind::Reprotect) || was_taken_back {
                Place::AzureReplicating
            } else if is_open(StepKind::Reprotect) {
                Place::Unknown
            } else {
                Place::Azure
            };
            (machine.name().value.clone(), place)
        })
        .collect()
}

/// Returns the same by place, in words, a line each.
#[must_use]
pub fn places(state: &RunState) -> Vec<String> {
    let machines = whereabouts(state);
    let order = [
        Place::Azure,
        Place::AzureReplicating,
        Place::OnpremUncommitted,
        Place::OnpremCommitted,
        Place::Unknown,
    ];
    let line = |place: Place| {
        let names: Vec<&str> =
            machines.iter().filter(|(_, at)| *at == place).map(|(name, _)| name.as_str()).collect();
        (!names.is_empty()).then(|| format!("{place}: {}", some_of(names.into_iter())))
    };
    order.into_iter().filter_map(line).collect()
}
