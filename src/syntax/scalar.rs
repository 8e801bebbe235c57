//! Scalars: what a plain word means in YAML 1.2, and the readers of texts, numbers, times and amounts.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::json;

use crate::diagnostic::Diagnostic;
use crate::quantity::Bytes;
use crate::quantity::GIB;
use crate::quantity::Seconds;
use crate::syntax::decode::Decode;
use crate::syntax::decode::Reader;
use crate::syntax::limit::LONGEST_NAME;
use crate::syntax::respell;
use crate::syntax::schema::Schema;
use crate::syntax::tree::Kind;
use crate::syntax::tree::NodeId;

/// What a plain scalar means in the YAML 1.2 core schema.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Plain {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i128),
    /// Any other number.
    Float(f64),
    /// Text.
    Text,
}

impl Plain {
    /// Returns the meaning of a plain scalar. `010` is text here: YAML 1.1 and 1.2 disagree about it.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Self::Null,
            "true" | "True" | "TRUE" => return Self::Boolean(true),
            "false" | "False" | "FALSE" => return Self::Boolean(false),
            ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Self::Float(f64::INFINITY),
            "-.inf" | "-.Inf" | "-.INF" => return Self::Float(f64::NEG_INFINITY),
            ".nan" | ".NaN" | ".NAN" => return Self::Float(f64::NAN),
            _ => {}
        }
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let Some(first) = digits.bytes().next() else { return Self::Text };
        if !(first.is_ascii_digit() || first == b'.') {
            return Self::Text;
        }
        for (prefix, radix) in [("0x", 16), ("0o", 8)] {
            if let Some(digits) = text.strip_prefix(prefix) {
                return i128::from_str_radix(digits, radix)
                    .ok()
                    .filter(|_| !digits.starts_with(['+', '-']))
                    .map_or(Self::Text, Self::Integer);
            }
        }
        if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            if digits.len() > 1 && first == b'0' {
                return Self::Text;
            }
            return text.parse().map_or(Self::Text, Self::Integer);
        }
        if digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'))
        {
            return text.parse().map_or(Self::Text, Self::Float);
        }
        Self::Text
    }
}

impl Decode for String {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        let text = reader.text(node, "text")?;
        if text.trim().is_empty() {
            let span = reader.span(node);
            reader.report(
                Diagnostic::error("empty", span, "the text is empty")
                    .help("write a value, or delete the key"),
            );
            return None;
        }
        let is_odd = |letter: &char| letter.is_control() && !matches!(letter, '\n' | '\t');
        if let Some(control) = text.chars().find(is_odd) {
            let span = reader.span(node);
            let message = format!("the text holds the control character U+{:04X}", u32::from(control));
            reader.report(Diagnostic::error("control-character", span, message).help("delete it"));
            return None;
        }
        Some(text.to_owned())
    }
    fn schema(_: &mut Schema) -> serde_json::Value {
        json!({"type": "string", "pattern": "\\S", "maxLength": LONGEST_NAME})
    }
    fn example() -> serde_json::Value {
        json!("name")
    }
}

impl Decode for bool {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        if let Kind::Scalar { text, plain: true } = &reader.tree().node(node).kind {
            if let Plain::Boolean(value) = Plain::of(text) {
                return Some(value);
            }
            let meant = match text.to_ascii_lowercase().as_str() {
                "yes" | "on" | "y" => Some(true),
                "no" | "off" | "n" => Some(false),
                _ => None,
            };
            if let Some(meant) = meant {
                let span = reader.span(node);
                let message = format!("`{text}` is a boolean in YAML 1.1 only");
                let fix =
                    reader.exactly(node, if meant { "true" } else { "false" }, format!("write `{meant}`"));
                let mistake = Diagnostic::error("wrong-type", span, message).help(format!("write {meant}"));
                reader.report(mistake.fix(fix));
                return None;
            }
        }
        reader.wrong_scalar(node, "true or false")
    }
    fn schema(_: &mut Schema) -> serde_json::Value {
        json!({"type": "boolean"})
    }
    fn example() -> serde_json::Value {
        json!(true)
    }
}

/// Reads a whole number between `least` and `most`.
fn whole_number(reader: &mut Reader<'_, '_>, node: NodeId, least: i128, most: i128) -> Option<i128> {
    if let Kind::Scalar { text, plain: true } = &reader.tree().node(node).kind {
        let span = reader.span(node);
        if let Plain::Integer(value) = Plain::of(text) {
            let (least, most) = reader.narrowed(least, most);
            if (least..=most).contains(&value) {
                return Some(value);
            }
            let message = format!("{value} is out of range");
            reader.report(
                Diagnostic::error("out-of-range", span, message).help(format!("allowed: {least} to {most}")),
            );
            return None;
        }
        let digits = text.trim_start_matches('0');
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let digits = if digits.is_empty() { "0" } else { digits };
            let message = format!("`{text}` has a leading zero, which YAML readers disagree about");
            let fix = respell::whole_number(text)
                .and_then(|digits| reader.exactly(node, digits, format!("write `{digits}`")));
            reader.report(
                Diagnostic::error("leading-zero", span, message)
                    .help(format!("write {digits} (or 0o{digits} for an octal number)"))
                    .fix(fix),
            );
            return None;
        }
    }
    reader.wrong_scalar(node, "a whole number")
}

