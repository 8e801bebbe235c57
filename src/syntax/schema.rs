//! JSON Schema (draft 2020-12) of the documents, from the declarations that also make their readers.

use std::collections::BTreeMap;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::syntax::decode::Decode;
use crate::syntax::limit::Limit;

/// Collects the definitions of the blocks that a schema refers to.
#[derive(Debug, Default)]
pub struct Schema {
    definitions: BTreeMap<&'static str, Value>,
}

/// One key of a block, for its schema.
pub(crate) struct Key {
    pub name: &'static str,
    pub description: &'static str,
    pub required: bool,
    pub schema: Value,
    pub example: Value,
}

impl Schema {
    /// Returns a reference to the block `name`, which `keys` describes when it is asked for the first time.
    pub(crate) fn block(
        &mut self,
        name: &'static str,
        description: &'static str,
        keys: impl FnOnce(&mut Self) -> Vec<Key>,
    ) -> Value {
        if !self.definitions.contains_key(name) {
            // Entered first, so that a block that holds itself refers to itself.
            self.definitions.insert(name, Value::Null);
            let mut properties = Map::new();
            let mut required = Vec::new();
            for key in keys(self) {
                if key.required {
                    required.push(key.name);
                }
                properties
                    .insert(key.name.to_owned(), described(key.schema, &clean(key.description), key.example));
            }
            let mut block = json!({
                "type": "object",
                "description": clean(description),
                "properties": properties,
                "patternProperties": {"^x-": true},
                "additionalProperties": false,
            });
            if !required.is_empty() {
                block["required"] = json!(required);
            }
            self.definitions.insert(name, block);
        }
        json!({"$ref": format!("#/$defs/{name}")})
    }
}

/// Returns the schema of a key's value with the limits that the key sets.
pub(crate) fn narrowed(mut schema: Value, limits: &[Limit]) -> Value {
    for limit in limits {
        limit.narrow(&mut schema);
    }
    schema
}

/// Adds a description and an example to the schema of a key's value.
fn described(schema: Value, description: &str, example: Value) -> Value {
    let mut described = Map::new();
    described.insert("description".into(), json!(description));
    if let Value::Object(schema) = schema {
        described.extend(schema);
    }
    described.insert("examples".into(), json!([example]));
    Value::Object(described)
}

/// Doc comments begin each line with a space.
pub(crate) fn clean(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join("\n").trim().replace('\n', " ")
}

/// Returns the JSON Schema of a kind of document.
#[must_use]
pub fn of<T: Decode>(id: &str, title: &str) -> Value {
    let mut schema = Schema::default();
    let top = T::schema(&mut schema);
    let mut document = Map::new();
    document.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    document.insert("$id".into(), json!(id));
    document.insert("title".into(), json!(title));
    if let Value::Object(top) = top {
        document.extend(top);
    }
    document.insert("$defs".into(), json!(schema.definitions));
    Value::Object(document)
}
