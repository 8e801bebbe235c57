//! Windows of a text around the places that an item points at: never a whole file, never a whole long line.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::Annotation;
use annotate_snippets::AnnotationKind;
use annotate_snippets::Snippet;

use crate::escape;
use crate::source::Source;
use crate::source::Sources;
use crate::source::Span;

/// Lines that may lie between two places of one window.
const LINES_BETWEEN: usize = 6;
/// Bytes of a line beyond which only the surroundings of a place are shown.
const LONG_LINE: usize = 400;
/// Bytes shown before and after a place on a long line.
const AROUND: usize = 100;
/// Bytes of a place that are underlined.
const LONGEST_MARK: usize = 120;

/// A place to show, with what is to be seen there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark<'a> {
    pub span: Span,
    pub text: &'a str,
    pub primary: bool,
}

/// A piece of a source that holds some marks.
struct Window<'a> {
    source: &'a Source,
    /// First line, from 1, and last line.
    lines: Range<usize>,
    /// Bytes of the source.
    bytes: Range<usize>,
    /// Whether the bytes are a part of one line.
    cut: bool,
    marks: Vec<(Range<usize>, Mark<'a>)>,
}

/// A window ready to be printed, and a place that the printer would name wrongly.
pub(super) struct Excerpt<'a> {
    pub snippet: Snippet<'a, Annotation<'a>>,
    pub misplaced: Option<Misplaced>,
}

/// The place that is printed over a piece of a long line, and the right one.
pub(super) struct Misplaced {
    pub printed: String,
    pub right: String,
}

/// Returns the excerpts for some marks: the first mark's first, marks that lie near each other together.
pub(super) fn of<'a>(sources: &'a Sources, marks: &[Mark<'a>]) -> Vec<Excerpt<'a>> {
    let mut windows: Vec<Window<'a>> = Vec::new();
    for mark in marks {
        let Some(window) = window(sources, *mark) else { continue };
        match windows.iter_mut().find(|other| fits(other, &window)) {
            Some(other) => join(other, window),
            None => windows.push(window),
        }
    }
    windows.into_iter().map(|window| print(sources, window)).collect()
}

fn window<'a>(sources: &'a Sources, mark: Mark<'a>) -> Option<Window<'a>> {
    let source = sources.source_of(mark.span)?;
    let text = source.text();
    let start = ((mark.span.start - source.base()) as usize).min(text.len());
    let line = sources.locate(mark.span)?.start.line;
    let mut bytes = source.line_range(line);
    if line == 1 && text.starts_with('\u{feff}') {
        bytes.start = '\u{feff}'.len_utf8().min(bytes.end);
    }
    let start = start.clamp(bytes.start, bytes.end);
    // A place of several lines is shown by its first.
    let end = ((mark.span.end.saturating_sub(source.base())) as usize).clamp(start, bytes.end);
    let end = boundary(text, end.min(start + LONGEST_MARK));
    let cut = bytes.len() > LONG_LINE;
    if cut {
        bytes.start = boundary(text, bytes.start.max(start.saturating_sub(AROUND)));
        bytes.end = boundary(text, bytes.end.min(end + AROUND));
    }
    Some(Window { source, lines: line..line, bytes, cut, marks: vec![(start..end, mark)] })
}

fn boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn fits(one: &Window<'_>, other: &Window<'_>) -> bool {
    if one.source.base() != other.source.base() {
        return false;
    }
    if one.cut || other.cut {
        return one.lines == other.lines
            && one.bytes.start.min(other.bytes.start) + LONG_LINE > one.bytes.end.max(other.bytes.end);
    }
    one.lines.start <= other.lines.end + LINES_BETWEEN && other.lines.start <= one.lines.end + LINES_BETWEEN
}

fn join<'a>(one: &mut Window<'a>, other: Window<'a>) {
    one.lines = one.lines.start.min(other.lines.start)..one.lines.end.max(other.lines.end);
    one.bytes = one.bytes.start.min(other.bytes.start)..one.bytes.end.max(other.bytes.end);
    one.marks.extend(other.marks);
}

fn print<'a>(sources: &'a Sources, window: Window<'a>) -> Excerpt<'a> {
    let whole = window.source.text();
    let text = &whole[window.bytes.clone()];
    let line = window.source.line_range(window.lines.start);
    let is_begun = whole[line.start.min(window.bytes.start)..window.bytes.start]
        .trim_start_matches('\u{feff}')
        .is_empty();
    let before = if window.cut && !is_begun { "…" } else { "" };
    let shown = shown(text);
    let path = escape::line(window.source.name());
    let mut source = String::from(before);
    source.push_str(&shown);
    if window.cut && window.bytes.end < line.end {
        source.push('…');
    }
    // Signs that stand for control characters are longer than these, so places move.
    let moved = |at: usize| {
        let head = &text[..at - window.bytes.start];
        before.len() + if matches!(shown, Cow::Borrowed(_)) { head.len() } else { self::shown(head).len() }
    };
    let first = window.marks.iter().find(|(_, mark)| mark.primary).or(window.marks.first());
    let misplaced = first.filter(|_| window.cut).and_then(|(range, mark)| {
        let place = sources.locate(mark.span)?.start;
        let column = source[..moved(range.start)].chars().count() + 1;
        Some(Misplaced {
            printed: format!("{path}:{}:{column}\n", place.line),
            right: format!("{path}:{}:{}\n", place.line, place.column),
        })
    });
    let annotations: Vec<Annotation<'a>> = window
        .marks
        .iter()
        .map(|(range, mark)| {
            let kind = if mark.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let annotation = kind.span(moved(range.start)..moved(range.end));
            if mark.text.is_empty() { annotation } else { annotation.label(escape::line(mark.text)) }
        })
        .collect();
    let snippet = Snippet::source(source).line_start(window.lines.start).path(path).annotations(annotations);
    Excerpt { snippet, misplaced }
}

/// Returns source text without control characters, line by line as editors count them.
fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') {
        return escape::lines(text);
    }
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    Cow::Owned(escape::lines(&text).into_owned())
}
