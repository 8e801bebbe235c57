//! Schedules in five cron fields: which minutes of which days they mean.

use std::ops::RangeInclusive;

use jiff::civil::Date;

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Values of a field, one bit each.
type Bits = u64;

/// A schedule of five cron fields: minute, hour, day of month, month, day of week.
///
/// Each field is `*` or a list of values, ranges (`1-5`) and steps (`*/15`, `8-18/2`); months and days have names. A day of
/// week may be the first to fifth of a month (`MON#1`), a day of month the last one (`L`). Where both day fields say
/// something, a day that fits either of them is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: Bits,
    hours: Bits,
    /// `None`: any.
    days: Option<Days>,
    months: Bits,
    /// `None`: any.
    weekdays: Option<Weekdays>,
}

/// Days of a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Days {
    bits: Bits,
    last: bool,
}

/// Days of a week, Sunday first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Weekdays {
    bits: Bits,
    /// The first to fifth of each day of the week: bit `7 * (nth - 1) + day`.
    of_month: Bits,
}

/// A field of a schedule.
struct Field {
    what: &'static str,
    values: RangeInclusive<u8>,
    names: &'static [&'static str],
    /// What the first name stands for.
    first: u8,
}

const MINUTE: Field = Field { what: "minute", values: 0..=59, names: &[], first: 0 };
const HOUR: Field = Field { what: "hour", values: 0..=23, names: &[], first: 0 };
const DAY: Field = Field { what: "day of month", values: 1..=31, names: &[], first: 1 };
const MONTH: Field = Field { what: "month", values: 1..=12, names: &MONTHS, first: 1 };
/// 7 is Sunday too.
const WEEKDAY: Field = Field { what: "day of week", values: 0..=7, names: &WEEKDAYS, first: 0 };

impl Cron {
    /// Reads five fields with blanks between them.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong, for a diagnostic.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split(' ').filter(|field| !field.is_empty()).collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(format!("a schedule has five fields, this has {}", fields.len()));
        };
        Ok(Self {
            minutes: MINUTE.bits(minute)?,
            hours: HOUR.bits(hour)?,
            days: days(day)?,
            months: MONTH.bits(month)?,
            weekdays: weekdays(weekday)?,
        })
    }

    /// Returns whether it is due at an hour and minute of its days.
    #[must_use]
    pub fn is_due_at(&self, hour: i8, minute: i8) -> bool {
        has(self.hours, hour) && has(self.minutes, minute)
    }

    /// Returns whether it is due on a day.
    #[must_use]
    pub fn is_due_on(&self, date: Date) -> bool {
        if !has(self.months, date.month()) {
            return false;
        }
        let of_month =
            |days: Days| has(days.bits, date.day()) || (days.last && date.day() == date.days_in_month());
        let of_week = |days: Weekdays| {
            let day = date.weekday().to_sunday_zero_offset();
            has(days.bits, day) || has(days.of_month, (date.day() - 1) / 7 * 7 + day)
        };
        match (self.days, self.weekdays) {
            (None, None) => true,
            (Some(days), None) => of_month(days),
            (None, Some(days)) => of_week(days),
            (Some(month), Some(week)) => of_month(month) || of_week(week),
        }
    }

    /// Returns its minutes, 0 to 59.
    #[must_use]
    pub fn minutes(&self) -> Vec<u8> {
        values(self.minutes, MINUTE.values)
    }

    /// Returns its hours, 0 to 23.
    #[must_use]
    pub fn hours(&self) -> Vec<u8> {
        values(self.hours, HOUR.values)
    }

    /// Returns its months, 1 to 12.
    #[must_use]
    pub fn months(&self) -> Vec<u8> {
        values(self.months, MONTH.values)
    }

    /// Returns its days of a month, 1 to 31, and whether the last one is among them; `None` if any is meant.
    #[must_use]
    pub fn days(&self) -> Option<(Vec<u8>, bool)> {
        self.days.map(|days| (values(days.bits, DAY.values), days.last))
    }

    /// Returns its days of a week, Sunday being 0; `None` if any is meant.
    #[must_use]
    pub fn weekdays(&self) -> Option<Vec<u8>> {
        self.weekdays.map(|days| values(days.bits, 0..=6))
    }

    /// Returns the days of a week that are meant of one week of a month alone, each with the number of that week.
    #[must_use]
    pub fn weekdays_of_month(&self) -> Vec<(u8, u8)> {
        let bits = self.weekdays.map_or(0, |days| days.of_month);
        let nth = (1..=5).flat_map(|nth| (0..7).map(move |day| (day, nth)));
        nth.filter(|(day, nth)| bits >> (7 * (nth - 1) + day) & 1 == 1).collect()
    }

    /// Returns whether there is a day on which it is due.
    #[must_use]
    pub fn ever_fires(&self) -> bool {
        // After 28 years, dates fall on the same days of the week again.
        let mut date = jiff::civil::date(2000, 1, 1);
        while date.year() < 2028 {
            if self.is_due_on(date) {
                return true;
            }
            match date.tomorrow() {
                Ok(next) => date = next,
                Err(_) => return false,
            }
        }
        false
    }
}

fn values(bits: Bits, range: RangeInclusive<u8>) -> Vec<u8> {
    range.filter(|value| bits >> value & 1 == 1).collect()
}

fn has(bits: Bits, value: i8) -> bool {
    u32::try_from(value).is_ok_and(|value| bits.checked_shr(value).is_some_and(|bits| bits & 1 == 1))
}

fn days(text: &str) -> Result<Option<Days>, String> {
    if matches!(text, "*" | "?") {
        return Ok(None);
    }
    let mut days = Days::default();
    for part in text.split(',') {
        match part {
            "L" | "l" => days.last = true,
            _ => days.bits |= DAY.part(part)?,
        }
    }
    Ok(Some(days))
}

