//! Items as workflow commands, which GitHub Actions shows beside the changed lines.

use std::io;
use std::io::Write;

use crate::diagnostic::Severity;
use crate::escape;
use crate::render::About;
use crate::render::Closing;
use crate::render::Item;
use crate::render::Outcome;
use crate::render::Sheet;
use crate::render::gate::Gate;
use crate::render::place::Places;
use crate::render::style::Verbosity;
use crate::rules::State;
use crate::source::Location;
use crate::source::Sources;

/// Writes a command for each item that the author of a change can do something about.
pub struct Annotations<'w> {
    out: &'w mut dyn Write,
    places: Places,
    gate: Gate,
    verbosity: Verbosity,
}

impl<'w> Annotations<'w> {
    /// Returns a writer; quiet writes only what refuses, verbose also what is accepted or waited for.
    pub fn begin(out: &'w mut dyn Write, places: Places, gate: Gate, verbosity: Verbosity) -> Self {
        Self { out, places, gate, verbosity }
    }

    /// Returns the command for an item; `None` if it is not shown.
    fn command(&self, item: &Item<'_>) -> Option<&'static str> {
        if self.gate.refuses(item) {
            return Some("error");
        }
        let (least, command) = match (item.state, item.severity) {
            (State::Violated, Severity::Error | Severity::Warning) => (Verbosity::Normal, "warning"),
            (State::Violated, Severity::Info) => (Verbosity::Normal, "notice"),
            (State::Indeterminate, Severity::Error) => (Verbosity::Normal, "warning"),
            (State::Indeterminate, Severity::Warning | Severity::Info) => (Verbosity::Normal, "notice"),
            (State::Unmeasured | State::Pending | State::Waived, _) => (Verbosity::Verbose, "notice"),
        };
        (self.verbosity >= least).then_some(command)
    }

    fn place(&self, place: &Location) -> String {
        let file = property(&self.places.path(&place.file));
        let mut text = format!(" file={file},line={},endLine={}", place.start.line, place.end.line);
        // GitHub takes columns only of a place in one line.
        if place.start.line == place.end.line {
            text.push_str(&format!(",col={},endColumn={}", place.start.column, place.end.column));
        }
        text.push(',');
        text
    }
}

impl Sheet for Annotations<'_> {
    fn item(&mut self, item: &Item<'_>, _: Option<&str>, sources: &Sources) -> io::Result<()> {
        let Some(command) = self.command(item) else { return Ok(()) };
        let place = match (sources.locate(item.span), item.about) {
            (Some(place), _) => self.place(&place),
            (None, About::Document(file)) if !file.is_empty() => {
                format!(" file={},", property(&self.places.path(file)))
            }
            (None, _) => " ".to_owned(),
        };
        let mut title = item.code.to_owned();
        if item.name != item.code {
            title = format!("{title} {}", item.name);
        }
        match item.state {
            State::Violated => {}
            State::Indeterminate => title.push_str(" (undecided)"),
            State::Unmeasured => title.push_str(" (not measured)"),
            State::Pending => title.push_str(" (pending)"),
            State::Waived => title.push_str(" (waived)"),
        }
        let mut lines = vec![item.message.to_owned()];
        lines.extend(item.waived_because.map(|reason| format!("waived: {reason}")));
        lines.extend(item.help.filter(|help| !help.is_empty()).map(|help| format!("help: {help}")));
        let lines: Vec<String> = lines.iter().map(|line| data(line)).collect();
        writeln!(self.out, "::{command}{place}title={}::{}", property(&title), lines.join("%0A"))
    }

    fn plan(&mut self, _: &Outcome<'_>) -> io::Result<()> {
        Ok(())
    }

    fn close(self: Box<Self>, _: &Closing) -> io::Result<()> {
        Ok(())
    }
}

/// Returns text for a command's message: of one line, and without the sign that begins an escape.
fn data(text: &str) -> String {
    escape::line(text).replace('%', "%25")
}

/// Returns text for a command's property, which also ends at `:` and `,`.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_neither_its_line_nor_its_property() {
        assert_eq!(data("a%0A\r\n::error::b"), "a%250A␍␊::error::b");
        assert_eq!(property("C:\\a,title=x::y"), "C%3A\\a%2Ctitle=x%3A%3Ay");
    }
}
