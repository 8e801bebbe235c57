//! The hours inside which failover and commit may begin.

use jiff::SignedDuration;
use jiff::Timestamp;
use jiff::ToSpan as _;
use jiff::Zoned;
use jiff::tz::TimeZone;

use crate::syntax::execution::Weekday;
use crate::syntax::execution::Window;

/// The opening hours of a plan.
#[derive(Clone, Debug)]
pub struct Hours {
    days: Vec<Weekday>,
    /// Minutes after midnight.
    from: i64,
    /// Minutes after that midnight; more than a day's for a window that closes on the next day.
    to: i64,
    zone: TimeZone,
    zone_name: String,
}

/// A stretch of time in which the window is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// When it opens.
    pub from: Timestamp,
    /// When it closes; not part of it.
    pub to: Timestamp,
}

const fn weekday(day: jiff::civil::Weekday) -> Weekday {
    match day {
        jiff::civil::Weekday::Monday => Weekday::Monday,
        jiff::civil::Weekday::Tuesday => Weekday::Tuesday,
        jiff::civil::Weekday::Wednesday => Weekday::Wednesday,
        jiff::civil::Weekday::Thursday => Weekday::Thursday,
        jiff::civil::Weekday::Friday => Weekday::Friday,
        jiff::civil::Weekday::Saturday => Weekday::Saturday,
        jiff::civil::Weekday::Sunday => Weekday::Sunday,
    }
}

impl Hours {
    /// Returns the opening hours that a plan states. Equal times mean a whole day.
    #[must_use]
    pub fn of(window: &Window) -> Self {
        let zone_name = window.timezone.as_ref().map_or("UTC", |zone| zone.value.0.as_str());
        let (from, to) = (i64::from(window.from.value.0), i64::from(window.to.value.0));
        Self {
            days: window.days.iter().map(|day| day.value).collect(),
            from,
            to: if to <= from { to + 24 * 60 } else { to },
            // The reader took only names that are known; a machine without time zones falls back to UTC.
            zone: TimeZone::get(zone_name).unwrap_or(TimeZone::UTC),
            zone_name: zone_name.to_owned(),
        }
    }

    /// Returns the opening that holds at `at`, or the next one; `None` if there is none within ten years.
    #[must_use]
    pub fn opening(&self, at: Timestamp) -> Option<Opening> {
        let today = at.to_zoned(self.zone.clone()).date();
        // A window that closes on the next day may have opened yesterday. Ten years end a search for a day that never is.
        (-1..3_660_i64).find_map(|days| {
            let date = today.checked_add(days.days()).ok()?;
            if !self.days.is_empty() && !self.days.contains(&weekday(date.weekday())) {
                return None;
            }
            let midnight = date.at(0, 0, 0, 0);
            // Clock times: a window from 22:00 opens at 22:00 on the day on which clocks are changed, too.
            let moment = |minutes: i64| {
                let local = midnight.checked_add(minutes.minutes()).ok()?;
                Some(self.zone.to_ambiguous_zoned(local).compatible().ok()?.timestamp())
            };
            let opening = Opening { from: moment(self.from)?, to: moment(self.to)? };
            (opening.to > at).then_some(opening)
        })
    }

    /// Returns the day and time at which an opening begins, in the plan's time zone: `Sat 22:00 (Asia/Seoul)`.
    #[must_use]
    pub fn words(&self, opening: Opening) -> String {
        let zoned: Zoned = opening.from.to_zoned(self.zone.clone());
        format!("{} ({})", zoned.strftime("%a %H:%M"), self.zone_name)
    }
}

/// Opening hours as seconds after a moment, for a simulation that asks often.
#[derive(Debug)]
pub(super) struct Calendar<'h> {
    hours: &'h Hours,
    start: Timestamp,
    /// The opening that was found last, and the time from which it was the next one.
    known: Option<(f64, f64, f64)>,
}

impl<'h> Calendar<'h> {
    /// Returns the hours as seconds after `start`.
    pub(super) const fn new(hours: &'h Hours, start: Timestamp) -> Self {
        Self { hours, start, known: None }
    }

    fn seconds(&self, at: Timestamp) -> f64 {
        at.duration_since(self.start).as_secs_f64()
    }

    fn moment(&self, seconds: f64) -> Timestamp {
        let whole = SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::MAX);
        self.start.checked_add(whole).unwrap_or(Timestamp::MAX)
    }

    /// Returns when something that is ready at `now` may begin: at once, or when the window opens.
    pub(super) fn next(&mut self, now: f64) -> f64 {
        if let Some((asked, from, to)) = self.known
            && asked <= now
            && now < to
        {
            return from.max(now);
        }
        let Some(opening) = self.hours.opening(self.moment(now)) else { return now };
        let (from, to) = (self.seconds(opening.from), self.seconds(opening.to));
        self.known = Some((now, from, to));
        from.max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Spanned;
    use crate::syntax::drill::Zone;
    use crate::syntax::execution::TimeOfDay;

    fn weekend() -> Hours {
        Hours::of(&Window {
            days: vec![Spanned::bare(Weekday::Saturday), Spanned::bare(Weekday::Sunday)],
            from: Spanned::bare(TimeOfDay(22 * 60)),
            to: Spanned::bare(TimeOfDay(6 * 60)),
            timezone: Some(Spanned::bare(Zone("Asia/Seoul".into()))),
        })
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_on_which_it_opens() {
        let hours = weekend();
        // 2025-06-02 is a Monday; in Seoul it is nine hours later than in Greenwich.
        let sunday = Opening { from: at("2025-06-01T13:00:00Z"), to: at("2025-06-01T21:00:00Z") };
        assert_eq!(hours.opening(at("2025-06-01T20:59:59Z")), Some(sunday));
        assert_eq!(hours.opening(at("2025-06-01T03:00:00Z")), Some(sunday));
        let next = hours.opening(at("2025-06-01T21:00:00Z")).unwrap();
        assert_eq!(next.from, at("2025-06-07T13:00:00Z"));
        assert_eq!(hours.words(next), "Sat 22:00 (Asia/Seoul)");
    }

    #[test]
    fn the_calendar_agrees_with_the_hours() {
        let hours = weekend();
        let mut calendar = Calendar::new(&hours, at("2025-06-01T12:00:00Z"));
        assert_eq!(calendar.next(0.0), 3_600.0);
        assert_eq!(calendar.next(1_800.0), 3_600.0);
        assert_eq!(calendar.next(4_000.0), 4_000.0);
        assert_eq!(calendar.next(9.0 * 3_600.0), 145.0 * 3_600.0);
    }
}
