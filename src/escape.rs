//! Text from documents made harmless for a terminal: what would move the cursor or turn the text round is shown instead.

use std::borrow::Cow;

/// Returns text for one line of a terminal: control characters have a visible sign in their place.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    replaced(text, |letter| sign(letter, false))
}

/// Returns text for several lines of a terminal: line breaks and tabs stay.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    replaced(text, |letter| sign(letter, true))
}

fn replaced(text: &str, sign: impl Fn(char) -> Option<char>) -> Cow<'_, str> {
    if text.chars().all(|letter| sign(letter).is_none()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|letter| sign(letter).unwrap_or(letter)).collect())
}

/// Returns the sign that stands for a character; `None` for one that may be printed.
fn sign(letter: char, breaks: bool) -> Option<char> {
    match letter {
        ' '..='~' => None,
        '\n' | '\t' if breaks => None,
        // The control pictures stand in the order of the control characters.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(letter)),
        '\u{7f}' => Some('\u{2421}'),
        '\u{80}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => Some(char::REPLACEMENT_CHARACTER),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_not_steered_by_a_document() {
        assert_eq!(line("a\u{1b}[31mb\u{7}\n"), "a␛[31mb␇␊");
        assert_eq!(line("\u{9b}2J\u{202e}x\u{2066}"), "\u{fffd}2J\u{fffd}x\u{fffd}");
        assert_eq!(lines("가\t나\r\n"), "가\t나␍\n");
        assert!(matches!(line("서울 → Seoul"), Cow::Borrowed(_)));
    }
}
