//! The declarations that documents are made of: `block!` for mappings, `words!` for sets of words.

/// Declares a block of the language: its type, reader, writer and JSON Schema.
///
/// Each key has a doc comment, which is its description in the schema, and may have an example.
/// A key that Rust does not allow as a name is written `field = "key"`. What a value must be beside its type is written
/// after `where`. A field after a `;` is no key: it is filled in by whoever reads the document.
macro_rules! block {
    (
        $(#[doc = $block_doc:literal])*
        pub struct $name:ident {
            $(
                $(#[doc = $doc:literal])*
                pub $field:ident $(= $key:literal)? : $ty:ty $(where [$($limit:ident),*])? $(=> $example:tt)?
            ),* $(,)?
            $(; $(#[doc = $aside_doc:literal])* pub $aside:ident : $aside_ty:ty)*
        }
    ) => {
        $(#[doc = $block_doc])*
        #[derive(Debug, PartialEq)]
        pub struct $name {
            $( $(#[doc = $doc])* pub $field: $ty, )*
            $( $(#[doc = $aside_doc])* pub $aside: $aside_ty, )*
        }

        impl Clone for $name {
            fn clone(&self) -> Self {
                Self { $( $field: self.$field.clone(), )* $( $aside: self.$aside.clone(), )* }
            }

            // Facts are brought up to date again and again, and most of their texts stay: their memory is used again.
            fn clone_from(&mut self, source: &Self) {
                $( self.$field.clone_from(&source.$field); )*
                $( self.$aside.clone_from(&source.$aside); )*
            }
        }

        impl $name {
            /// The keys of the block.
            pub const KEYS: &'static [&'static str] = &[$( $crate::syntax::block::key_of!($field $(, $key)?) ),*];
        }

        impl $crate::syntax::decode::Decode for $name {
            fn decode(
                reader: &mut $crate::syntax::decode::Reader<'_, '_>,
                node: $crate::syntax::tree::NodeId,
            ) -> Option<Self> {
                let entries = reader.mapping(node, "a mapping")?;
                $( let mut $field: (bool, Option<$ty>) = (false, None); )*
                for entry in &entries {
                    match reader.key(*entry) {
                        // A key that stands twice was reported by the loader; the first counts.
                        $( $crate::syntax::block::key_of!($field $(, $key)?) => {
                            if !$field.0 {
                                let limits: &[$crate::syntax::limit::Limit] = &[$($($crate::syntax::limit::Limit::$limit),*)?];
                                $field = (true, reader.limited_entry(*entry, limits));
                                if $field.1.is_some() && !limits.is_empty() {
                                    reader.limit(*entry, limits);
                                }
                            }
                        } )*
                        _ => reader.unknown_key(*entry, &entries, Self::KEYS),
                    }
                }
                $( if !$field.0 {
                    $field.1 = <$ty as $crate::syntax::decode::Decode>::absent();
                    if $field.1.is_none() $(|| $crate::syntax::limit::Limit::is_needed(&[$($crate::syntax::limit::Limit::$limit),*]))? {
                        reader.missing_key(node, $crate::syntax::block::key_of!($field $(, $key)?), &entries, Self::KEYS);
                    }
                } )*
                Some(Self { $( $field: match $field.1 {
                    Some(value) => value,
                    // What could not be read was reported: a key that may be absent does not take the block with it.
                    None => <$ty as $crate::syntax::decode::Decode>::absent()?,
                }, )* $( $aside: <$aside_ty>::default(), )* })
            }

            fn forget(&mut self, key: &str, is_lost: &dyn Fn(&str) -> bool) -> bool {
                let inside = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
                $(
                    if $crate::syntax::decode::Decode::forget(
                        &mut self.$field,
                        &inside($crate::syntax::block::key_of!($field $(, $key)?)),
                        is_lost,
                    ) && let Some(absent) = <$ty as $crate::syntax::decode::Decode>::absent() {
                        self.$field = absent;
                    }
                )*
                false
            }

            fn schema(schema: &mut $crate::syntax::schema::Schema) -> serde_json::Value {
                schema.block(stringify!($name), concat!($($block_doc, "\n"),*), |_schema| vec![
                    $( $crate::syntax::schema::Key {
                        name: $crate::syntax::block::key_of!($field $(, $key)?),
                        description: concat!($($doc, "\n"),*),
                        required: $crate::syntax::block::required_of!($ty $(where [$($limit),*])?),
                        schema: $crate::syntax::schema::narrowed(
                            <$ty as $crate::syntax::decode::Decode>::schema(_schema),
                            &[$($($crate::syntax::limit::Limit::$limit),*)?],
                        ),
                        example: $crate::syntax::block::example_of!($ty $(, $example)?),
                    } ),*
                ])
            }

            fn example() -> serde_json::Value {
                let mut example = serde_json::Map::new();
                $(
                    if $crate::syntax::block::required_of!($ty $(where [$($limit),*])?) {
                        example.insert(
                            $crate::syntax::block::key_of!($field $(, $key)?).to_owned(),
                            $crate::syntax::block::example_of!($ty $(, $example)?),
                        );
                    }
                )*
                $(
                    // A block without a required key shows its first key.
                    if example.is_empty() {
                        example.insert(
                            $crate::syntax::block::key_of!($field $(, $key)?).to_owned(),
                            $crate::syntax::block::example_of!($ty $(, $example)?),
                        );
                    }
                )*
                serde_json::Value::Object(example)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                let mut map = serializer.serialize_map(None)?;
                $(
                    if !$crate::syntax::decode::Decode::is_absent(&self.$field) {
                        map.serialize_entry($crate::syntax::block::key_of!($field $(, $key)?), &self.$field)?;
                    }
                )*
                map.end()
            }
        }
    };
}

/// The key of a field: its own name, or the one given.
macro_rules! key_of {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident, $key:literal) => {
        $key
    };
}

/// The example of a field: its own, or its type's.
macro_rules! example_of {
    ($ty:ty) => {
        <$ty as $crate::syntax::decode::Decode>::example()
    };
    ($ty:ty, $example:tt) => {
        serde_json::json!($example)
    };
}

/// Whether a block can't do without a field.
macro_rules! required_of {
    ($ty:ty) => {
        <$ty as $crate::syntax::decode::Decode>::absent().is_none()
    };
    ($ty:ty where [$($limit:ident),*]) => {
        <$ty as $crate::syntax::decode::Decode>::absent().is_none()
            || $crate::syntax::limit::Limit::is_needed(&[$($crate::syntax::limit::Limit::$limit),*])
    };
}

/// Declares a closed set of words, with the meaning of each.
macro_rules! words {
    (
        $(#[doc = $set_doc:literal])*
        pub enum $name:ident {
            $( $(#[doc = $doc:literal])* $variant:ident = $word:literal ),* $(,)?
        }
    ) => {
        $(#[doc = $set_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $( $(#[doc = $doc])* $variant ),*
        }

        impl $name {
            /// Every word of the set.
            pub const WORDS: &'static [&'static str] = &[$($word),*];

            /// Returns the word that documents use.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $word ),*
                }
            }

            /// Returns the value that a word stands for.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word {
                    $( $word => Some(Self::$variant), )*
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::from_word(&word).ok_or_else(|| serde::de::Error::unknown_variant(&word, Self::WORDS))
            }
        }

        impl $crate::syntax::decode::Decode for $name {
            fn decode(
                reader: &mut $crate::syntax::decode::Reader<'_, '_>,
                node: $crate::syntax::tree::NodeId,
            ) -> Option<Self> {
                reader.word(node, Self::WORDS).and_then(Self::from_word)
            }

            fn schema(_: &mut $crate::syntax::schema::Schema) -> serde_json::Value {
                serde_json::json!({"oneOf": [$( {
                    "const": $word,
                    "description": $crate::syntax::schema::clean(concat!($($doc, "\n"),*)),
                } ),*]})
            }

            fn example() -> serde_json::Value {
                serde_json::json!(Self::WORDS[0])
            }
        }
    };
}

pub(crate) use block;
pub(crate) use example_of;
pub(crate) use key_of;
pub(crate) use required_of;
pub(crate) use words;
