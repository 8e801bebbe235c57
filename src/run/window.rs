//! When a plan's window opens.

use jiff::Timestamp;
use jiff::ToSpan as _;
use jiff::civil::Weekday as CivilWeekday;
use jiff::tz::TimeZone;

use crate::syntax::execution::Weekday;
use crate::syntax::execution::Window;

const fn civil(day: Weekday) -> CivilWeekday {
    match day {
        Weekday::Monday => CivilWeekday::Monday,
        Weekday::Tuesday => CivilWeekday::Tuesday,
        Weekday::Wednesday => CivilWeekday::Wednesday,
        Weekday::Thursday => CivilWeekday::Thursday,
        Weekday::Friday => CivilWeekday::Friday,
        Weekday::Saturday => CivilWeekday::Saturday,
        Weekday::Sunday => CivilWeekday::Sunday,
    }
}

/// Returns when the window is open next: `now` if it is open now; `None` if its time zone is not known.
#[must_use]
pub fn next_opening(window: &Window, now: Timestamp) -> Option<Timestamp> {
    let zone = match &window.timezone {
        Some(zone) => TimeZone::get(&zone.value.0).ok()?,
        None => TimeZone::UTC,
    };
    let today = now.to_zoned(zone.clone()).date();
    let (from, to) = (i64::from(window.from.value.0), i64::from(window.to.value.0));
    // A window that closes before it opens closes on the next day; one of equal ends is open all day.
    let length = if to > from { to - from } else { to + 24 * 60 - from };
    let mut next: Option<Timestamp> = None;
    // Yesterday's window may still be open; a week holds every day.
    for offset in -1..=7_i64 {
        let Ok(day) = today.checked_add(offset.days()) else { continue };
        let chosen = window.days.is_empty() || window.days.iter().any(|given| civil(given.value) == day.weekday());
        if !chosen {
            continue;
        }
        let at = |minutes: i64| {
            day.to_datetime(jiff::civil::Time::midnight()).checked_add(minutes.minutes()).ok()?.to_zoned(zone.clone()).ok()
        };
        let (Some(opens), Some(closes)) = (at(from), at(from + length)) else { continue };
        let (opens, closes) = (opens.timestamp(), closes.timestamp());
        if opens <= now && now < closes {
            return Some(now);
        }
        if opens > now && next.is_none_or(|next| opens < next) {
            next = Some(opens);
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Spanned;
    use crate::syntax::drill::Zone;
    use crate::syntax::execution::TimeOfDay;

    fn weekend() -> Window {
        Window {
            days: vec![Spanned::bare(Weekday::Saturday), Spanned::bare(Weekday::Sunday)],
            from: Spanned::bare(TimeOfDay(22 * 60)),
            to: Spanned::bare(TimeOfDay(6 * 60)),
            timezone: Some(Spanned::bare(Zone("Asia/Seoul".into()))),
        }
    }

    fn opening(now: &str) -> String {
        next_opening(&weekend(), now.parse().expect("a time")).expect("the zone is known").to_string()
    }

    #[test]
    fn a_window_over_midnight_is_open_on_the_next_morning() {
        // 2026-11-23 is a Monday; 05:00 in Seoul is 20:00 UTC of Sunday.
        assert_eq!(opening("2026-11-22T20:00:00Z"), "2026-11-22T20:00:00Z");
        assert_eq!(opening("2026-11-22T21:00:00Z"), "2026-11-28T13:00:00Z");
    }

    #[test]
    fn it_opens_in_its_own_time_zone() {
        assert_eq!(opening("2026-11-25T00:00:00Z"), "2026-11-28T13:00:00Z");
        assert_eq!(opening("2026-11-28T12:59:59Z"), "2026-11-28T13:00:00Z");
        assert_eq!(opening("2026-11-28T13:00:00Z"), "2026-11-28T13:00:00Z");
    }
}
