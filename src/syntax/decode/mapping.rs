//! Pairs of a mapping: merges resolved, keys known, and what is wrong with them told.

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Fix;
use crate::diagnostic::did_you_mean;
use crate::source::Span;
use crate::syntax::respell;
use crate::syntax::tree::Kind;
use crate::syntax::tree::NodeId;
use crate::syntax::tree::Tree;
use crate::syntax::yaml::is_stand_in;

use super::Reader;
use super::quoted;

/// Keys of a mapping among which a misspelt one is renamed: no block has as many, and all are compared with each other.
const MOST_KEYS: usize = 64;

/// A pair of a mapping, merges resolved.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The key's node, always a scalar.
    pub key: NodeId,
    /// The value's node.
    pub value: NodeId,
    pub(super) via: u32,
}

impl<'t, 's> Reader<'t, 's> {
    /// Returns the pairs of a mapping, merges (`<<`) resolved, or reports that the node is none.
    pub fn mapping(&mut self, node: NodeId, expected: &str) -> Option<Vec<Entry>> {
        let Kind::Mapping(pairs) = &self.tree.node(node).kind else {
            return self.wrong_type(node, expected);
        };
        let mut entries = Vec::with_capacity(pairs.len());
        let mut merges = Vec::new();
        for (key, value) in pairs {
            if is_stand_in(self.tree.node(*key)) {
                // A key that could not be read was reported by the loader.
            } else if self.is_merge(*key) {
                merges.push((*value, 0));
            } else if self.tree.text(*key).is_some() {
                entries.push(Entry { key: *key, value: *value, via: 0 });
            } else {
                let span = self.span(*key);
                self.report(
                    Diagnostic::error("bad-key", span, "a key must be a word")
                        .help("write the key as plain text"),
                );
            }
        }
        if !merges.is_empty() && !self.merge(&mut entries, merges) {
            self.unsure.insert(node);
        }
        Some(entries)
    }

    fn is_merge(&self, key: NodeId) -> bool {
        matches!(&self.tree.node(key).kind, Kind::Scalar { text, plain: true } if text == "<<")
    }

    /// Adds the pairs that `<<` brings in: a key that is written wins, then the earlier mapping. Returns false if some may be
    /// missing, since they could not be read.
    fn merge(&mut self, entries: &mut Vec<Entry>, mut work: Vec<(NodeId, u32)>) -> bool {
        let tree = self.tree;
        let mut known: std::collections::HashSet<&str> =
            entries.iter().filter_map(|entry| tree.text(entry.key)).collect();
        let (mut sources, mut is_sure) = (0, true);
        work.reverse();
        while let Some((value, mut via)) = work.pop() {
            let mut node = value;
            while let Kind::Alias(target) = tree.node(node).kind {
                if via == 0 {
                    via = tree.node(node).span.start;
                }
                node = target;
            }
            sources += 1;
            if sources > 1_000 {
                let span = self.span(value);
                self.report(Diagnostic::error(
                    "alias-expansion",
                    span,
                    "more than 1,000 mappings are merged here",
                ));
                return false;
            }
            match &tree.node(node).kind {
                Kind::Sequence(items) => work.extend(items.iter().rev().map(|item| (*item, via))),
                Kind::Mapping(pairs) => {
                    is_sure &= !tree.is_cut(node);
                    let via = if via == 0 { tree.node(value).span.start } else { via };
                    for (key, value) in pairs {
                        if is_stand_in(tree.node(*key)) {
                            // A key that could not be read was reported by the loader.
                        } else if self.is_merge(*key) {
                            work.push((*value, via));
                        } else if let Some(text) = tree.text(*key)
                            && known.insert(text)
                        {
                            entries.push(Entry { key: *key, value: *value, via });
                        }
                    }
                }
                // What it stands for could not be read, which was reported by the loader.
                Kind::Scalar { .. } if is_stand_in(tree.node(node)) => is_sure = false,
                Kind::Scalar { .. } | Kind::Alias(_) => {
                    let span = self.span(value);
                    self.report(
                        Diagnostic::error("bad-merge", span, "`<<` needs a mapping or a list of mappings")
                            .help("write an alias of a mapping: `<<: *name`"),
                    );
                }
            }
        }
        is_sure
    }

    /// Returns the text of a pair's key.
    #[must_use]
    pub fn key(&self, entry: Entry) -> &'t str {
        let tree: &'t Tree<'s> = self.tree;
        tree.text(entry.key).expect("mapping() leaves out keys that are not scalars")
    }

    /// Reports a key that the block does not have, unless it begins with `x-`.
    pub fn unknown_key(&mut self, entry: Entry, entries: &[Entry], known: &[&'static str]) {
        let key = self.key(entry);
        if key.starts_with("x-") {
            return;
        }
        let shown = quoted(key);
        let help = did_you_mean(key, known.iter().copied())
            .unwrap_or_else(|| format!("known keys here: {}", known.join(", ")));
        let span =
            Span { via: if self.via == 0 { entry.via } else { self.via }, ..self.tree.node(entry.key).span };
        let fix = self.rename(entry, entries, known);
        self.report(
            Diagnostic::error("unknown-key", span, format!("unknown key {shown}")).help(help).fix(fix),
        );
    }

    /// Returns the fix that gives a key the name that is meant, unless another key has that name, or may be meant by it.
    fn rename(&self, entry: Entry, entries: &[Entry], known: &[&'static str]) -> Option<Fix> {
        if self.via != 0 || entry.via != 0 || entries.len() > MOST_KEYS {
            return None;
        }
        let meant = respell::meant_key(self.key(entry), known)?;
        let is_taken = entries.iter().filter(|other| other.key != entry.key).any(|other| {
            let key = self.key(*other);
            key == meant || (!known.contains(&key) && respell::meant_key(key, known) == Some(meant))
        });
        let title = format!("rename {} to `{meant}`", quoted(self.key(entry)));
        let fix = respell::instead(self.tree, entry.key, meant, "")?;
        (!is_taken).then_some(Fix { title, ..fix })
    }

    /// Reports a key that the block needs, unless a misspelt one near it was already reported.
    pub fn missing_key(&mut self, node: NodeId, key: &str, entries: &[Entry], known: &[&'static str]) {
        let misspelt = entries.iter().any(|entry| {
            let written = self.key(*entry);
            !known.contains(&written) && did_you_mean(written, [key]).is_some()
        });
        if misspelt || self.tree.is_cut(node) || self.unsure.contains(&node) {
            return;
        }
        let mut span = self.span(node);
        if let Some(first) = entries.iter().find(|entry| entry.via == 0) {
            span.end = self.tree.node(first.key).span.end.max(span.start);
        }
        self.report(
            Diagnostic::error("missing-key", span, format!("`{key}` is missing"))
                .help(format!("add `{key}:`")),
        );
    }
}
