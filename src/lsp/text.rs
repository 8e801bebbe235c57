//! The text of a document, and places in it as editors count them: lines and code units, from 0.

use std::ops::Range;

use lsp_types::Position;

/// A byte order mark, which an editor takes off a file that it opens.
const MARK: char = '\u{feff}';

/// What the columns of positions count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// 16-bit units: a Korean syllable is one, most emoji are two.
    #[default]
    Utf16,
}

/// A text and where its lines begin.
#[derive(Clone, Debug)]
pub struct Text {
    text: String,
    lines: Vec<usize>,
    /// Bytes at the beginning that positions do not count.
    mark: usize,
}

impl Text {
    /// Returns a text as an editor has it.
    #[must_use]
    pub fn new(text: String) -> Self {
        let lines = line_starts(&text);
        Self { text, lines, mark: 0 }
    }

    /// Returns the text of a file as an editor would see it.
    #[must_use]
    pub fn of_file(text: String) -> Self {
        let mark = if text.starts_with(MARK) { MARK.len_utf8() } else { 0 };
        Self { mark, ..Self::new(text) }
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns how many lines it has; at least 1.
    #[must_use]
    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// Returns the byte range of a line, counted from 0, without its ending; empty at the end for a line that there is not.
    #[must_use]
    pub fn line(&self, line: usize) -> Range<usize> {
        let start = self.lines.get(line).copied().unwrap_or(self.text.len());
        let end = self.lines.get(line + 1).copied().unwrap_or(self.text.len());
        start..start + self.text[start..end].trim_end_matches(['\n', '\r']).len()
    }

    /// Returns the line, counted from 0, that a byte is in.
    #[must_use]
    pub fn line_of(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// Returns what ends the lines of the text.
    #[must_use]
    pub fn ending(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }

    /// Returns the position of a byte; of the end for a byte behind it.
    #[must_use]
    pub fn position(&self, offset: usize, encoding: Encoding) -> Position {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.line_of(offset);
        let start = if line == 0 { self.mark.min(offset) } else { self.lines[line] };
        let before = &self.text[start..offset];
        let column = match encoding {
            Encoding::Utf8 => before.len(),
            Encoding::Utf16 => before.encode_utf16().count(),
        };
        Position::new(number(line), number(column))
    }

    /// Returns the positions of a range of bytes.
    #[must_use]
    pub fn range(&self, range: &Range<usize>, encoding: Encoding) -> lsp_types::Range {
        lsp_types::Range::new(self.position(range.start, encoding), self.position(range.end, encoding))
    }

    /// Returns the byte at a position: the end of the line if the position is behind it, the beginning of a character
    /// if it is inside it.
    #[must_use]
    pub fn offset(&self, position: Position, encoding: Encoding) -> usize {
        let line = usize::try_from(position.line).unwrap_or(usize::MAX);
        if line >= self.lines.len() {
            return self.text.len();
        }
        let Range { mut start, end } = self.line(line);
        if line == 0 {
            start = self.mark.min(end);
        }
        let wanted = usize::try_from(position.character).unwrap_or(usize::MAX);
        let mut column = 0;
        for (at, character) in self.text[start..end].char_indices() {
            column += match encoding {
                Encoding::Utf8 => character.len_utf8(),
                Encoding::Utf16 => character.len_utf16(),
            };
            if column > wanted {
                return start + at;
            }
        }
        end
    }

    /// Puts a new text in the place of a range; of everything without one.
    pub fn change(&mut self, range: Option<lsp_types::Range>, new: &str, encoding: Encoding) {
        match range {
            None => new.clone_into(&mut self.text),
            Some(range) => {
                let start = self.offset(range.start, encoding);
                let end = self.offset(range.end, encoding);
                self.text.replace_range(start.min(end)..start.max(end), new);
            }
        }
        self.lines = line_starts(&self.text);
    }
}

fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Lines end with LF, CRLF or a lone CR, for editors as for YAML.
fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let mut lines = vec![0];
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')) {
            lines.push(at + 1);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: (u32, u32), to: (u32, u32)) -> lsp_types::Range {
        lsp_types::Range::new(Position::new(from.0, from.1), Position::new(to.0, to.1))
    }

    #[test]
    fn columns_count_units_of_the_encoding_that_was_agreed_on() {
        let text = Text::new("a: x\r\n이름: 🐟값\r\n".into());
        let value = text.as_str().find('값').expect("there");
        assert_eq!(text.position(value, Encoding::Utf16), Position::new(1, 6));
        assert_eq!(text.position(value, Encoding::Utf8), Position::new(1, 12));
        for encoding in [Encoding::Utf8, Encoding::Utf16] {
            for (offset, _) in text.as_str().char_indices().filter(|(_, letter)| *letter != '\n') {
                assert_eq!(text.offset(text.position(offset, encoding), encoding), offset, "{encoding:?}");
            }
        }
        let inside_the_fish = Position::new(1, 5);
        assert_eq!(&text.as_str()[text.offset(inside_the_fish, Encoding::Utf16)..][..4], "🐟");
    }

    #[test]
    fn places_behind_a_line_or_the_text_are_their_ends() {
        let text = Text::new("ab\r\nc".into());
        assert_eq!(text.offset(Position::new(0, 99), Encoding::Utf16), 2);
        assert_eq!(text.offset(Position::new(9, 0), Encoding::Utf16), 5);
        assert_eq!(text.position(99, Encoding::Utf16), Position::new(1, 1));
    }

    #[test]
    fn a_mark_counts_in_an_editor_and_not_in_a_file() {
        let at = |text: &Text| text.position(MARK.len_utf8() + 2, Encoding::Utf16).character;
        assert_eq!(at(&Text::of_file("\u{feff}이름".into())), 0);
        assert_eq!(at(&Text::of_file("\u{feff}ab".into())), 2);
        assert_eq!(at(&Text::new("\u{feff}ab".into())), 3);
        assert_eq!(Text::of_file("\u{feff}ab".into()).offset(Position::new(0, 1), Encoding::Utf8), 4);
    }

    #[test]
    fn changes_are_made_where_the_editor_means_them() {
        let mut text = Text::new("이름: 값\r\n둘: 2\r\n".into());
        text.change(Some(range((0, 4), (0, 5))), "새 값", Encoding::Utf16);
        text.change(Some(range((1, 0), (2, 0))), "", Encoding::Utf16);
        assert_eq!(text.as_str(), "이름: 새 값\r\n");
        text.change(Some(range((0, 2), (0, 0))), "x", Encoding::Utf16);
        assert_eq!(text.as_str(), "x: 새 값\r\n");
        text.change(None, "a\nb", Encoding::Utf16);
        assert_eq!((text.line(1), text.ending()), (2..3, "\n"));
    }
}
