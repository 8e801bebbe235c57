//! Reads the lines of a bundle, and checks that they are those that were written: each by its own digest or hash, and all by the
//! end.

use std::collections::BTreeMap;

use crate::event::RunEvent;
use crate::evidence::check::finding::Finding;
use crate::evidence::check::finding::Findings;
use crate::evidence::check::finding::Matter;
use crate::evidence::figures::Figures;
use crate::evidence::line::End;
use crate::evidence::line::FORMAT;
use crate::evidence::line::Line;
use crate::evidence::line::Manifest;
use crate::evidence::line::Text;
use crate::evidence::line::VERSION;
use crate::journal::Link;
use crate::model::digest;

/// What stands in a bundle.
#[derive(Debug)]
pub struct Lines {
    /// What it is.
    pub manifest: Manifest,
    /// The texts of the run.
    pub texts: Vec<Text>,
    /// Facts by their digests.
    pub facts: BTreeMap<String, String>,
    /// The events.
    pub events: Vec<RunEvent>,
    /// What is said to follow from them.
    pub figures: Option<Figures>,
    /// The hash of the last event.
    pub head: String,
}

/// A file is no bundle that this program reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotABundle {
    /// It does not begin as one.
    #[error("its first line is not that of a bundle: {message}")]
    Foreign {
        /// Why not.
        message: String,
    },
    /// Another version wrote it.
    #[error("it is a bundle of version {found}, and this program reads version {VERSION}")]
    Version {
        /// Its version.
        found: u8,
    },
}

/// Reads the lines of a bundle.
///
/// # Errors
///
/// [`NotABundle`] if the first line does not say that it is one.
pub fn read(bytes: &[u8], findings: &mut Findings) -> Result<Lines, NotABundle> {
    let mut rest = bytes.split_inclusive(|byte| *byte == b'\n');
    let first = rest.next().unwrap_or_default();
    let manifest = manifest(first)?;
    let mut reading = Reading {
        link: Link::head(&manifest.record),
        lines: Lines {
            head: Link::head(&manifest.record).as_str().to_owned(),
            manifest,
            texts: Vec::new(),
            facts: BTreeMap::new(),
            events: Vec::new(),
            figures: None,
        },
        end: None,
        rank: 0,
    };
    let mut before = first.len();
    check_written(first, &Line::Manifest(Box::new(reading.lines.manifest.clone())), 1, findings);
    for (number, bytes) in (2..).zip(rest) {
        if reading.end.is_some() {
            findings.refuted(Matter::Bundle, "something was added after the end").at_line(number);
            break;
        }
        reading.line(bytes, before, number, findings);
        before += bytes.len();
    }
    let Reading { lines, end, .. } = reading;
    match end {
        None => {
            findings.refuted(Matter::Bundle, "it has no end: it was cut, or never written to its end");
        }
        Some((end, before, number)) => check_end(&end, &lines, &bytes[..before], number, findings),
    }
    Ok(lines)
}

fn manifest(line: &[u8]) -> Result<Manifest, NotABundle> {
    let foreign = |message: String| NotABundle::Foreign { message };
    let value: serde_json::Value =
        serde_json::from_slice(line).map_err(|error| foreign(error.to_string()))?;
    if value["format"] != FORMAT {
        return Err(foreign(format!("it does not say `{FORMAT}`")));
    }
    if let Some(found) = value["version"].as_u64().filter(|found| *found != u64::from(VERSION)) {
        return Err(NotABundle::Version { found: u8::try_from(found).unwrap_or(u8::MAX) });
    }
    match serde_json::from_slice(line).map_err(|error| foreign(error.to_string()))? {
        Line::Manifest(manifest) => Ok(*manifest),
        Line::Text(_) | Line::Facts { .. } | Line::Event { .. } | Line::Figures(_) | Line::End(_) => {
            Err(foreign("it is another line of one".to_owned()))
        }
    }
}

/// Refuses a line that says the same in other bytes.
fn check_written(bytes: &[u8], line: &Line, number: usize, findings: &mut Findings) {
    let mut written = line.written();
    written.push('\n');
    if written.as_bytes() != bytes {
        findings.refuted(Matter::Bundle, "it is not written as this program writes it").at_line(number);
    }
}

struct Reading {
    lines: Lines,
    /// The hash of the last event, as it follows from the lines.
    link: Link,
    /// The end, how many bytes come before it, and its line.
    end: Option<(End, usize, usize)>,
    /// The place of the last line's kind in the order of kinds.
    rank: u8,
}

impl Reading {
    fn line(&mut self, bytes: &[u8], before: usize, number: usize, findings: &mut Findings) {
        let line: Line = match serde_json::from_slice(bytes) {
            Ok(line) => line,
            Err(error) => {
                let message = format!("it can't be read: {error}");
                findings.refuted(Matter::Bundle, message).at_line(number);
                return;
            }
        };
        check_written(bytes, &line, number, findings);
        let rank = match &line {
            Line::Manifest(_) => 0,
            Line::Text(_) => 1,
            Line::Facts { .. } => 2,
            Line::Event { .. } => 3,
            Line::Figures(_) => 4,
            Line::End(_) => 5,
        };
        if rank < self.rank || rank == 0 || (rank == 4 && self.lines.figures.is_some()) {
            findings.refuted(Matter::Bundle, "it stands where no line of its kind does").at_line(number);
        }
        self.rank = self.rank.max(rank);
        match line {
            Line::Manifest(_) => {}
            Line::Text(text) => {
                if digest::of_text(&text.text) != text.digest {
                    let message = format!("the text {} is not the one of its digest", text.name);
                    findings.refuted(Matter::Plan, message).at_line(number);
                }
                self.lines.texts.push(text);
            }
            Line::Facts { digest, body } => {
                if digest::of_text(&body) != digest {
                    let message = format!("the facts {digest} are not those of their digest");
                    findings.refuted(Matter::Guard, message).at_line(number);
                }
                self.lines.facts.insert(digest, body);
            }
            Line::Event { hash, event } => self.event(&hash, &event, number, findings),
            Line::Figures(figures) => self.lines.figures = Some(*figures),
            Line::End(end) => self.end = Some((end, before, number)),
        }
    }

