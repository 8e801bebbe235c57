//! Comments that accept findings beside them: `# failback: ignore[FB606] why it is accepted`.
//!
//! A comment is about the line that it ends; alone on its line, it is about the next line that is not such a comment.

use crate::diagnostic::Diagnostic;
use crate::diagnostic::did_you_mean;
use crate::source::Source;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::decode::quoted;
use crate::syntax::tree::Kind;
use crate::syntax::tree::NodeId;
use crate::syntax::tree::Tree;
use crate::syntax::yaml;

/// What a comment to us begins with.
const WORD: &str = "failback";
/// What a comment asks for.
const IGNORE: &str = "ignore";
const HELP: &str = "write `# failback: ignore[FB606] why it is accepted`";

/// A comment that accepts findings.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark {
    /// Ids of the rules.
    pub rules: Vec<Spanned<String>>,
    /// Why, in one line; empty if the comment does not say.
    pub reason: String,
    /// The comment.
    pub comment: Place,
    /// The line that the comment is about; an empty one if none follows.
    pub line: Place,
    /// Name of the machine, server or other thing that the line is part of, if it is part of a list of the document.
    pub of: Option<String>,
    /// What the line says, without comments and with one space for several: wherever it is moved, it is the same line.
    pub text: String,
}

/// A place in a text. Places don't tell documents apart: what is written there does.
#[derive(Clone, Copy, Debug)]
pub struct Place(pub Span);

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Returns the comments of each document of a tree, in the order of its roots; `diagnostics` says which can't be understood.
pub(crate) fn of(source: &Source, tree: &Tree<'_>) -> Vec<(Vec<Remark>, Vec<Diagnostic>)> {
    let mut found: Vec<(Vec<Remark>, Vec<Diagnostic>)> = Vec::new();
    found.resize_with(tree.roots.len(), Default::default);
    let comments = yaml::comments(source, tree, WORD);
    if comments.is_empty() {
        return found;
    }
    let text = Text { text: source.text(), base: source.base() as usize };
    let mut from = 0;
    for (root, (remarks, mistakes)) in tree.roots.iter().zip(&mut found) {
        let (start, end) = text.document(tree.node(*root).span, from);
        from = end;
        // Behind a mistake of syntax, a `#` may be part of a value.
        let end = if tree.is_cut(*root) { text.offset(tree.node(*root).span.end) } else { end };
        let first = comments.partition_point(|comment| text.offset(comment.start) < start);
        let inside = |comment: &&Span| text.offset(comment.start) < end;
        let inside: Vec<&Span> = comments[first..].iter().take_while(inside).collect();
        let mut below = None;
        for comment in inside.into_iter().rev() {
            match text.remark(*comment, &mut below) {
                Some(Ok(mut remark)) => {
                    remark.of = named(tree, *root, remark.line.0);
                    remarks.push(remark);
                }
                Some(Err(mistake)) => mistakes.push(*mistake),
                None => {}
            }
        }
        remarks.reverse();
        mistakes.reverse();
    }
    found
}

/// Where a line that holds a comment alone begins, and the line that it is about.
type About = (usize, (usize, usize));

struct Text<'s> {
    text: &'s str,
    base: usize,
}

