//! Where a part of an expression stands in the YAML text that holds it.

use std::ops::Range;

use crate::source::Span;

/// The places of a scalar's characters.
#[derive(Debug)]
pub(super) struct Places {
    /// Where the scalar is written.
    whole: Span,
    /// Of each character that is no white space: its byte in the value, and its bytes in what is written; empty if they could
    /// not be matched.
    marks: Vec<(u32, u32, u32)>,
}

impl Places {
    /// Matches a scalar's value with what is written at `whole`.
    ///
    /// Quotes, escapes, indentation and folding change white space and the number of bytes, never the order of the other
    /// characters.
    pub fn new(whole: Span, written: &str, value: &str) -> Self {
        let seen = |(_, letter): &(usize, char)| !letter.is_whitespace();
        let mut marks = Vec::with_capacity(value.len());
        let mut units = units(written).into_iter().filter(|unit| !unit.blank);
        for (at, letter) in value.char_indices().filter(seen) {
            let matched =
                units.next().filter(|unit| unit.escape || written[unit.begin..unit.end].starts_with(letter));
            let Some(unit) = matched else { return Self { whole, marks: Vec::new() } };
            marks.push((number(at), number(unit.begin), number(unit.end)));
        }
        if units.next().is_some() {
            marks.clear();
        }
        Self { whole, marks }
    }

    /// Returns where the scalar is written.
    pub const fn whole(&self) -> Span {
        self.whole
    }

    /// Returns where bytes of the value are written; the whole scalar if that can't be told.
    pub fn span(&self, at: Range<usize>) -> Span {
        let (from, to) = (number(at.start), number(at.end));
        let first = self.marks.partition_point(|mark| mark.0 < from);
        let last = self.marks.partition_point(|mark| mark.0 < to.max(from.saturating_add(1)));
        let Some(first) = self.marks.get(first).or(self.marks.last()) else { return self.whole };
        let last = last.checked_sub(1).and_then(|last| self.marks.get(last)).unwrap_or(first);
        let (start, end) = (self.whole.start + first.1, self.whole.start + last.2.max(first.2));
        Span { start, end, via: self.whole.via }
    }
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Bytes of the written text that stand for one character of the value, or for none.
struct Unit {
    begin: usize,
    end: usize,
    /// Whether the character is white space, or there is none.
    blank: bool,
    /// Whether the character is not written as itself.
    escape: bool,
}

fn units(written: &str) -> Vec<Unit> {
    let (body, quote) = match written.as_bytes().first() {
        Some(quote @ (b'"' | b'\'')) if written.len() > 1 => (1..written.len() - 1, Some(*quote)),
        Some(b'|' | b'>') => (written.find(['\n', '\r']).unwrap_or(written.len())..written.len(), None),
        Some(_) | None => (0..written.len(), None),
    };
    let mut found = Vec::new();
    let mut at = body.start;
    while let Some(letter) = written.get(at..body.end).and_then(|rest| rest.chars().next()) {
        let mut end = at + letter.len_utf8();
        let (mut blank, mut escape) = (letter.is_whitespace(), false);
        match (quote, letter) {
            (Some(b'\''), '\'') => end += 1,
            (Some(b'"'), '\\') => {
                let kind = written[end..].chars().next().unwrap_or(' ');
                end += kind.len_utf8();
                let digits = match kind {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => 0,
                };
                let code = written.get(end..end + digits).unwrap_or("");
                end += code.len();
                escape = true;
                blank = match digits {
                    0 => {
                        kind.is_whitespace()
                            || matches!(kind, 't' | 'n' | 'v' | 'f' | 'r' | 'N' | '_' | 'L' | 'P')
                    }
                    _ => u32::from_str_radix(code, 16)
                        .ok()
                        .and_then(char::from_u32)
                        .is_none_or(char::is_whitespace),
                };
            }
            _ => {}
        }
        found.push(Unit { begin: at, end, blank, escape });
        at = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what is written where the value has `word`.
    fn shown<'w>(written: &'w str, value: &str, word: &str) -> &'w str {
        let at = value.find(word).expect("the word is in the value");
        let whole = Span::new(100, 100 + number(written.len()));
        let span = Places::new(whole, written, value).span(at..at + word.len());
        &written[(span.start - 100) as usize..(span.end - 100) as usize]
    }

    #[test]
    fn a_word_is_found_however_the_scalar_is_written() {
        for (written, value) in [
            ("a.b == \"c\"", "a.b == \"c\""),
            ("'a.b == ''c'''", "a.b == 'c'"),
            ("\"a.b ==\\t\\\"c\\\"\"", "a.b ==\t\"c\""),
            ("\"a.\\x62 == \\u0063\"", "a.b == c"),
            ("|-\n      a.b ==\n        c", "a.b ==\n  c"),
            (">\n  a.b\n  == c\n", "a.b == c\n"),
            ("a.b\n    == c", "a.b == c"),
        ] {
            assert_eq!(shown(written, value, "=="), "==", "{written}");
            assert_eq!(shown(written, value, "a."), "a.", "{written}");
        }
        assert_eq!(shown("\"a.\\x62 == 가\"", "a.b == 가", "b"), "\\x62");
        assert_eq!(shown("'한국 == ''x'''", "한국 == 'x'", "'x'"), "''x''");
    }

    #[test]
    fn what_can_not_be_matched_is_the_whole_scalar() {
        assert_eq!(shown("abc", "abd", "d"), "abc");
        assert_eq!(shown("abc", "ab", "b"), "abc");
    }
}
