//! Items as a JUnit report: a suite a plan, a case a rule and subject, and a passed case for each rule that found nothing.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::io::Write;

use crate::escape;
use crate::render::About;
use crate::render::Closing;
use crate::render::Item;
use crate::render::Outcome;
use crate::render::Sheet;
use crate::render::gate::Gate;
use crate::render::place::Places;
use crate::render::summary::Verdict;
use crate::rules::State;
use crate::source::Sources;

/// The suite of mistakes, which belong to no plan.
const DOCUMENTS: &str = "documents";

/// Bytes of the cases of one suite: of a plan of hundreds of thousands of machines without facts, the others are counted.
const ROOM: usize = 256 << 20;

/// Writes items as one report.
pub struct Report<'w> {
    out: &'w mut dyn Write,
    places: Places,
    gate: Gate,
    documents: Suite,
    plan: Suite,
}

/// The cases of one suite; its head counts them, so it is written when all are known.
struct Suite {
    cases: String,
    counts: BTreeMap<Kind, usize>,
    /// How often each name was given: services know a case by it.
    names: HashMap<String, usize>,
    /// Bytes of cases that are written.
    room: usize,
    /// Cases that have no room.
    more: BTreeMap<Kind, usize>,
}

impl Default for Suite {
    fn default() -> Self {
        Self::of(ROOM)
    }
}

/// What became of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Passed,
    Failed,
    Broken,
    Skipped,
}

impl<'w> Report<'w> {
    /// Begins the report.
    ///
    /// # Errors
    ///
    /// The output's own.
    pub fn begin(out: &'w mut dyn Write, places: Places, gate: Gate) -> io::Result<Self> {
        out.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"failback check\">\n")?;
        Ok(Self { out, places, gate, documents: Suite::default(), plan: Suite::default() })
    }

    fn body(&self, item: &Item<'_>, sources: &Sources) -> String {
        let mut lines = vec![format!("{}: {}", item.severity.as_str(), item.message)];
        if let Some(place) = sources.locate(item.span) {
            let file = self.places.path(&place.file);
            lines.push(format!("at: {file}:{}:{}", place.start.line, place.start.column));
        }
        for label in item.related {
            if let Some(place) = sources.locate(label.span) {
                let file = self.places.path(&place.file);
                lines
                    .push(format!("see: {file}:{}:{}: {}", place.start.line, place.start.column, label.text));
            }
        }
        lines.extend(item.help.filter(|help| !help.is_empty()).map(|help| format!("help: {help}")));
        lines.extend(item.article.map(|article| format!("rule: {} {} — {article}", item.code, item.name)));
        lines.iter().map(|line| xml(line)).collect::<Vec<_>>().join("\n")
    }
}

impl Suite {
    fn of(room: usize) -> Self {
        let (cases, names) = (String::new(), HashMap::new());
        Self { cases, counts: BTreeMap::new(), names, room, more: BTreeMap::new() }
    }

    /// Adds a case for those of each kind that have no room.
    fn count_more(&mut self, class: &str) {
        self.room = usize::MAX;
        for (kind, count) in std::mem::take(&mut self.more) {
            let (element, what) = match kind {
                Kind::Passed => ("system-out", "passed"),
                Kind::Failed => ("failure", "failed"),
                Kind::Broken => ("error", "broken"),
                Kind::Skipped => ("skipped", "skipped"),
            };
            let message = format!("{count} more {what}, for which the report has no room");
            let inner = match kind {
                Kind::Passed => format!("<{element}>{message}</{element}>"),
                Kind::Failed | Kind::Broken | Kind::Skipped => format!("<{element} message=\"{message}\"/>"),
            };
            self.case(class, &format!("and {count} more {what}"), "", kind, &inner);
        }
    }

    /// Adds a case; `attributes` and `inner` are XML.
    fn case(&mut self, class: &str, name: &str, attributes: &str, kind: Kind, inner: &str) {
        if self.cases.len() > self.room {
            *self.more.entry(kind).or_default() += 1;
            return;
        }
        *self.counts.entry(kind).or_default() += 1;
        let count = self.names.entry(format!("{class}\0{name}")).or_default();
        *count += 1;
        let number = if *count > 1 { format!(" ({count})") } else { String::new() };
        let (class, name) = (xml(class), xml(name));
        let _ = write!(
            self.cases,
            "<testcase classname=\"{class}\" name=\"{name}{number}\" time=\"0\"{attributes}"
        );
        let _ = match inner {
            "" => self.cases.write_str("/>\n"),
            inner => writeln!(self.cases, ">{inner}</testcase>"),
        };
    }

    fn write(&mut self, out: &mut dyn Write, name: &str, timestamp: &str) -> io::Result<()> {
        self.count_more(name);
        let count = |kind| self.counts.get(&kind).copied().unwrap_or(0);
        let tests: usize = self.counts.values().sum();
        write!(
            out,
            "<testsuite name=\"{}\" tests=\"{tests}\" failures=\"{}\"",
            xml(name),
            count(Kind::Failed)
        )?;
        write!(out, " errors=\"{}\" skipped=\"{}\" time=\"0\"", count(Kind::Broken), count(Kind::Skipped))?;
        writeln!(out, "{timestamp}>\n{}</testsuite>", self.cases)?;
        *self = Self::default();
        Ok(())
    }
}

