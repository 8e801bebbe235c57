//! Recovery points: known from when they began, computed when somebody asks.

use jiff::Timestamp;

use crate::id::push_number;
use crate::provider::emulator::latency;
use crate::provider::observation::ReachedPoint;
use crate::source::Spanned;
use crate::syntax::machine::PointKind;
use crate::syntax::machine::RecoveryPoint;

/// Crash-consistent points that are listed at most.
const LISTED_CRASH_CONSISTENT: i64 = 3;
/// App-consistent points that are listed at most.
const LISTED_APP_CONSISTENT: i64 = 2;
/// Points of the present stretch that are listed at most: a list has room for them at once.
const MADE: usize = 5;
const _: () = assert!(MADE as i64 == LISTED_CRASH_CONSISTENT + LISTED_APP_CONSISTENT);

/// One point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Point {
    /// The moment it stands for.
    pub at: Timestamp,
    /// Its consistency.
    pub kind: PointKind,
    /// The moment of the replication group that it belongs to.
    pub group_point: Option<String>,
    /// The service's id, if the inventory gave one.
    id: Option<String>,
}

impl Point {
    /// Returns its id.
    fn id(&self, owner: &Owner<'_>) -> String {
        let mut id = String::new();
        self.write_id(owner, &mut id);
        id
    }

    /// Writes its id over what is there.
    fn write_id(&self, owner: &Owner<'_>, id: &mut String) {
        id.clear();
        if let Some(known) = &self.id {
            id.push_str(known);
            return;
        }
        let word = match self.kind {
            PointKind::CrashConsistent => "-crash-",
            PointKind::AppConsistent => "-app-",
        };
        let second = self.at.as_second();
        // Room for all of it at once; a second has ten digits.
        id.reserve("rp-".len() + owner.machine.len() + word.len() + 11);
        for part in ["rp-", owner.machine, word, if second < 0 { "-" } else { "" }] {
            id.push_str(part);
        }
        push_number(id, second.unsigned_abs());
    }

    /// Writes it as a fact over another one, whose room serves its texts.
    fn write(self, owner: &Owner<'_>, fact: &mut RecoveryPoint) {
        let mut id = fact.id.take().map(|id| id.value).unwrap_or_default();
        self.write_id(owner, &mut id);
        *fact = RecoveryPoint {
            id: Some(Spanned::bare(id)),
            at: Some(Spanned::bare(self.at)),
            kind: Some(Spanned::bare(self.kind)),
            group_point: self.group_point.map(Spanned::bare),
        };
    }
}

/// The points of one machine in the direction Azure to on-premises.
#[derive(Clone, Debug, Default)]
pub(super) struct Points {
    /// Points of an earlier stretch of replication.
    kept: Vec<Point>,
    /// When the present stretch had its first point.
    since: Option<Timestamp>,
}

/// What decides which points there are at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PointsStamp {
    since: Option<i64>,
    /// Crash-consistent points of the present stretch, and the last hour of the app-consistent ones.
    made: i64,
    last: i64,
    /// Points of an earlier stretch: how many, and a sum of their moments.
    kept: (u32, i64),
}

/// Whose points are asked for.
pub(super) struct Owner<'a> {
    /// The machine.
    pub machine: &'a str,
    /// Its replication group.
    pub group: Option<&'a str>,
    /// Seconds past the hour at which app-consistent points are made; the same for all members of a group.
    pub offset: i64,
}

impl Points {
    /// Begins a stretch of replication whose first point is at `at`.
    pub(super) fn begin(&mut self, at: Timestamp) {
        self.since = Some(at);
    }

    /// Returns whether a stretch of replication goes on that makes points.
    pub(super) const fn are_made(&self) -> bool {
        self.since.is_some()
    }

    /// Takes over points that an inventory lists.
    pub(super) fn keep_listed(&mut self, listed: &[RecoveryPoint]) {
        self.kept = listed
            .iter()
            .filter_map(|point| {
                Some(Point {
                    at: **point.at.as_ref()?,
                    kind: point.kind.as_deref().copied().unwrap_or(PointKind::CrashConsistent),
                    group_point: point.group_point.as_ref().map(|group_point| group_point.value.clone()),
                    id: point.id.as_ref().map(|id| id.value.clone()),
                })
            })
            .collect();
        self.kept.sort_by_key(|point| point.at);
    }

    /// Ends the present stretch: no more points, and those that there are stay.
    pub(super) fn stop(&mut self, now: Timestamp, owner: &Owner<'_>) {
        if self.since.is_some() {
            self.kept = self.all(now, owner, LISTED_CRASH_CONSISTENT);
            self.since = None;
        }
    }

