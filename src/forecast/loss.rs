//! Which recovery point each machine goes to, and what data that loses: the plan's RPO on paper.

use serde::Serialize;

use jiff::Timestamp;

use crate::forecast::Range;
use crate::forecast::duration;
use crate::model::Machine;
use crate::model::Model;
use crate::model::PointChoice;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::PointKind;
use crate::syntax::machine::RecoveryPoint;
use crate::syntax::machine::State;

/// The recovery point that a machine is going to, as far as the facts tell: Site Recovery chooses it at the failover.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PredictedPoint {
    /// Its kind.
    pub kind: Option<PointChoice>,
    /// Id of the newest point of this kind that the facts have.
    pub id: Option<String>,
    /// The moment that this point stands for.
    pub at: Option<Timestamp>,
    /// Data that is lost, as time in seconds; `None` if the failover is over, or nobody can tell.
    pub loss_s: Option<Range>,
}

/// Returns the point that a machine is going to.
#[must_use]
pub fn predict(machine: Machine<'_>) -> PredictedPoint {
    let kind = machine.point_choice().ok().flatten();
    let known = kind.and_then(|kind| newest(machine, kind));
    PredictedPoint {
        kind,
        id: known.as_ref().and_then(|point| point.id.as_ref().map(|id| id.value.clone())),
        at: known.as_ref().and_then(|point| point.at.map(|at| at.value)),
        loss_s: kind.and_then(|kind| loss(machine, kind, known)),
    }
}

/// Returns the newest known point of the kind that a machine goes to; of a group, the newest that all members share.
fn newest(machine: Machine<'_>, kind: PointChoice) -> Option<&RecoveryPoint> {
    let points = machine.recovery_points().ok()?;
    let shared = |point: &RecoveryPoint| {
        let Some(group) = machine.group().filter(|_| kind == PointChoice::AppConsistent) else { return true };
        let Some(moment) = &point.group_point else { return false };
        group.members().all(|member| {
            let theirs = member.recovery_points().unwrap_or_default();
            theirs.iter().any(|point| point.group_point.as_ref() == Some(moment))
        })
    };
    points
        .iter()
        .filter(|point| match kind {
            PointChoice::Latest | PointChoice::CrashConsistent => true,
            PointChoice::AppConsistent => {
                point.kind.is_some_and(|kind| kind.value == PointKind::AppConsistent) && shared(point)
            }
        })
        .max_by_key(|point| point.at.map(|at| at.value))
}

fn loss(machine: Machine<'_>, kind: PointChoice, known: Option<&RecoveryPoint>) -> Option<Range> {
    let is_over = machine.state().is_ok_and(|state| match state {
        State::FailedBack
        | State::FailedBackCommitted
        | State::ReprotectingToAzure
        | State::ProtectedToAzure
        | State::FailingBack => true,
        State::FailedOver
        | State::FailedOverCommitted
        | State::ReprotectingToOnprem
        | State::ProtectedToOnprem
        | State::Migrated
        | State::AzureVmDeleted
        | State::ReplicationDisabled
        | State::AzureVmMoved => false,
    });
    if is_over {
        return None;
    }
    if machine.model.experience() == Ok(Experience::Modernized) {
        // The point is made after the planned failover has begun (failover-failback-overview-modernized).
        return Some(Range { low_s: 0, high_s: 0 });
    }
    let every = match kind {
        PointChoice::Latest | PointChoice::CrashConsistent => duration::CRASH_CONSISTENT_EVERY,
        PointChoice::AppConsistent => duration::APP_CONSISTENT_EVERY,
    };
    // A machine whose points are old already may well be as far behind at the failover.
    let observed = machine.model.observed_at().ok();
    let age = known.and_then(|point| observed?.duration_since(point.at?.value).as_secs().try_into().ok());
    let rpo = machine.asr().ok().and_then(|asr| asr.rpo_seconds).filter(|_| kind == PointChoice::Latest);
    let behind = [age, rpo.map(|rpo| rpo.value)].into_iter().flatten().max().unwrap_or(0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an interval of minutes")]
    let every = every as u64;
    Some(Range { low_s: 0, high_s: every.max(behind) })
}

/// What the members of a replication group, or a machine alone, lose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// Name of the group or machine.
    pub subject: String,
    /// Kind of the recovery point.
    pub kind: Option<PointChoice>,
    /// Data that is lost, as time in seconds.
    pub loss_s: Option<Range>,
}

/// Returns what each replication group and each machine alone loses; of a group, what its unluckiest member does.
#[must_use]
pub fn losses(model: &Model, points: &[PredictedPoint]) -> Vec<Loss> {
    let of = |subject: &str, members: &mut dyn Iterator<Item = usize>| {
        let members: Vec<&PredictedPoint> = members.map(|index| &points[index]).collect();
        let worst = members.iter().filter_map(|point| point.loss_s).max_by_key(|range| range.high_s);
        Loss {
            subject: subject.to_owned(),
            kind: members.first().and_then(|point| point.kind),
            loss_s: worst,
        }
    };
    let groups =
        model.groups().map(|group| of(&group.name().value, &mut group.members().map(Machine::index)));
    let alone = model.machines().filter(|machine| machine.group().is_none());
    let alone = alone.map(|machine| of(&machine.name().value, &mut std::iter::once(machine.index())));
    groups.chain(alone).collect()
}
