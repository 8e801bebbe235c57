//! Facts that may be stated not to exist, which is something else than not being known.

use serde_json::json;

use crate::syntax::decode::Decode;
use crate::syntax::decode::Reader;
use crate::syntax::scalar::Plain;
use crate::syntax::schema::Schema;
use crate::syntax::tree::Kind;
use crate::syntax::tree::NodeId;

/// A fact that may be stated not to exist (`null`), which is something else than not being known.
#[derive(Copy, Debug, Default, PartialEq, Eq)]
pub enum Nullable<T> {
    /// The key is left out: nobody knows.
    #[default]
    Unknown,
    /// The key is `null`: there is none.
    None,
    /// The value.
    Some(T),
}

impl<T: Clone> Clone for Nullable<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Unknown => Self::Unknown,
            Self::None => Self::None,
            Self::Some(value) => Self::Some(value.clone()),
        }
    }

    fn clone_from(&mut self, source: &Self) {
        match (self, source) {
            (Self::Some(value), Self::Some(source)) => value.clone_from(source),
            (place, source) => *place = source.clone(),
        }
    }
}

impl<T> Nullable<T> {
    /// Returns the value, if there is one.
    pub const fn as_option(&self) -> Option<&T> {
        match self {
            Self::Some(value) => Some(value),
            Self::Unknown | Self::None => None,
        }
    }
}

impl<T: Decode> Decode for Nullable<T> {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        if let Kind::Scalar { text, plain: true } = &reader.tree().node(node).kind
            && Plain::of(text) == Plain::Null
        {
            return Some(Self::None);
        }
        T::decode(reader, node).map(Self::Some)
    }
    fn absent() -> Option<Self> {
        Some(Self::Unknown)
    }
    fn is_absent(&self) -> bool {
        matches!(self, Self::Unknown)
    }
    fn forget(&mut self, key: &str, is_lost: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::Unknown => false,
            Self::None => is_lost(key),
            Self::Some(value) => value.forget(key, is_lost),
        }
    }
    fn schema(schema: &mut Schema) -> serde_json::Value {
        json!({"anyOf": [T::schema(schema), {"type": "null"}]})
    }
    fn example() -> serde_json::Value {
        T::example()
    }
}

impl<T: serde::Serialize> serde::Serialize for Nullable<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_option().serialize(serializer)
    }
}
