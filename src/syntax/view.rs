//! A read-only look at a part of a tree, which says nothing about what is wrong with it: aliases followed, merges resolved.

use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::scalar::Plain;
use crate::syntax::tree::Kind;
use crate::syntax::tree::NodeId;
use crate::syntax::tree::Tree;

/// Mappings that `<<` may bring into one that is looked at; the reader refuses more.
const MOST_MERGED: usize = 1_000;

/// A node, and where it is used.
#[derive(Clone, Copy)]
pub(crate) struct View<'t, 's> {
    tree: &'t Tree<'s>,
    node: NodeId,
    /// Start of the outermost alias through which the node was reached.
    via: u32,
}

impl<'t, 's> View<'t, 's> {
    /// Returns a view of a node.
    pub(crate) fn of(tree: &'t Tree<'s>, node: NodeId) -> Self {
        View { tree, node, via: 0 }.at(node)
    }

    /// Returns the view of a node that is reached from this one.
    fn at(self, mut node: NodeId) -> Self {
        let mut via = self.via;
        while let Kind::Alias(target) = self.tree.node(node).kind {
            if via == 0 {
                via = self.tree.node(node).span.start;
            }
            node = target;
        }
        View { tree: self.tree, node, via }
    }

    /// Returns where the node is written, and where it is used.
    pub(crate) fn span(self) -> Span {
        Span { via: self.via, ..self.tree.node(self.node).span }
    }

    /// Returns whether the block lacks some of what is written, so that nobody can say what it does not have.
    pub(crate) fn is_cut(self) -> bool {
        match &self.tree.node(self.node).kind {
            _ if self.tree.cut.is_empty() => false,
            Kind::Mapping(pairs) => {
                self.tree.is_cut(self.node) || pairs.iter().any(|(key, _)| is_merge(self.tree, *key))
            }
            Kind::Scalar { .. } | Kind::Sequence(_) | Kind::Alias(_) => true,
        }
    }

    /// Returns whether the node is a mapping.
    pub(crate) fn is_mapping(self) -> bool {
        matches!(self.tree.node(self.node).kind, Kind::Mapping(_))
    }

    /// Returns whether nothing is written, or `null`.
    pub(crate) fn is_nothing(self) -> bool {
        matches!(&self.tree.node(self.node).kind, Kind::Scalar { text, plain: true } if Plain::of(text) == Plain::Null)
    }

    /// Returns the text of a scalar that says something.
    pub(crate) fn text(self) -> Option<&'t str> {
        let tree: &'t Tree<'s> = self.tree;
        tree.text(self.node).filter(|text| !text.is_empty() && !self.is_nothing())
    }

    /// Returns the text of a scalar that is text, and no number or other word of YAML; that it says nothing is no text.
    pub(crate) fn string(self) -> Option<Spanned<String>> {
        let Kind::Scalar { text, plain } = &self.tree.node(self.node).kind else { return None };
        let is_text = !text.trim().is_empty() && (!plain || Plain::of(text) == Plain::Text);
        is_text.then(|| Spanned::new(text.to_string(), self.span()))
    }

    /// Returns the items of a list; none of anything else.
    pub(crate) fn items(self) -> impl Iterator<Item = Self> {
        let tree: &'t Tree<'s> = self.tree;
        let items: &'t [NodeId] = match &tree.node(self.node).kind {
            Kind::Sequence(items) => items,
            Kind::Scalar { .. } | Kind::Mapping(_) | Kind::Alias(_) => &[],
        };
        items.iter().map(move |item| self.at(*item))
    }

    /// Returns the items of the list under a key; none if there is no list.
    pub(crate) fn list(self, key: &str) -> impl Iterator<Item = Self> {
        self.get(key).into_iter().flat_map(Self::items)
    }

    /// Returns the value of a key: the one that is written here, else the one that `<<` brings.
    pub(crate) fn get(self, key: &str) -> Option<Self> {
        self.find(|written| written == key)
    }

    /// Returns whether a key is here that satisfies a condition.
    pub(crate) fn has_key(self, is_it: impl Fn(&str) -> bool) -> bool {
        self.find(is_it).is_some()
    }

    /// Returns the values of a mapping as it is written; none of anything else.
    pub(crate) fn values(self) -> impl Iterator<Item = Self> {
        let tree: &'t Tree<'s> = self.tree;
        let pairs: &'t [(NodeId, NodeId)] = match &tree.node(self.node).kind {
            Kind::Mapping(pairs) => pairs,
            Kind::Scalar { .. } | Kind::Sequence(_) | Kind::Alias(_) => &[],
        };
        pairs.iter().map(move |(_, value)| self.at(*value))
    }

    fn find(self, is_it: impl Fn(&str) -> bool) -> Option<Self> {
        let tree: &'t Tree<'s> = self.tree;
        let mut work = vec![self];
        for _ in 0..MOST_MERGED {
            let here = work.pop()?;
            let pairs = match &tree.node(here.node).kind {
                Kind::Mapping(pairs) => pairs,
                Kind::Sequence(items) => {
                    work.extend(items.iter().rev().map(|item| here.at(*item)));
                    continue;
                }
                Kind::Scalar { .. } | Kind::Alias(_) => continue,
            };
            if let Some((_, value)) = pairs.iter().find(|(key, _)| tree.text(*key).is_some_and(&is_it)) {
                return Some(here.at(*value));
            }
            let merges = pairs.iter().rev().filter(|(key, _)| is_merge(tree, *key));
            work.extend(merges.map(|(_, value)| here.at(*value)));
        }
        None
    }
}

fn is_merge(tree: &Tree<'_>, key: NodeId) -> bool {
    matches!(&tree.node(key).kind, Kind::Scalar { text, plain: true } if text == "<<")
}
