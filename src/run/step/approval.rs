//! `approve_failover`, `approve_commit` and `await_deletion`: what only a person may decide or do.

use jiff::SignedDuration;

use crate::event::StepStatus;
use crate::model::Known as _;
use crate::model::PointChoice;
use crate::run::step;
use crate::run::step::Context;
use crate::run::step::Decision;
use crate::run::step::least_place;

/// How long a person may take to delete a machine before the run gives up.
const DELETION_PATIENCE: SignedDuration = SignedDuration::from_hours(48);

fn names(context: &Context<'_>) -> String {
    let names: Vec<&str> = context.machines().map(|machine| machine.name().value.as_str()).collect();
    names.join(", ")
}

fn answered(context: &Context<'_>) -> Option<Decision> {
    let answer = context.state.answer.as_ref()?;
    Some(if answer.approved {
        Decision::Succeed(Some(format!("approved by {}", answer.by)))
    } else {
        Decision::Fail { code: "refused", message: format!("refused by {}", answer.by) }
    })
}

/// Returns the roles that the plan leaves its own approvals to; none if anybody may answer.
#[must_use]
pub fn approvers(context: &Context<'_>) -> Vec<String> {
    let execution = context.graph.model().plan.execution.as_ref();
    let approvals = execution.and_then(|execution| execution.approvals.as_ref());
    let roles = approvals.into_iter().flat_map(|approvals| &approvals.approvers);
    roles.map(|role| role.value.clone()).collect()
}

pub(super) fn failover(context: &Context<'_>) -> Decision {
    match least_place(context) {
        Err(decision) => return decision,
        Ok(place) if place >= 3 => return context.adopt("the machine has failed back already"),
        Ok(_) => {}
    }
    if let Some(decision) = answered(context) {
        return decision;
    }
    let point =
        context.machine().point_choice().ok().flatten().map_or("its recovery point", PointChoice::as_str);
    let prompt = format!(
        "Fail over {} from Azure to on-premises, to the {} recovery point? The Azure VM is shut down.",
        names(context),
        point.replace('_', "-"),
    );
    Decision::Ask { prompt, roles: approvers(context) }
}

pub(super) fn commit(context: &Context<'_>) -> Decision {
    match least_place(context) {
        Err(decision) => return decision,
        Ok(place) if place >= 4 => return context.adopt("the failover is committed already"),
        Ok(_) if context.model.plan.is_taken_back => return step::taken_back_instead(),
        Ok(_) => {}
    }
    if let Some(decision) = answered(context) {
        return decision;
    }
    let prompt = format!(
        "Commit {}? The on-premises VM was seen running and the Azure VM off. The commit deletes the Azure VM for good.",
        names(context)
    );
    Decision::Ask { prompt, roles: approvers(context) }
}

/// A person deletes the on-premises VM and says so; the step ends when it is seen to be gone. Nothing here deletes a machine.
pub(super) fn deletion(context: &Context<'_>) -> Decision {
    match least_place(context) {
        Err(decision) => return decision,
        Ok(place) if place >= 1 => {
            return context.adopt("the machine replicates to on-premises already");
        }
        Ok(_) => {}
    }
    let machine = context.machine();
    let gone = "the on-premises VM was seen to be gone".to_owned();
    if matches!(machine.onprem_vm().and_then(|vm| vm.exists.fact("onprem_vm.exists")), Ok(exists) if !exists.value)
    {
        // What is seen ends the question, whatever would have been answered.
        let is_asked = context.state.status == StepStatus::Asked;
        return if is_asked { Decision::Adopt(gone) } else { Decision::Succeed(Some(gone)) };
    }
    match &context.state.answer {
        None => Decision::Ask {
            prompt: format!(
                "The plan recovers {0} into a new VM. Delete the on-premises VM of {0} in vCenter; its disks are gone for good then. Deleted?",
                machine.name()
            ),
            roles: Vec::new(),
        },
        Some(answer) if !answer.approved => Decision::Fail {
            code: "refused",
            message: format!("{} said that the on-premises VM will not be deleted", answer.by),
        },
        Some(_) => {
            let reason = format!("the on-premises VM of {} is to be deleted", machine.name());
            context.wait(reason, None, DELETION_PATIENCE)
        }
    }
}