impl Sheet for Report<'_> {
    fn item(&mut self, item: &Item<'_>, plan: Option<&str>, sources: &Sources) -> io::Result<()> {
        let body = self.body(item, sources);
        let message = xml(item.message);
        let mut attributes = String::new();
        if let Some(place) = sources.locate(item.span) {
            let file = xml(&self.places.path(&place.file));
            attributes = format!(" file=\"{file}\" line=\"{}\"", place.start.line);
        }
        let skipped = |why: &str| format!("<skipped message=\"{}\">{body}</skipped>", xml(why));
        let (kind, inner) = if plan.is_none() {
            (Kind::Broken, format!("<error type=\"{}\" message=\"{message}\">{body}</error>", xml(item.code)))
        } else if self.gate.refuses(item) {
            let severity = item.severity.as_str();
            (Kind::Failed, format!("<failure type=\"{severity}\" message=\"{message}\">{body}</failure>"))
        } else {
            match item.state {
                State::Violated => (Kind::Passed, format!("<system-out>{body}</system-out>")),
                State::Indeterminate => (Kind::Skipped, skipped(&format!("undecided: {}", item.message))),
                State::Unmeasured => {
                    let fact = item.fact.unwrap_or("inventory");
                    (Kind::Skipped, skipped(&format!("not measured: `{fact}`: {}", item.message)))
                }
                State::Pending => {
                    (Kind::Skipped, skipped(&format!("the run waits for it: {}", item.message)))
                }
                State::Waived => {
                    let reason = item.waived_because.unwrap_or_default();
                    (Kind::Skipped, skipped(&format!("waived: {reason}")))
                }
            }
        };
        match (plan, item.about) {
            (Some(plan), About::Subject(subject)) => {
                let name = format!("{} {}: {} {}", item.code, item.name, subject.kind.as_str(), subject.name);
                self.plan.case(plan, &name, &attributes, kind, &inner);
            }
            (Some(class), About::Document(_)) | (None, About::Document(class)) => {
                let name = format!("{} {}", item.code, item.path);
                self.documents.case(class, name.trim_end(), &attributes, kind, &inner);
            }
            (None, About::Subject(subject)) => {
                self.documents.case(&subject.name, item.code, &attributes, kind, &inner);
            }
        }
        Ok(())
    }

    fn plan(&mut self, outcome: &Outcome<'_>) -> io::Result<()> {
        if outcome.verdict == Verdict::NotChecked {
            let why = "<error type=\"not-checked\" message=\"not checked, because not all of its documents could be read\"/>";
            self.plan.case(outcome.name, "rules", "", Kind::Broken, why);
        }
        for rule in outcome.silent {
            self.plan.case(outcome.name, &format!("{} {}", rule.id, rule.name), "", Kind::Passed, "");
        }
        let timestamp = outcome.as_of.map(|at| format!(" timestamp=\"{at}\"")).unwrap_or_default();
        self.plan.write(self.out, outcome.name, &timestamp)
    }

    fn close(mut self: Box<Self>, _: &Closing) -> io::Result<()> {
        if !self.documents.counts.is_empty() {
            self.documents.write(self.out, DOCUMENTS, "")?;
        }
        self.out.write_all(b"</testsuites>\n")
    }
}

/// Returns text for an attribute or between tags of XML 1.0, which has no words for most control characters.
fn xml(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut before = None;
    for letter in escape::line(text).chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            // Two of them begin a command of a build service.
            '#' if before == Some('#') => safe.push_str("&#35;"),
            '\u{fffe}' | '\u{ffff}' => safe.push(char::REPLACEMENT_CHARACTER),
            letter => safe.push(letter),
        }
        before = Some(letter);
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_without_room_are_counted_by_what_became_of_them() {
        let mut suite = Suite::of(10);
        for number in 0..3 {
            suite.case("p", &format!("failed {number}"), "", Kind::Failed, "<failure message=\"x\"/>");
            suite.case("p", &format!("skipped {number}"), "", Kind::Skipped, "<skipped message=\"x\"/>");
        }
        let mut out = Vec::new();
        suite.write(&mut out, "p", "").expect("a vector takes it");
        let text = String::from_utf8(out).expect("it is text");
        assert!(
            text.starts_with("<testsuite name=\"p\" tests=\"3\" failures=\"2\" errors=\"0\" skipped=\"1\"")
        );
        assert!(text.contains("name=\"and 2 more failed\"") && text.contains("name=\"and 3 more skipped\""));
        assert_eq!(text.matches("<testcase ").count(), 3);
    }

    #[test]
    fn no_character_ends_an_attribute_or_opens_a_tag() {
        assert_eq!(
            xml("<a b='c' d=\"e\">&\u{1b}\u{ffff}]]>"),
            "&lt;a b=&apos;c&apos; d=&quot;e&quot;&gt;&amp;␛\u{fffd}]]&gt;"
        );
    }
}
