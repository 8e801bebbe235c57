//! `commit`: makes the failover final. It deletes the Azure VM, so it comes after everything was seen to be right.

use crate::graph::StepSubject;
use crate::provider::Request;
use crate::run::step::Context;
use crate::run::step::Decision;
use crate::run::step::failover::outside_window;
use crate::run::step::least_place;
use crate::run::step::prepare::members;
use crate::run::step::prepare::recovery_plan;

pub(super) fn decide(context: &Context<'_>) -> Decision {
    match least_place(context) {
        Err(decision) => return decision,
        Ok(place) if place >= 4 => return Decision::Adopt("the failover is committed already".into()),
        Ok(3) => {}
        Ok(_) => {
            let message = "a machine has not failed back, so there is nothing to commit".into();
            return Decision::Fail { code: "not-failed-back", message };
        }
    }
    if let Some(wait) = outside_window(context) {
        return wait;
    }
    let recovery_plan = match context.graph.step(context.step).subject {
        StepSubject::Group(_) => Some(recovery_plan(context.run, &context.graph.subject_name(context.step))),
        StepSubject::Plan
        | StepSubject::Machine(_)
        | StepSubject::Wave(_)
        | StepSubject::BootGroup(_)
        | StepSubject::Action(_) => None,
    };
    Decision::Send(Request::Commit { machines: members(context), recovery_plan })
}
