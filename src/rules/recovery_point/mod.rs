//! Rules about the choice of recovery points (FB600–FB619).

pub(crate) mod app_consistent_data_loss;
pub(crate) mod failback_policy_edited;
pub(crate) mod group_lacks_common_point;
pub(crate) mod latest_breaks_group_consistency;
pub(crate) mod latest_is_crash_consistent;
pub(crate) mod no_app_consistent_point;
pub(crate) mod no_recovery_point;
pub(crate) mod plan_has_machine_without_recovery_point;
pub(crate) mod recovery_point_choice_invalid;
pub(crate) mod resync_required;
pub(crate) mod rpo_threshold_exceeded;

use std::collections::BTreeSet;

use crate::model::Fact;
use crate::model::Group;
use crate::model::Known;
use crate::model::Machine;
use crate::model::PointChoice;
use crate::model::Unknown;
use crate::rules::Finding;
use crate::rules::Rule;
use crate::rules::runtime::failover_is_ahead;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::PointKind;
use crate::syntax::machine::State;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[
    &no_recovery_point::RULE,
    &plan_has_machine_without_recovery_point::RULE,
    &recovery_point_choice_invalid::RULE,
    &app_consistent_data_loss::RULE,
    &no_app_consistent_point::RULE,
    &group_lacks_common_point::RULE,
    &latest_breaks_group_consistency::RULE,
    &latest_is_crash_consistent::RULE,
    &rpo_threshold_exceeded::RULE,
    &failback_policy_edited::RULE,
    &resync_required::RULE,
];

/// Most machines that one finding names or points at.
const MOST_NAMED: usize = 10;

/// The block of the plan that chooses a machine's recovery point.
enum Place<'m> {
    Plan,
    Group(Group<'m>),
    Machine,
}

/// Returns which block of the plan chooses a machine's recovery point, in the order in which settings are merged.
fn place_of_choice(machine: Machine<'_>) -> Place<'_> {
    match machine.group() {
        Some(group) if group.plan().recovery_point.is_some() => Place::Group(group),
        Some(_) | None => {
            let listed = machine.model.listed(machine.index());
            match listed.and_then(|listed| listed.recovery_point.as_ref()) {
                Some(_) => Place::Machine,
                None => Place::Plan,
            }
        }
    }
}

/// Returns whether the machine's failover from Azure may still be ahead: not if its state is known and says otherwise.
fn may_fail_over(machine: Machine<'_>) -> bool {
    machine.state().map_or(true, failover_is_ahead)
}

/// Returns whether a machine has a recovery point in the direction Azure to on-premises.
///
/// The modernized service lists no points of this direction: a machine that is protected has finished its initial
/// replication and is offered the planned failover, and one that replicates for the first time has nothing yet.
fn has_point(machine: Machine<'_>) -> Fact<bool> {
    let unlisted = match machine.recovery_points() {
        Ok(points) => return Ok(!points.is_empty()),
        Err(unlisted) => unlisted,
    };
    match (machine.model.experience(), machine.state()) {
        (Ok(Experience::Modernized), Ok(State::ProtectedToOnprem)) => Ok(true),
        (Ok(Experience::Modernized), Ok(State::ReprotectingToOnprem)) => Ok(false),
        (Ok(Experience::Classic | Experience::Modernized) | Err(_), _) => Err(unlisted),
    }
}

/// Returns whether machines go to an existing app-consistent point; in the modernized architecture it is made later.
fn is_classic_app_consistent(choice: Option<PointChoice>, machine: Machine<'_>) -> Fact<bool> {
    Ok(match choice {
        Some(PointChoice::AppConsistent) => machine.model.experience()? == Experience::Classic,
        Some(PointChoice::Latest | PointChoice::CrashConsistent) | None => false,
    })
}

/// The moments of its group at which a machine has an app-consistent point.
struct SharedMoments<'m> {
    known: BTreeSet<&'m str>,
    /// Why there may be more.
    open: Option<Unknown>,
}

fn shared_moments(machine: Machine<'_>) -> SharedMoments<'_> {
    let mut moments = SharedMoments { known: BTreeSet::new(), open: None };
    let points = match machine.recovery_points() {
        Ok(points) => points,
        Err(unknown) => {
            moments.open = Some(of_machine(unknown, machine));
            return moments;
        }
    };
    for point in points {
        let kind = point.kind.as_ref().map(|kind| kind.value);
        match (kind, point.group_point.fact("asr.recovery_points.group_point")) {
            (Some(PointKind::CrashConsistent), _) => {}
            (Some(PointKind::AppConsistent), Ok(moment)) => {
                moments.known.insert(&moment.value);
            }
            (Some(PointKind::AppConsistent), Err(unknown)) => {
                moments.open = Some(of_machine(unknown, machine));
            }
            (None, _) => moments.open = Some(Unknown::of("asr.recovery_points.kind", &machine.name().value)),
        }
    }
    moments
}

/// Names the machine that lacks a fact, where the subject of the rule is something else.
fn of_machine(unknown: Unknown, machine: Machine<'_>) -> Unknown {
    Unknown { object: unknown.object.or_else(|| Some(machine.name().value.clone())), ..unknown }
}

/// Returns the names of machines, the first of many.
fn names(machines: &[Machine<'_>]) -> String {
    let first: Vec<&str> =
        machines.iter().take(MOST_NAMED).map(|machine| machine.name().value.as_str()).collect();
    match machines.len().saturating_sub(MOST_NAMED) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// Points at machines, the first of many.
fn point_at(finding: &mut Finding, machines: &[Machine<'_>], text: &str) {
    let more = machines.len().saturating_sub(MOST_NAMED);
    for (at, machine) in machines.iter().take(MOST_NAMED).enumerate() {
        let last = at + 1 == MOST_NAMED && more > 0;
        let text = if last { format!("{text}, and {more} more") } else { text.to_owned() };
        finding.also(machine.name().span, text);
    }
}
