//! Items as Markdown: what a bot puts under a pull request.

use std::fmt::Write as _;
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
use crate::render::summary::Counts;
use crate::render::summary::Verdict;
use crate::render::summary::minute;
use crate::rules::State;
use crate::source::Sources;

/// Bytes of rows that are written: GitHub takes comments of 65,536 characters, and the rest of the comment needs room.
const ROOM: usize = 50_000;
/// Bytes of lines about plans that are written, out of the same room.
const ROOM_FOR_PLANS: usize = 8_000;
/// A sign by which a bot finds the comment that it wrote before.
const MARK: &str = "<!-- failback check -->";

/// Writes items as one comment.
pub struct Comment<'w> {
    out: &'w mut dyn Write,
    places: Places,
    gate: Gate,
    verbosity: Verbosity,
    rows: Part,
    plans: Part,
    total: Counts,
    refused: bool,
}

/// Lines up to a length; the others are counted.
struct Part {
    text: String,
    room: usize,
    more: usize,
}

impl Part {
    fn of(room: usize) -> Self {
        Self { text: String::new(), room, more: 0 }
    }

    fn push(&mut self, line: &str) {
        // After the first line that has no room the order would be lost, so the shorter ones are counted too.
        if self.more > 0 || self.text.len() + line.len() > self.room {
            self.more += 1;
        } else {
            self.text.push_str(line);
        }
    }
}

impl<'w> Comment<'w> {
    /// Returns a writer; quiet writes only what refuses, verbose also what is pending and what is worth knowing.
    pub fn begin(out: &'w mut dyn Write, places: Places, gate: Gate, verbosity: Verbosity) -> Self {
        let (rows, plans) = (Part::of(ROOM), Part::of(ROOM_FOR_PLANS));
        Self { out, places, gate, verbosity, rows, plans, total: Counts::default(), refused: false }
    }

    fn is_shown(&self, item: &Item<'_>) -> bool {
        let least = match (item.state, item.severity) {
            _ if self.gate.refuses(item) => Verbosity::Quiet,
            (State::Violated, Severity::Error | Severity::Warning) => Verbosity::Normal,
            (State::Indeterminate | State::Waived, _) => Verbosity::Normal,
            (State::Violated, Severity::Info) | (State::Unmeasured | State::Pending, _) => Verbosity::Verbose,
        };
        self.verbosity >= least
    }
}

