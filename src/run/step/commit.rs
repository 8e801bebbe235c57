//! `commit`: makes the failover final. It deletes the Azure VM, so it comes after everything was seen to be right.

use jiff::SignedDuration;

use crate::event::TAKEN_BACK;
use crate::id::MachineName;
use crate::model::Machine;
use crate::provider::Request;
use crate::run::step;
use crate::run::step::Context;
use crate::run::step::Decision;
use crate::run::step::cycle::least_place;
use crate::run::step::failover::OF_OTHERS;
use crate::run::step::failover::outside_window;
use crate::run::step::is_done;
use crate::run::step::prepare::recovery_plan;
use crate::run::step::taken_back;
use crate::syntax::machine::State;

/// How long a commit that somebody else began may take.
const OTHERS_PATIENCE: SignedDuration = SignedDuration::from_hours(2);

pub(super) fn decide(context: &Context<'_>) -> Decision {
    if context.state.takes_back {
        return take_back(context);
    }
    match least_place(context) {
        Err(decision) => return decision,
        Ok(place) if place >= 4 && !context.state.done.is_empty() => return Decision::Succeed(None),
        Ok(place) if place >= 4 => return context.adopt("the failover is committed already"),
        Ok(3) if context.model.plan.is_taken_back => return step::taken_back_instead(),
        Ok(3) => {}
        Ok(_) => {
            let message = "a machine has not failed back, so there is nothing to commit".into();
            return Decision::Fail { code: "not-failed-back", message };
        }
    }
    // What this run asked for is followed as an operation; whatever else runs was begun by somebody else.
    let busy = context.machines().find(|machine| context.is_busy(*machine));
    if let Some(machine) = busy {
        let reason = format!("an operation on {} that this run did not begin is under way", machine.name());
        return context.wait_for_others(reason, OTHERS_PATIENCE);
    }
    if let Some(wait) = outside_window(context) {
        return wait;
    }
    let open = context.machines().filter(|machine| {
        !is_done(context.kind(), *machine) && !context.state.done.contains(&machine.index())
    });
    let mut machines: Vec<MachineName> =
        open.map(|machine| context.graph.name_of(machine.index()).clone()).collect();
    if machines.is_empty() {
        return Decision::Succeed(None);
    }
    // The recovery plan would commit every member that has failed back, and one that failed here may have done so since, and
    // was not verified: without it, the others are committed one by one.
    let is_whole = context.has_recovery_plan
        && context.graph.indexes_of(context.step).all(|member| !context.out.contains(&member));
    let recovery_plan = context.group().filter(|_| is_whole).map(|group| recovery_plan(context.run, &group));
    if recovery_plan.is_none() {
        machines.truncate(1);
    }
    Decision::Send(Request::Commit { machines, recovery_plan })
}

/// The run is cancelled: planned failovers that are not committed are taken back instead, one machine after the other.
fn take_back(context: &Context<'_>) -> Decision {
    if let Err(decision) = least_place(context) {
        return decision;
    }
    if let Some(machine) = context.machines().find(|machine| context.is_busy(*machine)) {
        let reason = format!("an operation on {} that this run did not begin is under way", machine.name());
        return context.wait_for_others(reason, OTHERS_PATIENCE);
    }
    let uncommitted = |machine: &Machine<'_>| machine.state().is_ok_and(|state| state == State::FailedBack);
    if let Some(machine) =
        context.machines().filter(uncommitted).find(|machine| context.may_take_back(*machine))
    {
        let machine = context.graph.name_of(machine.index()).clone();
        return Decision::Send(Request::CancelFailover { machine });
    }
    if let Some(machine) = context.machines().find(uncommitted) {
        let message =
            format!("the failover of {} is not of this drill, and is not taken back", machine.name());
        return Decision::Fail { code: OF_OTHERS, message };
    }
    let back: Vec<&str> = context
        .machines()
        .filter(|machine| !is_done(context.kind(), *machine))
        .map(|machine| machine.name().value.as_str())
        .collect();
    if back.is_empty() {
        return context.adopt("the failover is committed already");
    }
    Decision::Fail { code: TAKEN_BACK, message: taken_back(&back.join(", ")) }
}
