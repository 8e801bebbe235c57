//! Scalars of a sketch: where a key, a word or a quoted text ends.

use std::ops::Range;

/// Lines that a quoted text may go on for: a quote that somebody forgot must not cost a search of the whole text.
const MOST_LINES: usize = 64;

/// Returns what a scalar says: without its quotes, escapes as they are.
pub(super) fn plain(text: &str) -> &str {
    match text.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let inner = &text[1..];
            inner.strip_suffix(quote).unwrap_or(inner)
        }
        Some(_) | None => text,
    }
}

pub(super) fn skip_blanks(text: &str, at: usize, end: usize) -> usize {
    end - text[at..end].trim_start_matches([' ', '\t']).len()
}

/// Skips anchors and tags.
pub(super) fn skip_properties(text: &str, mut at: usize, end: usize) -> usize {
    while text[at..end].starts_with(['&', '!']) {
        let rest = &text[at..end];
        at = skip_blanks(text, at + rest.find([' ', '\t']).unwrap_or(rest.len()), end);
    }
    at
}

/// Returns the quoted text that begins at `at` if it ends in the same line, quotes included.
fn quoted(text: &str, at: usize, end: usize) -> Option<Range<usize>> {
    let quote = text[at..].chars().next()?;
    let mut rest = text[at + 1..end].char_indices().peekable();
    while let Some((offset, character)) = rest.next() {
        if character == '\\' && quote == '"' {
            rest.next();
        } else if character == quote {
            if quote == '\'' && rest.next_if(|(_, next)| *next == '\'').is_some() {
                continue;
            }
            return Some(at..at + 1 + offset + 1);
        }
    }
    None
}

/// Returns the key that begins at `at`: a word or quoted text with a `:` behind it.
pub(super) fn key(text: &str, at: usize, end: usize) -> Option<Range<usize>> {
    if text[at..end].starts_with(['"', '\'']) {
        let key = quoted(text, at, end)?;
        let colon = skip_blanks(text, key.end, end);
        let after = text[colon..end].strip_prefix(':')?;
        return (after.is_empty() || after.starts_with([' ', '\t'])).then_some(key);
    }
    if text[at..end].starts_with(['[', '{']) {
        return None;
    }
    let line = &text[at..end];
    for (offset, character) in line.char_indices() {
        let before_blank = offset > 0 && line[..offset].ends_with([' ', '\t']);
        match character {
            '#' if before_blank => return None,
            ':' if line[offset + 1..].is_empty() || line[offset + 1..].starts_with([' ', '\t']) => {
                return Some(at..at + line[..offset].trim_end().len());
            }
            _ => {}
        }
    }
    None
}

/// Returns the scalar that begins at `at` outside brackets; quoted text may go on in lines that are indented deeper than
/// `column`.
pub(super) fn block(text: &str, at: usize, end: usize, column: isize) -> Range<usize> {
    let line = &text[at..end];
    if line.starts_with(['"', '\'']) {
        return quoted(text, at, end)
            .or_else(|| quoted(text, at, deeper_lines(text, end, column)))
            .unwrap_or(at..at + line.trim_end().len());
    }
    let comment = line.match_indices('#').find(|(offset, _)| line[..*offset].ends_with([' ', '\t']));
    let line = comment.map_or(line, |(offset, _)| &line[..offset]);
    at..at + line.trim_end().len()
}

/// Returns the end of the lines behind `end` that are blank or indented deeper than `column`.
fn deeper_lines(text: &str, end: usize, column: isize) -> usize {
    let least = usize::try_from(column + 1).unwrap_or(0);
    let mut reached = end;
    for line in text[end..].split_inclusive('\n').skip(1).take(MOST_LINES) {
        let content = line.trim_start_matches(' ');
        if !content.trim().is_empty() && line.len() - content.len() < least {
            break;
        }
        reached += line.len();
    }
    // The rest of the first line is its ending.
    let ending = text[end..].find('\n').map_or(0, |at| at + 1);
    if reached == end { end } else { reached + ending }
}

/// Returns the scalar that begins at `at` between brackets.
pub(super) fn flow(text: &str, at: usize, end: usize) -> Range<usize> {
    let line = &text[at..end];
    if line.starts_with(['"', '\'']) {
        return quoted(text, at, end).unwrap_or(at..at + line.trim_end().len());
    }
    let stop = line.char_indices().find(|(offset, character)| match character {
        ',' | '[' | ']' | '{' | '}' => true,
        ':' => is_colon(&line[offset + 1..]),
        '#' => line[..*offset].ends_with([' ', '\t']),
        _ => false,
    });
    let line = stop.map_or(line, |(offset, _)| &line[..offset]);
    at..at + line.trim_end().len()
}

/// Returns whether a `:` between brackets with `rest` behind it ends a key.
pub(super) fn is_colon(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with([' ', '\t', ',', '[', ']', '{', '}'])
}
