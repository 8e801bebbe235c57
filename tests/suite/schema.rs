//! The JSON Schemas that editors use are those of the language, and say something about every key.

use std::path::Path;

use failback::cli::schema::SchemaKind;
use failback::source::Sources;
use failback::syntax::Reading;
use failback::syntax::read;
use serde_json::Value;

fn schema(kind: SchemaKind) -> Value {
    serde_json::from_str(&kind.text()).expect("a schema is JSON")
}

/// Calls `look` with the block, the name and the schema of every key.
fn each_key(schema: &Value, mut look: impl FnMut(&str, &str, &Value)) {
    let document = schema["title"].as_str().expect("a schema has a title");
    let blocks = schema["$defs"].as_object().expect("a schema has blocks");
    for (block, definition) in blocks {
        for (key, value) in definition["properties"].as_object().expect("a block has keys") {
            look(&format!("{document}, {block}"), key, value);
        }
    }
}

#[test]
fn the_committed_schemas_are_those_of_the_language() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    for kind in SchemaKind::ALL {
        let path = folder.join(kind.file());
        #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
        if std::env::var_os("FAILBACK_UPDATE").is_some() {
            std::fs::create_dir_all(&folder).expect("the folder can be made");
            std::fs::write(&path, kind.text()).expect("a schema can be written");
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == kind.text(), "schemas/{} is old: run the tests with FAILBACK_UPDATE=1", kind.file());
    }
}

#[test]
fn every_key_has_a_description_and_an_example() {
    for kind in SchemaKind::ALL {
        each_key(&schema(kind), |block, key, value| {
            let description = value["description"].as_str().unwrap_or("");
            assert!(description.len() > 3, "{block}.{key} has no description");
            assert!(description.ends_with('.'), "{block}.{key}: a description is a sentence: {description}");
            assert!(
                value["examples"].as_array().is_some_and(|examples| !examples.is_empty()),
                "{block}.{key} has no example"
            );
        });
    }
}

