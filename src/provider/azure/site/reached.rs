//! To which recovery point a machine came home: as the job of its failover tells it, else the least that follows from what its item
//! said when the failover was asked for. The newest point of that moment is never newer than the one that the service takes, so
//! that no less is told than was lost.

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::id::MachineName;
use crate::provider::azure::site::AzureView;
use crate::provider::azure::site::NO_PANIC;
use crate::provider::azure::site::points;
use crate::provider::azure::site::read::FullItem;
use crate::provider::azure::site::state;
use crate::provider::azure::site::state::Kind;
use crate::provider::azure::vault::last_part;
use crate::provider::azure::wire::item::Item;
use crate::provider::azure::wire::job::Job;
use crate::provider::observation::ReachedPoint;
use crate::provider::request::FailbackPoint;
use crate::provider::request::Request;
use crate::syntax::machine::PointKind;
use crate::syntax::machine::State;

/// The longest that a classic item keeps points (`recoveryPointHistory` is at most 72 hours).
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(72);

impl AzureView {
    /// Remembers what is known of the points that a failover can go to, at the moment at which it is asked for.
    pub(super) fn remember_points(&self, request: &Request) {
        let Request::FailoverToOnprem { machines, point, .. } = request else { return };
        for machine in machines {
            let full = self.whole(machine.as_str());
            let before = full.as_ref().and_then(|full| newest(full, *point));
            let mut reached = self.shared.reached.lock().expect(NO_PANIC);
            let key = machine.as_str().to_lowercase();
            match before.or_else(|| of_planned(full.as_ref(), *point)) {
                Some(point) => reached.insert(key, point),
                None => reached.remove(&key),
            };
        }
    }

    /// Takes what the job of a failover tells of the points that it went to; one that failed over is told by name.
    pub(super) fn take_points(&self, job: &Job, machines: &[MachineName]) {
        let Some(details) = job.custom_details.get() else { return };
        for item in details.protected_item_details.iter() {
            let Some(at) = item.recovery_point_time.get() else { continue };
            let named = |machine: &&MachineName| item.friendly_name.is(machine.as_str());
            let Some(machine) = machines.iter().find(named) else { continue };
            let id = item.recovery_point_id.get().map(|id| last_part(id).to_owned());
            let mut reached = self.shared.reached.lock().expect(NO_PANIC);
            let key = machine.as_str().to_lowercase();
            let kind = reached.get(&key).and_then(|known| known.kind);
            reached.insert(key, ReachedPoint { id, kind, at: Some(at) });
        }
    }

    /// Returns the point that a machine came home to, as far as it is known; `None` unless it has failed back.
    pub(super) fn reached(&self, machine: &str, kind: Kind, item: &Item) -> Option<ReachedPoint> {
        if !kind.is_to_onprem() || state::state(kind, item) != Some(State::FailedBack) {
            return None;
        }
        let reached = self.shared.reached.lock().expect(NO_PANIC);
        let known = reached.get(&machine.to_lowercase()).cloned()?;
        if known.at.is_some() {
            return Some(known);
        }
        // A planned failover makes its point after it has begun, and the item tells when that was.
        let details = &item.provider_specific_details;
        let has_succeeded = details.last_planned_failover_status.is("Succeeded");
        let begun = details.last_planned_failover_start_time.get().filter(|_| has_succeeded)?;
        Some(ReachedPoint { at: Some(begun), ..known })
    }
}

/// Returns the newest point of a kind that an item has.
fn newest(full: &FullItem, wanted: FailbackPoint) -> Option<ReachedPoint> {
    let kind = Kind::of(&full.item)?;
    let details = &full.item.provider_specific_details;
    match (kind.is_classic(), wanted) {
        // Times of a classic item's points have no zone that could be relied on; how old the newest is has none.
        (true, FailbackPoint::Latest | FailbackPoint::CrashConsistent) => {
            let age = SignedDuration::from_secs(i64::try_from(details.rpo_in_seconds.count()?).ok()?);
            let at = full.began.checked_sub(age).ok()?;
            Some(ReachedPoint { id: None, kind: Some(PointKind::CrashConsistent), at: Some(at) })
        }
        (true, FailbackPoint::AppConsistent) => {
            let points = details.consistency_points.get()?;
            let tagged = |id: &String| {
                let at = tagged_at(id).filter(|at| is_lately(*at, full.began))?;
                Some(ReachedPoint {
                    id: Some(id.clone()),
                    kind: Some(PointKind::AppConsistent),
                    at: Some(at),
                })
            };
            points.keys().filter_map(tagged).max_by_key(|point| point.at)
        }
        // It goes to a point that is made when it has begun.
        (false, FailbackPoint::Latest | FailbackPoint::CrashConsistent) => None,
        (false, FailbackPoint::AppConsistent) => {
            let listed = full.points.as_deref().map(Vec::as_slice);
            let mut points = points::of(kind, details, None, listed)?;
            points.retain(|point| {
                let is_app = point.kind.as_ref().is_some_and(|kind| kind.value == PointKind::AppConsistent);
                is_app && at(point).is_some_and(|at| at <= full.began)
            });
            let newest = points.into_iter().max_by_key(at)?;
            let id = newest.id.as_ref().map(|id| id.value.clone());
            Some(ReachedPoint { id, kind: Some(PointKind::AppConsistent), at: at(&newest) })
        }
    }
}

