//! Text and JSON that the log of a build service can hold: nothing in a name begins one of its commands.

use std::borrow::Cow;
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
    if !text.contains("##") && !text.contains("::") {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let start = line.len() - line.trim_start().len();
        let (indent, rest) = line.split_at(start);
        safe.push_str(indent);
        match rest.strip_prefix("::") {
            Some(command) if command.contains("::") => {
                safe.push('∷');
                safe.push_str(&command.replace("##", "#＃"));
            }
            Some(_) | None => safe.push_str(&rest.replace("##", "#＃")),
        }
    }
    Cow::Owned(safe)
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
            let mut bytes = [0; 4];
            let text: &str = letter.encode_utf8(&mut bytes);
            if (letter == '#' && before == Some('#')) || matches!(escape::line(text), Cow::Owned(_)) {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            } else {
                writer.write_all(text.as_bytes())?;
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
        assert!(matches!(harmless("a: b"), Cow::Borrowed(_)));
        // The places of an excerpt stand behind three colons.
        assert_eq!(harmless("  ::: plans/a.yaml:3:4\n"), "  ::: plans/a.yaml:3:4\n");
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
