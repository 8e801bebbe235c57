//! What a person may order in a run that ended with failures.

use crate::event::RunState;
use crate::event::StepStatus;
use crate::event::TAKEN_BACK;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::id::StepId;

/// The rules that say that a server took the disks of its machines along.
const SERVER_MOVED: [&str; 2] = ["FB215", "FB804"];

/// What is done again first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Retry {
    pub step: StepId,
    /// Whether its server was moved, so that a person has to attach disks before.
    pub was_moved: bool,
}

/// Returns the step that is done again first: the first that failed, or, if none did, the first that nothing holds back any more.
/// A verification whose failover was taken back begins with that failover.
pub(super) fn retry(state: &RunState) -> Option<Retry> {
    let steps = || (0..).take(state.graph().steps().len());
    let failed = steps().filter(|step| {
        state.step(*step).status == StepStatus::Failed || state.lost_at(*step).next().is_some()
    });
    let blocked = steps().filter(|step| {
        state.step(*step).status == StepStatus::Blocked && state.held_back_by(*step).is_none()
    });
    let again = |step: StepIndex| {
        if state.step(step).code.as_deref() == Some(TAKEN_BACK) {
            state.failover_of(step)
        } else {
            Some(step)
        }
    };
    failed.chain(blocked).find_map(again).map(|step| {
        let code = state.step(step).code.as_deref();
        Retry {
            step: state.id(step).clone(),
            was_moved: code.is_some_and(|code| SERVER_MOVED.contains(&code)),
        }
    })
}

/// Returns the first machine that failed before it was failed over, so that the run may go on without it.
pub(super) fn skip(state: &RunState) -> Option<String> {
    let steps = (0..).zip(state.graph().steps());
    let found =
        steps.filter(|(at, _)| state.step(*at).status == StepStatus::Failed).find_map(|(_, step)| {
            let is_before = matches!(
                step.kind,
                StepKind::AwaitAzureAgent
                    | StepKind::AwaitDeletion
                    | StepKind::Reprotect
                    | StepKind::AwaitProtected
                    | StepKind::Recheck
            );
            match step.subject {
                StepSubject::Machine(machine) if is_before => Some(machine),
                StepSubject::Machine(_)
                | StepSubject::Plan
                | StepSubject::Group(_)
                | StepSubject::Wave(_)
                | StepSubject::BootGroup(_)
                | StepSubject::Action(_) => None,
            }
        })?;
    Some(state.graph().model().machine(found).name().value.clone())
}
