//! Readers of what holds other values: values with a place, values that may be absent, lists.

use crate::source::Spanned;
use crate::syntax::decode::Decode;
use crate::syntax::decode::Reader;
use crate::syntax::schema::Schema;
use crate::syntax::tree::NodeId;

impl<T: Decode> Decode for Spanned<T> {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        let span = reader.span(node);
        T::decode(reader, node).map(|value| Self { value, span })
    }
    fn absent() -> Option<Self> {
        T::absent().map(Self::bare)
    }
    fn is_absent(&self) -> bool {
        self.value.is_absent()
    }
    fn forget(&mut self, key: &str, is_lost: &dyn Fn(&str) -> bool) -> bool {
        self.value.forget(key, is_lost)
    }
    fn schema(schema: &mut Schema) -> serde_json::Value {
        T::schema(schema)
    }
    fn example() -> serde_json::Value {
        T::example()
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        T::decode(reader, node).map(Some)
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
    fn is_absent(&self) -> bool {
        self.is_none()
    }
    fn forget(&mut self, key: &str, is_lost: &dyn Fn(&str) -> bool) -> bool {
        self.as_mut().is_some_and(|value| value.forget(key, is_lost))
    }
    fn schema(schema: &mut Schema) -> serde_json::Value {
        T::schema(schema)
    }
    fn example() -> serde_json::Value {
        T::example()
    }
}

impl<T: Decode> Decode for Box<T> {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        T::decode(reader, node).map(Self::new)
    }
    fn absent() -> Option<Self> {
        T::absent().map(Self::new)
    }
    fn is_absent(&self) -> bool {
        (**self).is_absent()
    }
    fn forget(&mut self, key: &str, is_lost: &dyn Fn(&str) -> bool) -> bool {
        (**self).forget(key, is_lost)
    }
    fn schema(schema: &mut Schema) -> serde_json::Value {
        T::schema(schema)
    }
    fn example() -> serde_json::Value {
        T::example()
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        let items = reader.sequence(node, "a list")?;
        let mut values = Self::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            // An item that could not be read was reported; the others are still looked at.
            if let Some(value) = reader.item(index, *item) {
                values.push(value);
            }
        }
        Some(values)
    }
    fn absent() -> Option<Self> {
        Some(Self::new())
    }
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
    fn forget(&mut self, key: &str, is_lost: &dyn Fn(&str) -> bool) -> bool {
        if self.is_empty() {
            return is_lost(key);
        }
        // Each item forgets, whether one before it is to be left out or not.
        let mut lost = false;
        for item in self {
            lost |= item.forget(key, is_lost);
        }
        lost
    }
    fn schema(schema: &mut Schema) -> serde_json::Value {
        serde_json::json!({"type": "array", "items": T::schema(schema)})
    }
    fn example() -> serde_json::Value {
        serde_json::json!([T::example()])
    }
}
