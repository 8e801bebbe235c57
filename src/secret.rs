//! The secrets that this process holds, struck out of what comes from outside before anybody keeps or shows it.
//!
//! Patterns know what a secret looks like; this knows what it is. A server that repeats what it was sent, in an error page or a
//! debugging proxy's answer, repeats it in a form of its own, so that a secret is found however its letters are written.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::Weak;

use secrecy::ExposeSecret;
use secrecy::SecretString;

/// What stands in the place of a secret.
const STRUCK: &str = "[…]";
/// Fewest letters of a secret that is struck out: fewer stand in every other word, and protect nothing.
const FEWEST: usize = 6;

/// The secrets that are held somewhere in this process.
static HELD: RwLock<Vec<Weak<SecretString>>> = RwLock::new(Vec::new());

/// A secret that is struck out of texts for as long as somebody holds it.
#[derive(Clone)]
pub struct Held(Arc<SecretString>);

impl ExposeSecret<str> for Held {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}

/// Begins to strike a secret out of texts.
#[must_use]
pub fn hold(secret: SecretString) -> Held {
    let held = Arc::new(secret);
    let mut all = HELD.write().unwrap_or_else(PoisonError::into_inner);
    all.retain(|one| one.strong_count() > 0);
    if held.expose_secret().chars().count() >= FEWEST {
        all.push(Arc::downgrade(&held));
    }
    Held(held)
}

/// Returns a text without the secrets that are held: as they are, in small or capital letters, and with letters in the forms of
/// forms and addresses (`%41`, `+`), of XML (`&amp;`, `&#65;`) and of JSON (`\"`, `\u0041`).
#[must_use]
pub fn strike(text: &str) -> Cow<'_, str> {
    let held: Vec<Arc<SecretString>> = {
        let all = HELD.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter_map(Weak::upgrade).collect()
    };
    let secrets: Vec<Vec<char>> =
        held.iter().map(|secret| secret.expose_secret().chars().collect()).collect();
    let mut struck = String::new();
    let mut kept = 0;
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        let length = secrets.iter().filter_map(|secret| length_at(&text[at..], secret)).max();
        match length {
            Some(length) => {
                struck.push_str(&text[kept..at]);
                struck.push_str(STRUCK);
                at += length;
                kept = at;
            }
            None => at += letter.len_utf8(),
        }
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    struck.push_str(&text[kept..]);
    Cow::Owned(struck)
}

/// Returns how long a secret is in bytes where a text begins with it.
fn length_at(text: &str, secret: &[char]) -> Option<usize> {
    // A secret may itself hold what would stand for another letter: `%` is `%` and the begin of `%25`.
    length_by(text, secret, [plain, written]).max(length_by(text, secret, [written, plain]))
}

/// A form that a letter is written in: returns the letter that a text begins with, and how many bytes it takes.
type Form = fn(&str) -> Option<(char, usize)>;

/// Reads each letter in the first of the forms in which it is the one that is wanted.
fn length_by(text: &str, secret: &[char], forms: [Form; 2]) -> Option<usize> {
    secret.iter().try_fold(0, |at, wanted| {
        let is_it = |letter: char| letter.eq_ignore_ascii_case(wanted) || (letter == '+' && *wanted == ' ');
        let read = forms.iter().filter_map(|form| form(&text[at..]));
        let (_, length) = read.into_iter().find(|(letter, _)| is_it(*letter))?;
        Some(at + length)
    })
}

fn plain(text: &str) -> Option<(char, usize)> {
    text.chars().next().map(|letter| (letter, letter.len_utf8()))
}

/// Returns the letter that a text begins with in another form than its own, and how long the form is.
fn written(text: &str) -> Option<(char, usize)> {
    match text.as_bytes().first()? {
        b'%' => percent(text),
        b'&' => {
            let end = text.bytes().take(10).position(|byte| byte == b';')?;
            let letter = match &text[1..end] {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                number => {
                    let number = number.strip_prefix('#')?;
                    let code = match number.strip_prefix(['x', 'X']) {
                        Some(digits) => u32::from_str_radix(digits, 16),
                        None => number.parse(),
                    };
                    char::from_u32(code.ok()?)?
                }
            };
            Some((letter, end + 1))
        }
        b'\\' => match text.as_bytes().get(1)? {
            b'u' => {
                let code = u32::from_str_radix(text.get(2..6)?, 16).ok()?;
                Some((char::from_u32(code)?, 6))
            }
            letter @ (b'"' | b'\\' | b'/') => Some((char::from(*letter), 2)),
            _ => None,
        },
        _ => None,
    }
}

/// Reads a letter of an address, which is one byte of UTF-8 or several.
fn percent(text: &str) -> Option<(char, usize)> {
    let byte = |at: usize| {
        let digits = text.get(at..at + 3)?.strip_prefix('%')?;
        u8::from_str_radix(digits, 16).ok()
    };
    let first = byte(0)?;
    let count = match first {
        0..=0x7f => 1,
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    let bytes = (0..count).map(|part| byte(part * 3)).collect::<Option<Vec<u8>>>()?;
    let letter = std::str::from_utf8(&bytes).ok()?.chars().next()?;
    Some((letter, count * 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_struck_out_in_whatever_form_it_comes_back() {
        let held = hold("k9 <\"Ü&~/+%41\\".to_owned().into());
        for form in [
            "k9 <\"Ü&~/+%41\\",
            "K9 <\"Ü&~/+%41\\",
            "k9+%3C%22%C3%9C%26%7E%2F%2B%2541%5C",
            "k9%20%3c%22%c3%9c%26~/%2b%2541%5c",
            "k9 &lt;&quot;Ü&amp;~/+%41\\",
            "k9 &#60;&#x22;&#xDC;&#38;~/+%41\\",
            "k9 <\\\"Ü&~\\/+%41\\\\",
            "k9 \\u003c\\u0022\\u00dc\\u0026~/\\u002B%41\\\\",
        ] {
            assert_eq!(strike(&format!("before{form}behind {form}")), "before[…]behind […]", "{form}");
        }
        assert_eq!(strike("k9 <\"Ü&~/+%4 is another"), "k9 <\"Ü&~/+%4 is another");
        assert!(!format!("{held:?}").contains("k9"));
        drop(held);
        assert_eq!(strike("k9 <\"Ü&~/+%41\\"), "k9 <\"Ü&~/+%41\\", "nobody holds it any more");
    }

    #[test]
    fn the_longest_of_several_is_struck_out_whole_and_what_is_no_secret_stays() {
        let _held =
            ["zq-short-1", "zq-short-1-and-more", "", "zq-77"].map(|text| hold(text.to_owned().into()));
        assert_eq!(strike("zq-short-1-and-more, zq-short-1, zq-77"), "[…], […], zq-77");
        for text in ["", "%", "%z", "%C3", "&", "&amp", "&#x;", "\\", "\\u12", "ü%"] {
            assert_eq!(strike(text), text);
        }
    }
}
