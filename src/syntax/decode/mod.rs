//! Trees into typed documents: one declaration of a block gives its reader, its JSON Schema and its writer.
//!
//! A reader never stops at a mistake: it reports it and goes on, so that one pass finds all of them.

mod length;
mod mapping;
mod told;

pub use self::mapping::Entry;

use std::collections::HashMap;
use std::collections::HashSet;
use std::ops::RangeInclusive;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Fix;
use crate::diagnostic::did_you_mean;
use crate::source::Span;
use crate::syntax::limit::LONGEST_NAME;
use crate::syntax::limit::Limit;
use crate::syntax::respell;
use crate::syntax::scalar::Plain;
use crate::syntax::schema::Schema;
use crate::syntax::tree::Kind;
use crate::syntax::tree::NodeId;
use crate::syntax::tree::Tree;
use crate::syntax::yaml::is_stand_in;

use self::told::Mistake;

/// Levels of nesting, aliases included, that a reader follows.
const MAX_DEPTH: usize = 256;
/// Values a document may hold once its aliases are expanded, beside four for each node that is written.
const EXPANSION_ALLOWANCE: u64 = 4_000_000;
/// Bytes of text that the aliases of a document may stand for, beside four for each that is written.
const TEXT_ALLOWANCE: u64 = 32 << 20;

/// A type that can be read from a node of a document.
pub trait Decode: Sized {
    /// Reads a node; `None` if it could not be, which was then reported.
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self>;

    /// Returns what the value of a key is when the key is left out; `None` if it may not be.
    fn absent() -> Option<Self> {
        None
    }

    /// Returns whether the value is what [`Decode::absent`] gives, so that a writer leaves its key out.
    fn is_absent(&self) -> bool {
        false
    }

    /// Forgets what `is_lost` says of the keys inside the value, which lies under `key`: what may be left out is left out. Returns
    /// whether the value itself is to be left out.
    fn forget(&mut self, key: &str, is_lost: &dyn Fn(&str) -> bool) -> bool {
        is_lost(key)
    }

    /// Returns the JSON Schema of the type.
    fn schema(schema: &mut Schema) -> serde_json::Value;

    /// Returns a value to show in documentation.
    fn example() -> serde_json::Value;
}

enum Segment {
    Key(NodeId),
    Index(usize),
}

/// Reads one document of a tree and collects what is wrong with it.
pub struct Reader<'t, 's> {
    tree: &'t Tree<'s>,
    diagnostics: &'t mut Vec<Diagnostic>,
    /// Mistakes that others had reported before.
    before: usize,
    path: Vec<Segment>,
    /// Where mistakes of values behind an anchor were reported, so that each is told once.
    folded: HashMap<Mistake, usize>,
    /// Mappings into which something is merged that could not be read.
    unsure: HashSet<NodeId>,
    /// Start of the outermost alias through which the present node was reached.
    via: u32,
    steps_left: u64,
    /// Bytes of text that aliases may still stand for.
    text_left: u64,
    /// Characters that a text may have under the present key.
    longest: usize,
    /// The range of the whole number that is read next, if its key has one.
    range: Option<RangeInclusive<i128>>,
}

impl<'t, 's> Reader<'t, 's> {
    /// Returns a reader of `tree` that adds to `diagnostics`.
    pub fn new(tree: &'t Tree<'s>, diagnostics: &'t mut Vec<Diagnostic>) -> Self {
        let steps_left = (tree.nodes.len() as u64).saturating_mul(4).saturating_add(EXPANSION_ALLOWANCE);
        let text_left = (tree.written.len() as u64).saturating_mul(4).saturating_add(TEXT_ALLOWANCE);
        let before = diagnostics.len();
        Self {
            tree,
            diagnostics,
            before,
            path: Vec::new(),
            folded: HashMap::new(),
            unsure: HashSet::new(),
            via: 0,
            steps_left,
            text_left,
            longest: LONGEST_NAME,
            range: None,
        }
    }

    /// Returns the tree.
    #[must_use]
    pub fn tree(&self) -> &'t Tree<'s> {
        self.tree
    }

