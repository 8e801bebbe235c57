//! Schedules in the five fields that every cron reads: numbers, lists and ranges.

use crate::drill::elsewhere::Job;
use crate::drill::elsewhere::Refusal;

/// Five fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) minutes: Vec<u8>,
    pub(super) hours: Vec<u8>,
    /// `None`: any.
    pub(super) days: Option<Vec<u8>>,
    pub(super) months: Vec<u8>,
    /// `None`: any; Sunday is 0.
    pub(super) weekdays: Option<Vec<u8>>,
}

impl Fields {
    /// Returns the fields of a drill's schedule.
    ///
    /// # Errors
    ///
    /// The last day of a month and the first Monday of one are in no plain cron.
    pub(super) fn of(job: &Job<'_>) -> Result<Self, Refusal> {
        let days = match job.cron.days() {
            Some((_, true)) => {
                let help = "name a day that every month has, or use `failback serve` or systemd";
                return Err(job.refused("`L`, the last day of a month, is in no plain cron", help));
            }
            days => days.map(|(days, _)| days),
        };
        if !job.cron.weekdays_of_month().is_empty() {
            let message = "a day of one week of a month (`MON#1`) is in no plain cron";
            return Err(job.refused(message, "use `failback serve` or systemd"));
        }
        let weekdays = job.cron.weekdays();
        let cron = &job.cron;
        Ok(Self { minutes: cron.minutes(), hours: cron.hours(), days, months: cron.months(), weekdays })
    }

    /// Returns the fields as text.
    pub(super) fn text(&self) -> String {
        let any =
            |values: &Option<Vec<u8>>| values.as_ref().map_or_else(|| "*".to_owned(), |values| list(values));
        [
            whole(&self.minutes, 60),
            whole(&self.hours, 24),
            any(&self.days),
            whole(&self.months, 12),
            any(&self.weekdays),
        ]
        .join(" ")
    }
}

fn whole(values: &[u8], all: usize) -> String {
    if values.len() == all { "*".to_owned() } else { list(values) }
}

/// Returns numbers as a list of numbers and ranges.
pub(super) fn list(values: &[u8]) -> String {
    ranges(values, '-')
}

/// Returns numbers as a list of numbers and of ranges with `to` between their ends.
pub(super) fn ranges(values: &[u8], to: impl std::fmt::Display) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut rest = values;
    while let Some(first) = rest.first() {
        let length = rest.iter().zip(*first..).take_while(|(value, expected)| *value == expected).count();
        let last = rest[length - 1];
        match length {
            1 => parts.push(first.to_string()),
            2 => parts.extend([first.to_string(), last.to_string()]),
            _ => parts.push(format!("{first}{to}{last}")),
        }
        rest = &rest[length..];
    }
    parts.join(",")
}
