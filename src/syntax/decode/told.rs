//! Mistakes of a document as they are told: with the path that leads to them, each once, and not without end.

use std::cmp::Ordering;
use std::collections::hash_map::Entry;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Label;
use crate::source::Span;

use super::Reader;
use super::Segment;

/// Mistakes reported for one document; nobody reads more, and each takes memory.
const MOST_MISTAKES: usize = 10_000;
/// What is said of a place that uses a value with a mistake.
const USED: &str = "it is used here too";
/// Places of that kind that are shown; one more says that there are others.
const MOST_USES: usize = 8;

/// What makes two mistakes one: code, place and message.
pub(super) type Mistake = (&'static str, u32, u32, String);

impl Reader<'_, '_> {
    /// Reports a mistake at the present path; beyond ten thousand in a document, one says that there are more.
    ///
    /// A mistake of a value behind an anchor is told once, with the places that use it.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        let count = self.diagnostics.len().saturating_sub(self.before);
        if diagnostic.span.via != 0 && count <= MOST_MISTAKES && self.fold(&diagnostic) {
            return;
        }
        match count.cmp(&MOST_MISTAKES) {
            Ordering::Less => {
                let path = if diagnostic.path.is_empty() { self.path() } else { diagnostic.path.clone() };
                self.diagnostics.push(diagnostic.path(path));
            }
            Ordering::Equal => self.diagnostics.push(
                Diagnostic::error("too-many-mistakes", diagnostic.span, "more mistakes follow from here on")
                    .help("correct those above first"),
            ),
            Ordering::Greater => {}
        }
    }

    /// Returns whether a mistake was reported already, where the place that uses its value is then added.
    fn fold(&mut self, again: &Diagnostic) -> bool {
        let span = again.span;
        match self.folded.entry((again.code, span.start, span.end, again.message.clone())) {
            Entry::Vacant(entry) => {
                entry.insert(self.diagnostics.len());
                false
            }
            Entry::Occupied(first) => {
                if let Some(first) = self.diagnostics.get_mut(*first.get())
                    && first.span.via != span.via
                {
                    let uses = first.labels.iter().filter(|label| label.text.starts_with(USED)).count();
                    let text = match uses {
                        0..MOST_USES => USED.to_owned(),
                        MOST_USES => format!("{USED}, and in more places"),
                        _ => return true,
                    };
                    first.labels.push(Label { span: Span::new(span.via, span.via + 1), text });
                }
                true
            }
        }
    }

    /// Reports a mistake at item `index` of the list at the present path.
    pub(crate) fn report_item(&mut self, index: usize, diagnostic: Diagnostic) {
        self.path.push(Segment::Index(index));
        self.report(diagnostic);
        self.path.pop();
    }

    fn path(&self) -> String {
        let mut path = String::new();
        for segment in &self.path {
            match segment {
                Segment::Key(key) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.extend(self.tree.text(*key).unwrap_or("?").chars().take(64));
                }
                Segment::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        path
    }
}
