//! `prepare` and `cleanup`: the failback policy of a classic vault, and the ASR recovery plan of a replication group.

use crate::graph::StepKind;
use crate::id::MachineName;
use crate::id::RunId;
use crate::provider::Request;
use crate::run::step::Context;
use crate::run::step::Decision;
use crate::run::step::is_done;

/// Returns the name of the ASR recovery plan that a run makes for a replication group.
pub(super) fn recovery_plan(run: &RunId, group: &str) -> String {
    format!("failback-{run}-{group}")
}

/// Returns whether some run made an ASR recovery plan of this name for a replication group.
#[must_use]
pub fn is_recovery_plan_of(name: &str, group: &str) -> bool {
    let run = name.strip_prefix("failback-").and_then(|rest| rest.strip_suffix(group));
    run.and_then(|run| run.strip_suffix('-')).is_some_and(|run| !run.is_empty())
}

/// Returns the machines of a replication group that still go through its recovery plan: those that are not committed.
fn members(context: &Context<'_>) -> Vec<MachineName> {
    let open = context.machines().filter(|machine| !is_done(StepKind::Commit, *machine));
    open.map(|machine| context.graph.name_of(machine.index()).clone()).collect()
}

pub(super) fn decide(context: &Context<'_>) -> Decision {
    let Some(group) = context.group() else { return Decision::Send(Request::Prepare) };
    let machines = members(context);
    if machines.is_empty() {
        return context.adopt("every member is committed already");
    }
    Decision::Send(Request::MakeRecoveryPlan { name: recovery_plan(context.run, &group), machines })
}

pub(super) fn clean_up(context: &Context<'_>) -> Decision {
    let name = recovery_plan(context.run, &context.graph.subject_name(context.step));
    Decision::Send(Request::DeleteRecoveryPlan { name })
}
