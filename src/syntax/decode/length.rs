//! How long texts may be, each by itself and all that aliases stand for together.

use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::tree::NodeId;

use super::Reader;

/// Characters of a text that is too long that are pointed at.
const LONGEST_SHOWN: usize = 60;

impl Reader<'_, '_> {
    /// Returns whether a scalar has more characters than it may have, which is then reported.
    pub(crate) fn is_too_long(&mut self, node: NodeId, longest: usize) -> bool {
        let Some(text) = self.tree.text(node) else { return false };
        // No more of a long text is looked at than says that it is long: many aliases may stand for it.
        if text.len() <= longest || text.char_indices().nth(longest).is_none() {
            return false;
        }
        let span = self.clipped(self.span(node));
        let message = format!("the text has more than {longest} characters");
        self.report(
            Diagnostic::error("too-long", span, message)
                .help(format!("write at most {longest} characters here")),
        );
        true
    }

    /// Counts the text of a scalar that an alias stands for; returns false if that is more than the document may hold.
    pub(crate) fn may_hold(&mut self, node: NodeId) -> bool {
        if self.via == 0 {
            return true;
        }
        let Some(text) = self.tree.text(node) else { return true };
        self.text_left = self.text_left.saturating_sub(text.len() as u64);
        if self.text_left == 0 && self.steps_left > 0 {
            self.steps_left = 0;
            let span = self.span(node);
            self.give_up(span);
        }
        self.text_left > 0
    }

    pub(super) fn give_up(&mut self, span: Span) {
        let span = self.clipped(span);
        self.report(
            Diagnostic::error(
                "alias-expansion",
                span,
                "the aliases of this document stand for far more data than it holds",
            )
            .help("write the values out, or split the document"),
        );
    }

    /// Returns the beginning of a span, within its first line.
    fn clipped(&self, span: Span) -> Span {
        let line = self.tree.slice(span).chars().take_while(|letter| !matches!(letter, '\n' | '\r'));
        let width: usize = line.take(LONGEST_SHOWN).map(char::len_utf8).sum();
        Span { end: span.start + u32::try_from(width).unwrap_or(0), ..span }
    }
}
