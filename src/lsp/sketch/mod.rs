//! What a text probably means, read line by line: works for a document that is being typed and is no YAML yet.
//!
//! The checker never uses it. It answers where in the document a cursor is, and what stands around it.

mod flow;
mod scalar;

use std::ops::Range;

use self::flow::Frame;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A document.
    Root,
    /// A key of a mapping.
    Key,
    /// An item of a list.
    Element,
    /// A word that is neither: a key without its `:`, or a value in the wrong place.
    Word,
}

/// A key, an item of a list, or a word.
#[derive(Debug)]
pub(super) struct Item {
    /// What it is.
    pub kind: Kind,
    /// The item that holds it; `None` for a document.
    pub parent: Option<usize>,
    /// The key, quotes included; where an element begins; the word.
    pub name: Range<usize>,
    /// Whether the key has its `:`.
    pub colon: bool,
    /// The scalar that is its value, quotes included.
    pub value: Option<Range<usize>>,
    /// Where the bracket that its value begins with stands, and one past the one that closes it.
    pub brackets: Option<(usize, Option<usize>)>,
    /// Whether it is written between brackets itself.
    pub in_flow: bool,
    /// Column in bytes; -1 for a document.
    pub column: isize,
    /// One past everything that belongs to it.
    pub end: usize,
}

/// Which part of an item a place is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Its key, or its word.
    Name,
    /// Its value.
    Value,
}

/// One step from a document to a place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'t> {
    /// To the value of a key.
    Key(&'t str),
    /// To an item of a list.
    Element,
}

/// Everything that stands in a text, in its order.
#[derive(Debug, Default)]
pub(super) struct Sketch {
    items: Vec<Item>,
}

impl Sketch {
    /// Reads a text.
    pub(super) fn of(text: &str) -> Self {
        let mut parser = Parser {
            text,
            items: Vec::new(),
            blocks: Vec::new(),
            frames: Vec::new(),
            literal: None,
            resume: 0,
            line: 0,
        };
        parser.document(0);
        let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        while at < text.len() {
            let end = text[at..].find(['\n', '\r']).map_or(text.len(), |end| at + end);
            parser.line = at;
            parser.resume = end;
            parser.line(end);
            at = parser.resume.max(end);
            // What was read to its end may have ended in a later line.
            at = text[at..].find(['\n', '\r']).map_or(text.len(), |end| at + end + 1);
        }
        Self { items: parser.items }
    }

    /// Returns an item.
    pub(super) fn item(&self, index: usize) -> &Item {
        &self.items[index]
    }

    /// Returns the documents.
    pub(super) fn documents(&self) -> impl Iterator<Item = usize> {
        self.items.iter().enumerate().filter(|(_, item)| item.kind == Kind::Root).map(|(index, _)| index)
    }

    /// Returns what an item holds, in the order of the text.
    pub(super) fn children(&self, index: usize) -> impl Iterator<Item = usize> {
        let end = self.items[index].end;
        let later = self.items.iter().enumerate().skip(index + 1);
        later
            .take_while(move |(_, item)| item.kind != Kind::Root && item.name.start <= end)
            .filter(move |(_, item)| item.parent == Some(index))
            .map(|(index, _)| index)
    }

    /// Returns the key `name` of a mapping.
    pub(super) fn key(&self, text: &str, index: usize, name: &str) -> Option<usize> {
        self.children(index).find(|child| {
            let item = self.item(*child);
            item.kind == Kind::Key && scalar::plain(&text[item.name.clone()]) == name
        })
    }

    /// Returns the document that an item is part of.
    pub(super) fn document_of(&self, mut index: usize) -> usize {
        while let Some(parent) = self.items[index].parent {
            index = parent;
        }
        index
    }

    /// Returns the steps from the document to an item.
    pub(super) fn path<'t>(&self, text: &'t str, mut index: usize) -> Vec<Step<'t>> {
        let mut path = Vec::new();
        loop {
            let item = &self.items[index];
            match item.kind {
                Kind::Key => path.push(Step::Key(scalar::plain(&text[item.name.clone()]))),
                Kind::Element => path.push(Step::Element),
                Kind::Root | Kind::Word => {}
            }
            match item.parent {
                Some(parent) => index = parent,
                None => break,
            }
        }
        path.reverse();
        path
    }

    /// Returns the item whose key, word or scalar a byte is in, or at the end of.
    pub(super) fn at(&self, offset: usize) -> Option<(usize, Part)> {
        let within =
            |range: &Range<usize>| range.start <= offset && offset <= range.end && range.start < range.end;
        // Later items begin later, but a word may end where the next one begins: the latter counts.
        self.items.iter().enumerate().rev().find_map(|(index, item)| match item.kind {
            Kind::Root => None,
            _ if item.value.as_ref().is_some_and(within) => Some((index, Part::Value)),
            Kind::Key | Kind::Word if within(&item.name) => Some((index, Part::Name)),
            Kind::Key | Kind::Word | Kind::Element => None,
        })
    }
}

/// Returns what a scalar says: without its quotes.
pub(super) fn plain(text: &str) -> &str {
    scalar::plain(text)
}

