//! When a drill is due: a schedule in its time zone, with each of its times once however clocks are changed.
//!
//! A time is due at the first moment at which the zone's clocks show it or a later one. So a time that they skip comes when they go
//! on, once for all that were skipped together, and one that they show twice is due at the first of the two.

use jiff::SignedDuration;
use jiff::Timestamp;
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::AmbiguousOffset;
use jiff::tz::TimeZone;
use sha2::Digest as _;
use sha2::Sha256;

use crate::quantity::Seconds;
use crate::syntax::cron::Cron;
use crate::syntax::drill::Drill;

/// Days that are looked at for the next time: 41 years, since a fifth Monday of February may come 40 years after the one before it.
const MOST_DAYS: u32 = 41 * 366;

/// The times at which a drill is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    cron: Cron,
    zone: TimeZone,
    /// Days without drills, both ends included, by the zone's clocks.
    blackouts: Vec<(Date, Date)>,
}

impl Calendar {
    /// Returns the times of a schedule by the clocks of a zone, but on the days of `blackouts`, both ends included.
    #[must_use]
    pub const fn new(cron: Cron, zone: TimeZone, blackouts: Vec<(Date, Date)>) -> Self {
        Self { cron, zone, blackouts }
    }

    /// Returns the calendar of a drill; `None` if it is begun by persons alone, or says what no reader of documents lets through.
    #[must_use]
    pub fn of(drill: &Drill) -> Option<Self> {
        let cron = Cron::parse(&drill.schedule.as_ref()?.value.0).ok()?;
        let zone = match &drill.timezone {
            Some(zone) => TimeZone::get(&zone.value.0).ok()?,
            None => TimeZone::UTC,
        };
        let blackouts = drill.blackout.iter().map(|days| (days.from.value, days.to.value)).collect();
        Some(Self::new(cron, zone, blackouts))
    }

    /// Returns the time zone.
    #[must_use]
    pub const fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Returns the moments after one, in order, each once.
    #[must_use]
    pub fn after(&self, moment: Timestamp) -> Moments<'_> {
        let day = self.zone.to_datetime(moment).date();
        // A time of a day that clocks skip whole comes on a later one.
        let day = day.checked_sub(2.days()).unwrap_or(Date::MIN);
        Moments { calendar: self, next_day: Some(day), days_left: MOST_DAYS, last: moment, found: Vec::new() }
    }

    /// Returns the first moment after one; `None` if there is none in the next 41 years.
    #[must_use]
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        self.after(moment).next()
    }

    /// Returns when the blackout ends in which a moment lies, with those that follow it day by day; `None` outside of all.
    #[must_use]
    pub fn blackout_ends(&self, moment: Timestamp) -> Option<Timestamp> {
        let mut day = self.zone.to_datetime(moment).date();
        let mut ends = None;
        while let Some((_, to)) = self.blackout_of(day) {
            // After the last day that there is nothing begins any more.
            let Ok(next) = to.tomorrow() else { return Some(Timestamp::MAX) };
            (day, ends) = (next, Some(next));
        }
        Some(self.first(ends?, 0, 0).unwrap_or(Timestamp::MAX))
    }

    /// Returns when the next blackout begins after a moment outside of all; `None` if there is none.
    #[must_use]
    pub fn blackout_begins(&self, moment: Timestamp) -> Option<Timestamp> {
        let day = self.zone.to_datetime(moment).date();
        let from = self.blackouts.iter().map(|(from, _)| *from).filter(|from| *from > day).min()?;
        self.first(from, 0, 0)
    }

    fn blackout_of(&self, day: Date) -> Option<&(Date, Date)> {
        self.blackouts.iter().find(|(from, to)| (*from..=*to).contains(&day))
    }

    fn is_of(&self, day: Date) -> bool {
        self.cron.is_due_on(day) && self.blackout_of(day).is_none()
    }

    /// Returns the moments of a day after one, the last first.
    fn of_day(&self, day: Date, after: Timestamp) -> Vec<Timestamp> {
        let mut found = Vec::new();
        for hour in 0..24 {
            for minute in 0..60 {
                if !self.cron.is_due_at(hour, minute) {
                    continue;
                }
                let Some(moment) = self.first(day, hour, minute) else { continue };
                if moment > after && found.last() != Some(&moment) {
                    found.push(moment);
                }
            }
        }
        found.reverse();
        found
    }

    /// Returns the first moment at which the zone's clocks show a time, or a later one.
    fn first(&self, day: Date, hour: i8, minute: i8) -> Option<Timestamp> {
        let shown = self.zone.to_ambiguous_timestamp(day.at(hour, minute, 0, 0));
        match shown.offset() {
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => shown.earlier().ok(),
            AmbiguousOffset::Gap { .. } => {
                let before = shown.earlier().ok()?;
                self.zone.following(before).next().map(|change| change.timestamp())
            }
        }
    }
}

