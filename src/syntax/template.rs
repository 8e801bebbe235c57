//! Texts with variables, `{{ plan.name }}`: what the body of a request may say of its run.

use serde_json::Value;

/// The variables that a text may speak of; there are no others, so that no text can ask for a secret.
pub const VARIABLES: [&str; 3] = ["plan.name", "run.id", "run.outcome"];

/// The variables that the text of a notice may speak of.
pub const NOTICE_VARIABLES: [&str; 9] = [
    "plan.name",
    "run.id",
    "run.outcome",
    "run.step",
    "drill.name",
    "drill.id",
    "drill.verdict",
    "notice.event",
    "notice.message",
];

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'t> {
    Text(&'t str),
    Variable(&'t str),
}

/// Returns the parts of a text in order; a `{{` that nothing closes is a variable whose name begins with the braces.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        found.push(Part::Text(&rest[..open]));
        let inner = &rest[open + 2..];
        let Some(close) = inner.find("}}") else {
            found.push(Part::Variable(rest[open..].trim_end()));
            return found;
        };
        found.push(Part::Variable(inner[..close].trim()));
        rest = &inner[close + 2..];
    }
    found.push(Part::Text(rest));
    found
}

/// Returns the variables of a text that don't exist, as they are written, in order.
#[must_use]
pub fn unknown_variables(text: &str) -> Vec<String> {
    unknown_among(text, &VARIABLES)
}

/// Returns the variables of a text that aren't among some, as they are written, in order.
#[must_use]
pub fn unknown_among(text: &str, known: &[&str]) -> Vec<String> {
    let unknown = |part| match part {
        Part::Variable(name) if !known.contains(&name) => Some(name.to_owned()),
        Part::Variable(_) | Part::Text(_) => None,
    };
    parts(text).into_iter().filter_map(unknown).collect()
}

/// Returns the variables of all texts of a value that don't exist, in order. Keys are sent as they are and aren't looked at.
#[must_use]
pub fn unknown_variables_of(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => unknown_variables(text),
        Value::Array(items) => items.iter().flat_map(unknown_variables_of).collect(),
        Value::Object(entries) => entries.values().flat_map(unknown_variables_of).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// Returns a value with the variables of its texts put in; an unknown one is left as it is written.
///
/// What is put in is never read as a template, and stays within its text.
#[must_use]
pub fn filled(value: &Value, variable: &dyn Fn(&str) -> Option<String>) -> Value {
    match value {
        Value::String(text) => Value::String(filled_text(text, variable)),
        Value::Array(items) => items.iter().map(|item| filled(item, variable)).collect(),
        Value::Object(entries) => {
            Value::Object(entries.iter().map(|(key, item)| (key.clone(), filled(item, variable))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Returns a text with its variables put in; an unknown one is left as it is written.
///
/// What is put in is never read as a template.
#[must_use]
pub fn filled_text(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    for part in parts(text) {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Variable(name) => match variable(name) {
                Some(value) => out.push_str(&value),
                None if name.starts_with("{{") => out.push_str(name),
                None => out.push_str(&format!("{{{{ {name} }}}}")),
            },
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shout(name: &str) -> Option<String> {
        VARIABLES.contains(&name).then(|| format!("<{name}>"))
    }

    #[test]
    fn variables_are_put_into_texts_at_any_depth() {
        let body =
            json!({"text": "{{plan.name}}: {{ run.outcome }}!", "more": ["{{ run.id }}", 7, null, true]});
        assert_eq!(
            filled(&body, &shout),
            json!({"text": "<plan.name>: <run.outcome>!", "more": ["<run.id>", 7, null, true]})
        );
    }

    #[test]
    fn what_is_put_in_is_not_read_again() {
        let value = |_: &str| Some("{{ run.id }}\", \"admin\": true".to_owned());
        assert_eq!(
            filled(&json!({"text": "{{ plan.name }}"}), &value),
            json!({"text": "{{ run.id }}\", \"admin\": true"})
        );
    }

    #[test]
    fn an_unknown_variable_is_named() {
        assert_eq!(unknown_variables("{{ plan.name }} {{ env.TOKEN }} {{}}"), ["env.TOKEN", ""]);
        assert_eq!(unknown_variables("no variables, { one brace }"), [""; 0]);
        assert_eq!(
            unknown_variables_of(&json!({"a": ["{{ run.ID }}"], "b": {"c": "{{plan}}"}, "{{ key }}": 1})),
            ["run.ID", "plan"]
        );
    }

    #[test]
    fn a_brace_that_nothing_closes_is_an_unknown_variable() {
        assert_eq!(unknown_variables("for {{ plan.name }"), ["{{ plan.name }"]);
        assert_eq!(filled(&json!("for {{ plan.name }"), &shout), json!("for {{ plan.name }"));
    }
}
