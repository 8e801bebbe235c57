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
    let is_plain = |letter: char| sign(letter).is_none() && !is_joiner(letter);
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    let mut before = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let after = letters.peek().copied();
        let is_needed = |beside: Option<char>| {
            beside.is_some_and(|beside| !beside.is_ascii() && sign(beside).is_none() && !is_joiner(beside))
        };
        safe.push(match sign(letter) {
            Some(sign) => sign,
            None if is_joiner(letter) && !(is_needed(before) && is_needed(after)) => {
                char::REPLACEMENT_CHARACTER
            }
            None => letter,
        });
        before = Some(letter);
    }
    if safe == text { Cow::Borrowed(text) } else { Cow::Owned(safe) }
}

/// Returns whether a character only joins its neighbours or keeps them apart: some scripts and signs need it, and
/// nobody sees it elsewhere.
const fn is_joiner(letter: char) -> bool {
    matches!(letter, '\u{200c}' | '\u{200d}')
}

/// Returns the sign that stands for a character; `None` for one that may be printed.
fn sign(letter: char, breaks: bool) -> Option<char> {
    match letter {
        ' '..='~' => None,
        '\n' | '\t' if breaks => None,
        // The control pictures stand in the order of the control characters.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(letter)),
        '\u{7f}' => Some('\u{2421}'),
        // What steers, turns the direction round, or has no width and no meaning in a name.
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => Some(char::REPLACEMENT_CHARACTER),
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

    #[test]
    fn what_has_no_width_is_seen_unless_a_script_needs_it() {
        assert_eq!(
            line("w\u{200b}1 w\u{2060}1 w\u{e0041}1 w\u{ad}1"),
            "w\u{fffd}1 w\u{fffd}1 w\u{fffd}1 w\u{fffd}1"
        );
        assert_eq!(line("w\u{200d}1\u{200c}"), "w\u{fffd}1\u{fffd}");
        assert_eq!(line("\u{200b}\u{200d}\u{2060}"), "\u{fffd}\u{fffd}\u{fffd}");
        for needed in ["می\u{200c}خواهم", "👩\u{200d}💻"] {
            assert!(matches!(line(needed), Cow::Borrowed(_)), "{needed}");
        }
    }
}
