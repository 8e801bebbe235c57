//! How many items of each kind there are, and the line that says so.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use crate::diagnostic::Severity;
use crate::escape;
use crate::render::Item;
use crate::render::style::Style;
use crate::render::style::Tone;
use crate::rules::Found;
use crate::rules::State;

/// How many items of each kind there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Violated errors, mistakes included.
    pub errors: usize,
    /// Violated warnings.
    pub warnings: usize,
    /// Violated infos.
    pub infos: usize,
    /// Rules that a missing fact leaves open.
    pub indeterminate: usize,
    /// Of these, those that weigh nothing: the inventory leaves out what only a measurement gives.
    pub unmeasured: usize,
    /// What the run waits for.
    pub pending: usize,
    /// What is accepted.
    pub waived: usize,
}

impl Counts {
    /// Counts an item.
    pub fn add(&mut self, item: &Item<'_>) {
        let count = match (item.state, item.severity) {
            (State::Violated, Severity::Error) => &mut self.errors,
            (State::Violated, Severity::Warning) => &mut self.warnings,
            (State::Violated, Severity::Info) => &mut self.infos,
            (State::Indeterminate, _) => &mut self.indeterminate,
            (State::Unmeasured, _) => {
                self.unmeasured += 1;
                &mut self.indeterminate
            }
            (State::Pending, _) => &mut self.pending,
            (State::Waived, _) => &mut self.waived,
        };
        *count += 1;
    }

    /// Counts items.
    #[must_use]
    pub fn of<'i>(items: impl IntoIterator<Item = &'i Item<'i>>) -> Self {
        let mut counts = Self::default();
        for item in items {
            counts.add(item);
        }
        counts
    }

    /// Counts everything that was found about a plan.
    #[must_use]
    pub fn of_found(found: &Found) -> Self {
        let kept: Vec<Item<'_>> = found.kept().iter().map(Item::of_finding).collect();
        let mut counts = Self::of(&kept);
        counts.indeterminate += found.open_count();
        counts
    }

    /// Returns the counts in words; empty if there is nothing.
    #[must_use]
    pub fn in_words(&self) -> String {
        let plural = |count: usize, one: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            _ => Some(format!("{count} {one}s")),
        };
        let fixed = |count: usize, word: &str| (count > 0).then(|| format!("{count} {word}"));
        let parts = [
            plural(self.errors, "error"),
            plural(self.warnings, "warning"),
            fixed(self.indeterminate.saturating_sub(self.unmeasured), "undecided"),
            plural(self.infos, "info"),
            fixed(self.pending, "pending"),
            fixed(self.waived, "waived"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// What became of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing refuses it.
    Passed,
    /// A rule refuses it.
    Refused,
    /// Undecided rules refuse it, because of `--strict`.
    RefusedStrictly,
    /// Violated warnings refuse it, because of `--fail-on warning`.
    RefusedByWarnings,
    /// What refuses it is in the baseline.
    Known,
    /// Its documents have mistakes, so no rule looked at it.
    NotChecked,
}

impl Verdict {
    /// Returns whether a check fails for it.
    #[must_use]
    pub const fn refuses(self) -> bool {
        match self {
            Self::Refused | Self::RefusedStrictly | Self::RefusedByWarnings | Self::NotChecked => true,
            Self::Passed | Self::Known => false,
        }
    }
}

/// Returns a moment in UTC, without seconds where they are zero.
#[must_use]
pub fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    match text.strip_suffix(":00Z") {
        Some(head) if head.matches(':').count() == 1 => format!("{head}Z"),
        _ => text,
    }
}

/// Writes the line that sums a plan up.
pub fn line(
    out: &mut String,
    plan: &str,
    counts: &Counts,
    verdict: Verdict,
    as_of: Option<Timestamp>,
    style: Style,
) {
    let plan = style.paint(Tone::Strong, escape::line(plan).into_owned());
    let words = counts.in_words();
    let facts =
        as_of.map_or_else(|| "facts without a date".to_owned(), |at| format!("facts as of {}", minute(at)));
    let _ = match verdict {
        Verdict::NotChecked => {
            let why = style.paint(Tone::Error, "not checked");
            writeln!(out, "{plan}: {why}, because not all of its documents could be read")
        }
        Verdict::Refused => writeln!(out, "{plan}: {} ({facts})", style.paint(Tone::Error, words)),
        Verdict::RefusedStrictly => {
            let words = style.paint(Tone::Error, words);
            writeln!(out, "{plan}: {words} ({facts}); --strict refuses what can't be decided")
        }
        Verdict::RefusedByWarnings => {
            let words = style.paint(Tone::Error, words);
            writeln!(out, "{plan}: {words} ({facts}); --fail-on warning refuses warnings")
        }
        Verdict::Known => {
            let nothing = style.paint(Tone::Warning, "only what the baseline knows refuses it");
            let comma = if words.is_empty() { "" } else { ", " };
            writeln!(out, "{plan}: {nothing}{comma}{words} ({facts})")
        }
        Verdict::Passed if words.is_empty() => {
            writeln!(out, "{plan}: {} ({facts})", style.paint(Tone::Good, "no rule speaks against it"))
        }
        Verdict::Passed => writeln!(out, "{plan}: {}, {words} ({facts})", style.paint(Tone::Good, "may run")),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_shows_seconds_only_where_there_are_some() {
        let at = |text: &str| minute(text.parse().expect("a time"));
        assert_eq!(at("2025-06-01T00:00:00Z"), "2025-06-01T00:00Z");
        assert_eq!(at("2025-06-01T09:30:00+09:00"), "2025-06-01T00:30Z");
        assert_eq!(at("2025-06-01T00:00:07Z"), "2025-06-01T00:00:07Z");
        assert_eq!(at("2025-06-01T00:00:00.5Z"), "2025-06-01T00:00:00.5Z");
    }

    #[test]
    fn counts_read_as_a_sentence() {
        let counts = Counts { errors: 2, warnings: 1, infos: 2, ..Counts::default() };
        assert_eq!(counts.in_words(), "2 errors, 1 warning, 2 infos");
        assert_eq!(Counts::default().in_words(), "");
    }
}
