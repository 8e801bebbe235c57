//! Aliases: bound to their anchors, or told as unknown with the one that was meant.

use std::borrow::Cow;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::did_you_mean;
use crate::source::Span;
use crate::syntax::tree::Kind;
use crate::syntax::tree::Node;

use super::Reader;
use super::mistake::shortened;
use super::stand_in;

/// Unknown aliases that are compared with anchors, and anchors that each is compared with.
const NAMES_COMPARED: usize = 64;

impl<'s> Reader<'s, '_> {
    pub(super) fn alias(&mut self, anchor: usize, place: Span) {
        let written = self.slice(place);
        let Some(target) = self.anchors.get(anchor).copied().flatten() else {
            return self.unknown_alias(written.trim_start_matches('*'), place);
        };
        if self.open.iter().any(|open| open.id == target) {
            let start = self.tree.node(target).span.start as usize - self.base as usize;
            let message = format!("`{}` is inside the value that it stands for", shortened(written));
            self.report(
                Diagnostic::error("recursive-alias", place, message)
                    .label(self.at(start), "that value begins here")
                    .help("write the value out, or anchor a smaller part of it"),
            );
            self.push(stand_in(place), 0);
        } else {
            self.push(Node { span: place, kind: Kind::Alias(target) }, 0);
        }
    }

    pub(super) fn unknown_alias(&mut self, name: &str, place: Span) {
        self.names_compared += 1;
        let near = if self.names_compared <= NAMES_COMPARED {
            did_you_mean(name, self.names.iter().rev().take(NAMES_COMPARED).map(Cow::as_ref))
        } else {
            None
        };
        let name = shortened(name);
        let help = near.unwrap_or_else(|| {
            format!(
                "write `&{name}` before the value that is meant, or put text that begins with `*` in quotes"
            )
        });
        let message = format!("no anchor `&{name}` before this alias in this document");
        self.report(Diagnostic::error("unknown-alias", place, message).help(help));
        self.push(stand_in(place), 0);
    }
}
