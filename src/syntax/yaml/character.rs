//! Characters that no text may hold, and bytes that are none.

use crate::diagnostic::Diagnostic;

use super::Reader;

/// Control characters listed for one text, which may be no text at all.
const CONTROLS_LISTED: usize = 20;
/// Places listed that are not UTF-8: a file in another encoding has many.
const BYTES_LISTED: usize = 20;

impl Reader<'_, '_> {
    /// Reports where bytes are not UTF-8, one after the other as one.
    pub(super) fn bad_utf8(&mut self) {
        if !self.lossy {
            return;
        }
        // What holds a NUL is no text, and one such byte says as much as all of them.
        let most = if self.binary { 1 } else { BYTES_LISTED };
        let (mut listed, mut end) = (0, None);
        for (at, bad) in self.text.match_indices(char::REPLACEMENT_CHARACTER) {
            if end != Some(at) {
                if listed == most {
                    return;
                }
                listed += 1;
                self.report(
                    Diagnostic::error("bad-utf8", self.at(at), "a byte here is not UTF-8")
                        .help("save the file as UTF-8"),
                );
            }
            end = Some(at + bad.len());
        }
    }

    pub(super) fn control_characters(&mut self) {
        let mut listed = 0;
        let mut at = 0;
        let suspicious = |byte: &u8| matches!(byte, 0..=8 | 11 | 12 | 14..=31 | 127 | 0xc2 | 0xef);
        while let Some(found) = self.text.as_bytes()[at..].iter().position(suspicious) {
            at += found;
            let character = self.text[at..].chars().next().expect("such a byte begins a character");
            if !is_printable(character) {
                let message = format!("control character U+{:04X}", u32::from(character));
                let help = match character {
                    '\0' => "save the file as UTF-8; it may be UTF-16, or no text at all".to_owned(),
                    _ => format!("delete it, or write `\\u{:04X}` in double quotes", u32::from(character)),
                };
                self.report(Diagnostic::error("control-character", self.at(at), message).help(help));
                listed += 1;
                if character == '\0' || listed == CONTROLS_LISTED {
                    return;
                }
            }
            at += character.len_utf8();
        }
    }
}

/// Says which characters a YAML text may hold (<https://yaml.org/spec/1.2.2/#51-character-set>).
pub(super) const fn is_printable(character: char) -> bool {
    !matches!(character, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\x7f'..='\u{84}' | '\u{86}'..='\u{9f}'
        | '\u{fffe}' | '\u{ffff}')
}
