//! What a person may order in a run that ended with failures.

use crate::event::RunState;
use crate::event::StepStatus;
use crate::event::TAKEN_BACK;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::id::StepId;

/// Returns the step that is done again first: the first that failed, or, if none did, the first that nothing holds back any more.
/// A verification whose failover was taken back begins with that failover; a replication group's is not begun again in this run.
pub(super) fn retry(state: &RunState) -> Option<StepId> {
    let steps = || (0..).take(state.graph().steps().len());
    let failed = steps().filter(|step| state.step(*step).status == StepStatus::Failed);
    let blocked = steps().filter(|step| {
        state.step(*step).status == StepStatus::Blocked && state.held_back_by(*step).is_none()
    });
    let again = |step: StepIndex| {
        if state.step(step).code.as_deref() == Some(TAKEN_BACK) {
            state.sibling(step, StepKind::Failover)
        } else {
            Some(step)
        }
    };
    failed.chain(blocked).find_map(again).map(|step| state.id(step).clone())
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