#[test]
fn every_reference_of_a_schema_leads_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(to)) = map.get("$ref") {
                    found.push(to.clone());
                }
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    for kind in SchemaKind::ALL {
        let schema = schema(kind);
        let mut found = Vec::new();
        references(&schema, &mut found);
        assert!(!found.is_empty());
        for reference in found {
            let pointer = reference.strip_prefix('#').expect("schemas refer to themselves alone");
            assert!(schema.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
        assert!(!schema.to_string().contains("://failback"), "a schema names no host of ours");
    }
}

/// Returns a document of a kind with every key that its schema shows, each with its example.
fn full_example(schema: &Value) -> Value {
    fn filled(schema: &Value, value: &Value, open: &mut Vec<String>) -> Value {
        let of =
            value.get("$ref").or_else(|| value["anyOf"].as_array()?.iter().find_map(|one| one.get("$ref")));
        if let Some(reference) = of.and_then(Value::as_str) {
            if open.iter().any(|other| other == reference) {
                return Value::Null;
            }
            open.push(reference.to_owned());
            let block = schema.pointer(&reference[1..]).expect("it leads somewhere");
            let filled = block_of(schema, block, open);
            open.pop();
            return filled;
        }
        if let Some(items) = value.get("items").filter(|items| items.to_string().contains("$ref")) {
            return Value::Array(vec![filled(schema, items, open)]);
        }
        value["examples"][0].clone()
    }
    fn block_of(schema: &Value, block: &Value, open: &mut Vec<String>) -> Value {
        let keys = block["properties"].as_object().expect("a block has keys");
        let pairs = keys.iter().map(|(key, value)| (key.clone(), filled(schema, value, open)));
        Value::Object(pairs.collect())
    }
    let top = schema["$ref"].as_str().expect("the top is a block");
    block_of(schema, schema.pointer(&top[1..]).expect("it leads somewhere"), &mut Vec::new())
}

#[test]
fn every_example_of_a_schema_is_understood() {
    for kind in SchemaKind::ALL {
        let document = full_example(&schema(kind));
        let text = serde_yaml::to_string(&document).expect("an example can be written");
        let mut sources = Sources::new();
        let index = sources.add("example.yaml", text.clone()).expect("fits");
        let mut diagnostics = Vec::new();
        let Reading { mut documents, drafts, .. } = read(sources.get(index), &mut diagnostics);
        documents.extend(drafts);
        // An action that shows all its keys does too many things at once, and a secret is in one place alone.
        diagnostics.retain(|found| found.code != "bad-action");
        diagnostics
            .retain(|found| found.code != "bad-settings" || !found.message.starts_with("there are both "));
        let told: Vec<_> = diagnostics.iter().map(|found| (&found.path, &found.message)).collect();
        assert!(told.is_empty(), "{told:#?}\n{text}");
        assert_eq!(documents.len(), 1);
        // What was read is written back as it was, so no key was overlooked.
        let written = match &documents[0] {
            failback::syntax::Document::Plan(plan) => serde_json::to_value(plan),
            failback::syntax::Document::Inventory(inventory) => serde_json::to_value(inventory),
            failback::syntax::Document::Policy(policy) => serde_json::to_value(policy),
            failback::syntax::Document::Settings(settings) => serde_json::to_value(settings),
        };
        same_keys(&written.expect("a document can be written"), &document, "");
    }
}

/// Amounts may be written in another way than they were read (`2d` for `48h`), keys and lengths may not.
fn same_keys(one: &Value, other: &Value, path: &str) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            assert!(one.keys().eq(other.keys()), "{path}: {one:?} is not {other:?}");
            one.iter().for_each(|(key, value)| same_keys(value, &other[key], &format!("{path}.{key}")));
        }
        (Value::Array(one), Value::Array(other)) => {
            assert_eq!(one.len(), other.len(), "{path}");
            one.iter().zip(other).for_each(|(one, other)| same_keys(one, other, &format!("{path}[]")));
        }
        (one, other) => assert_eq!(one.is_null(), other.is_null(), "{path}"),
    }
}

/// Returns each place of a document at which a text stands, with the most characters that its schema allows.
fn lengths(schema: &Value, root: &Value, path: &str, document: &Value, found: &mut Vec<(String, usize)>) {
    if let Some(most) = schema["maxLength"].as_u64().filter(|_| document.is_string()) {
        found.push((path.to_owned(), usize::try_from(most).expect("a length")));
    }
    let all = |key: &str| schema[key].as_array().cloned().unwrap_or_default();
    for one in all("anyOf") {
        lengths(&one, root, path, document, found);
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let block = root.pointer(&reference[1..]).expect("it leads somewhere");
        lengths(block, root, path, document, found);
    }
    match document {
        Value::Object(pairs) => {
            for (key, inner) in pairs {
                lengths(&schema["properties"][key], root, &format!("{path}/{key}"), inner, found);
            }
        }
        Value::Array(items) => {
            for (at, inner) in items.iter().enumerate() {
                lengths(&schema["items"], root, &format!("{path}/{at}"), inner, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn a_text_longer_than_its_schema_allows_is_refused() {
    for kind in SchemaKind::ALL {
        let schema = schema(kind);
        let document = full_example(&schema);
        let mut found = Vec::new();
        lengths(&schema, &schema, "", &document, &mut found);
        assert!(found.len() > 5, "{found:?}");
        for (path, most) in found {
            for (length, is_refused) in [(most, false), (most + 1, true)] {
                let mut changed = document.clone();
                *changed.pointer_mut(&path).expect("it is there") = Value::from("x".repeat(length));
                let mut sources = Sources::new();
                let index = sources.add("example.yaml", changed.to_string()).expect("fits");
                let mut diagnostics = Vec::new();
                read(sources.get(index), &mut diagnostics);
                let told = diagnostics.iter().filter(|found| found.code == "too-long").count();
                assert_eq!(told, usize::from(is_refused), "{} {path}: {length}", schema["title"]);
            }
        }
    }
}
