//! What is left of a document that a mistake of syntax cuts off: what was read before it, with nothing in it that the cut made.

use crate::source::Span;
use crate::syntax::tree::Break;
use crate::syntax::tree::Kind;
use crate::syntax::tree::NodeId;
use crate::syntax::tree::Tree;

use super::LINE_ENDS;
use super::Open;
use super::Reader;
use super::is_empty;
use super::stand_in;

/// Notes that a collection lacks something at its end, or that a value which looks empty may not be.
pub fn cut_short(tree: &mut Tree<'_>, id: usize) {
    let node = &tree.nodes[id];
    match node.kind {
        Kind::Mapping(_) | Kind::Sequence(_) => {
            tree.cut.extend(NodeId::try_from(id));
        }
        Kind::Scalar { .. } if is_empty(node) && node.span.start > tree.base => {
            let at = node.span.start;
            let before = tree.written[..(at - tree.base) as usize].chars().next_back();
            let width = before.map_or(0, |letter| u32::try_from(letter.len_utf8()).unwrap_or(0));
            tree.nodes[id] = stand_in(Span::new(at - width, at));
        }
        Kind::Scalar { .. } | Kind::Alias(_) => {}
    }
}

impl Reader<'_, '_> {
    /// Notes where a mistake of syntax ends the reading of a document; the mistakes from `told` on say so.
    pub(super) fn note_break(&mut self, at: usize, told: usize) {
        if self.binary {
            return;
        }
        let open = self.open.iter().find(|open| open.flow).map(|open| self.tree.node(open.id).span.start);
        let bracket = open.or_else(|| self.bracket_ahead(at));
        let at = self.offset(at.min(self.text.len()));
        let told = &self.found[told.min(self.found.len())..];
        let places = told.iter().flat_map(|one| {
            one.labels.iter().map(|label| label.span).chain([one.span]).map(|span| span.start)
        });
        let begin = places.chain(bracket).filter(|place| *place >= self.base).min().unwrap_or(at).min(at);
        let at = told.first().map_or(at, |one| one.span.start);
        self.tree.breaks.push(Break { begin, at, bracket });
    }

    /// Ends the document here, and notes which of its collections would have gone on.
    ///
    /// The value before the cut may be half of one, or may hold what a quote or bracket that was not closed took in; if
    /// `is_key`, it is a key where none may be, and the one before it may be none.
    pub(super) fn cut(&mut self, at: usize, is_key: bool) {
        if self.binary {
            return self.abandon();
        }
        match self.open.iter().position(|open| open.flow) {
            Some(outermost) => self.drop_brackets(outermost),
            None if self.closed.is_empty() => self.drop_last_value(is_key),
            None => self.drop_closed_brackets(at),
        }
        while let Some(open) = self.open.last() {
            let (id, lacks_value) = (open.id, open.mapping && (self.pending.len() - open.first) % 2 == 1);
            self.tree.cut.insert(id);
            if lacks_value {
                let key = self.pending.last().map_or(self.last, |key| self.tree.node(*key).span);
                self.push(stand_in(self.seen(key)), 0);
            }
            self.end(Span::new(self.last.end, self.last.end));
        }
        self.tree.cut.extend(self.closed.drain(..).map(|(id, _)| id));
        self.tree.cut.extend(self.tree.roots[self.roots_before..].iter().copied());
        self.begin_document();
    }

    /// Takes a collection in brackets that was not closed for a value that could not be read.
    fn drop_brackets(&mut self, outermost: usize) {
        let Open { id, first, .. } = self.open[outermost];
        let end = self.last.end;
        self.pending.truncate(first);
        self.open.truncate(outermost);
        self.lose(id, end);
    }

    /// Takes a collection in brackets that ends right before the cut for one that could not be read: a bracket too many may have
    /// closed it.
    fn drop_closed_brackets(&mut self, at: usize) {
        let Some((id, _)) = self.closed.iter().copied().rfind(|(_, flow)| *flow) else { return };
        let end = self.tree.node(id).span.end;
        let between = self.text.get((end - self.base) as usize..at).unwrap_or("");
        if !between.contains(LINE_ENDS) {
            self.lose(id, end);
        }
    }

    /// Takes the value before the cut for one that could not be read.
    fn drop_last_value(&mut self, with_key: bool) {
        let Some(last) = self.tree.nodes.len().checked_sub(1).filter(|last| *last >= self.nodes_before)
        else {
            return;
        };
        let last = NodeId::try_from(last).expect("max_nodes fits");
        let is_value = match self.open.last() {
            Some(open) => {
                self.pending.len() > open.first
                    && self.pending.last() == Some(&last)
                    && (!open.mapping || (self.pending.len() - open.first).is_multiple_of(2))
            }
            None => self.tree.roots[self.roots_before..].last() == Some(&last),
        };
        if is_value && matches!(self.tree.node(last).kind, Kind::Scalar { .. }) {
            self.lose(last, self.tree.node(last).span.end);
            if with_key
                && let [.., key, _] = self.pending[..]
                && self.open.last().is_some_and(|open| open.mapping)
            {
                let span = self.tree.node(key).span;
                // The `:` after it makes one of no characters seen.
                let end = span.end.max(span.start + 1);
                self.tree.nodes[key as usize] = stand_in(Span::new(span.start, end));
            }
        }
    }

    /// Notes that a collection would have gone on, and so would the last ones inside it.
    pub(super) fn cut_inside(&mut self, mut id: NodeId) {
        loop {
            let inner = match &self.tree.node(id).kind {
                Kind::Mapping(pairs) => pairs.last().map(|(_, value)| *value),
                Kind::Sequence(items) => items.last().copied(),
                Kind::Scalar { .. } if is_empty(self.tree.node(id)) => {
                    let at = self.tree.node(id).span.start;
                    let before = self.text[..(at - self.base) as usize].char_indices().next_back();
                    let start = before.map_or(at, |(before, _)| self.offset(before));
                    self.tree.nodes[id as usize] = stand_in(Span::new(start, at));
                    return;
                }
                Kind::Scalar { .. } | Kind::Alias(_) => return,
            };
            self.tree.cut.insert(id);
            match inner {
                Some(inner) => id = inner,
                None => return,
            }
        }
    }

    fn lose(&mut self, id: NodeId, end: u32) {
        let span = self.tree.node(id).span;
        let span = self.seen(Span::new(span.start, end.max(span.end)));
        self.tree.nodes[id as usize] = stand_in(span);
        self.last = span;
    }

    /// Returns a span that is not empty: an empty one would be that of a value which is really empty.
    fn seen(&self, span: Span) -> Span {
        if span.start < span.end {
            return span;
        }
        let (before, after) = self.text.split_at((span.start - self.base) as usize);
        match (after.chars().next(), before.char_indices().next_back()) {
            (Some(next), _) => Span::new(span.start, self.offset(before.len() + next.len_utf8())),
            (None, Some((at, _))) => Span::new(self.offset(at), span.start),
            (None, None) => span,
        }
    }
}