impl Text<'_> {
    fn offset(&self, at: u32) -> usize {
        at as usize - self.base
    }

    fn span(&self, start: usize, end: usize) -> Span {
        let offset = |at: usize| u32::try_from(self.base + at).unwrap_or(u32::MAX);
        Span::new(offset(start), offset(end))
    }

    /// Returns where a document begins and ends, its markers included, given where the one before it ends.
    fn document(&self, root: Span, from: usize) -> (usize, usize) {
        let (first, last) = (self.offset(root.start), self.offset(root.end));
        let begin = self
            .text
            .get(from..first)
            .and_then(|before| before.rfind("\n---"))
            .map_or(from, |at| from + at + 1);
        let after = &self.text[last..];
        let end = ["\n---", "\n...", "\r---", "\r..."].iter().filter_map(|marker| after.find(marker)).min();
        (begin, end.map_or(self.text.len(), |at| last + at + 1))
    }

    /// Reads a comment; `None` if it is not to us. `below` is what is known of the next comment in the text.
    fn remark(&self, comment: Span, below: &mut Option<About>) -> Option<Result<Remark, Box<Diagnostic>>> {
        let (start, end) = (self.offset(comment.start), self.offset(comment.end));
        let written = &self.text[start..end];
        let rest = written.trim_start_matches('#').trim_start().strip_prefix(WORD)?.trim_start();
        let mistake = |message: String| {
            Some(Err(Box::new(Diagnostic::error("bad-comment", comment, message).help(HELP))))
        };
        let asked = rest.strip_prefix(':').map(str::trim_start);
        let word_of = |rest: &str| rest.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(rest.len());
        let asks = asked.unwrap_or(rest);
        let (word, list) = asks.split_at(word_of(asks));
        let has_list = list.trim_start().starts_with('[');
        if word != IGNORE {
            // The word may be a key that was taken out, or the beginning of a sentence.
            return match did_you_mean(word, [IGNORE]) {
                Some(_) if has_list => mistake(format!("{} is not a word of such a comment", quoted(word))),
                Some(_) | None => None,
            };
        }
        if asked.is_none() {
            return if has_list { mistake(format!("`:` is missing after `{WORD}`")) } else { None };
        }
        let Some(list) = list.trim_start().strip_prefix('[') else {
            return mistake("the comment does not say which rules it ignores".to_owned());
        };
        let Some((ids, reason)) = list.split_once(']') else {
            return mistake("`]` is missing after the rules".to_owned());
        };
        let mut rules = Vec::new();
        let mut at = end - list.len();
        for id in ids.split(',') {
            let name = id.trim();
            let from = at + (id.len() - id.trim_start().len());
            if name.is_empty() {
                return mistake("the id of a rule is missing".to_owned());
            }
            rules.push(Spanned::new(name.to_owned(), self.span(from, from + name.len())));
            at += id.len() + 1;
        }
        let reason = reason.trim_start_matches([' ', '\t', ':', '-', '–', '—']).trim_end().to_owned();
        let (line_start, line_end) = self.line_of(start, below);
        Some(Ok(Remark {
            rules,
            reason,
            comment: Place(comment),
            line: Place(self.span(line_start, line_end)),
            of: None,
            text: said(&self.text[line_start..line_end]),
        }))
    }

    /// Returns the line that a comment is about, and remembers it for the comments above, so that a long block of comments is
    /// walked through once.
    fn line_of(&self, comment: usize, below: &mut Option<About>) -> (usize, usize) {
        let is_end = |letter: char| matches!(letter, '\n' | '\r');
        let start = self.text[..comment].rfind(is_end).map_or(0, |at| at + 1);
        let mut line = self.line_at(start);
        let is_alone = |(from, to): (usize, usize)| {
            self.text[from..to].trim_start_matches([' ', '\t', '\u{feff}']).starts_with('#')
        };
        while is_alone(line) {
            if let Some((_, about)) = below.filter(|(at, _)| *at == line.0) {
                line = about;
                break;
            }
            if line.1 == self.text.len() {
                line = (line.1, line.1);
                break;
            }
            let ending = if self.text[line.1..].starts_with("\r\n") { 2 } else { 1 };
            line = self.line_at(line.1 + ending);
        }
        *below = Some((start, line));
        line
    }

    fn line_at(&self, start: usize) -> (usize, usize) {
        let end = self.text[start..].find(['\n', '\r']).map_or(self.text.len(), |at| start + at);
        (start, end)
    }
}

/// Returns what a line says: what stands before the first `#` that may begin a comment, in words with one space between.
fn said(line: &str) -> String {
    let is_comment = |at: &usize| line[..*at].ends_with([' ', '\t']) || line[..*at].is_empty();
    let end = line.match_indices('#').map(|(at, _)| at).find(is_comment).unwrap_or(line.len());
    line[..end].split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the name of the item of a document's lists that a line is part of.
fn named(tree: &Tree<'_>, root: NodeId, line: Span) -> Option<String> {
    let Kind::Mapping(pairs) = &tree.node(root).kind else { return None };
    let meets = |span: Span| span.start <= line.end && line.start <= span.end;
    for (_, value) in pairs.iter().filter(|(_, value)| meets(tree.node(*value).span)) {
        let Kind::Sequence(items) = &tree.node(*value).kind else { continue };
        let first = items.partition_point(|item| tree.node(*item).span.end < line.start);
        for item in items[first..].iter().take_while(|item| meets(tree.node(**item).span)) {
            let Kind::Mapping(keys) = &tree.node(*item).kind else { continue };
            let name = keys.iter().find(|(key, _)| matches!(tree.text(*key), Some("name" | "id")));
            if let Some(name) = name.and_then(|(_, value)| tree.text(*value)) {
                return Some(name.to_owned());
            }
        }
    }
    None
}
