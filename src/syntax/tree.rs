//! A YAML text as a tree: shape only, aliases kept as they are, every node with its span.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::source::Span;

/// Index of a node in its [`Tree`].
pub type NodeId = u32;

/// What a node is.
#[derive(Debug)]
pub enum Kind<'s> {
    /// A scalar; `plain` if it was written without quotes and without a block indicator.
    Scalar {
        /// The text, with escapes resolved.
        text: Cow<'s, str>,
        /// Whether it was written plain, so that `true`, `12` and `null` have their meaning.
        plain: bool,
    },
    /// A sequence and its items.
    Sequence(Box<[NodeId]>),
    /// A mapping and its pairs of key and value, in the order of the text.
    Mapping(Box<[(NodeId, NodeId)]>),
    /// A use of an anchored node.
    Alias(NodeId),
}

/// One node.
#[derive(Debug)]
pub struct Node<'s> {
    /// Where it is written.
    pub span: Span,
    /// What it is.
    pub kind: Kind<'s>,
}

/// Where a mistake of syntax ended the reading of a document; offsets as in spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break {
    /// Where the quote, the bracket or the value begins that the mistake is in; the mistake itself, if it is in none.
    pub begin: u32,
    /// Where the mistake is told.
    pub at: u32,
    /// The outermost bracket that was open.
    pub bracket: Option<u32>,
}

/// All documents of one text.
#[derive(Debug, Default)]
pub struct Tree<'s> {
    /// Every node; children come after the collection that holds them.
    pub nodes: Vec<Node<'s>>,
    /// The top node of each document that could be read, or of which the beginning could be.
    pub roots: Vec<NodeId>,
    /// Collections that lack what a mistake of syntax cut off, or a key that could not be read.
    pub cut: HashSet<NodeId>,
    /// What cut documents off.
    pub breaks: Vec<Break>,
    /// The text that was read.
    pub written: &'s str,
    /// Offset of the text's first byte in the address space of spans.
    pub base: u32,
}

impl<'s> Tree<'s> {
    /// Returns a node.
    ///
    /// # Panics
    ///
    /// If `id` is of another tree.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node<'s> {
        &self.nodes[id as usize]
    }

    /// Returns whether a collection lacks some of what is written, so that nobody can say what it does not have.
    #[must_use]
    pub fn is_cut(&self, id: NodeId) -> bool {
        !self.cut.is_empty() && self.cut.contains(&id)
    }

    /// Returns the characters of a span.
    #[must_use]
    pub fn slice(&self, span: Span) -> &'s str {
        let offset = |at: u32| at.checked_sub(self.base).map(|at| at as usize);
        let range = offset(span.start).zip(offset(span.end));
        range.and_then(|(from, to)| self.written.get(from..to)).unwrap_or("")
    }

    /// Returns the text of a scalar; `None` for anything else.
    #[must_use]
    pub fn text(&self, id: NodeId) -> Option<&str> {
        match &self.node(id).kind {
            Kind::Scalar { text, .. } => Some(text),
            Kind::Sequence(_) | Kind::Mapping(_) | Kind::Alias(_) => None,
        }
    }
}
