//! The messages of rules: texts with expressions in them, `{{ machine.name }}`.

use std::ops::Range;

use crate::rules::policy::evaluate::Evaluation;
use crate::rules::policy::evaluate::Stop;
use crate::rules::policy::program::Node;
use crate::rules::policy::tree::Mistake;

/// A part of a message.
#[derive(Debug)]
pub(super) enum Part<E> {
    Text(String),
    Expression(E),
}

/// Expressions of one message: more is no message any more.
const MOST: usize = 20;

/// Splits a message into texts and the places of its expressions.
///
/// # Errors
///
/// Braces that nothing closes.
pub(super) fn split(text: &str) -> Result<Vec<Part<Range<usize>>>, Mistake> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find("{{").map(|open| at + open) {
        parts.push(Part::Text(text[at..open].to_owned()));
        let begin = open + 2;
        let end = text[begin..].find("}}").map(|end| begin + end);
        let Some(end) = end.filter(|end| !text[begin..*end].contains("{{")) else {
            let mistake = Mistake::new("bad-expression", open..begin, "nothing closes the `{{`");
            return Err(mistake.help("write `{{ machine.name }}`"));
        };
        parts.push(Part::Expression(begin..end));
        at = end + 2;
    }
    parts.push(Part::Text(text[at..].to_owned()));
    if parts.len() > 2 * MOST {
        return Err(Mistake::new(
            "too-complex",
            0..text.len(),
            format!("a message takes {MOST} expressions"),
        ));
    }
    Ok(parts)
}

/// Returns the message about a subject; what is not known, or can't be told, is shown as `?`.
pub(super) fn filled(parts: &[Part<Node>], evaluation: &mut Evaluation<'_, '_>) -> String {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Text(part) => text.push_str(part),
            Part::Expression(node) => match evaluation.value(node) {
                Ok(value) => text.push_str(&value.to_string()),
                Err(Stop::Unknown(_) | Stop::Wrong { .. } | Stop::Exhausted) => text.push('?'),
            },
        }
    }
    text
}