struct Parser<'t> {
    text: &'t str,
    items: Vec<Item>,
    /// Open items of block style, each further right than the one before it.
    blocks: Vec<usize>,
    /// Open brackets.
    frames: Vec<Frame>,
    /// Column of the key whose `|` or `>` text goes on.
    literal: Option<isize>,
    /// Where what was read ends.
    resume: usize,
    /// Where the present line begins.
    line: usize,
}

impl<'t> Parser<'t> {
    fn document(&mut self, at: usize) {
        self.blocks.clear();
        self.frames.clear();
        self.literal = None;
        self.items.push(Item {
            kind: Kind::Root,
            parent: None,
            name: at..at,
            colon: false,
            value: None,
            brackets: None,
            in_flow: false,
            column: -1,
            end: at,
        });
        self.blocks.push(self.items.len() - 1);
    }

    fn line(&mut self, end: usize) {
        let line = &self.text[self.line..end];
        let content = line.trim_start_matches([' ', '\t', '\u{feff}']);
        let start = end - content.len();
        let column = self.column(start);
        if let Some(literal) = self.literal {
            if content.is_empty() || column > literal {
                self.touch(self.top(), end);
                return;
            }
            self.literal = None;
        }
        if content.is_empty() || content.starts_with('#') {
            return;
        }
        if let Some(frame) = self.frames.first() {
            if column > self.items[frame.holder].column || content.starts_with([']', '}']) {
                return self.flow(start, end);
            }
            // The bracket was never closed: this line stands where it could not go on.
            self.frames.clear();
        }
        if column == 0 && (line.starts_with("---") || line.starts_with("...") || line.starts_with('%')) {
            if line.starts_with("---") {
                self.document(end);
            }
            return;
        }
        self.block(start, end);
    }

    fn column(&self, at: usize) -> isize {
        isize::try_from(at - self.line).unwrap_or(isize::MAX)
    }

    fn top(&self) -> usize {
        *self.blocks.last().expect("a document is never closed")
    }

    /// Closes what stands at `column` or further right.
    fn close(&mut self, column: isize) {
        while self.items[self.top()].column >= column {
            self.blocks.pop();
        }
    }

    fn push(&mut self, kind: Kind, parent: usize, name: Range<usize>, in_flow: bool) -> usize {
        let column = self.column(name.start.max(self.line));
        let end = name.end;
        self.items.push(Item {
            kind,
            parent: Some(parent),
            name,
            colon: false,
            value: None,
            brackets: None,
            in_flow,
            column,
            end,
        });
        let index = self.items.len() - 1;
        self.touch(index, end);
        index
    }

    /// Makes an item, and what holds it, reach to `end`.
    fn touch(&mut self, mut index: usize, end: usize) {
        loop {
            let item = &mut self.items[index];
            item.end = item.end.max(end);
            match item.parent {
                Some(parent) => index = parent,
                None => return,
            }
        }
    }

    fn block(&mut self, mut at: usize, end: usize) {
        let text = self.text;
        while text[at..end].starts_with('-') && (at + 1 == end || text[at + 1..end].starts_with([' ', '\t']))
        {
            let column = self.column(at);
            self.close(column + 1);
            let top = &self.items[self.top()];
            if top.kind == Kind::Element && top.column == column {
                self.blocks.pop();
            }
            let element = self.push(Kind::Element, self.top(), at..at + 1, false);
            self.blocks.push(element);
            at = scalar::skip_blanks(text, at + 1, end);
        }
        at = scalar::skip_properties(text, at, end);
        if at == end || text[at..].starts_with('#') {
            return;
        }
        let column = self.column(at);
        if let Some(key) = scalar::key(text, at, end) {
            self.close(column);
            let item = self.push(Kind::Key, self.top(), key.clone(), false);
            self.items[item].colon = true;
            self.blocks.push(item);
            let colon = scalar::skip_blanks(text, key.end, end) + 1;
            return self.value(item, colon, end);
        }
        // What has no `:` is the value of an element of this line, or of a key above, or a key that is being typed.
        let top = self.top();
        if self.items[top].kind == Kind::Element && self.items[top].name.start >= self.line {
            return self.value(top, at, end);
        }
        self.close(column);
        let top = self.top();
        if text[at..].starts_with(['[', '{']) {
            return self.value(top, at, end);
        }
        let word = scalar::block(text, at, end, column);
        self.resume = word.end;
        self.push(Kind::Word, top, word, false);
    }

    /// Reads the value of an item in the rest of its line.
    fn value(&mut self, item: usize, at: usize, end: usize) {
        let text = self.text;
        let at = scalar::skip_properties(text, scalar::skip_blanks(text, at, end), end);
        match text[at..end].chars().next() {
            None | Some('#') => {}
            Some('|' | '>') => self.literal = Some(self.items[item].column),
            Some('[' | '{') => {
                self.open(item, at);
                self.flow(at + 1, end);
            }
            Some(_) => {
                let value = scalar::block(text, at, end, self.items[item].column);
                self.resume = value.end;
                self.touch(item, value.end);
                self.items[item].value = Some(value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
