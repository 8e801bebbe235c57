//! What a run is worth that was to end by taking its planned failovers back: that they were is what was wanted.

use std::collections::HashSet;

use crate::event::RunState;
use crate::event::StepStatus;
use crate::event::TAKEN_BACK;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::id::StepId;
use crate::report::assessment::Assessment;
use crate::report::assessment::Reason;
use crate::report::assessment::Weight;

/// Returns what a run is worth without what its end brings along: the cancellation, commits that were not made, and what would
/// have come after them. A failover that was not taken back is told.
#[must_use]
pub fn judged(mut assessment: Assessment, state: &RunState) -> Assessment {
    let graph = state.graph();
    let status = |index: StepIndex| state.step(index).status;
    let expected: HashSet<&StepId> = (0..)
        .zip(graph.steps())
        .filter(|(index, step)| {
            let is_taken_back = state.step(*index).code.as_deref() == Some(TAKEN_BACK);
            let comes_after = matches!(
                step.kind,
                StepKind::ApproveCommit | StepKind::AwaitAgent | StepKind::Forward | StepKind::AwaitForward
            );
            let is_blocked = step.kind == StepKind::Commit && status(*index) == StepStatus::Blocked;
            comes_after || is_blocked || is_taken_back
        })
        .map(|(_, step)| &step.id)
        .collect();
    let is_wanted = |reason: &Reason| match (&reason.step, reason.code.as_str()) {
        (Some(step), _) => expected.contains(step),
        (None, "cancelled") => true,
        (None, _) => false,
    };
    assessment.reasons.retain(|reason| !is_wanted(reason));
    let open = (0..).zip(graph.steps()).filter(|(index, step)| {
        step.kind == StepKind::Failover
            && status(*index) == StepStatus::Succeeded
            && !is_back_in_azure(state, *index)
    });
    let open: Vec<Reason> = open
        .map(|(_, step)| Reason {
            weight: Weight::Failed,
            code: "not-taken-back".into(),
            subject: None,
            step: Some(step.id.clone()),
            message: "its planned failover was not taken back".into(),
        })
        .collect();
    assessment.with(open)
}

/// Returns whether the commit after a failover took it back instead.
fn is_back_in_azure(state: &RunState, failover: StepIndex) -> bool {
    let graph = state.graph();
    let subject = graph.step(failover).subject;
    let mut commits = (0..)
        .zip(graph.steps())
        .filter(|(_, step)| step.kind == StepKind::Commit && step.subject == subject)
        .map(|(index, _)| index);
    commits.any(|commit| state.step(commit).code.as_deref() == Some(TAKEN_BACK))
}
