//! What a text that tabs indent says once they are spaces: its other mistakes, at their places in the text as it is.

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Edit;
use crate::source::Source;
use crate::source::Sources;
use crate::source::Span;
use crate::syntax::repair;
use crate::syntax::repair::TAB_WIDTHS;
use crate::syntax::yaml;

/// Adds the mistakes behind a tab that ended the reading of a document, as far as it does not matter how wide a tab is.
///
/// `known` are the mistakes of the text that were found already.
pub(super) fn look_behind(source: &Source, known: &[Diagnostic]) -> Vec<Diagnostic> {
    let is_tab = |mistake: &Diagnostic| mistake.code == "tab-indent";
    if !known.iter().any(is_tab) || source.text().len() > repair::LARGEST_WITH_TABS {
        return Vec::new();
    }
    let readings: Vec<Reading> = TAB_WIDTHS.iter().filter_map(|width| reading(source, *width)).collect();
    let is_clear = readings.iter().any(|reading| !reading.is_cut);
    let mut chosen = readings.into_iter().filter(|reading| reading.is_cut != is_clear);
    let Some(first) = chosen.next() else { return Vec::new() };
    if chosen.any(|other| other.mistakes != first.mistakes) || first.mistakes.iter().any(is_tab) {
        return Vec::new();
    }
    let is_known = |mistake: &Diagnostic| {
        known
            .iter()
            .any(|one| (one.code, one.span, &one.message) == (mistake.code, mistake.span, &mistake.message))
    };
    first.mistakes.into_iter().filter(|mistake| !is_known(mistake)).collect()
}

/// A text read with tabs of one width.
struct Reading {
    /// Whether a document has a mistake of syntax.
    is_cut: bool,
    mistakes: Vec<Diagnostic>,
}

fn reading(source: &Source, width: usize) -> Option<Reading> {
    let (_, edits) = repair::expanded(source, width);
    let base = source.base() as usize;
    let mut text = String::with_capacity(source.text().len() + edits.len() * width);
    let mut at = 0;
    for edit in &edits {
        text.push_str(source.text().get(at..edit.span.start as usize - base)?);
        text.push_str(&edit.text);
        at = edit.span.end as usize - base;
    }
    text.push_str(source.text().get(at..)?);
    let mut sources = Sources::new();
    let index = sources.add_at(source.base(), source.name(), text).ok()?;
    sources.set_lossy(index, source.is_lossy());
    let mut mistakes = Vec::new();
    let tree = yaml::read(sources.get(index), &yaml::Limits::default(), &mut mistakes);
    super::read_documents(sources.get(index), &tree, 0, &mut mistakes);
    mistakes.sort_by_key(|mistake| mistake.span.start);
    let moves = Moves::of(&edits);
    for mistake in &mut mistakes {
        moves.undo(&mut mistake.span);
        mistake.labels.iter_mut().for_each(|label| moves.undo(&mut label.span));
        for edit in mistake.fix.iter_mut().flat_map(|fix| &mut fix.edits) {
            moves.undo(&mut edit.span);
        }
    }
    Some(Reading { is_cut: !tree.cut.is_empty(), mistakes })
}

/// Where each replaced text begins and ends: after the replacement, and before it.
struct Moves(Vec<[(u32, u32); 2]>);

impl Moves {
    fn of(edits: &[Edit]) -> Self {
        let mut longer = 0;
        let moved = edits.iter().map(|edit| {
            let width = u32::try_from(edit.text.len()).unwrap_or(u32::MAX);
            let start = edit.span.start + longer;
            // A tab is at least as wide as one character.
            longer += width - (edit.span.end - edit.span.start);
            [(start, start + width), (edit.span.start, edit.span.end)]
        });
        Self(moved.collect())
    }

    /// Returns where a place of the changed text was before the change.
    fn before(&self, at: u32) -> u32 {
        let after = self.0.partition_point(|[(start, _), _]| *start <= at);
        match after.checked_sub(1).map(|last| self.0[last]) {
            None => at,
            Some([(start, end), (was, was_end)]) if at < end => (was + (at - start)).min(was_end),
            Some([(_, end), (_, was_end)]) => was_end + (at - end),
        }
    }

    fn undo(&self, span: &mut Span) {
        if span.is_none() {
            return;
        }
        span.start = self.before(span.start);
        span.end = self.before(span.end);
        if span.via != 0 {
            span.via = self.before(span.via);
        }
    }
}
