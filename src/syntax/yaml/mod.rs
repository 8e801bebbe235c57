//! Reads YAML texts into trees, reporting every mistake with its place; the only user of the YAML crate.

mod alias;
mod bracket;
mod character;
mod comment;
mod cut;
mod keys;
mod mistake;
mod scalar;
mod tag;

use std::borrow::Cow;

use granit_parser::ErrorKind;
use granit_parser::Event;
use granit_parser::Parser;
use granit_parser::Tag;

use crate::diagnostic::Diagnostic;
use crate::source::Source;
use crate::source::Span;
use crate::syntax::tree::Kind;
use crate::syntax::tree::Node;
use crate::syntax::tree::NodeId;
use crate::syntax::tree::Tree;

pub use self::bracket::still_open;
pub use self::comment::comments;
pub use self::cut::cut_short;
pub use self::mistake::unclosed;

/// How much a text may ask for before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Collections inside each other; a level that an alias leads to does not count.
    pub max_depth: u32,
    /// Values in one text, keys and empty ones included. Each takes about 50 bytes of memory.
    pub max_nodes: u32,
    /// Mistakes listed for one text; a last one says that there are more.
    pub max_mistakes: u32,
}

impl Default for Limits {
    /// 128 levels, 20 million values (an inventory of 100,000 machines has about 3 million), 1,000 mistakes.
    fn default() -> Self {
        Self { max_depth: 128, max_nodes: 20_000_000, max_mistakes: 1000 }
    }
}

/// Characters of a key written without `?`; also of a key that an alias stands for and that is still
/// compared by its text, since many aliases may stand for one long text.
const LONGEST_KEY: usize = 1024;

/// Reads all documents of a text.
///
/// Of a document with a mistake of syntax, what is before it is read, and its collections are [`Tree::cut`]; one that is nested
/// too deeply has no root. The documents after it are read. Nor has an empty document a root. A value that could not be read (an
/// unknown or recursive alias, a scalar with an unsupported tag or with bytes that are not UTF-8) is an empty plain scalar for which
/// [`is_stand_in`] holds. Repeated keys stay in the tree. Diagnostics are added in the order of the text.
pub fn read<'s>(source: &'s Source, limits: &Limits, diagnostics: &mut Vec<Diagnostic>) -> Tree<'s> {
    let text = source.text();
    let first = diagnostics.len();
    let mut reader = Reader {
        text,
        base: source.base(),
        limits: *limits,
        tabs: text.split(LINE_ENDS).any(|line| line.trim_start_matches(' ').starts_with('\t')),
        binary: text.contains('\0'),
        lossy: source.is_lossy(),
        closed: Vec::new(),
        found: diagnostics,
        tree: Tree { written: text, base: source.base(), ..Tree::default() },
        open: Vec::new(),
        pending: Vec::new(),
        anchors: Vec::new(),
        names: Vec::new(),
        last: Span::new(source.base(), source.base()),
        roots_before: 0,
        nodes_before: 0,
        listed: 0,
        names_compared: 0,
        last_tab: None,
    };
    reader.tree.nodes.reserve(text.len() / 24);
    reader.bad_utf8();
    reader.control_characters();
    reader.documents();
    let tree = reader.tree;
    diagnostics[first..].sort_by_key(|diagnostic| diagnostic.span.start);
    tree
}

/// Returns whether a node stands for a value that could not be read, which was reported.
#[must_use]
pub fn is_stand_in(node: &Node<'_>) -> bool {
    // A value that is really empty has no characters, so its span has none either.
    is_empty(node) && node.span.start < node.span.end
}

const LINE_ENDS: [char; 2] = ['\n', '\r'];
const BLANKS: [char; 2] = [' ', '\t'];
const SPACES: [char; 4] = [' ', '\t', '\n', '\r'];

/// A collection whose end has not been read.
struct Open {
    id: NodeId,
    mapping: bool,
    /// Whether it is written with brackets.
    flow: bool,
    /// Where its items begin among the pending ones.
    first: usize,
}