fn weekdays(text: &str) -> Result<Option<Weekdays>, String> {
    if matches!(text, "*" | "?") {
        return Ok(None);
    }
    let mut days = Weekdays::default();
    for part in text.split(',') {
        match part.split_once('#') {
            Some((day, nth)) => {
                let day = WEEKDAY.value(day)? % 7;
                let nth: u8 = nth.parse().ok().filter(|nth| (1..=5).contains(nth)).ok_or_else(|| {
                    format!("`{}`: a day of week comes up to five times in a month", part.escape_debug())
                })?;
                days.of_month |= 1 << (7 * (nth - 1) + day);
            }
            None => days.bits |= WEEKDAY.part(part)?,
        }
    }
    // Both 0 and 7 are Sunday.
    days.bits = days.bits & 0x7f | days.bits >> 7;
    Ok(Some(days))
}

impl Field {
    fn bits(&self, text: &str) -> Result<Bits, String> {
        text.split(',').try_fold(0, |bits, part| Ok(bits | self.part(part)?))
    }

    /// Reads `*`, a value or a range, each with a step or without.
    fn part(&self, text: &str) -> Result<Bits, String> {
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (text, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (*self.values.start(), *self.values.end()),
            Some((first, last)) => (self.value(first)?, self.value(last)?),
            // A value with a step goes on to the end.
            None if step.is_some() => (self.value(range)?, *self.values.end()),
            None => {
                let value = self.value(range)?;
                (value, value)
            }
        };
        if first > last {
            return Err(format!("{} `{}` ends before it begins", self.what, range.escape_debug()));
        }
        let step = match step {
            None => 1,
            Some(step) => {
                step.parse::<u8>().ok().filter(|step| (1..=*self.values.end()).contains(step)).ok_or_else(
                    || format!("`{}` is not a step of the {} field", step.escape_debug(), self.what),
                )?
            }
        };
        Ok((first..=last).step_by(step.into()).fold(0, |bits, value| bits | 1 << value))
    }

    fn value(&self, text: &str) -> Result<u8, String> {
        let by_name = || self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let number = match text.bytes().all(|byte| byte.is_ascii_digit()) {
            true => text.parse::<u8>().ok(),
            false => by_name().and_then(|at| u8::try_from(at).ok()).map(|at| at + self.first),
        };
        number.filter(|value| self.values.contains(value)).ok_or_else(|| {
            let (first, last) = (self.values.start(), self.values.end());
            format!("`{}` is not in the {} field, {first} to {last}", text.escape_debug(), self.what)
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn cron(text: &str) -> Cron {
        Cron::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
    }

    #[test]
    fn a_schedule_means_the_minutes_and_days_that_it_says() {
        let weekly = cron("0 3 * * SUN");
        assert!(weekly.is_due_on(date(2026, 11, 22)) && !weekly.is_due_on(date(2026, 11, 23)));
        assert!(weekly.is_due_at(3, 0) && !weekly.is_due_at(3, 1) && !weekly.is_due_at(4, 0));
        assert_eq!(cron("0 3 * * 7"), cron("0 3 ? * 0"));
        assert_eq!(cron("0-30/15 8-10 1 jan,DEC mon-fri"), cron("0,15,30 8,9,10 1 1,12 1,2,3,4,5"));
        assert_eq!(cron("50/5 * * * *"), cron("50,55 * * * *"));
        let first_monday = cron("0 0 * * MON#1");
        assert!(first_monday.is_due_on(date(2026, 11, 2)) && !first_monday.is_due_on(date(2026, 11, 9)));
        let last = cron("0 0 L * *");
        assert!(last.is_due_on(date(2028, 2, 29)) && !last.is_due_on(date(2026, 3, 30)));
        let either = cron("0 0 13 * FRI");
        assert!(either.is_due_on(date(2026, 10, 13)) && either.is_due_on(date(2026, 10, 16)));
    }

    #[test]
    fn values_that_no_clock_shows_are_refused() {
        for (text, problem) in [
            ("61 * * * *", "`61` is not in the minute field, 0 to 59"),
            ("0 24 * * *", "`24` is not in the hour field, 0 to 23"),
            ("0 0 0 * *", "`0` is not in the day of month field, 1 to 31"),
            ("0 0 * 13 *", "`13` is not in the month field, 1 to 12"),
            ("0 0 * * 8", "`8` is not in the day of week field, 0 to 7"),
            ("0 0 * * FUN", "`FUN` is not in the day of week field, 0 to 7"),
            ("0 0 * * MON#6", "`MON#6`: a day of week comes up to five times in a month"),
            ("*/0 * * * *", "`0` is not a step of the minute field"),
            ("*/60 * * * *", "`60` is not a step of the minute field"),
            ("30-10 * * * *", "minute `30-10` ends before it begins"),
            ("0,,1 * * * *", "`` is not in the minute field, 0 to 59"),
            ("? * * * *", "`?` is not in the minute field, 0 to 59"),
            ("* * * *", "a schedule has five fields, this has 4"),
            ("300 * * * *", "`300` is not in the minute field, 0 to 59"),
        ] {
            assert_eq!(Cron::parse(text), Err(problem.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_day_that_no_year_has_is_never_due() {
        for text in ["0 0 31 2 *", "0 0 30 2 ?", "0 0 31 4,6,9,11 *"] {
            assert!(!cron(text).ever_fires(), "{text}");
        }
        for text in ["0 0 29 2 *", "0 0 31 2 MON", "0 0 * 2 MON#5", "0 0 31 * *", "0 0 L 2 *"] {
            assert!(cron(text).ever_fires(), "{text}");
        }
    }
}
