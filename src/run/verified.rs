//! When a run whose failovers are to be taken back has done everything that comes before a commit.

use crate::event::RunState;
use crate::event::RunStatus;
use crate::event::StepStatus;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;

/// Returns whether nothing is left to be done before the commits, and one of them would come next.
#[must_use]
pub fn only_commits_wait(state: &RunState) -> bool {
    match state.status() {
        RunStatus::Running => {}
        RunStatus::New | RunStatus::Interrupted | RunStatus::Finished(_) => return false,
    }
    if state.is_cancelling() {
        return false;
    }
    let graph = state.graph();
    let after = after_commits(graph);
    let mut waits = false;
    for (index, step) in (0..).zip(graph.steps()) {
        let status = state.step(index).status;
        if step.kind == StepKind::ApproveCommit {
            waits |= status == StepStatus::Running;
        }
        let counts = !after[index as usize] && !graph.runs_last(index);
        if counts && !is_settled(status) {
            return false;
        }
    }
    waits
}

/// Returns, for each step, whether it is the approval of a commit or comes after one.
fn after_commits(graph: &Graph) -> Vec<bool> {
    let mut after = vec![false; graph.steps().len()];
    // Each step comes after those that it waits for.
    for index in 0..StepIndex::try_from(after.len()).unwrap_or(StepIndex::MAX) {
        let is_after = graph.before(index).iter().any(|before| after[*before as usize]);
        after[index as usize] = is_after || graph.step(index).kind == StepKind::ApproveCommit;
    }
    after
}

const fn is_settled(status: StepStatus) -> bool {
    match status {
        StepStatus::Succeeded
        | StepStatus::Adopted
        | StepStatus::Skipped
        | StepStatus::Failed
        | StepStatus::Blocked => true,
        StepStatus::Waiting | StepStatus::Ready | StepStatus::Running | StepStatus::Asked => false,
    }
}