    /// Returns how many mistakes were reported so far, those before this reader included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.diagnostics.len()
    }

    /// Returns whether the document was not read to its end, since its aliases stand for too much.
    pub(crate) fn has_given_up(&self) -> bool {
        self.steps_left == 0
    }

    /// Takes back the mistakes that were reported since [`Reader::count`] was `count`.
    pub(crate) fn forget(&mut self, count: usize) {
        self.diagnostics.truncate(count);
        self.folded.retain(|_, at| *at < count);
    }

    /// Returns the span of a node, with the alias through which it was reached.
    #[must_use]
    pub fn span(&self, node: NodeId) -> Span {
        Span { via: self.via, ..self.tree.node(node).span }
    }

    /// Follows aliases: returns the node that holds the value, and sets where it is used.
    fn resolve(&mut self, mut node: NodeId) -> NodeId {
        while let Kind::Alias(target) = self.tree.node(node).kind {
            if self.via == 0 {
                self.via = self.tree.node(node).span.start;
            }
            node = target;
        }
        node
    }

    /// Reads the value of a key.
    pub fn entry<T: Decode>(&mut self, entry: Entry) -> Option<T> {
        let outer = self.via;
        if outer == 0 {
            self.via = entry.via;
        }
        let value = self.descend(Segment::Key(entry.key), entry.value);
        self.via = outer;
        value
    }

    /// Reads the value of a key that has limits.
    pub(crate) fn limited_entry<T: Decode>(&mut self, entry: Entry, limits: &[Limit]) -> Option<T> {
        self.range = Limit::range_of(limits);
        let outer = std::mem::replace(&mut self.longest, Limit::longest_of(limits));
        let value = self.entry(entry);
        self.longest = outer;
        self.range = None;
        value
    }

    /// Returns the part of a range in which the key of a whole number holds it.
    pub(crate) fn narrowed(&self, least: i128, most: i128) -> (i128, i128) {
        match &self.range {
            Some(range) => (least.max(*range.start()), most.min(*range.end())),
            None => (least, most),
        }
    }

    /// Reports the value of a key that could be read and is beyond one of its limits.
    pub(crate) fn limit(&mut self, entry: Entry, limits: &[Limit]) {
        // What the aliases of this document stand for is too much to look at.
        if self.has_given_up() {
            return;
        }
        let outer = self.via;
        if outer == 0 {
            self.via = entry.via;
        }
        self.path.push(Segment::Key(entry.key));
        let node = self.resolve(entry.value);
        if !is_stand_in(self.tree.node(node)) {
            for limit in limits {
                limit.check(self, node);
            }
        }
        self.path.pop();
        self.via = outer;
    }

    /// Reads item `index` of a sequence.
    pub fn item<T: Decode>(&mut self, index: usize, node: NodeId) -> Option<T> {
        self.descend(Segment::Index(index), node)
    }

    fn descend<T: Decode>(&mut self, segment: Segment, node: NodeId) -> Option<T> {
        let outer = self.via;
        self.path.push(segment);
        let node = self.resolve(node);
        let value = if self.may_go_on(node) { T::decode(self, node) } else { None };
        self.path.pop();
        self.via = outer;
        value
    }

    /// Reads the top node of a document.
    pub fn document<T: Decode>(&mut self, root: NodeId) -> Option<T> {
        let root = self.resolve(root);
        T::decode(self, root)
    }

    fn may_go_on(&mut self, node: NodeId) -> bool {
        // What the loader could not read was reported there.
        if self.steps_left == 0 || is_stand_in(self.tree.node(node)) {
            return false;
        }
        self.steps_left -= 1;
        let span = self.span(node);
        if self.steps_left == 0 {
            self.give_up(span);
        } else if !self.may_hold(node) || self.is_too_long(node, self.longest) {
            return false;
        } else if self.path.len() > MAX_DEPTH {
            self.report(
                Diagnostic::error(
                    "too-deep",
                    span,
                    format!("nested more than {MAX_DEPTH} levels deep, aliases included"),
                )
                .help("no part of the language nests that deep"),
            );
        } else {
            return true;
        }
        false
    }

    /// Returns the kind of a node in the words of a message.
    #[must_use]
    pub fn describe(&self, node: NodeId) -> String {
        match &self.tree.node(node).kind {
            Kind::Scalar { text, plain: true } => match Plain::of(text) {
                Plain::Null => "nothing (null)".into(),
                Plain::Boolean(value) => format!("the boolean {value}"),
                Plain::Integer(_) | Plain::Float(_) => {
                    format!("the number {}", text.chars().take(40).collect::<String>())
                }
                Plain::Text => quoted(text),
            },
            Kind::Scalar { text, plain: false } => quoted(text),
            Kind::Sequence(_) => "a list".into(),
            Kind::Mapping(_) => "a mapping".into(),
            Kind::Alias(_) => "an alias".into(),
        }
    }

    /// Reports that a node is not what its key asks for; returns the diagnostic's absence of a value.
    ///
    /// One that a mistake of syntax cut may have been what is asked for.
    pub fn wrong_type<T>(&mut self, node: NodeId, expected: &str) -> Option<T> {
        if self.tree.is_cut(node) {
            return None;
        }
        let found = self.describe(node);
        let mut diagnostic =
            Diagnostic::error("wrong-type", self.span(node), format!("expected {expected}, found {found}"));
        if let Kind::Scalar { text, plain: true } = &self.tree.node(node).kind
            && Plain::of(text) == Plain::Null
        {
            diagnostic = diagnostic.help(match self.path.last() {
                Some(Segment::Index(_)) => "write a value, or delete the item",
                Some(Segment::Key(_)) | None => "write a value, or delete the key",
            });
        }
        self.report(diagnostic);
        None
    }

    /// Reports that a scalar is not the number or boolean that its key asks for; it may be one in quotes.
    pub fn wrong_scalar<T>(&mut self, node: NodeId, expected: &str) -> Option<T> {
        if let Kind::Scalar { text, plain: false } = &self.tree.node(node).kind
            && !matches!(Plain::of(text), Plain::Text | Plain::Null)
        {
            let message = format!("expected {expected}, found text in quotes");
            let fits = match Plain::of(text) {
                Plain::Boolean(_) => expected == "true or false",
                Plain::Integer(_) => expected != "true or false",
                Plain::Float(_) => expected == "a number",
                Plain::Null | Plain::Text => false,
            };
            let fix = self.exactly(node, text, format!("write {text} without quotes")).filter(|_| fits);
            let diagnostic = Diagnostic::error("wrong-type", self.span(node), message);
            self.report(diagnostic.help(format!("write it without quotes: {text}")).fix(fix));
            return None;
        }
        self.wrong_type(node, expected)
    }

    /// Returns the items of a sequence, or reports that the node is none.
    pub fn sequence(&mut self, node: NodeId, expected: &str) -> Option<&'t [NodeId]> {
        let help = match &self.tree.node(node).kind {
            Kind::Sequence(items) => return Some(items),
            _ if self.tree.is_cut(node) => return None,
            Kind::Scalar { text, plain } => {
                if *plain && Plain::of(text) == Plain::Null {
                    return self.wrong_type(node, expected);
                }
                "put it in brackets: a list of one"
            }
            Kind::Mapping(_) => "begin each item of the list with `- `",
            Kind::Alias(_) => "write the list",
        };
        let message = format!("expected {expected}, found {}", self.describe(node));
        self.report(Diagnostic::error("wrong-type", self.span(node), message).help(help));
        None
    }

    /// Returns the fix that puts a word into the place of a scalar, in its quotes.
    pub(crate) fn instead(&self, node: NodeId, word: &str) -> Option<Fix> {
        if self.via != 0 { None } else { respell::instead(self.tree, node, word, "write") }
    }

    /// Returns the fix that puts characters into the place of a scalar and its quotes.
    pub(crate) fn exactly(&self, node: NodeId, new: &str, title: String) -> Option<Fix> {
        if self.via != 0 { None } else { respell::exactly(self.tree, node, new, title) }
    }

    /// Returns the text of a scalar that means text, or reports what else the node is.
    pub fn text(&mut self, node: NodeId, expected: &str) -> Option<&'t str> {
        let tree = self.tree;
        let Kind::Scalar { text, plain } = &tree.node(node).kind else {
            return self.wrong_type(node, expected);
        };
        if *plain {
            match Plain::of(text) {
                Plain::Text => {}
                Plain::Null => return self.wrong_type(node, expected),
                Plain::Boolean(_) | Plain::Integer(_) | Plain::Float(_) => {
                    let found = self.describe(node);
                    let span = self.span(node);
                    let new = format!("\"{text}\"");
                    let fix = self.exactly(node, &new, format!("write {new} in quotes"));
                    self.report(
                        Diagnostic::error("wrong-type", span, format!("expected {expected}, found {found}"))
                            .help(format!("write it in quotes: {new}"))
                            .fix(fix.filter(|_| expected == "text")),
                    );
                    return None;
                }
            }
        }
        Some(text)
    }
}

impl Reader<'_, '_> {
    /// Returns the word of `known` that a scalar is, or reports that it is none.
    pub fn word(&mut self, node: NodeId, known: &'static [&'static str]) -> Option<&'static str> {
        let all = || known.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let tree = self.tree;
        let Kind::Scalar { text, .. } = &tree.node(node).kind else {
            return self.wrong_type(node, &format!("one of {}", all()));
        };
        if let Some(word) = known.iter().find(|word| *word == text) {
            return Some(word);
        }
        let help = match did_you_mean(text, known.iter().copied()) {
            Some(near) => near,
            None => format!("allowed: {}", all()),
        };
        let found = quoted(text);
        let of = if known.len() == 1 { "" } else { "one of " };
        let span = self.span(node);
        self.report(
            Diagnostic::error("unknown-word", span, format!("{found} is not {of}{}", all()))
                .help(help)
                .fix(respell::meant(text, known).and_then(|word| self.instead(node, word))),
        );
        None
    }
}

/// Returns text in back quotes, shortened, for a message.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("`{}…`", text[..at].escape_debug()),
        None => format!("`{}`", text.escape_debug()),
    }
}