/// The moments of a calendar, one after another.
#[derive(Clone, Debug)]
pub struct Moments<'c> {
    calendar: &'c Calendar,
    next_day: Option<Date>,
    days_left: u32,
    last: Timestamp,
    /// Those of the present day that are still to come, the last first.
    found: Vec<Timestamp>,
}

impl Iterator for Moments<'_> {
    type Item = Timestamp;

    fn next(&mut self) -> Option<Timestamp> {
        loop {
            if let Some(moment) = self.found.pop() {
                self.last = moment;
                self.days_left = MOST_DAYS;
                return Some(moment);
            }
            let day = self.next_day?;
            self.days_left = self.days_left.checked_sub(1)?;
            self.next_day = day.tomorrow().ok();
            if self.calendar.is_of(day) {
                self.found = self.calendar.of_day(day, self.last);
            }
        }
    }
}

/// Returns by how much a drill is delayed, at most `most`: always the same for one moment of one drill, and spread over them all.
#[must_use]
pub fn jitter(plan: &str, drill: &str, due: Timestamp, most: Seconds) -> SignedDuration {
    let mut digest = Sha256::new();
    for part in [plan, drill, &due.to_string()] {
        digest.update(part);
        digest.update([0]);
    }
    let bytes: [u8; 8] = std::array::from_fn({
        let digest = digest.finalize();
        move |at| digest[at]
    });
    let seconds = u64::from_be_bytes(bytes) % most.0.saturating_add(1);
    SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn calendar(cron: &str, zone: &str) -> Calendar {
        let zone = TimeZone::get(zone).expect("a zone");
        Calendar::new(Cron::parse(cron).expect("a schedule"), zone, Vec::new())
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// Returns the first moments after one, as the zone's clocks show them.
    fn shown(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let calendar = calendar(cron, zone);
        let moments = calendar.after(at(after)).take(count);
        moments
            .map(|moment| moment.to_zoned(calendar.zone.clone()).strftime("%F %R %:z").to_string())
            .collect()
    }

    #[test]
    fn a_time_that_is_skipped_comes_once_when_clocks_go_on() {
        assert_eq!(
            shown("30 2 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", 3),
            ["2026-03-28 02:30 +01:00", "2026-03-29 03:00 +02:00", "2026-03-30 02:30 +02:00"]
        );
        assert_eq!(
            shown("*/20 2,3 * * *", "America/New_York", "2026-03-08T06:00:00Z", 3),
            ["2026-03-08 03:00 -04:00", "2026-03-08 03:20 -04:00", "2026-03-08 03:40 -04:00"],
            "all that was skipped and what is due then anyway are one"
        );
        assert_eq!(
            shown("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", 2),
            ["2026-10-04 02:30 +11:00", "2026-10-05 02:15 +11:00"],
            "clocks go on by half an hour"
        );
    }

    #[test]
    fn a_time_that_is_shown_twice_is_due_at_the_first() {
        assert_eq!(
            shown("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            ["2026-10-25 02:30 +02:00", "2026-10-26 02:30 +01:00"]
        );
        assert_eq!(
            shown("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", 2),
            ["2026-04-05 01:45 +11:00", "2026-04-06 01:45 +10:30"]
        );
        assert_eq!(
            shown("30 2 * * *", "Africa/Casablanca", "2026-02-14T12:00:00Z", 2),
            ["2026-02-15 02:30 +01:00", "2026-02-16 02:30 +00:00"],
            "clocks go back for Ramadan"
        );
    }

    #[test]
    fn a_day_that_is_skipped_whole_comes_when_the_next_begins() {
        assert_eq!(
            shown("0 3 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", 3),
            ["2011-12-29 03:00 -10:00", "2011-12-31 00:00 +14:00", "2011-12-31 03:00 +14:00"]
        );
        assert_eq!(
            shown("0 3 30 * *", "Pacific/Apia", "2011-12-01T00:00:00Z", 1),
            ["2011-12-31 00:00 +14:00"],
            "though the day of the month is another by then"
        );
    }

    #[test]
    fn zones_without_changes_and_rare_days_are_met() {
        assert_eq!(
            shown("0 3 * * SUN", "Asia/Seoul", "2026-11-23T00:00:00Z", 1),
            ["2026-11-29 03:00 +09:00"]
        );
        assert_eq!(shown("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1), ["2104-02-29 00:00 +00:00"]);
        assert_eq!(shown("0 0 * 2 MON#5", "UTC", "2072-03-01T00:00:00Z", 1), ["2112-02-29 00:00 +00:00"]);
        assert_eq!(calendar("0 0 30 2 *", "UTC").next_after(at("2026-01-01T00:00:00Z")), None);
    }

    #[test]
    fn days_of_a_blackout_are_left_out_by_the_clocks_of_the_zone() {
        let day = |text: &str| text.parse::<Date>().expect("a day");
        let blackouts = vec![(day("2026-12-24"), day("2027-01-02"))];
        let calendar = Calendar { blackouts, ..calendar("30 0 * * *", "Asia/Seoul") };
        let moments: Vec<Timestamp> = calendar.after(at("2026-12-22T00:00:00Z")).take(2).collect();
        // Half past midnight in Seoul is the day before in Greenwich.
        assert_eq!(moments, [at("2026-12-22T15:30:00Z"), at("2027-01-02T15:30:00Z")]);
    }

    #[test]
    fn a_delay_is_always_the_same_and_never_too_long() {
        let due = at("2026-11-23T03:00:00Z");
        let most = Seconds::minutes(10);
        let delays: Vec<SignedDuration> =
            (0..200).map(|n| jitter(&format!("plan{n}"), "weekly", due, most)).collect();
        assert!(delays.iter().all(|delay| (0..=600).contains(&delay.as_secs())));
        assert!(
            delays.iter().any(|delay| delay.as_secs() < 100)
                && delays.iter().any(|delay| delay.as_secs() > 500)
        );
        assert_eq!(jitter("plan7", "weekly", due, most), delays[7]);
        assert_ne!(jitter("plan7", "weekly", at("2026-11-24T03:00:00Z"), most), delays[7]);
        assert_eq!(jitter("plan7", "weekly", due, Seconds(0)), SignedDuration::ZERO);
    }

    /// Walks from minute to minute, and looks at what clocks show.
    fn walked(cron: &Cron, zone: &TimeZone, from: Timestamp, minutes: i64) -> Vec<Timestamp> {
        let is_due = |shown: jiff::civil::DateTime| {
            cron.is_due_on(shown.date()) && cron.is_due_at(shown.hour(), shown.minute())
        };
        // What was shown before the walk, and is shown again in it, is not due again.
        let early = from.checked_sub(26.hours()).expect("a time");
        let mut latest = zone.to_datetime(early);
        let mut found = Vec::new();
        for minute in 1..=minutes + 26 * 60 {
            let moment = early.checked_add(minute.minutes()).expect("a time");
            let shown = zone.to_datetime(moment);
            let mut is_new = false;
            while latest < shown {
                latest = latest.checked_add(1.minute()).expect("a time");
                is_new |= is_due(latest);
            }
            if is_new && moment > from {
                found.push(moment);
            }
        }
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_moments_are_those_of_a_walk_from_minute_to_minute(
            zone in prop::sample::select(vec![
                ("Europe/Berlin", "2026-03-28T00:00:00Z"), ("Europe/Berlin", "2026-10-24T00:00:00Z"),
                ("America/New_York", "2026-03-07T00:00:00Z"), ("America/New_York", "2026-10-31T00:00:00Z"),
                ("Australia/Lord_Howe", "2026-10-03T00:00:00Z"), ("Australia/Lord_Howe", "2026-04-04T00:00:00Z"),
                ("Pacific/Apia", "2011-12-29T00:00:00Z"), ("Africa/Casablanca", "2026-02-14T00:00:00Z"),
                ("Africa/Casablanca", "2026-03-21T00:00:00Z"), ("Asia/Seoul", "2026-11-23T00:00:00Z"),
                ("America/Sao_Paulo", "2018-11-03T00:00:00Z"), ("Asia/Kathmandu", "2026-01-01T00:00:00Z"),
            ]),
            minute in prop::sample::select(vec!["0", "30", "*/7", "15,45", "59", "*"]),
            hour in prop::sample::select(vec!["*", "0", "1-3", "2", "*/5", "23"]),
            day in prop::sample::select(vec!["*", "25", "29-31", "L", "1"]),
            weekday in prop::sample::select(vec!["*", "SUN", "SAT,SUN", "FRI"]),
            ahead in 0_i64..3000,
        ) {
            let (name, start) = zone;
            let zone = TimeZone::get(name).expect("a zone");
            let cron = Cron::parse(&format!("{minute} {hour} {day} * {weekday}")).expect("a schedule");
            let from = at(start).checked_add(ahead.minutes()).expect("a time");
            let until = from.checked_add(2000.minutes()).expect("a time");
            let calendar = Calendar::new(cron, zone.clone(), Vec::new());
            let moments: Vec<Timestamp> = calendar.after(from).take_while(|moment| *moment <= until).collect();
            prop_assert_eq!(moments, walked(&cron, &zone, from, 2000));
        }
    }
}
