//! Filters of lists: `Key eq 'value'`, joined by `and` and `or`.

use jiff::Timestamp;

use crate::provider::emulator::http::filter::Brackets;
use crate::provider::emulator::http::job::shown::ShownJob;

/// What a list is narrowed to: for each key the values that it may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pairs: Vec<(String, String)>,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    ///
    /// What of it can't be read.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut pairs = Vec::new();
        let mut brackets = Brackets::default();
        let mut rest = text.trim();
        while !rest.is_empty() {
            rest = brackets.opened(rest);
            let unread = || format!("The filter can't be read at '{rest}'.");
            let (key, tail) = rest.split_once(' ').ok_or_else(unread)?;
            let tail = tail.trim_start();
            let tail = tail.strip_prefix("eq ").or_else(|| tail.strip_prefix("Eq ")).ok_or_else(unread)?;
            let tail = tail.trim_start();
            let (value, tail) = match tail.strip_prefix('\'') {
                Some(quoted) => quoted.split_once('\'').ok_or_else(unread)?,
                None => tail.split_at(tail.find([' ', ')']).unwrap_or(tail.len())),
            };
            let key = key.to_lowercase();
            if matches!(key.as_str(), "starttime" | "endtime") && value.parse::<Timestamp>().is_err() {
                return Err(format!("'{value}' is no time."));
            }
            pairs.push((key, value.to_owned()));
            let odd = || format!("The brackets of the filter are not even at '{tail}'.");
            rest = brackets.closed(tail).ok_or_else(odd)?;
            if !rest.is_empty() {
                rest = joined(rest).ok_or_else(|| format!("The filter can't be read at '{rest}'."))?;
            }
        }
        if !brackets.are_even() {
            return Err(format!("The brackets of the filter '{text}' are not even."));
        }
        Ok(Self { pairs })
    }

    /// Returns the values that a key may have; nothing if it may have any.
    #[must_use]
    pub fn values(&self, key: &str) -> Vec<&str> {
        let key = key.to_lowercase();
        self.pairs.iter().filter(|(own, _)| *own == key).map(|(_, value)| value.as_str()).collect()
    }

    /// Returns whether a key may have a value.
    #[must_use]
    pub fn allows(&self, key: &str, value: &str) -> bool {
        let values = self.values(key);
        values.is_empty() || values.iter().any(|one| one.eq_ignore_ascii_case(value))
    }

    fn time(&self, key: &str) -> Option<Timestamp> {
        self.values(key).first().and_then(|text| text.parse().ok())
    }

    /// Returns whether a job that began then may be meant.
    pub(super) fn may_hold(&self, begun: Timestamp) -> bool {
        self.time("StartTime").is_none_or(|start| begun >= start)
            && self.time("EndTime").is_none_or(|end| begun <= end)
    }

    /// Returns whether a job is meant.
    pub(super) fn holds(&self, job: &ShownJob) -> bool {
        let kind = job.target.kind;
        self.allows("JobStatus", job.phase.words().0)
            && self.allows("JobName", &job.scenario)
            && (self.allows("AffectedObjectTypes", kind) || self.allows("AffectedObjectTypes", "All"))
            && self.may_hold(job.begun)
    }
}

/// Returns what stands behind an `and` or `or`, if there is something.
fn joined(text: &str) -> Option<&str> {
    let (word, rest) = text.split_once(' ')?;
    let joins = ["and", "or"].iter().any(|joint| word.eq_ignore_ascii_case(joint));
    Some(rest.trim_start()).filter(|rest| joins && !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_joins_keys_and_takes_one_value_of_each() {
        let filter =
            Filter::read("( JobStatus eq 'Failed' or JobStatus eq 'Succeeded' ) and JobName eq 'X Y'");
        let filter = filter.expect("it can be read");
        assert_eq!(filter.values("jobstatus"), ["Failed", "Succeeded"]);
        assert!(filter.allows("JobName", "x y") && !filter.allows("JobName", "z"));
        assert!(filter.allows("Other", "anything"));
    }

    #[test]
    fn a_window_of_time_is_read() {
        let text =
            "StartTime eq '2017-08-04T09:28:52.0000000Z' and EndTime eq '2017-08-05T09:28:52.0000000Z'";
        let filter = Filter::read(text).expect("it can be read");
        assert!(filter.may_hold("2017-08-04T12:00:00Z".parse().expect("a time")));
        assert!(!filter.may_hold("2017-08-06T12:00:00Z".parse().expect("a time")));
    }

    #[test]
    fn what_is_no_filter_is_said() {
        assert!(Filter::read("JobStatus").is_err());
        assert!(Filter::read("JobStatus ne 'x'").is_err());
        for text in ["((((((", "()", ")", "( JobStatus eq 'x'", "JobStatus eq 'x' )", "JobStatus eq 'x' and"]
        {
            assert!(Filter::read(text).is_err(), "{text}");
        }
        // One that is passed over would show what was not asked for.
        assert!(Filter::read("StartTime eq 'yesterday'").is_err());
    }
}
