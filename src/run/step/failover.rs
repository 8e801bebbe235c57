//! `failover`: from Azure to on-premises, to the kind of recovery point that the plan chose, inside the plan's window.

use jiff::SignedDuration;

use crate::forecast::Hours;
use crate::graph::StepKind;
use crate::model::Machine;
use crate::model::PointChoice;
use crate::provider::FailbackPoint;
use crate::provider::Request;
use crate::run::step::Context;
use crate::run::step::Decision;
use crate::run::step::Wait;
use crate::run::step::cycle::least_place;
use crate::run::step::is_done;
use crate::run::step::is_failing_back;
use crate::run::step::prepare::recovery_plan;
use crate::syntax::machine::State;

/// How long a step waits for the plan's window to open: one opens each week at least.
const WINDOW_PATIENCE: SignedDuration = SignedDuration::from_hours(8 * 24);
/// How long a failover that somebody else began may take.
const OTHERS_PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// Our code for a failover that others began, in a run that takes its failovers back.
pub(super) const OF_OTHERS: &str = "failed-over-by-others";

/// Returns the failure of a run that takes its failovers back where a machine has failed over already and not by this run: to take
/// that back would undo what others did, and to leave it would make the run look like one that did it.
#[must_use]
pub fn of_others(context: &Context<'_>) -> Option<Decision> {
    if context.kind() != StepKind::Failover {
        return None;
    }
    let is_uncommitted =
        |machine: &Machine<'_>| machine.state().is_ok_and(|state| state == State::FailedBack);
    let mut others =
        context.machines().filter(is_uncommitted).filter(|machine| !context.may_take_back(*machine));
    others.next().map(|machine| Decision::Fail {
        code: OF_OTHERS,
        message: format!(
            "{} has failed over already, and not by this drill: it is not taken back; {}",
            machine.name(),
            context.who_decides()
        ),
    })
}

pub(super) fn decide(context: &Context<'_>) -> Decision {
    if let Some(failure) = of_others(context) {
        return failure;
    }
    match least_place(context) {
        Err(decision) => return decision,
        Ok(place) if place >= 3 => return context.adopt("the machine has failed back already"),
        Ok(_) => {}
    }
    if let Some(machine) = context.machines().find(|machine| is_failing_back(*machine)) {
        let reason = format!("a failover of {} that this run did not begin is under way", machine.name());
        return context.wait_for_others(reason, OTHERS_PATIENCE);
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
    // The site takes the recovery plan whole, and refuses the members that are home; what is asked for are the others.
    let machines = context.machines().filter(|machine| !is_done(context.kind(), *machine));
    let machines = machines.map(|machine| context.graph.name_of(machine.index()).clone()).collect();
    let recovery_plan = context.group().map(|group| recovery_plan(context.run, &group));
    Decision::Send(Request::FailoverToOnprem { machines, recovery_plan, point })
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
