//! Brackets that are never closed, found in the text: the parser tells of one when it has swallowed what follows.

use super::BLANKS;
use super::LINE_ENDS;
use super::Reader;

/// Brackets that are looked at before a mistake.
const MOST_BRACKETS: usize = 64;

impl Reader<'_, '_> {
    /// Returns the first bracket that is still open at a mistake although its beginning was not read: the parser looks ahead of
    /// what it tells.
    pub(super) fn bracket_ahead(&self, at: usize) -> Option<u32> {
        let from = (self.last.end - self.base) as usize;
        let between = self.text.get(from..at)?;
        let begin = between
            .match_indices(['[', '{'])
            .map(|(open, _)| open)
            .filter(|open| begins_value(&between[..*open]))
            .take(MOST_BRACKETS)
            .find(|open| still_open(&between[*open..]) == Some(0))?;
        Some(self.offset(from + begin))
    }
}

/// Returns whether a value can begin after a text: a bracket elsewhere is a letter.
fn begins_value(before: &str) -> bool {
    let line = &before[before.rfind(LINE_ENDS).map_or(0, |end| end + 1)..];
    let is_comment = line.trim_start().starts_with('#') || line.contains(" #");
    let written = line.trim_end_matches(BLANKS);
    !is_comment && (written.is_empty() || (written.len() < line.len() && written.ends_with(['-', ':', '?'])))
}

/// Returns the first bracket of a text in brackets that the text does not close; `None` if it closes all of them, or if a
/// quote or a wrong bracket in it lets nobody tell.
#[must_use]
pub fn still_open(written: &str) -> Option<usize> {
    let bytes = written.as_bytes();
    let mut open: Vec<(usize, u8)> = Vec::new();
    let mut quote: Option<u8> = None;
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        let before = at.checked_sub(1).map_or(b' ', |before| bytes[before]);
        match (quote, byte) {
            (Some(b'"'), b'\\') => at += 1,
            (Some(opened), byte) => quote = Some(opened).filter(|opened| *opened != byte),
            (None, b'"' | b'\'') if matches!(before, b' ' | b'\t' | b'\n' | b'[' | b'{' | b',' | b':') => {
                quote = Some(byte);
            }
            (None, b'#') if before.is_ascii_whitespace() => {
                at += bytes[at..].iter().take_while(|byte| **byte != b'\n').count();
            }
            (None, b'[' | b'{') => open.push((at, byte)),
            (None, b']' | b'}') => {
                // The code of each opening bracket is two below that of its closing one.
                if open.pop().is_none_or(|(_, opened)| opened + 2 != byte) {
                    return None;
                }
            }
            (None, _) => {}
        }
        at += 1;
    }
    open.first().filter(|_| quote.is_none()).map(|(at, _)| *at)
}
