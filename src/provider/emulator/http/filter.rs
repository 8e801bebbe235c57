//! `$filter` of a list: equalities that are all to hold.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;

/// The conditions of a list: names in small letters and values as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    conditions: Vec<(String, String)>,
}

impl Filter {
    /// Returns the conditions of a request.
    ///
    /// # Errors
    ///
    /// The answer to one that can't be read.
    pub fn of(asked: &Asked) -> Result<Self, Box<Answer>> {
        let text = asked.argument("$filter").unwrap_or_default();
        Self::parse(text).ok_or_else(|| {
            let message = format!("Invalid filter in query string: '{text}'.");
            Box::new(Answer::asr_error(asked, 400, "InvalidFilter", message))
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut conditions = Vec::new();
        let mut brackets = Brackets::default();
        let mut rest = text.trim();
        while !rest.is_empty() {
            rest = brackets.opened(rest);
            let (name, after) = rest.split_once(char::is_whitespace)?;
            let after = after.trim_start();
            let after = after.strip_prefix("eq").or_else(|| after.strip_prefix("EQ"))?.trim_start();
            let after = after.strip_prefix('\'')?;
            let (value, after) = after.split_once('\'')?;
            conditions.push((name.to_lowercase(), value.to_owned()));
            rest = brackets.closed(after)?;
            if rest.is_empty() {
                break;
            }
            let word = rest.get(..4)?;
            if !word.eq_ignore_ascii_case("and ") {
                return None;
            }
            rest = rest[4..].trim_start();
            if rest.is_empty() {
                return None;
            }
        }
        brackets.are_even().then_some(Self { conditions })
    }

    /// Returns what a name has to be equal to.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.conditions
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Returns whether a thing may have this value under this name.
    #[must_use]
    pub fn allows(&self, name: &str, value: Option<&str>) -> bool {
        self.value(name).is_none_or(|wanted| value.is_some_and(|value| value.eq_ignore_ascii_case(wanted)))
    }

    /// Returns the moment that a name is to be at: in RFC 3339, or as the tools of Windows write it in English.
    #[must_use]
    pub fn moment(&self, name: &str) -> Option<Timestamp> {
        let text = self.value(name)?;
        if let Ok(moment) = text.parse() {
            return Some(moment);
        }
        let civil = DateTime::strptime("%m/%d/%Y %I:%M:%S %p", text).or_else(|_| text.parse());
        civil.ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    }
}

/// Brackets around conditions, which change nothing where they are even.
#[derive(Debug, Default)]
pub(super) struct Brackets {
    open: usize,
}

impl Brackets {
    /// Returns what stands behind the brackets that open here.
    pub(super) fn opened<'t>(&mut self, text: &'t str) -> &'t str {
        let rest = text.trim_start_matches(['(', ' ']);
        self.open += text[..text.len() - rest.len()].matches('(').count();
        rest
    }

    /// Returns what stands behind the brackets that close here; `None` if more close than are open.
    pub(super) fn closed<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let rest = text.trim_start_matches([')', ' ']);
        self.open = self.open.checked_sub(text[..text.len() - rest.len()].matches(')').count())?;
        Some(rest)
    }

    /// Returns whether each that was opened was closed.
    pub(super) const fn are_even(&self) -> bool {
        self.open == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_in_every_form_that_was_recorded() {
        let filter = Filter::parse("EventType eq 'VmHealth' and AffectedObjectFriendlyName eq 'w 1'");
        let filter = filter.expect("two conditions");
        assert_eq!(filter.value("eventtype"), Some("VmHealth"));
        assert!(filter.allows("affectedObjectFriendlyName", Some("W 1")));
        assert!(!filter.allows("eventType", None));
        let filter = Filter::parse("( JobStatus eq 'Succeeded' )").expect("one condition");
        assert_eq!(filter.value("JobStatus"), Some("Succeeded"));
        assert_eq!(Filter::parse(""), Some(Filter::default()));
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in [
            "x",
            "a eq b",
            "a ne 'b'",
            "a eq 'b' or c eq 'd'",
            "a eq 'b' and ",
            "((((",
            "()",
            "(a eq 'b'",
            "a eq 'b')",
            ") a eq 'b' (",
        ] {
            assert_eq!(Filter::parse(text), None, "{text}");
        }
    }

    #[test]
    fn moments_are_read_in_both_forms() {
        for text in ["StartTime eq '2017-08-18T02:05:00.0000000Z'", "StartTime eq '8/18/2017 2:05:00 AM'"] {
            let filter = Filter::parse(text).expect("a condition");
            let expected: Timestamp = "2017-08-18T02:05:00Z".parse().expect("a moment");
            assert_eq!(filter.moment("starttime"), Some(expected), "{text}");
        }
    }
}
