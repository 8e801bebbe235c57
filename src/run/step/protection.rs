//! `await_protected`, `await_point` and `await_forward`: what only time brings.

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::graph::StepKind;
use crate::model::Machine;
use crate::model::PointChoice;
use crate::run::step::Context;
use crate::run::step::Decision;
use crate::run::step::Wait;
use crate::run::step::cycle::least_place;
use crate::run::step::is_done;
use crate::syntax::machine::Health;
use crate::syntax::machine::PointKind;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::RecoveryPoint;

/// How long reprotect may take until the machine is protected, if the plan says nothing.
const DEADLINE: SignedDuration = SignedDuration::from_hours(48);
/// How long a new recovery point may take: app-consistent ones come every 60 minutes (vmware-azure-prepare-failback), so two
/// missed ones mean that something is wrong.
const POINT_DEADLINE: SignedDuration = SignedDuration::from_hours(3);

/// Returns how long it may take until a machine is protected to on-premises.
pub(super) fn deadline(context: &Context<'_>) -> SignedDuration {
    let thresholds = context.model.plan.thresholds.as_ref();
    thresholds.and_then(|thresholds| thresholds.reprotect_deadline).map_or(DEADLINE, |deadline| {
        SignedDuration::from_secs(i64::try_from(deadline.value.0).unwrap_or(i64::MAX))
    })
}

pub(super) fn to_onprem(context: &Context<'_>) -> Decision {
    let place = match least_place(context) {
        Err(decision) => return decision,
        Ok(place) => place,
    };
    if place >= 3 {
        return context.adopt("the machine has failed back already");
    }
    let machine = context.machine();
    let points = machine.recovery_points().map_or(0, <[RecoveryPoint]>::len);
    let health = machine.asr().ok().and_then(|asr| asr.health).map(|health| health.value);
    if place == 2 && points > 0 && matches!(health, Some(Health::Ok | Health::Healthy)) {
        let noun = if points == 1 { "recovery point" } else { "recovery points" };
        return Decision::Succeed(Some(format!("protected, {points} {noun} seen")));
    }
    let resync = machine.asr().is_ok_and(|asr| asr.resync_required.is_some_and(|required| required.value));
    let reason = match (place, points, health) {
        _ if resync => {
            format!("{} has to be resynchronised: Site Recovery asks for it in the portal", machine.name())
        }
        (0 | 1, ..) => [machine.name().value.as_str(), " replicates to on-premises"].concat(),
        (_, 0, _) => format!("{} has no recovery point yet", machine.name()),
        (.., Some(health)) => format!("the replication health of {} is {health}", machine.name()),
        (.., None) => format!("the replication health of {} is not known", machine.name()),
    };
    replicating(context, machine, reason)
}

pub(super) fn to_azure(context: &Context<'_>) -> Decision {
    match least_place(context) {
        Err(decision) => decision,
        Ok(6) => Decision::Succeed(None),
        Ok(_) => {
            let machine = context.machine();
            replicating(context, machine, [machine.name().value.as_str(), " replicates to Azure"].concat())
        }
    }
}

fn replicating(context: &Context<'_>, machine: Machine<'_>, reason: String) -> Decision {
    let replication = context.item(machine).and_then(|item| item.replication.as_ref());
    let expected = replication.and_then(|replication| replication.expected_end);
    match context.wait(reason, expected, deadline(context)) {
        Decision::Wait(wait) => {
            Decision::Wait(Wait { done: replication.map(|replication| replication.done), ..wait })
        }
        other => other,
    }
}

/// Waits for a recovery point newer than the end of the quiescing action, of the kind that the plan chose.
pub(super) fn point(context: &Context<'_>) -> Decision {
    match least_place(context) {
        Err(decision) => return decision,
        Ok(place) if place >= 3 => return context.adopt("the group has failed back already"),
        Ok(_) => {}
    }
    let after = context.began();
    // Members that are home get no more points to there, and where the VM in Azure is seen off, nothing new is written.
    let gets_more =
        |machine: &Machine<'_>| !is_done(StepKind::Failover, *machine) && !is_off_in_azure(*machine);
    for machine in context.machines().filter(gets_more) {
        let choice = machine.point_choice().ok().flatten();
        // A planned failover makes its point after it has started, so there is nothing to wait for.
        if choice == Some(PointChoice::CrashConsistent) {
            continue;
        }
        let newest = newest(machine, choice);
        if newest.is_none_or(|newest| newest <= after) {
            let kind = if choice == Some(PointChoice::AppConsistent) { "an app-consistent" } else { "a" };
            let reason = format!("{} needs {kind} recovery point newer than {after:.0}", machine.name());
            // Points only come with time, so that no site tells of them.
            return match context.wait(reason, None, POINT_DEADLINE) {
                Decision::Wait(wait) => Decision::Wait(Wait { told_until: None, ..wait }),
                other => other,
            };
        }
    }
    Decision::Succeed(None)
}

fn is_off_in_azure(machine: Machine<'_>) -> bool {
    let power = machine.azure_vm().ok().and_then(|vm| vm.power_state.as_deref());
    matches!(power, Some(PowerState::Stopped | PowerState::Deallocated))
}

/// Returns the moment of a machine's newest recovery point of the kind that the plan chose.
#[must_use]
pub fn newest(machine: Machine<'_>, choice: Option<PointChoice>) -> Option<Timestamp> {
    let wanted = |point: &&RecoveryPoint| match choice {
        Some(PointChoice::AppConsistent) => {
            point.kind.is_some_and(|kind| kind.value == PointKind::AppConsistent)
        }
        Some(PointChoice::Latest | PointChoice::CrashConsistent) | None => true,
    };
    machine
        .recovery_points()
        .ok()?
        .iter()
        .filter(wanted)
        .filter_map(|point| point.at.map(|at| at.value))
        .max()
}
