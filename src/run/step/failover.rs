//! `failover`: from Azure to on-premises, to the kind of recovery point that the plan chose, inside the plan's window.

use jiff::SignedDuration;

use crate::forecast::Hours;
use crate::graph::StepSubject;
use crate::model::PointChoice;
use crate::provider::FailbackPoint;
use crate::provider::Request;
use crate::run::step::Context;
use crate::run::step::Decision;
use crate::run::step::Wait;
use crate::run::step::least_place;
use crate::run::step::prepare::members;
use crate::run::step::prepare::recovery_plan;

/// How long a step waits for the plan's window to open: one opens each week at least.
const WINDOW_PATIENCE: SignedDuration = SignedDuration::from_hours(8 * 24);

pub(super) fn decide(context: &Context<'_>) -> Decision {
    match least_place(context) {
        Err(decision) => return decision,
        Ok(place) if place >= 3 => return Decision::Adopt("the machine has failed back already".into()),
        Ok(_) => {}
    }
    if let Some(wait) = outside_window(context) {
        return wait;
    }
    let point = match context.machine().point_choice() {
        Ok(Some(PointChoice::Latest)) => FailbackPoint::Latest,
        Ok(Some(PointChoice::CrashConsistent)) => FailbackPoint::CrashConsistent,
        Ok(Some(PointChoice::AppConsistent)) => FailbackPoint::AppConsistent,
        Ok(None) | Err(_) => {
            let message = "the plan chooses a recovery point that is not offered".into();
            return Decision::Fail { code: "recovery-point", message };
        }
    };
    let recovery_plan = match context.graph.step(context.step).subject {
        StepSubject::Group(_) => Some(recovery_plan(context.run, &context.graph.subject_name(context.step))),
        StepSubject::Plan
        | StepSubject::Machine(_)
        | StepSubject::Wave(_)
        | StepSubject::BootGroup(_)
        | StepSubject::Action(_) => None,
    };
    Decision::Send(Request::FailoverToOnprem { machines: members(context), recovery_plan, point })
}

/// Returns a wait for the plan's window, if it has one that is closed.
pub(super) fn outside_window(context: &Context<'_>) -> Option<Decision> {
    let window = context.model.plan.execution.as_ref()?.window.as_ref()?;
    let opens = Hours::of(window).opening(context.now)?.from;
    if opens <= context.now {
        return None;
    }
    let deadline = context.began().saturating_add(WINDOW_PATIENCE).unwrap_or(opens).max(opens);
    let reason = format!("the plan's window opens at {opens:.0}");
    Some(Decision::Wait(Wait { until: opens, reason, deadline, done: None, told_until: None }))
}
