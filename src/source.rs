//! Texts that were read, and places in them: every value of a document knows where it stands.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::OnceLock;

/// A place in one of the texts of a [`Sources`].
///
/// Offsets are bytes in the address space of all texts together, so a span alone says which
/// file it belongs to. Twelve bytes, because every value of a large inventory carries one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Start of the alias (`*name`) or merge (`<<`) through which the value is used; 0 if the
    /// value is written where it is used.
    pub via: u32,
}

impl Span {
    /// The span of something that no text holds, such as a default.
    pub const NONE: Self = Self { start: 0, end: 0, via: 0 };

    /// Returns the span from `start` to `end`, both offsets of a [`Sources`].
    #[must_use]
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end, via: 0 }
    }

    /// Returns whether the span points at no text.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.end == 0
    }
}

/// A value and where it is written.
#[derive(Copy, Default)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it is written, and the alias it came through.
    pub span: Span,
}

impl<T: Clone> Clone for Spanned<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), span: self.span }
    }

    fn clone_from(&mut self, source: &Self) {
        self.value.clone_from(&source.value);
        self.span = source.span;
    }
}

impl<T> Spanned<T> {
    /// Returns `value` at `span`.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    /// Returns `value` without a place: a default, or a fact that was observed.
    pub const fn bare(value: T) -> Self {
        Self { value, span: Span::NONE }
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Spanned<T> {}

impl<T: serde::Serialize> serde::Serialize for Spanned<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

/// One text and its name.
#[derive(Debug)]
pub struct Source {
    name: Arc<str>,
    text: String,
    base: u32,
    /// Whether bytes of it that are not UTF-8 became U+FFFD.
    lossy: bool,
    /// Offset of the first byte of each line, relative to the text.
    lines: Vec<u32>,
    /// Characters before each block of [`BLOCK`] bytes: a line may be as long as the text.
    blocks: OnceLock<Vec<u32>>,
}

/// Bytes whose characters are counted for one position.
const BLOCK: usize = 4096;

impl Source {
    /// Returns the name under which the text was read, usually a path.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns whether bytes of the text that are not UTF-8 became U+FFFD.
    #[must_use]
    pub const fn is_lossy(&self) -> bool {
        self.lossy
    }

    /// Returns the offset of the text's first byte in the address space of its [`Sources`].
    #[must_use]
    pub const fn base(&self) -> u32 {
        self.base
    }

    /// Returns how many lines the text has; at least 1.
    #[must_use]
    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// Returns the byte range of a line (1-based) within the text, without its line ending.
    #[must_use]
    pub fn line_range(&self, line: usize) -> std::ops::Range<usize> {
        let start = self.lines.get(line - 1).map_or(self.text.len(), |at| *at as usize);
        let end = self.lines.get(line).map_or(self.text.len(), |at| *at as usize);
        let end = start + self.text[start..end].trim_end_matches(['\n', '\r']).len();
        start..end
    }
}

/// Where a span begins or ends, as people and editors count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line, counted from 1.
    pub line: usize,
    /// Column in Unicode scalar values, counted from 1; a byte order mark does not count.
    pub column: usize,
}

/// A span, resolved to its file, lines and columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Name of the file.
    pub file: Arc<str>,
    /// Where it begins.
    pub start: Position,
    /// One past where it ends.
    pub end: Position,
    /// Line of the alias through which the value is used, in the same file.
    pub via_line: Option<usize>,
}

/// All texts of one command. Their offsets share one address space of 4 GiB.
#[derive(Debug, Default)]
pub struct Sources {
    sources: Vec<Source>,
}

/// The texts together are larger than the address space of spans, 4 GiB.
#[derive(Debug, thiserror::Error)]
#[error("the files together are larger than 4 GiB")]
pub struct TooLarge;

impl Sources {
    /// Returns a set without texts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text and returns its index.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] if all texts together would pass 4 GiB.
    pub fn add(&mut self, name: impl Into<Arc<str>>, text: String) -> Result<usize, TooLarge> {
        // Offset 0 is reserved, so that a span of zeros means "nowhere".
        let base = self.sources.last().map_or(Some(1), |last| {
            u32::try_from(last.text.len()).ok()?.checked_add(last.base)?.checked_add(1)
        });
        self.add_at(base.ok_or(TooLarge)?, name, text)
    }

    /// Adds a text whose first byte has a given offset, behind all texts that are there, and returns its index.
    ///
    /// What keeps texts longer than one set of them gives each its own offsets, so that spans stay good in every set.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] if the text would pass 4 GiB.
    pub fn add_at(&mut self, base: u32, name: impl Into<Arc<str>>, text: String) -> Result<usize, TooLarge> {
        u32::try_from(text.len()).ok().and_then(|len| len.checked_add(base)).ok_or(TooLarge)?;
        let lines = line_starts(&text);
        self.sources.push(Source {
            name: name.into(),
            text,
            base,
            lossy: false,
            lines,
            blocks: OnceLock::new(),
        });
        Ok(self.sources.len() - 1)
    }

    /// Notes that bytes of the text with this index were not UTF-8 and became U+FFFD, if they did.
    pub fn set_lossy(&mut self, index: usize, is_lossy: bool) {
        if let Some(source) = self.sources.get_mut(index) {
            source.lossy = is_lossy;
        }
    }

