//! Keys of a mapping that are written twice.

use std::collections::HashMap;

use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::tree::Kind;
use crate::syntax::tree::NodeId;

use super::LONGEST_KEY;
use super::Reader;
use super::is_stand_in;
use super::mistake::shortened;

/// Mappings up to this size are searched for repeated keys without building a table.
const SMALL_MAPPING: usize = 8;

/// What makes two keys of a mapping the same key.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    Scalar(&'a str),
    Collection(&'a str),
    Node(NodeId),
}

impl Reader<'_, '_> {
    pub(super) fn repeated_keys(&mut self, id: NodeId) {
        let Kind::Mapping(pairs) = &self.tree.node(id).kind else { return };
        let mut repeated: Vec<(Span, Span)> = Vec::new();
        let mut repeat = |first: NodeId, again: NodeId| {
            repeated.push((self.tree.node(first).span, self.tree.node(again).span));
        };
        if pairs.len() <= SMALL_MAPPING {
            for (at, (again, _)) in pairs.iter().enumerate() {
                let key = self.key(*again);
                if let Some((first, _)) = pairs[..at].iter().find(|(other, _)| self.key(*other) == key) {
                    repeat(*first, *again);
                }
            }
        } else {
            let mut seen: HashMap<Key<'_>, NodeId> = HashMap::with_capacity(pairs.len());
            for (again, _) in pairs {
                let first = *seen.entry(self.key(*again)).or_insert(*again);
                if first != *again {
                    repeat(first, *again);
                }
            }
        }
        for (first, again) in repeated {
            let written = self.slice(again);
            let help = match written {
                "<<" => "merge several mappings with one `<<: [*first, *second]`",
                _ => "remove or rename one of them",
            };
            let message = format!("key `{}` is written twice in this mapping", shortened(written));
            let diagnostic = Diagnostic::error("duplicate-key", again, message);
            self.report(diagnostic.label(first, "first written here").help(help));
        }
    }

    /// Notes that a mapping lacks keys if some could not be read: what stands before one may have gone on.
    pub(super) fn lost_keys(&mut self, id: NodeId) {
        // A key that could not be read was reported.
        if self.found.is_empty() {
            return;
        }
        let Kind::Mapping(pairs) = &self.tree.node(id).kind else { return };
        let is_lost = |at: &usize| is_stand_in(self.tree.node(pairs[*at].0));
        let lost: Vec<usize> = (0..pairs.len()).filter(is_lost).collect();
        if lost.is_empty() {
            return;
        }
        let before: Vec<NodeId> = lost.iter().filter_map(|at| Some(pairs[at.checked_sub(1)?].1)).collect();
        self.tree.cut.insert(id);
        let last = self.last;
        before.into_iter().for_each(|value| self.cut_inside(value));
        self.last = last;
    }

    fn key(&self, id: NodeId) -> Key<'_> {
        let node = self.tree.node(id);
        match &node.kind {
            Kind::Scalar { .. } if is_stand_in(node) => Key::Node(id),
            Kind::Scalar { text, .. } => Key::Scalar(text),
            Kind::Sequence(_) | Kind::Mapping(_) => Key::Collection(self.slice(node.span)),
            Kind::Alias(target) => match self.tree.text(*target) {
                Some(text) if text.len() <= LONGEST_KEY => Key::Scalar(text),
                Some(_) | None => Key::Node(*target),
            },
        }
    }
}
