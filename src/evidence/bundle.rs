//! A bundle: what is put into it, how it is written, and how it is read again.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::evidence::figures::Figures;
use crate::evidence::line::End;
use crate::evidence::line::FORMAT;
use crate::evidence::line::Line;
use crate::evidence::line::Manifest;
use crate::evidence::line::Text;
use crate::evidence::line::VERSION;
use crate::journal::Link;
use crate::journal::RunRecord;
use crate::model::digest;
use crate::model::judged;

/// Everything about a run that goes into a bundle.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// Version of the program that writes it.
    pub program: String,
    /// When it is written.
    pub exported_at: Timestamp,
    /// The run's entry.
    pub record: RunRecord,
    /// The texts that the run kept.
    pub texts: Vec<Text>,
    /// Facts that guards judged, by their digests.
    pub facts: BTreeMap<String, String>,
    /// The events, as they are stored.
    pub events: Vec<String>,
    /// What follows from them; `None` if they don't say.
    pub figures: Option<Figures>,
}

impl Bundle {
    /// Returns the bundle as it is written.
    #[must_use]
    pub fn written(&self) -> String {
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            version: VERSION,
            program: self.program.clone(),
            exported_at: self.exported_at,
            record: self.record.clone(),
        };
        let mut lines = vec![Line::Manifest(Box::new(manifest))];
        lines.extend(self.texts.iter().cloned().map(Line::Text));
        let facts = self.facts.iter();
        lines.extend(facts.map(|(digest, body)| Line::Facts { digest: digest.clone(), body: body.clone() }));
        let mut link = Link::head(&self.record);
        for event in &self.events {
            link = link.then(event.as_bytes());
            lines.push(Line::Event { hash: link.as_str().to_owned(), event: event.clone() });
        }
        lines.extend(self.figures.clone().map(|figures| Line::Figures(Box::new(figures))));
        let mut text = String::new();
        for line in &lines {
            text.push_str(&line.written());
            text.push('\n');
        }
        let end = End {
            lines: lines.len(),
            events: u64::try_from(self.events.len()).unwrap_or(u64::MAX),
            head: link.as_str().to_owned(),
            digest: digest::of_text(&text),
        };
        text.push_str(&Line::End(end).written());
        text.push('\n');
        text
    }
}

/// Returns the facts that events name, as far as they were kept.
///
/// # Errors
///
/// That of `kept`, which returns the text of a digest.
pub fn facts_of<E>(
    events: &[RunEvent],
    mut kept: impl FnMut(&str) -> Result<Option<String>, E>,
) -> Result<BTreeMap<String, String>, E> {
    let mut facts = BTreeMap::new();
    for event in events {
        let RunEventKind::GuardEvaluated { facts_digest, judged_at: Some(_), .. } = &event.kind else {
            continue;
        };
        let mut wanted = vec![facts_digest.clone()];
        while let Some(digest) = wanted.pop() {
            if facts.contains_key(&digest) {
                continue;
            }
            if let Some(body) = kept(&digest)? {
                wanted.extend(judged::named(&body));
                facts.insert(digest, body);
            }
        }
    }
    Ok(facts)
}
