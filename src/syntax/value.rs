//! Values with more than one form: a name or a mapping, mappings with free keys, and free values.

use serde_json::json;

use crate::diagnostic::Diagnostic;
use crate::source::Spanned;
use crate::syntax::decode::Decode;
use crate::syntax::decode::Reader;
use crate::syntax::limit::LONGEST_NAME;
use crate::syntax::scalar::Plain;
use crate::syntax::schema::Schema;
use crate::syntax::tree::Kind;
use crate::syntax::tree::NodeId;

/// A mapping whose keys are names that the user chose.
#[derive(Clone, Debug, PartialEq)]
pub struct Named<T>(pub Vec<(Spanned<String>, T)>);

impl<T> Named<T> {
    /// Returns the value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(key, _)| key.value == name).map(|(_, value)| value)
    }
}

impl<T: Decode> Decode for Named<T> {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        let entries = reader.mapping(node, "a mapping of names")?;
        let mut pairs = Vec::with_capacity(entries.len());
        for entry in entries {
            if !reader.may_hold(entry.key) || reader.is_too_long(entry.key, LONGEST_NAME) {
                continue;
            }
            let key = Spanned::new(reader.key(entry).to_owned(), reader.span(entry.key));
            if let Some(value) = reader.entry(entry) {
                pairs.push((key, value));
            }
        }
        Some(Self(pairs))
    }
    fn schema(schema: &mut Schema) -> serde_json::Value {
        json!({
            "type": "object",
            "propertyNames": {"maxLength": LONGEST_NAME},
            "additionalProperties": T::schema(schema),
        })
    }
    fn example() -> serde_json::Value {
        json!({"name": T::example()})
    }
}

impl<T: serde::Serialize> serde::Serialize for Named<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// A block that may be written as its name alone.
pub trait FromName: Decode {
    /// Returns the block that says nothing but its name.
    fn from_name(name: Spanned<String>) -> Self;
}

/// A name, or a block to say more.
#[derive(Clone, Debug, PartialEq)]
pub struct NameOr<T>(pub T);

impl<T: FromName> Decode for NameOr<T> {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        match &reader.tree().node(node).kind {
            Kind::Scalar { .. } => Spanned::decode(reader, node).map(|name| Self(T::from_name(name))),
            Kind::Mapping(_) => T::decode(reader, node).map(Self),
            Kind::Sequence(_) | Kind::Alias(_) => reader.wrong_type(node, "a name or a mapping"),
        }
    }
    fn schema(schema: &mut Schema) -> serde_json::Value {
        json!({"anyOf": [String::schema(schema), T::schema(schema)]})
    }
    fn example() -> serde_json::Value {
        T::example()
    }
}

impl<T: serde::Serialize> serde::Serialize for NameOr<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Any value, as it is sent on: the body of a request, the parameters of a runbook.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Free(pub serde_json::Value);

impl Decode for Free {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        let tree = reader.tree();
        let value = match &tree.node(node).kind {
            Kind::Scalar { text, plain } => match if *plain { Plain::of(text) } else { Plain::Text } {
                Plain::Null => serde_json::Value::Null,
                Plain::Boolean(value) => json!(value),
                Plain::Integer(value) => match (i64::try_from(value), u64::try_from(value)) {
                    (Ok(value), _) => json!(value),
                    (_, Ok(value)) => json!(value),
                    _ => {
                        let span = reader.span(node);
                        reader.report(Diagnostic::error(
                            "out-of-range",
                            span,
                            "the number has more than 64 bits",
                        ));
                        return None;
                    }
                },
                Plain::Float(value) => json!(value),
                Plain::Text => json!(text),
            },
            Kind::Sequence(_) => {
                let items: Vec<Self> = Vec::decode(reader, node)?;
                serde_json::Value::Array(items.into_iter().map(|item| item.0).collect())
            }
            Kind::Mapping(_) => {
                let pairs: Named<Self> = Named::decode(reader, node)?;
                serde_json::Value::Object(
                    pairs.0.into_iter().map(|(key, value)| (key.value, value.0)).collect(),
                )
            }
            Kind::Alias(_) => return reader.wrong_type(node, "a value"),
        };
        Some(Self(value))
    }
    fn schema(_: &mut Schema) -> serde_json::Value {
        json!({})
    }
    fn example() -> serde_json::Value {
        json!({"site": "seoul"})
    }
}