impl Sheet for Comment<'_> {
    fn item(&mut self, item: &Item<'_>, plan: Option<&str>, sources: &Sources) -> io::Result<()> {
        self.total.add(item);
        self.refused |= self.gate.refuses(item);
        if !self.is_shown(item) {
            return Ok(());
        }
        let word = match item.state {
            State::Violated => item.severity.as_str(),
            State::Indeterminate => "undecided",
            State::Unmeasured => "not measured",
            State::Pending => "pending",
            State::Waived => "waived",
        };
        let weight = if self.gate.refuses(item) { format!("**{word}**") } else { word.to_owned() };
        let mut what = cell(item.message);
        for (name, text) in [("waived", item.waived_because), ("help", item.help)] {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                let _ = write!(what, "<br>*{name}:* {}", cell(text));
            }
        }
        let place = match (sources.locate(item.span), item.about) {
            (Some(place), _) => {
                let file = cell(&self.places.path(&place.file));
                format!("{file}:{}:{}", place.start.line, place.start.column)
            }
            (None, About::Document(file)) => cell(&self.places.path(file)),
            (None, About::Subject(_)) => String::new(),
        };
        let (code, plan) = (cell(item.code), cell(plan.unwrap_or_default()));
        self.rows.push(&format!("| {weight} | {code} | {plan} | {what} | {place} |\n"));
        Ok(())
    }

    fn plan(&mut self, outcome: &Outcome<'_>) -> io::Result<()> {
        self.refused |= outcome.verdict.refuses();
        let words = outcome.counts.in_words();
        let mut line = format!("- **{}**: ", cell(outcome.name));
        let verdict = match outcome.verdict {
            Verdict::Passed => "may run",
            Verdict::Refused => "refused",
            Verdict::RefusedStrictly => "refused by `--strict`, which lets nothing stay undecided",
            Verdict::RefusedByWarnings => "refused by `--fail-on warning`",
            Verdict::Known => "only what the baseline knows refuses it",
            Verdict::NotChecked => "not checked, because not all of its documents could be read",
        };
        line.push_str(verdict);
        if !words.is_empty() {
            let _ = write!(line, "; {words}");
        }
        if let Some(at) = outcome.as_of {
            let _ = write!(line, " (facts as of {})", minute(at));
        }
        line.push('\n');
        self.plans.push(&line);
        Ok(())
    }

    fn close(self: Box<Self>, closing: &Closing) -> io::Result<()> {
        let words = self.total.in_words();
        let words = if words.is_empty() { "nothing found" } else { &words };
        let sign = if self.refused || closing.unreadable { "❌" } else { "✅" };
        writeln!(self.out, "{MARK}\n### {sign} failback check: {words}\n")?;
        self.out.write_all(self.plans.text.as_bytes())?;
        if self.plans.more > 0 {
            writeln!(self.out, "- … and {} more plans", self.plans.more)?;
        }
        if !self.rows.text.is_empty() {
            write!(
                self.out,
                "\n| | rule | plan | what | where |\n|---|---|---|---|---|\n{}",
                self.rows.text
            )?;
        }
        if self.rows.more > 0 {
            writeln!(self.out, "\n… and {} more, for which a comment has no room.", self.rows.more)?;
        }
        if let Some(baseline) = closing.baseline {
            writeln!(self.out, "\n{}.", baseline.in_words())?;
        }
        Ok(())
    }
}

/// Returns text in which a reader of Markdown finds nothing but text, as `cell` does.
#[must_use]
pub fn inert(text: &str) -> String {
    cell(text)
}

/// Returns text for a cell of a table: no markup, no link, nobody mentioned and no issue referred to.
fn cell(text: &str) -> String {
    let text = escape::line(text);
    let mut safe = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        let after = letters.peek().copied().unwrap_or(' ');
        match letter {
            // Inside of a word it marks nothing, and names are full of it.
            '_' if before.is_alphanumeric() && after.is_alphanumeric() => safe.push('_'),
            '&' | '<' | '>' | '|' | '`' | '*' | '_' | '~' | '[' | ']' | '\\' | '!' | '$' => {
                let _ = write!(safe, "&#{};", u32::from(letter));
            }
            // A space of no width keeps GitHub from calling people and linking issues and hosts.
            '@' | '#' => {
                let _ = write!(safe, "&#{};&#8203;", u32::from(letter));
            }
            ':' if after == '/' => safe.push_str(":&#8203;"),
            '.' if ends_with_www(&safe) => safe.push_str("&#8203;."),
            letter => safe.push(letter),
        }
        before = letter;
    }
    safe
}

fn ends_with_www(text: &str) -> bool {
    text.len() >= 3 && text.as_bytes()[text.len() - 3..].eq_ignore_ascii_case(b"www")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_holds_no_markup() {
        assert_eq!(
            cell("a|b `c` <img src=x> **d**"),
            "a&#124;b &#96;c&#96; &#60;img src=x&#62; &#42;&#42;d&#42;&#42;"
        );
        assert_eq!(
            cell("@team #1 [x](y) www.a"),
            "&#64;&#8203;team &#35;&#8203;1 &#91;x&#93;(y) www&#8203;.a"
        );
        assert_eq!(cell("https://a"), "https:&#8203;//a");
        assert_eq!(cell("erp_db _x_ a\n|"), "erp_db &#95;x&#95; a␊&#124;");
    }

    #[test]
    fn lines_without_room_are_counted() {
        let mut part = Part::of(10);
        for line in ["12345\n", "1234567\n", "1\n"] {
            part.push(line);
        }
        assert_eq!((part.text.as_str(), part.more), ("12345\n", 2));
    }
}