/// Returns when an app-consistent point of a classic item was tagged. Its name ends in that second, counted from 1970, in sixteens:
/// `systemLevelTag606c3e8d` was recorded on 2021-04-06, and says 10:57:17 UTC, where the time beside it has no zone that fits.
fn tagged_at(id: &str) -> Option<Timestamp> {
    let digits = id.strip_prefix("systemLevelTag").filter(|digits| digits.len() == 8)?;
    Timestamp::from_second(i64::from_str_radix(digits, 16).ok()?).ok()
}

/// Returns whether a point may be one that is kept: what a name ends in may be something else elsewhere, and is no time then.
fn is_lately(at: Timestamp, now: Timestamp) -> bool {
    let age = now.duration_since(at);
    !age.is_negative() && age <= KEPT_FOR
}

fn at(point: &crate::syntax::machine::RecoveryPoint) -> Option<Timestamp> {
    point.at.as_ref().map(|at| at.value)
}

/// Returns what is known of the point that a planned failover makes, before it has made it.
fn of_planned(full: Option<&FullItem>, wanted: FailbackPoint) -> Option<ReachedPoint> {
    let kind = Kind::of(&full?.item)?;
    match wanted {
        FailbackPoint::CrashConsistent if !kind.is_classic() => {
            Some(ReachedPoint { id: None, kind: Some(PointKind::CrashConsistent), at: None })
        }
        FailbackPoint::Latest | FailbackPoint::CrashConsistent | FailbackPoint::AppConsistent => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Value;
    use serde_json::json;

    use super::*;
    use crate::provider::azure::wire::item::Point;
    use crate::provider::azure::wire::page::Resource;

    fn moment(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn full(details: Value, points: Option<Value>) -> FullItem {
        let item: Item =
            serde_json::from_value(json!({"providerSpecificDetails": details})).expect("it can be read");
        let read = |points| serde_json::from_value::<Vec<Resource<Point>>>(points).expect("they can be read");
        let points = points.map(read).map(Arc::new);
        FullItem { item: Arc::new(item), points, began: moment("2026-11-01T12:00:00Z") }
    }

    #[test]
    fn the_newest_point_of_a_classic_item_is_as_old_as_it_says() {
        let item = full(json!({"instanceType": "InMage", "rpoInSeconds": 300}), None);
        let newest = newest(&item, FailbackPoint::Latest).expect("it says how old");
        assert_eq!(newest.at, Some(moment("2026-11-01T11:55:00Z")));
        let silent = full(json!({"instanceType": "InMage"}), None);
        assert_eq!(super::newest(&silent, FailbackPoint::Latest), None, "what is not told is not known");
        assert_eq!(super::newest(&item, FailbackPoint::AppConsistent), None);
    }

    #[test]
    fn an_app_consistent_point_of_a_classic_item_is_from_when_its_name_says() {
        let points = |points: Value| {
            let mut item = full(
                json!({"instanceType": "InMage", "rpoInSeconds": 242, "consistencyPoints": points}),
                None,
            );
            item.began = moment("2021-04-06T11:50:00Z");
            newest(&item, FailbackPoint::AppConsistent)
        };
        // As recorded, and one of an hour earlier.
        let local = "2021-04-06T16:52:06Z";
        let recorded = json!({"fileSystem606c46c6": local, "systemLevelTag606c3e8d": local, "systemLevelTag606c307d": local});
        let newest = points(recorded).expect("its name tells");
        assert_eq!(newest.id.as_deref(), Some("systemLevelTag606c3e8d"));
        assert_eq!(
            (newest.kind, newest.at),
            (Some(PointKind::AppConsistent), Some(moment("2021-04-06T10:57:17Z")))
        );
        for unknown in
            ["systemLevelTag", "systemLevelTagnightly", "systemLevelTag7fffffff", "systemLevelTag00000001"]
        {
            assert_eq!(points(json!({unknown: local})), None, "{unknown} says nothing");
        }
    }

    #[test]
    fn of_points_that_are_listed_the_newest_of_the_kind_counts_that_was_there() {
        let point = |name: &str, at: &str, kind: &str| json!({"name": name, "properties": {"recoveryPointTime": at, "recoveryPointType": kind}});
        let points = json!([
            point("p1", "2026-11-01T10:00:00Z", "ApplicationConsistent"),
            point("p2", "2026-11-01T11:00:00Z", "ApplicationConsistent"),
            point("p3", "2026-11-01T11:55:00Z", "CrashConsistent"),
            point("p4", "2026-11-01T20:00:00Z", "ApplicationConsistent"),
        ]);
        let item = full(json!({"instanceType": "InMageRcmFailback"}), Some(points));
        let newest = newest(&item, FailbackPoint::AppConsistent).expect("it has one");
        assert_eq!((newest.id.as_deref(), newest.at), (Some("p2"), Some(moment("2026-11-01T11:00:00Z"))));
        assert_eq!(super::newest(&item, FailbackPoint::CrashConsistent), None, "that is made anew");
        let planned = of_planned(Some(&item), FailbackPoint::CrashConsistent).expect("it will be made");
        assert_eq!((planned.at, planned.kind), (None, Some(PointKind::CrashConsistent)));
    }
}