    /// Forgets every point.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Adds a point that was made for a planned failover.
    pub(super) fn add(&mut self, at: Timestamp, kind: PointKind, group_point: Option<String>) {
        self.kept.push(Point { at, kind, group_point, id: None });
    }

    /// Returns the moment of a point of the replication group, if it was made.
    pub(super) fn moment_of(&self, group_point: &str) -> Option<Timestamp> {
        let mut made = self.kept.iter().filter(|point| point.group_point.as_deref() == Some(group_point));
        made.next().map(|point| point.at)
    }

    /// Returns the newest points, oldest first: all app-consistent ones of the retention time, and the newest others.
    fn all(&self, now: Timestamp, owner: &Owner<'_>, crash_consistent: i64) -> Vec<Point> {
        self.newest_of(now, owner, crash_consistent, i64::MAX)
    }

    /// Returns the newest points, oldest first: so many of each kind of the present stretch, and all of an earlier one.
    fn newest_of(
        &self,
        now: Timestamp,
        owner: &Owner<'_>,
        crash_consistent: i64,
        app_consistent: i64,
    ) -> Vec<Point> {
        let oldest = oldest(now);
        let mut points: Vec<Point> = Vec::with_capacity(self.kept.len() + MADE);
        points.extend(self.kept.iter().filter(|point| point.at.as_second() >= oldest).cloned());
        self.make(now, owner, (crash_consistent, app_consistent), &mut points);
        points.sort_by_key(|point| point.at);
        points
    }

    /// Adds the newest points of the present stretch, so many of each kind.
    fn make(
        &self,
        now: Timestamp,
        owner: &Owner<'_>,
        (crash_consistent, app_consistent): (i64, i64),
        points: &mut Vec<Point>,
    ) {
        let Some(since) = self.since else { return };
        let (since, end) = (since.as_second(), now.as_second());
        let made = (end - since).div_euclid(latency::CRASH_CONSISTENT_EVERY);
        if end >= since {
            for step in (made - crash_consistent + 1).max(0)..=made {
                let at = since + step * latency::CRASH_CONSISTENT_EVERY;
                points.push(Point {
                    at: moment(at),
                    kind: PointKind::CrashConsistent,
                    group_point: None,
                    id: None,
                });
            }
        }
        let every = latency::APP_CONSISTENT_EVERY;
        let last = (end - owner.offset).div_euclid(every);
        let first = (since.max(oldest(now)) - owner.offset + every - 1).div_euclid(every);
        for step in first.max(last.saturating_sub(app_consistent).saturating_add(1))..=last {
            points.push(Point {
                at: moment(step * every + owner.offset),
                kind: PointKind::AppConsistent,
                group_point: owner.group.map(|group| [group, &step.to_string()].join("-")),
                id: None,
            });
        }
    }

    /// Returns whether there is a point that a failback can use.
    pub(super) fn any(&self, now: Timestamp, owner: &Owner<'_>) -> bool {
        self.newest(now, owner).is_some()
    }

    /// Returns the app-consistent points of the retention time.
    pub(super) fn app_consistent(&self, now: Timestamp, owner: &Owner<'_>) -> Vec<Point> {
        let mut points = self.all(now, owner, 0);
        points.retain(|point| point.kind == PointKind::AppConsistent);
        points
    }

    /// Returns the newest point.
    pub(super) fn newest(&self, now: Timestamp, owner: &Owner<'_>) -> Option<Timestamp> {
        let (oldest, end) = (now.as_second() - latency::RETENTION, now.as_second());
        let kept = self.kept.iter().map(|point| point.at).filter(|at| at.as_second() >= oldest).max();
        let made = self.since.map(Timestamp::as_second).filter(|since| *since <= end).map(|since| {
            let crash = end - (end - since).rem_euclid(latency::CRASH_CONSISTENT_EVERY);
            let app = end - (end - owner.offset).rem_euclid(latency::APP_CONSISTENT_EVERY);
            moment(crash.max(if app >= since.max(oldest) { app } else { crash }))
        });
        kept.max(made)
    }

    /// Returns the newest point that a failover may go to.
    pub(super) fn reached(
        &self,
        now: Timestamp,
        owner: &Owner<'_>,
        may: impl Fn(&Point) -> bool,
    ) -> Option<ReachedPoint> {
        let oldest = oldest(now);
        let mut made = Vec::new();
        self.make(now, owner, (1, i64::MAX), &mut made);
        let kept = self.kept.iter().filter(|point| point.at.as_second() >= oldest);
        let point = kept.chain(&made).filter(|point| may(point)).max_by_key(|point| point.at)?;
        let (kind, at) = (Some(point.kind), Some(point.at));
        Some(ReachedPoint { id: Some(point.id(owner)), kind, at })
    }

