//! Comments of a text that was read: whatever a `#` begins that is not part of a value.

use crate::source::Source;
use crate::source::Span;
use crate::syntax::tree::Kind;
use crate::syntax::tree::Tree;

use super::BLANKS;
use super::LINE_ENDS;

/// Returns the comments of a text that begin with a word, each from its `#` to the end of its line, in the order of the text.
///
/// Only documents that could be read are looked at whole: in others, a `#` may be part of a value that is not known.
#[must_use]
pub fn comments(source: &Source, tree: &Tree<'_>, word: &str) -> Vec<Span> {
    let text = source.text();
    let mut candidates = Vec::new();
    for (at, _) in text.match_indices(word) {
        let before = text[..at].trim_end_matches(BLANKS);
        let Some(hash) = before.strip_suffix('#').map(str::len) else { continue };
        if begins(text, hash) {
            candidates.push(hash);
        }
    }
    if candidates.is_empty() {
        return Vec::new();
    }
    let base = source.base() as usize;
    let mut scalars: Vec<(usize, usize)> = Vec::new();
    for node in &tree.nodes {
        let Kind::Scalar { plain, .. } = &node.kind else { continue };
        let (start, end) = (node.span.start as usize - base, node.span.end as usize - base);
        // A block scalar begins after the line of its `|` or `>`, which may have a comment.
        let is_block = !plain && text.get(start..).is_some_and(|rest| rest.starts_with(['|', '>']));
        let start = if is_block { line_end(text, start).min(end) } else { start };
        if start < end {
            scalars.push((start, end));
        }
    }
    scalars.sort_unstable();
    let is_in_value = |at: usize| {
        let after = scalars.partition_point(|(start, _)| *start <= at);
        after.checked_sub(1).is_some_and(|last| at < scalars[last].1)
    };
    let (mut seen, mut is_in_comment) = (0, false);
    candidates.retain(|at| {
        let from = text[seen..*at].rfind(LINE_ENDS).map(|end| seen + end + 1);
        is_in_comment &= from.is_none();
        let from = from.unwrap_or(seen);
        seen = at + 1;
        // A comment that was taken out by a `#` before it is part of another.
        let mut signs = text[from..*at].match_indices('#').map(|(sign, _)| from + sign);
        is_in_comment = is_in_comment || signs.any(|sign| begins(text, sign) && !is_in_value(sign));
        let is_one = !is_in_comment && !is_in_value(*at);
        is_in_comment |= is_one;
        is_one
    });
    let offset = |at: usize| u32::try_from(base + at).unwrap_or(u32::MAX);
    let span = |at: usize| {
        let end = at + text[at..line_end(text, at)].trim_end_matches(BLANKS).len();
        Span::new(offset(at), offset(end))
    };
    candidates.into_iter().map(span).collect()
}

/// Returns whether a `#` begins a comment if it is not part of a value: one inside a word does not. A byte order mark is no
/// part of the first line.
fn begins(text: &str, hash: usize) -> bool {
    text[..hash].is_empty() || text[..hash].ends_with([' ', '\t', '\n', '\r', '\u{feff}'])
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..].find(LINE_ENDS).map_or(text.len(), |end| at + end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;
    use crate::syntax::yaml::Limits;
    use crate::syntax::yaml::read;

    fn found(text: &str) -> Vec<String> {
        let mut sources = Sources::new();
        let index = sources.add("text", text.to_owned()).expect("fits");
        let tree = read(sources.get(index), &Limits::default(), &mut Vec::new());
        let spans = comments(sources.get(index), &tree, "word");
        spans.into_iter().map(|span| sources.slice(span).to_owned()).collect()
    }

    #[test]
    fn a_comment_inside_a_comment_is_none() {
        assert_eq!(found("a: 1 # # word 1\n"), [""; 0]);
        assert_eq!(found("# see # word 1 # word 2\r\nb: 2\n"), [""; 0]);
        assert_eq!(found("a: 1 # word 1 # word 2\n# word 3\n"), ["# word 1 # word 2", "# word 3"]);
        assert_eq!(found("a: \"x # word 1\" # word 2 # word 3\n"), ["# word 2 # word 3"]);
        assert_eq!(found("a: x#1 # word 1\nb: ' # y' # word 2"), ["# word 1", "# word 2"]);
    }
}