struct Reader<'s, 'd> {
    text: &'s str,
    base: u32,
    limits: Limits,
    /// Whether any line begins with blanks that hold a tab.
    tabs: bool,
    /// Whether the text holds a NUL, where the parser would say that the text ends.
    binary: bool,
    /// Whether U+FFFD stands in the place of bytes that are not UTF-8.
    lossy: bool,
    /// Collections that ended after the latest value, each with whether it is written with brackets.
    closed: Vec<(NodeId, bool)>,
    found: &'d mut Vec<Diagnostic>,
    tree: Tree<'s>,
    open: Vec<Open>,
    /// Items of all open collections, the innermost last; keys and values of a mapping take turns.
    pending: Vec<NodeId>,
    /// Node of each anchor, by the number that the parser gave the anchor.
    anchors: Vec<Option<NodeId>>,
    /// Names of the anchors of this document.
    names: Vec<Cow<'s, str>>,
    /// Where the latest value, or the beginning of a collection, is written.
    last: Span,
    roots_before: usize,
    nodes_before: usize,
    listed: u32,
    names_compared: usize,
    last_tab: Option<usize>,
}

impl<'s> Reader<'s, '_> {
    fn documents(&mut self) {
        let depth = self.limits.max_depth as usize;
        let options = granit_parser::options! {
            emit_comments: false,
            emit_unresolved_aliases: true,
            emit_anchor_events: true,
            block_scalar_eof_without_line_feed: true,
            simple_key_max_lookahead: LONGEST_KEY,
            flow_nesting_limit: depth,
            block_nesting_limit: depth,
        };
        let mut parser = Parser::new_from_str_with_options(self.text, options);
        while let Some(event) = parser.next_event() {
            match event {
                Ok((_, span)) if self.tree.nodes.len() > self.limits.max_nodes as usize => {
                    self.too_many_values(self.span(&span));
                    return self.abandon();
                }
                Ok((event, span)) => {
                    if self.event(event, &span) {
                        continue;
                    }
                    self.abandon();
                }
                Err(error) => {
                    let told = self.found.len();
                    self.syntax(&error);
                    match error.kind() {
                        ErrorKind::RecursionLimitExceeded => self.abandon(),
                        kind => {
                            let at = error.marker().byte_offset().unwrap_or(self.text.len());
                            self.note_break(at, told);
                            self.cut(at, *kind == ErrorKind::MappingValueNotAllowed);
                        }
                    }
                }
            }
            if !matches!(parser.proceed_next_document(), Ok(true)) {
                return;
            }
        }
    }

    /// Returns false if the rest of the document is not to be read.
    fn event(&mut self, event: Event<'s>, span: &granit_parser::Span) -> bool {
        let place = self.span(span);
        match event {
            Event::DocumentStart(explicit, _) => {
                self.begin_document();
                // Without `---` this is the place of the first value.
                self.last = if explicit { place } else { self.last };
            }
            Event::DocumentEnd => self.end_document(),
            Event::Anchor(_, name) => self.names.push(name),
            Event::Scalar(text, style, anchor, tag) => {
                let node = self.scalar(text, style, tag.as_deref(), span);
                self.push(node, anchor);
            }
            Event::Alias(anchor) => self.alias(anchor, place),
            Event::UnresolvedAlias(name) => self.unknown_alias(&name, place),
            Event::SequenceStart(_, anchor, tag) => return self.begin(false, anchor, tag.as_deref(), span),
            Event::MappingStart(_, anchor, tag) => return self.begin(true, anchor, tag.as_deref(), span),
            Event::SequenceEnd | Event::MappingEnd => self.end(place),
            _ => {}
        }
        true
    }

    fn begin_document(&mut self) {
        self.roots_before = self.tree.roots.len();
        self.nodes_before = self.tree.nodes.len();
        self.names.clear();
        self.closed.clear();
    }

    fn end_document(&mut self) {
        if let [root] = self.tree.roots[self.roots_before..] {
            let node = self.tree.node(root);
            if is_empty(node) && !is_stand_in(node) {
                self.tree.roots.pop();
            }
        }
        // A mistake before the next document begins is no reason to drop this one.
        self.begin_document();
    }

    fn abandon(&mut self) {
        self.open.clear();
        self.closed.clear();
        self.pending.clear();
        self.tree.roots.truncate(self.roots_before);
        self.tree.nodes.truncate(self.nodes_before);
    }

    fn push(&mut self, node: Node<'s>, anchor: usize) -> NodeId {
        let id = NodeId::try_from(self.tree.nodes.len()).expect("max_nodes fits");
        if self.tabs && !self.open.iter().any(|open| open.flow) {
            let tab = self.tab_before((node.span.start - self.base) as usize);
            self.tab_indent(tab);
        }
        self.last = node.span;
        self.closed.clear();
        self.tree.nodes.push(node);
        if anchor != 0 {
            if self.anchors.len() <= anchor {
                self.anchors.resize(anchor + 1, None);
            }
            self.anchors[anchor] = Some(id);
        }
        if self.open.is_empty() {
            self.tree.roots.push(id);
        } else {
            self.pending.push(id);
        }
        id
    }

    fn begin(&mut self, mapping: bool, anchor: usize, tag: Option<&Tag>, span: &granit_parser::Span) -> bool {
        let place = self.span(span);
        if self.open.len() >= self.limits.max_depth as usize {
            self.too_deep(place);
            return false;
        }
        if tag.is_some_and(|tag| tag.core_suffix().is_none() && !is_bare(tag)) {
            self.unsupported_tag(span);
        }
        let kind = if mapping { Kind::Mapping(Box::default()) } else { Kind::Sequence(Box::default()) };
        let id = self.push(Node { span: place, kind }, anchor);
        let flow = place.start < place.end;
        self.open.push(Open { id, mapping, flow, first: self.pending.len() });
        true
    }

    fn end(&mut self, place: Span) {
        let Some(Open { id, mapping, flow, first }) = self.open.pop() else { return };
        // A block has no closing character: it ends where its last value does.
        let last = self.pending[first..].last().map_or(0, |last| self.tree.node(*last).span.end);
        let end = if place.start < place.end { place.end } else { last };
        let items = self.pending.drain(first..);
        let kind = if mapping {
            let flat: Vec<NodeId> = items.collect();
            let (pairs, _) = flat.as_chunks();
            Kind::Mapping(pairs.iter().map(|[key, value]| (*key, *value)).collect())
        } else {
            Kind::Sequence(items.collect())
        };
        let node = &mut self.tree.nodes[id as usize];
        node.span.end = node.span.end.max(end);
        node.kind = kind;
        self.last = Span::new(node.span.end, node.span.end);
        self.closed.push((id, flow));
        if mapping {
            self.repeated_keys(id);
            self.lost_keys(id);
        }
    }

    fn span(&self, span: &granit_parser::Span) -> Span {
        let range = span.byte_range().unwrap_or(0..0);
        Span::new(self.offset(range.start), self.offset(range.end))
    }

    fn offset(&self, at: usize) -> u32 {
        self.base + u32::try_from(at).expect("a source is smaller than 4 GiB")
    }

    /// Returns the place of the character at `at`; nothing wide at the end of a line.
    fn at(&self, at: usize) -> Span {
        let character = self.text[at..].chars().next().filter(|found| !LINE_ENDS.contains(found));
        Span::new(self.offset(at), self.offset(at + character.map_or(0, char::len_utf8)))
    }

    fn slice(&self, span: Span) -> &'s str {
        let range = (span.start - self.base) as usize..(span.end - self.base) as usize;
        self.text.get(range).unwrap_or("")
    }
}

fn is_empty(node: &Node<'_>) -> bool {
    matches!(&node.kind, Kind::Scalar { text, plain: true } if text.is_empty())
}

fn stand_in<'s>(span: Span) -> Node<'s> {
    Node { span, kind: Kind::Scalar { text: Cow::Borrowed(""), plain: true } }
}

fn is_bare(tag: &Tag) -> bool {
    matches!(tag.parts(), ("", "!") | ("!", ""))
}
