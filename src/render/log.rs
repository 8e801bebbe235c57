//! Text and JSON that the log of a build service can hold: nothing in a name begins one of its commands.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;
use std::io::Write;

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use crate::escape;

/// Returns text whose lines a build service takes for text.
///
/// GitHub reads `::command::` at the beginning of a line, and `##[command]` anywhere in it; Azure Pipelines reads
/// `##vso[` and TeamCity `##teamcity[`. Signs that look alike stand in their place.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    harmless_from(text, false)
}

/// Returns text as [`harmless`] does; `begun` says whether its first line was begun before it.
#[must_use]
pub fn harmless_from(text: &str, begun: bool) -> Cow<'_, str> {
    if !text.contains("##") && !text.contains("::") {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let start = line.len() - line.trim_start().len();
        let (indent, rest) = line.split_at(start);
        safe.push_str(indent);
        match rest.strip_prefix("::") {
            Some(command) if command.contains("::") && !(begun && at == 0) => {
                safe.push('∷');
                without_brackets(command, &mut safe);
            }
            Some(_) | None => without_brackets(rest, &mut safe),
        }
    }
    Cow::Owned(safe)
}

/// Adds a line in which no `##word[` is left.
fn without_brackets(line: &str, safe: &mut String) {
    let mut rest = line;
    while let Some(at) = rest.find("##") {
        let (before, found) = rest.split_at(at);
        safe.push_str(before);
        let word = found.trim_start_matches('#').trim_start_matches(|letter: char| letter.is_alphanumeric());
        let signs = found.len() - found.trim_start_matches('#').len();
        if word.starts_with('[') {
            safe.push_str(&"#＃".repeat(signs / 2));
            safe.push_str(&"#"[..signs % 2]);
        } else {
            safe.push_str(&found[..signs]);
        }
        rest = &found[signs..];
    }
    safe.push_str(rest);
}

/// Returns JSON text in which characters that would steer a terminal, and the beginnings of commands, are escaped: a reader
/// gets every value as it is. `before` is what was written before it last.
///
/// Such characters stand nowhere in JSON but in texts; line breaks stay, which stand nowhere in texts.
#[must_use]
pub fn harmless_json(json: &str, before: Option<char>) -> Cow<'_, str> {
    let is_plain = before != Some('#')
        && !json.contains("##")
        && json.split('\n').all(|line| matches!(escape::line(line), Cow::Borrowed(_)));
    if is_plain {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len() + 16);
    let mut before = before;
    for letter in json.chars() {
        if letter != '\n' && steers(letter, before) {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(letter);
        }
        before = Some(letter);
    }
    Cow::Owned(safe)
}

/// Returns whether a character is to be escaped in JSON, given the one before it.
fn steers(letter: char, before: Option<char>) -> bool {
    let mut bytes = [0; 4];
    (letter == '#' && before == Some('#'))
        || matches!(escape::line(letter.encode_utf8(&mut bytes)), Cow::Owned(_))
}

/// Writes a value as JSON in which characters that would steer a terminal, and the beginnings of commands, are escaped.
///
/// A reader of the JSON gets the value as it is.
pub(super) fn write_json<T: Serialize + ?Sized>(out: &mut dyn Write, value: &T) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(out, Escaping);
    value.serialize(&mut serializer).map_err(io::Error::from)
}

struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let is_plain = !fragment.contains("##") && matches!(escape::line(fragment), Cow::Borrowed(_));
        if is_plain {
            return writer.write_all(fragment.as_bytes());
        }
        let mut before = None;
        for letter in fragment.chars() {
            if steers(letter, before) {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            } else {
                let mut bytes = [0; 4];
                writer.write_all(letter.encode_utf8(&mut bytes).as_bytes())?;
            }
            before = Some(letter);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_begins_no_command() {
        assert_eq!(harmless("::add-mask::x: may run\n"), "∷add-mask::x: may run\n");
        assert_eq!(harmless("  ::error::x"), "  ∷error::x");
        assert_eq!(harmless("a ##[group]x ##vso[y]"), "a #＃[group]x #＃vso[y]");
        assert_eq!(harmless("a ###[x] ####teamcity[y"), "a #＃#[x] #＃#＃teamcity[y");
        assert_eq!(harmless("### What it checks ## [x]"), "### What it checks ## [x]");
        assert_eq!(harmless_from("::error::x\n::error::y", true), "::error::x\n∷error::y");
        assert!(matches!(harmless("a: b"), Cow::Borrowed(_)));
        // The places of an excerpt stand behind three colons.
        assert_eq!(harmless("  ::: plans/a.yaml:3:4\n"), "  ::: plans/a.yaml:3:4\n");
    }

    #[test]
    fn json_that_was_written_keeps_its_values() {
        let hostile = "a\u{9b}31m\u{202e}b ##[group] ### 서울\u{1f4a9}";
        let json = serde_json::to_string_pretty(&[hostile, "plain"]).expect("JSON");
        let safe = harmless_json(&json, None);
        assert!(!safe.contains("##") && !safe.contains(['\u{9b}', '\u{202e}']), "{safe}");
        assert!(safe.contains('\n') && safe.contains("서울"), "{safe}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&safe).expect("JSON"), [hostile, "plain"]);
        assert!(matches!(harmless_json("{\"a\": 1}\n", None), Cow::Borrowed(_)));
        assert_eq!(harmless_json("#[x]", Some('#')), "\\u0023[x]");
    }

    #[test]
    fn json_keeps_every_value_and_shows_no_control_character() {
        let hostile = "a\u{1b}[2J\u{9b}31m\u{202e}b ##[group] ### \u{feff}서울";
        let mut out = Vec::new();
        write_json(&mut out, hostile).expect("written");
        let text = String::from_utf8(out).expect("text");
        assert!(!text.contains("##") && text.chars().all(|letter| !letter.is_control()), "{text}");
        assert!(!text.contains(['\u{202e}', '\u{feff}']) && text.contains("서울"), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).expect("JSON"), hostile);
    }
}
