//! The recovery points from which a machine comes back.

use jiff::Timestamp;

use crate::provider::azure::site::machine::group;
use crate::provider::azure::site::machine::known;
use crate::provider::azure::site::machine::text;
use crate::provider::azure::site::state::Kind;
use crate::provider::azure::wire::item::Details;
use crate::provider::azure::wire::item::Point;
use crate::provider::azure::wire::page::Resource;
use crate::provider::azure::wire::scalar::Time;
use crate::syntax::machine::PointKind;
use crate::syntax::machine::RecoveryPoint;

/// Returns the recovery points in the direction Azure to on-premises.
pub(super) fn of(
    kind: Kind,
    details: &Details,
    oldest_sync: Option<Timestamp>,
    listed: Option<&[Resource<Point>]>,
) -> Option<Vec<RecoveryPoint>> {
    if !kind.is_to_onprem() {
        // An item that goes the other way has none.
        return Some(Vec::new());
    }
    let is_grouped = group(details).is_some();
    if kind.is_classic() {
        let points = details.consistency_points.get()?;
        let point = |(id, at): (&String, &Time)| {
            let app = id.strip_prefix("systemLevelTag");
            let suffix = app.or_else(|| id.strip_prefix("fileSystem")).unwrap_or(id);
            Some(RecoveryPoint {
                id: known(id.clone()),
                at: known(at.get()?),
                kind: known(if app.is_some() {
                    PointKind::AppConsistent
                } else {
                    PointKind::CrashConsistent
                }),
                group_point: known(suffix.to_owned()).filter(|_| is_grouped),
            })
        };
        return Some(in_order(points.iter().filter_map(point).collect()));
    }
    let listed = listed?;
    let point = |point: &Resource<Point>| {
        let app = point.properties.recovery_point_type.is("ApplicationConsistent");
        let is_shared = point
            .properties
            .provider_specific_details
            .get()
            .and_then(|details| details.is_multi_vm_sync_point.get());
        Some(RecoveryPoint {
            id: text(point.name.get()),
            at: known(point.properties.recovery_point_time.get()?),
            kind: known(if app { PointKind::AppConsistent } else { PointKind::CrashConsistent }),
            group_point: text(point.name.get()).filter(|_| is_shared == Some(true)),
        })
    };
    let mut points: Vec<RecoveryPoint> = listed.iter().filter_map(point).collect();
    if points.is_empty()
        && let Some(at) = oldest_sync
    {
        points.push(RecoveryPoint {
            id: None,
            at: known(at),
            kind: known(PointKind::CrashConsistent),
            group_point: None,
        });
    }
    Some(in_order(points))
}

fn in_order(mut points: Vec<RecoveryPoint>) -> Vec<RecoveryPoint> {
    points.sort_by(|one, other| {
        let key = |point: &RecoveryPoint| point.at.map(|at| at.value);
        key(one).cmp(&key(other)).then_with(|| {
            let id = |point: &RecoveryPoint| point.id.as_ref().map(|id| id.value.clone());
            id(one).cmp(&id(other))
        })
    });
    points
}
