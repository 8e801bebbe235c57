//! Items as a code quality report of GitLab, which shows them in a merge request beside the changed lines.
//!
//! <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>: a list of violations, each with
//! `description`, `check_name`, `fingerprint`, `severity`, `location.path` and `location.lines.begin`.

use std::io;
use std::io::Write;

use serde::Serialize;

use crate::diagnostic::Severity;
use crate::escape;
use crate::render::About;
use crate::render::Closing;
use crate::render::Item;
use crate::render::Outcome;
use crate::render::Sheet;
use crate::render::fingerprint::Fingerprints;
use crate::render::gate::Gate;
use crate::render::log::write_json;
use crate::render::place::Places;
use crate::render::style::Verbosity;
use crate::rules::State;
use crate::source::Sources;

/// Writes what the author of a change can do something about.
pub struct CodeQuality<'w> {
    out: &'w mut dyn Write,
    places: Places,
    gate: Gate,
    verbosity: Verbosity,
    fingerprints: Fingerprints,
    any: bool,
}

#[derive(Serialize)]
struct Violation<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
    end: usize,
}

impl<'w> CodeQuality<'w> {
    /// Begins the report; quiet writes only what refuses, verbose also what is accepted or waited for.
    ///
    /// # Errors
    ///
    /// The output's own.
    pub fn begin(
        out: &'w mut dyn Write,
        places: Places,
        gate: Gate,
        verbosity: Verbosity,
    ) -> io::Result<Self> {
        out.write_all(b"[")?;
        Ok(Self { out, places, gate, verbosity, fingerprints: Fingerprints::default(), any: false })
    }

    /// Returns the word of GitLab for how much an item weighs; `None` if it is not shown.
    fn severity(&self, item: &Item<'_>) -> Option<&'static str> {
        if matches!(item.about, About::Document(_)) {
            // No rule could look behind a mistake.
            return Some("blocker");
        }
        if self.gate.refuses(item) {
            return Some("critical");
        }
        let (least, word) = match (item.state, item.severity) {
            (State::Violated, Severity::Error) => (Verbosity::Normal, "critical"),
            (State::Violated, Severity::Warning) => (Verbosity::Normal, "major"),
            (State::Indeterminate, Severity::Error) => (Verbosity::Normal, "minor"),
            (State::Violated, Severity::Info)
            | (State::Indeterminate, Severity::Warning | Severity::Info) => (Verbosity::Normal, "info"),
            (State::Unmeasured | State::Pending | State::Waived, _) => (Verbosity::Verbose, "info"),
        };
        (self.verbosity >= least).then_some(word)
    }

    fn location(&self, item: &Item<'_>, sources: &Sources) -> Location {
        let place = sources.locate(item.span);
        let file = match (&place, item.about) {
            (Some(place), _) => place.file.to_string(),
            (None, About::Document(file)) if !file.is_empty() => file.to_owned(),
            // What has no place is shown at the first file: GitLab takes nothing without one.
            (None, _) => sources.all().first().map_or("plans", |source| source.name()).to_owned(),
        };
        let (begin, end) = place.map_or((1, 1), |place| (place.start.line, place.end.line));
        Location { path: self.places.path(&file), lines: Lines { begin, end } }
    }
}

impl Sheet for CodeQuality<'_> {
    fn item(&mut self, item: &Item<'_>, plan: Option<&str>, sources: &Sources) -> io::Result<()> {
        let Some(severity) = self.severity(item) else { return Ok(()) };
        let state = match item.state {
            State::Violated => "",
            State::Indeterminate => " (undecided)",
            State::Unmeasured => " (not measured)",
            State::Pending => " (pending)",
            State::Waived => " (waived)",
        };
        let help = item.help.filter(|help| !help.is_empty()).map(|help| format!(" Help: {help}."));
        let description = format!("{}{state}: {}.{}", item.code, item.message, help.unwrap_or_default());
        // A page shows what a terminal would obey.
        let description = escape::line(&description).into_owned();
        let (hex, count) = self.fingerprints.of(item, plan, &self.places);
        let location = self.location(item, sources);
        // GitLab takes two violations of one fingerprint for one.
        let fingerprint = if count == 1 { hex } else { format!("{hex}-{count}") };
        let violation = Violation { description, check_name: item.code, fingerprint, severity, location };
        self.out.write_all(if self.any { b",\n" } else { b"\n" })?;
        self.any = true;
        write_json(&mut *self.out, &violation)
    }

    fn plan(&mut self, _: &Outcome<'_>) -> io::Result<()> {
        Ok(())
    }

    fn close(self: Box<Self>, _: &Closing) -> io::Result<()> {
        self.out.write_all(b"\n]\n")
    }
}
