//! What a person may leave out of a run: whatever that person can vouch for. What has to be seen before something that can't be
//! taken back is never left out, and neither is what is under way.

use crate::event::RunState;
use crate::event::StepStatus;
use crate::event::TAKEN_BACK;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::syntax::inventory::Experience;

/// Refuses to leave out a step that a person can't vouch for.
///
/// # Errors
///
/// Why not, and what to do instead.
pub fn may_step(state: &RunState, index: StepIndex) -> Result<(), String> {
    let (id, step, graph) = (state.id(index), state.step(index), state.graph());
    if step.status.is_good() {
        return Err(format!("{id} is {} already", step.status.as_str()));
    }
    if step.is_in_flight() {
        return Err(format!("{id} is under way at the site: wait until it has ended"));
    }
    let name = graph.subject_name(index);
    let instead = match graph.step(index).kind {
        StepKind::Prepare if matches!(graph.step(index).subject, StepSubject::Group(_)) => {
            "its failover goes through the recovery plan that it makes".to_owned()
        }
        StepKind::Action => return may_action(state, index),
        StepKind::Cleanup if step.waiting_for > 0 => "its group has not come to its end".to_owned(),
        StepKind::Prepare
        | StepKind::AwaitAzureAgent
        | StepKind::AwaitPoint
        | StepKind::BootGroup
        | StepKind::Cleanup
        | StepKind::AwaitAgent
        | StepKind::Forward
        | StepKind::AwaitForward => return Ok(()),
        StepKind::Preflight => "nothing is changed before everything was looked at".to_owned(),
        StepKind::AwaitDeletion => "the VM has to be seen to be gone before its machine is reprotected".to_owned(),
        StepKind::Reprotect | StepKind::Failover | StepKind::Commit => {
            format!("do it in the portal and retry the step, which sees it; or take {name} out")
        }
        StepKind::AwaitProtected | StepKind::Barrier => {
            "no machine fails over before each has a recovery point; take out the machine that can't get there".to_owned()
        }
        StepKind::Recheck => "a failover comes only after its guards".to_owned(),
        StepKind::Verify => "nothing is committed before it was verified; put right what it says, then retry it".to_owned(),
        StepKind::ApproveFailover | StepKind::ApproveCommit => "answer it with failback approve".to_owned(),
    };
    Err(format!("{id} can't be left out: {instead}"))
}

fn may_action(state: &RunState, index: StepIndex) -> Result<(), String> {
    let (id, step) = (state.id(index), state.step(index));
    if step.status == StepStatus::Running && step.acted {
        return Err(format!("{id} runs: wait until it has ended"));
    }
    let StepSubject::Action(action) = state.graph().step(index).subject else { return Ok(()) };
    let manual = state.graph().model().plan.actions[action].manual.as_ref();
    if manual.is_some_and(|manual| !manual.approvers.is_empty()) {
        return Err(format!("{id} can't be left out: the plan says who has to answer it (failback approve)"));
    }
    Ok(())
}

/// Refuses to take a machine out at a moment that would leave it in between.
///
/// # Errors
///
/// Why not, and what to do instead.
pub fn may_machine(state: &RunState, machine: usize) -> Result<(), String> {
    let graph = state.graph();
    let name = &graph.model().machine(machine).name().value;
    if state.is_taken_out(machine) {
        return Err(format!("{name} is out already"));
    }
    let is_its_own = |index: &StepIndex| graph.indexes_of(*index).any(|other| other == machine);
    let concerned: Vec<StepIndex> = (0..)
        .zip(graph.steps())
        .filter(|(_, step)| matches!(step.subject, StepSubject::Machine(_) | StepSubject::Group(_)))
        .map(|(index, _)| index)
        .filter(is_its_own)
        .collect();
    let busy = concerned.iter().copied().find(|index| {
        let intent = state.step(*index).intent.as_deref();
        intent.is_some_and(|(_, request)| request.machines().iter().any(|of| of.as_str() == name.as_str()))
    });
    if let Some(busy) = busy {
        return Err(format!("{} is under way at the site: wait until it has ended", state.id(busy)));
    }
    let is_past = |kind: StepKind| {
        concerned.iter().any(|index| {
            let step = state.step(*index);
            let came_through = matches!(step.status, StepStatus::Succeeded | StepStatus::Adopted)
                && !state.out().contains(&machine);
            graph.step(*index).kind == kind && (came_through || step.is_done_for(machine))
        })
    };
    if is_past(StepKind::Commit) {
        return Err(format!(
            "{name} is back on-premises for good: leave out the steps after it, such as forward/{name}"
        ));
    }
    let was_taken_back = concerned.iter().any(|index| {
        let step = state.step(*index);
        step.code.as_deref() == Some(TAKEN_BACK) || step.took_back(machine)
    });
    if is_past(StepKind::Failover) && !was_taken_back {
        let instead = match graph.experience() {
            Experience::Classic => "verify and commit it",
            Experience::Modernized => "verify and commit it, or cancel its planned failover",
        };
        return Err(format!("{name} has failed over and is not committed: {instead}"));
    }
    Ok(())
}