    /// Returns what decides which points there are: as long as it stays the same, so do they.
    pub(super) fn stamp(&self, now: Timestamp, owner: &Owner<'_>) -> PointsStamp {
        let (oldest, end) = (now.as_second() - latency::RETENTION, now.as_second());
        let since = self.since.map(Timestamp::as_second);
        let made = since.map_or(0, |since| (end - since).div_euclid(latency::CRASH_CONSISTENT_EVERY));
        let last = since.map_or(0, |_| (end - owner.offset).div_euclid(latency::APP_CONSISTENT_EVERY));
        let kept = self.kept.iter().filter(|point| point.at.as_second() >= oldest);
        let kept = kept.fold((0, 0), |(count, sum), point| (count + 1, sum ^ point.at.as_second()));
        PointsStamp { since, made, last, kept }
    }

    /// Returns the newest points as facts, oldest first.
    pub(super) fn facts(&self, now: Timestamp, owner: &Owner<'_>) -> Vec<RecoveryPoint> {
        let mut facts = Vec::new();
        self.list(now, owner, &mut facts);
        facts
    }

    /// Writes the same over a list from before, whose room serves the new one.
    pub(super) fn list(&self, now: Timestamp, owner: &Owner<'_>, facts: &mut Vec<RecoveryPoint>) {
        let points = self.newest_of(now, owner, LISTED_CRASH_CONSISTENT, LISTED_APP_CONSISTENT);
        let app_consistent = points.iter().filter(|point| point.kind == PointKind::AppConsistent).count();
        let listed = usize::try_from(LISTED_APP_CONSISTENT).expect("a handful");
        let mut skip = app_consistent.saturating_sub(listed);
        let mut count = 0;
        for point in points {
            if point.kind == PointKind::AppConsistent && skip > 0 {
                skip -= 1;
                continue;
            }
            if facts.len() == count {
                facts.push(RecoveryPoint { id: None, at: None, kind: None, group_point: None });
            }
            point.write(owner, &mut facts[count]);
            count += 1;
        }
        facts.truncate(count);
    }
}

/// Returns the second before which points are no longer kept.
fn oldest(now: Timestamp) -> i64 {
    now.as_second() - latency::RETENTION
}

fn moment(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a point lies between two moments of the world")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner<'static> {
        Owner { machine: "w1", group: Some("g"), offset: 600 }
    }

    #[test]
    fn points_come_every_five_minutes_and_every_hour() {
        let mut points = Points::default();
        points.begin(moment(36_000));
        let facts = points.facts(moment(36_000 + 7_200), &owner());
        let kinds: Vec<_> = facts.iter().map(|fact| **fact.kind.as_ref().unwrap()).collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == PointKind::CrashConsistent).count(), 3);
        assert_eq!(kinds.iter().filter(|kind| **kind == PointKind::AppConsistent).count(), 2);
        assert_eq!(points.newest(moment(36_000 + 7_199), &owner()), Some(moment(36_000 + 6_900)));
        assert!(!points.any(moment(35_999), &owner()));
        assert_eq!(points.app_consistent(moment(36_000 + 7_200), &owner()).len(), 2);
    }

    #[test]
    fn the_newest_point_is_the_last_of_all_and_the_stamp_changes_with_the_list() {
        let mut points = Points::default();
        points.begin(moment(36_100));
        let mut before = None;
        for second in (35_000..36_100 + 90_000).step_by(97) {
            let now = moment(second);
            assert_eq!(
                points.newest(now, &owner()),
                points.all(now, &owner(), 1).last().map(|point| point.at)
            );
            let present = (points.stamp(now, &owner()), points.facts(now, &owner()));
            if let Some((stamp, facts)) = before.replace(present.clone())
                && stamp == present.0
            {
                assert_eq!(facts, present.1, "at {second}");
            }
        }
        points.stop(moment(130_000), &owner());
        for second in (130_000..230_000).step_by(997) {
            let now = moment(second);
            assert_eq!(
                points.newest(now, &owner()),
                points.all(now, &owner(), 1).last().map(|point| point.at)
            );
        }
    }

    #[test]
    fn a_stopped_stretch_keeps_its_points_until_they_are_a_day_old() {
        let mut points = Points::default();
        points.begin(moment(0));
        points.stop(moment(3_600), &owner());
        assert_eq!(points.newest(moment(50_000), &owner()), Some(moment(3_600)));
        assert!(!points.any(moment(3_600 + latency::RETENTION + 1), &owner()));
    }
}