macro_rules! whole_numbers {
    ($($ty:ty),*) => { $(
        impl Decode for $ty {
            fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
                whole_number(reader, node, <$ty>::MIN.into(), <$ty>::MAX.into()).and_then(|value| value.try_into().ok())
            }
            fn schema(_: &mut Schema) -> serde_json::Value {
                json!({"type": "integer", "minimum": <$ty>::MIN, "maximum": <$ty>::MAX})
            }
            fn example() -> serde_json::Value {
                json!(1)
            }
        }
    )* };
}
whole_numbers!(u8, u16, u32, u64);

impl Decode for f64 {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        if let Kind::Scalar { text, plain: true } = &reader.tree().node(node).kind {
            #[expect(clippy::cast_precision_loss, reason = "a measured figure needs no more digits")]
            let value = match Plain::of(text) {
                Plain::Integer(value) => Some(value as Self),
                Plain::Float(value) => Some(value),
                Plain::Null | Plain::Boolean(_) | Plain::Text => None,
            };
            match value {
                Some(value) if value.is_finite() && value >= 0.0 => return Some(value),
                Some(value) => {
                    let span = reader.span(node);
                    let message = format!("{value} is out of range");
                    reader.report(
                        Diagnostic::error("out-of-range", span, message).help("write a number from 0 up"),
                    );
                    return None;
                }
                None => {}
            }
        }
        reader.wrong_scalar(node, "a number")
    }
    fn schema(_: &mut Schema) -> serde_json::Value {
        json!({"type": "number", "minimum": 0})
    }
    fn example() -> serde_json::Value {
        json!(1.5)
    }
}

/// Reads a text and what it stands for; `parse` says what is wrong with it.
pub(crate) fn parsed<T>(
    reader: &mut Reader<'_, '_>,
    node: NodeId,
    code: &'static str,
    expected: &str,
    help: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    parsed_or_respelt(reader, node, code, (expected, help), parse, |_| None)
}

/// Reads a text and what it stands for; `respell` says how else it is spelt, if it is clear what is meant.
fn parsed_or_respelt<T>(
    reader: &mut Reader<'_, '_>,
    node: NodeId,
    code: &'static str,
    (expected, help): (&str, &str),
    parse: impl FnOnce(&str) -> Result<T, String>,
    respell: impl FnOnce(&str) -> Option<String>,
) -> Option<T> {
    let text = reader.text(node, expected)?;
    match parse(text) {
        Ok(value) => Some(value),
        Err(message) => {
            let span = reader.span(node);
            let fix = respell(text).and_then(|spelt| reader.instead(node, &spelt));
            reader.report(Diagnostic::error(code, span, message).help(help).fix(fix));
            None
        }
    }
}

impl Decode for Seconds {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        let help = "write it as 90s, 15m, 4h, 1h30m or 7d";
        if let Kind::Scalar { text, plain: true } = &reader.tree().node(node).kind
            && let Plain::Integer(value) = Plain::of(text)
        {
            let span = reader.span(node);
            let message = format!("the duration {value} has no unit");
            reader.report(Diagnostic::error("bad-unit", span, message).help(help));
            return None;
        }
        parsed_or_respelt(reader, node, "bad-unit", ("a duration", help), Self::parse, respell::duration)
    }
    fn schema(_: &mut Schema) -> serde_json::Value {
        json!({"type": "string", "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$"})
    }
    fn example() -> serde_json::Value {
        json!("15m")
    }
}

impl Decode for Bytes {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        if let Kind::Scalar { text, plain: true } = &reader.tree().node(node).kind
            && let Plain::Integer(_) = Plain::of(text)
        {
            let most = i128::from(u64::MAX / GIB);
            return whole_number(reader, node, 0, most)
                .and_then(|gib| u64::try_from(gib).ok())
                .map(Self::gib);
        }
        let help = "write it as 100 GiB, 2 TiB or 500 MB; a bare number counts GiB";
        parsed_or_respelt(reader, node, "bad-unit", ("a size", help), Self::parse, respell::size)
    }
    fn schema(_: &mut Schema) -> serde_json::Value {
        json!({"anyOf": [
            {"type": "integer", "minimum": 0, "maximum": u64::MAX / GIB},
            {"type": "string", "pattern": "^[0-9]+ *(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$"},
        ]})
    }
    fn example() -> serde_json::Value {
        json!(100)
    }
}

impl Decode for Timestamp {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        let help = "write it as 2026-11-22T21:04:00Z (RFC 3339, with a zone offset)";
        parsed(reader, node, "bad-time", "a time", help, |text| {
            text.parse().map_err(|_| format!("{} is not a time", crate::syntax::decode::quoted(text)))
        })
    }
    fn schema(_: &mut Schema) -> serde_json::Value {
        json!({"type": "string", "format": "date-time", "pattern":
            "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)$"})
    }
    fn example() -> serde_json::Value {
        json!("2026-11-22T21:04:00Z")
    }
}

impl Decode for Date {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        parsed(reader, node, "bad-time", "a date", "write it as 2026-12-24", |text| {
            let strict = text.len() == 10 && text.is_ascii();
            text.parse()
                .ok()
                .filter(|_| strict)
                .ok_or_else(|| format!("{} is not a date", crate::syntax::decode::quoted(text)))
        })
    }
    fn schema(_: &mut Schema) -> serde_json::Value {
        json!({"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"})
    }
    fn example() -> serde_json::Value {
        json!("2026-12-24")
    }
}
