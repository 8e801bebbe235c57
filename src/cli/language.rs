//! The language as a page: every block of a kind of document, every key with its form and an example, printed from the schema.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::cli::schema::SchemaKind;

/// Characters of a text that says nothing of its length.
const NAME: u64 = 256;

/// Returns the page of a kind of document, as Markdown: a section for each block, the document's own first.
///
/// # Panics
///
/// If a schema of ours names a block that it doesn't have.
#[must_use]
pub fn page(kind: SchemaKind) -> String {
    let schema: Value = serde_json::from_str(&kind.text()).expect("a schema of ours is JSON");
    let blocks = &schema["$defs"];
    let root = referred(&schema).expect("a document is a block");
    // In the order in which a reader who goes from the top meets them.
    let (mut order, mut seen) = (vec![root.to_owned()], BTreeSet::from([root.to_owned()]));
    let mut at = 0;
    while let Some(block) = order.get(at) {
        let mut found = Vec::new();
        referred_in(&blocks[block], &mut found);
        order.extend(found.into_iter().filter(|name| seen.insert(name.clone())));
        at += 1;
    }
    let mut text = String::new();
    for name in &order {
        section(&mut text, kind, name, &blocks[name], name == root);
    }
    text
}

/// Returns the block that a schema refers to.
fn referred(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/$defs/")
}

/// Collects the blocks that a schema refers to anywhere.
fn referred_in(schema: &Value, found: &mut Vec<String>) {
    found.extend(referred(schema).map(str::to_owned));
    match schema {
        Value::Object(keys) => keys.values().for_each(|value| referred_in(value, found)),
        Value::Array(items) => items.iter().for_each(|value| referred_in(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Returns the anchor of a block's heading: several kinds have blocks of one name.
fn anchor(kind: SchemaKind, block: &str) -> String {
    format!("{}-{}", kind.as_str(), block.to_lowercase())
}

fn section(text: &mut String, kind: SchemaKind, name: &str, block: &Value, is_document: bool) {
    let level = if is_document { "##" } else { "###" };
    let title = if is_document { format!("`kind: {name}`") } else { format!("{}: {name}", kind.as_str()) };
    // Writing to a string can't fail.
    let _ = writeln!(text, "<a id=\"{}\"></a>\n\n{level} {title}\n", anchor(kind, name));
    let _ = writeln!(text, "{}\n", block["description"].as_str().unwrap_or_default());
    let Some(keys) = block["properties"].as_object() else {
        let _ = writeln!(text, "{}\n", form(kind, block));
        return;
    };
    let required: Vec<&str> =
        block["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    text.push_str("| key | form | meaning | example |\n|---|---|---|---|\n");
    for (key, value) in keys {
        let needed = if required.contains(&key.as_str()) { ", needed" } else { "" };
        let meaning = value["description"].as_str().unwrap_or_default();
        let words = words(value);
        let example = value["examples"].get(0).map(|example| format!("`{}`", cell(&example.to_string())));
        let _ = writeln!(
            text,
            "| `{key}` | {}{needed} | {}{} | {} |",
            form(kind, value),
            cell(meaning),
            cell(&words),
            example.unwrap_or_default(),
        );
    }
    text.push('\n');
}

/// Returns a text that stays in its cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// Returns what the words mean that a key may have.
fn words(value: &Value) -> String {
    let of = if value["items"]["oneOf"].is_array() { &value["items"] } else { value };
    let choices = of["oneOf"].as_array().into_iter().flatten();
    let told =
        choices.filter_map(|choice| Some((choice["const"].as_str()?, choice["description"].as_str()?)));
    told.fold(String::new(), |text, (word, meaning)| format!("{text}<br>`{word}`: {meaning}"))
}

/// Returns what a value has to look like, in a few words.
fn form(kind: SchemaKind, value: &Value) -> String {
    if let Some(block) = referred(value) {
        return format!("[{block}](#{})", anchor(kind, block));
    }
    for alternatives in ["oneOf", "anyOf"] {
        let Some(choices) = value[alternatives].as_array() else { continue };
        let mut forms: Vec<String> = choices.iter().map(|choice| form(kind, choice)).collect();
        forms.dedup();
        return forms.join(" or ");
    }
    if let Some(constant) = value.get("const") {
        return format!("`{}`", constant.as_str().map_or_else(|| constant.to_string(), str::to_owned));
    }
    if let Some(choices) = value["enum"].as_array() {
        let words: Vec<String> =
            choices.iter().map(|choice| format!("`{}`", choice.as_str().unwrap_or("null"))).collect();
        return words.join(" or ");
    }
    let of_type = |name: &str| match name {
        "array" => {
            match value.get("items").filter(|items| items.as_object().is_some_and(|items| !items.is_empty()))
            {
                Some(items) => format!("list of {}", form(kind, items)),
                None => "list".to_owned(),
            }
        }
        "object" => match value.get("additionalProperties").filter(|rest| rest.is_object()) {
            Some(rest) => format!("mapping to {}", form(kind, rest)),
            None => "mapping".to_owned(),
        },
        "string" => match value["maxLength"].as_u64() {
            Some(most) if most != NAME => format!("text, up to {most} characters"),
            Some(_) | None => "text".to_owned(),
        },
        "integer" => match (value["minimum"].as_i64(), value["maximum"].as_i64()) {
            (Some(least), Some(most)) if most <= 1_000_000 => format!("whole number, {least} to {most}"),
            (Some(least), _) => format!("whole number from {least}"),
            (None, _) => "whole number".to_owned(),
        },
        "null" => "`null`".to_owned(),
        other => other.to_owned(),
    };
    match &value["type"] {
        Value::String(name) => of_type(name),
        Value::Array(names) => {
            let forms: Vec<String> = names.iter().filter_map(Value::as_str).map(of_type).collect();
            forms.join(" or ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => "anything".to_owned(),
    }
}
