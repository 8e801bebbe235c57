//! Values that are not what their own tag says they are.

use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::decode::quoted;
use crate::syntax::scalar::Plain;
use crate::syntax::yaml::Reader;

impl Reader<'_, '_> {
    /// Reports a scalar that is not what its tag of YAML's core schema says; returns whether it is.
    pub(super) fn fits_tag(&mut self, tag: &str, text: &str, place: Span) -> bool {
        let expected = match tag {
            "null" => "nothing",
            "bool" => "true or false",
            "int" => "a whole number",
            _ => "a number",
        };
        // Whoever reads a number tells of zeros before it.
        let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let fits = match (tag, Plain::of(text)) {
            ("null", Plain::Null)
            | ("bool", Plain::Boolean(_))
            | ("int", Plain::Integer(_))
            | ("float", Plain::Integer(_) | Plain::Float(_)) => true,
            ("int" | "float", Plain::Text) => is_digits,
            _ => false,
        };
        if !fits {
            let message = format!("{} is not {expected}, as its tag `!!{tag}` says", quoted(text));
            let help = "remove the tag, or write such a value";
            self.report(Diagnostic::error("wrong-type", place, message).help(help));
        }
        fits
    }
}