    /// Returns the text with the index that [`Sources::add`] gave.
    ///
    /// # Panics
    ///
    /// If no text has this index.
    #[must_use]
    pub fn get(&self, index: usize) -> &Source {
        &self.sources[index]
    }

    /// Returns all texts, in the order in which they were added.
    #[must_use]
    pub fn all(&self) -> &[Source] {
        &self.sources
    }

    /// Returns the text that a span points into, or `None` for [`Span::NONE`].
    #[must_use]
    pub fn source_of(&self, span: Span) -> Option<&Source> {
        if span.is_none() {
            return None;
        }
        let after = self.sources.partition_point(|source| source.base <= span.start);
        self.sources.get(after.checked_sub(1)?)
    }

    /// Returns the characters of a span; empty for [`Span::NONE`].
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.source_of(span).map_or("", |source| {
            let from = (span.start - source.base) as usize;
            let to = ((span.end - source.base) as usize).min(source.text.len());
            source.text.get(from..to).unwrap_or("")
        })
    }

    /// Returns file, lines and columns of a span, or `None` for [`Span::NONE`].
    #[must_use]
    pub fn locate(&self, span: Span) -> Option<Location> {
        let source = self.source_of(span)?;
        let via_line = (span.via != 0).then(|| source.position(span.via).line);
        Some(Location {
            file: Arc::clone(&source.name),
            start: source.position(span.start),
            end: source.position(span.end.max(span.start)),
            via_line,
        })
    }
}

impl Source {
    fn position(&self, offset: u32) -> Position {
        let at = (offset.saturating_sub(self.base) as usize).min(self.text.len());
        let line = self.lines.partition_point(|start| (*start as usize) <= at);
        let start = self.lines[line - 1] as usize;
        let mark = usize::from(start == 0 && at > 0 && self.text.starts_with('\u{feff}'));
        Position { line, column: self.characters_before(at) - self.characters_before(start) - mark + 1 }
    }

    /// Returns how many characters begin before the byte `at`.
    fn characters_before(&self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        let blocks = self.blocks.get_or_init(|| {
            let mut sum = 0;
            let mut add = |block| {
                let before = sum;
                sum += characters(block);
                before
            };
            bytes.chunks(BLOCK).map(&mut add).collect()
        });
        let block = at / BLOCK;
        let rest = &bytes[(block * BLOCK).min(bytes.len())..at];
        let before = blocks.get(block).copied().unwrap_or_else(|| {
            blocks.last().map_or(0, |last| last + characters(&bytes[(blocks.len() - 1) * BLOCK..]))
        });
        (before + characters(rest)) as usize
    }
}

/// Counts the characters that begin in a piece of text: every byte but those that go on with a character.
fn characters(bytes: &[u8]) -> u32 {
    bytes.iter().map(|byte| u32::from(byte & 0xc0 != 0x80)).sum()
}

/// Lines end with LF or CRLF; a lone CR ends one too, as YAML 1.2 has it.
fn line_starts(text: &str) -> Vec<u32> {
    let bytes = text.as_bytes();
    let mut lines = vec![0];
    for (at, byte) in bytes.iter().enumerate() {
        let ends = match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        if ends {
            lines.push(u32::try_from(at + 1).unwrap_or(u32::MAX));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_not_bytes() {
        let mut sources = Sources::new();
        sources.add("first", "x: 1\n".into()).expect("fits");
        let index = sources.add("둘", "\u{feff}이름: 값\r\n둘째: 값\n".into()).expect("fits");
        let source = sources.get(index);
        let at = u32::try_from(source.text().rfind('값').expect("there")).expect("fits") + source.base();
        let location = sources.locate(Span::new(at, at + 3)).expect("in a text");
        assert_eq!((&*location.file, location.start.line, location.start.column), ("둘", 2, 5));
        assert_eq!(location.end.column, 6);
        let first = source.base() + 3;
        assert_eq!(sources.locate(Span::new(first, first + 6)).expect("in a text").start.column, 1);
    }

    #[test]
    fn columns_of_a_line_as_long_as_its_text_are_counted_right() {
        for text in ["가나".repeat(9000), format!("\u{feff}{}", "a가".repeat(4096)), "x".repeat(2 * BLOCK)]
        {
            let mut sources = Sources::new();
            let index = sources.add("long", text.clone()).expect("fits");
            let base = sources.get(index).base();
            let bare = text.trim_start_matches('\u{feff}');
            let mark = text.len() - bare.len();
            let ends = bare.char_indices().map(|(at, _)| at).chain([bare.len()]);
            for (column, at) in ends.enumerate().filter(|(column, _)| column % 997 == 0 || *column > 8190) {
                let at = base + u32::try_from(at + mark).expect("fits");
                assert_eq!(sources.locate(Span::new(at, at)).expect("in the text").start.column, column + 1);
            }
        }
    }

    #[test]
    fn nowhere_is_not_in_a_file() {
        let mut sources = Sources::new();
        sources.add("a", "x".into()).expect("fits");
        assert!(sources.locate(Span::NONE).is_none());
        assert_eq!(sources.slice(Span::new(1, 2)), "x");
    }
}
