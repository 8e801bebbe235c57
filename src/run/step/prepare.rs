//! `prepare` and `cleanup`: the failback policy of a classic vault, and the ASR recovery plan of a replication group.

use crate::graph::StepSubject;
use crate::id::MachineName;
use crate::id::RunId;
use crate::provider::Request;
use crate::run::step::Context;
use crate::run::step::Decision;

/// Returns the name of the ASR recovery plan that a run makes for a replication group.
pub(super) fn recovery_plan(run: &RunId, group: &str) -> String {
    format!("failback-{run}-{group}")
}

/// Returns the machines of a step by name.
pub(super) fn members(context: &Context<'_>) -> Vec<MachineName> {
    context.machines().map(|machine| MachineName::new(machine.name().value.as_str())).collect()
}

pub(super) fn decide(context: &Context<'_>) -> Decision {
    match context.graph.step(context.step).subject {
        StepSubject::Group(_) => Decision::Send(Request::MakeRecoveryPlan {
            name: recovery_plan(context.run, &context.graph.subject_name(context.step)),
            machines: members(context),
        }),
        StepSubject::Plan
        | StepSubject::Machine(_)
        | StepSubject::Wave(_)
        | StepSubject::BootGroup(_)
        | StepSubject::Action(_) => Decision::Send(Request::Prepare),
    }
}

pub(super) fn clean_up(context: &Context<'_>) -> Decision {
    let name = recovery_plan(context.run, &context.graph.subject_name(context.step));
    Decision::Send(Request::DeleteRecoveryPlan { name })
}