    fn event(&mut self, hash: &str, text: &str, number: usize, findings: &mut Findings) {
        let follows = self.link.then(text.as_bytes());
        let event: Option<RunEvent> = serde_json::from_str(text).ok();
        let last = self.lines.events.last().map_or(0, |event| event.seq);
        let seq = event.as_ref().map_or(last + 1, |event| event.seq);
        let step = event.as_ref().and_then(|event| event.kind.step().cloned());
        let place = |finding: &mut Finding| {
            finding.at_line(number).at_seq(seq);
            finding.step.clone_from(&step);
        };
        if follows.as_str() != hash {
            let message = "it does not follow from the event before it: one of both was changed, or one between them was taken out";
            place(findings.refuted(Matter::Chain, message));
        }
        if seq != last + 1 {
            let message = format!("it stands after event {last}");
            place(findings.refuted(Matter::Chain, message));
        }
        // What follows is judged from the hash as it stands, so that each change is told where it is.
        self.link = Link::parse(hash.as_bytes()).unwrap_or(follows);
        self.lines.head = self.link.as_str().to_owned();
        match event {
            Some(event) if event.run != self.lines.manifest.record.id => {
                place(findings.refuted(Matter::Chain, format!("it is of run {}", event.run)));
            }
            Some(event) => self.lines.events.push(event),
            None => place(findings.refuted(Matter::Chain, "it can't be read as an event")),
        }
    }
}

fn check_end(end: &End, lines: &Lines, before: &[u8], number: usize, findings: &mut Findings) {
    let mut differs = |what: String| {
        findings.refuted(Matter::Bundle, what).at_line(number);
    };
    if end.lines != number - 1 {
        differs(format!("the end speaks of {} lines before it, and there are {}", end.lines, number - 1));
    }
    let events = u64::try_from(lines.events.len()).unwrap_or(u64::MAX);
    if end.events != events {
        differs(format!("the end speaks of {} events, and there are {events}", end.events));
    }
    if end.head != lines.head {
        differs("the end names another last event".to_owned());
    }
    if std::str::from_utf8(before).map_or(true, |before| digest::of_text(before) != end.digest) {
        differs("the digest of the end is not that of the lines before it".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::event::RunEventKind;
    use crate::evidence::bundle::Bundle;
    use crate::evidence::line::Role;
    use crate::id::RunId;
    use crate::journal::RunRecord;

    fn bundle() -> String {
        let run = RunId::new("r1");
        let record = RunRecord {
            id: run.clone(),
            plan: "erp".into(),
            plan_path: "erp.plan.yaml".into(),
            plan_digest: "sha256:1".into(),
            facts_digest: "sha256:2".into(),
            provider: "emulator".into(),
            options: "{}".into(),
            created_at: Timestamp::UNIX_EPOCH,
            git_commit: None,
            program: "0.1.0".into(),
            migrated_events: 0,
        };
        let text = "kind: RecoveryPlan\n# 가\n".to_owned();
        let text = Text { role: Role::Plan, name: "plan.yaml".into(), digest: digest::of_text(&text), text };
        let body = r#"{"name":"w1"}"#.to_owned();
        let event = |seq| {
            let kind = RunEventKind::Interrupted { reason: "a test".into() };
            let event = RunEvent { run: run.clone(), seq, at: Timestamp::UNIX_EPOCH, kind };
            serde_json::to_string(&event).expect("an event has a JSON form")
        };
        let bundle = Bundle {
            program: "0.1.0".into(),
            exported_at: Timestamp::UNIX_EPOCH,
            record,
            texts: vec![text],
            facts: BTreeMap::from([(digest::of_text(&body), body)]),
            events: (1..=2).map(event).collect(),
            figures: None,
        };
        bundle.written()
    }

    #[test]
    fn any_byte_that_is_flipped_is_found() {
        let whole = bundle().into_bytes();
        let mut findings = Findings::default();
        read(&whole, &mut findings).expect("it is a bundle");
        assert!(findings.0.is_empty(), "{findings:#?}");
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut changed = whole.clone();
                changed[at] ^= 1 << bit;
                let mut findings = Findings::default();
                if read(&changed, &mut findings).is_ok() {
                    assert!(!findings.0.is_empty(), "bit {bit} of byte {at}");
                }
            }
        }
    }

    #[test]
    fn any_byte_that_is_cut_or_doubled_is_found() {
        let whole = bundle().into_bytes();
        for at in 0..whole.len() {
            let doubled = [&whole[..=at], &whole[at..]].concat();
            for changed in [whole[..at].to_vec(), doubled] {
                let mut findings = Findings::default();
                if read(&changed, &mut findings).is_ok() {
                    assert!(!findings.0.is_empty(), "byte {at}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_bundle_is_told_apart_from_another_version() {
        let read = |text: &str| read(text.as_bytes(), &mut Findings::default());
        for foreign in ["", "\n", "{}", "kind: RecoveryPlan\n", "[1]", r#"{"format":"failback-evidence"}"#] {
            assert!(matches!(read(foreign), Err(NotABundle::Foreign { .. })), "{foreign}");
        }
        let newer = bundle().replacen("\"version\":1", "\"version\":2", 1);
        assert_eq!(read(&newer).err(), Some(NotABundle::Version { found: 2 }));
    }
}
