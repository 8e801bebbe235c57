//! Decodes the kinds of events as the journal wrote them: with their tag first.
//!
//! To serde, the tag of such an enum may be the last of its fields, so it keeps all of them aside until it has found it. Where the tag
//! comes first, the fields need not be kept aside; where it does not, they are.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::DeserializeSeed;
use serde::de::EnumAccess;
use serde::de::Error;
use serde::de::IntoDeserializer as _;
use serde::de::MapAccess;
use serde::de::VariantAccess;
use serde::de::Visitor;
use serde::de::value::CowStrDeserializer;
use serde::de::value::MapAccessDeserializer;

use crate::event::RunEventKind;
use crate::event::kind::Known;

/// Name of the tag.
const TAG: &str = "event";

/// A kind of event, as [`RunEventKind`] is decoded, and sooner.
#[derive(Debug)]
pub struct TagFirst(pub RunEventKind);

impl<'de> Deserialize<'de> for TagFirst {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields).map(Self)
    }
}

/// A word that is not copied if it can be borrowed.
#[derive(Deserialize)]
#[serde(transparent)]
struct Word<'t>(#[serde(borrow)] Cow<'t, str>);

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = RunEventKind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what happened")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RunEventKind, A::Error> {
        match map.next_key::<Word<'de>>()? {
            Some(Word(key)) if key == TAG => {
                let Word(tag) = map.next_value()?;
                Known::deserialize(Tagged { tag, map })
            }
            first => {
                let first = first.map(|Word(key)| key);
                RunEventKind::deserialize(MapAccessDeserializer::new(PutBack { first, map }))
            }
        }
    }
}

/// Fields of which the first name was read already.
struct PutBack<'de, A> {
    first: Option<Cow<'de, str>>,
    map: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for PutBack<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        match self.first.take() {
            Some(first) => {
                let first: CowStrDeserializer<'_, A::Error> = first.into_deserializer();
                seed.deserialize(first).map(Some)
            }
            None => self.map.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

/// Fields, and the tag that was read before them.
struct Tagged<'de, A> {
    tag: Cow<'de, str>,
    map: A,
}

impl<'de, A: MapAccess<'de>> Deserializer<'de> for Tagged<'de, A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_enum(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, A: MapAccess<'de>> EnumAccess<'de> for Tagged<'de, A> {
    type Error = A::Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), A::Error> {
        let Self { tag, map } = self;
        let word: CowStrDeserializer<'_, A::Error> = tag.into_deserializer();
        Ok((seed.deserialize(word)?, Self { tag: Cow::Borrowed(""), map }))
    }
}

impl<'de, A: MapAccess<'de>> VariantAccess<'de> for Tagged<'de, A> {
    type Error = A::Error;

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        visitor.visit_map(self.map)
    }

    fn unit_variant(self) -> Result<(), A::Error> {
        Err(A::Error::custom("every kind of event has fields"))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _seed: T) -> Result<T::Value, A::Error> {
        Err(A::Error::custom("every field of an event has a name"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, _visitor: V) -> Result<V::Value, A::Error> {
        Err(A::Error::custom("every field of an event has a name"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What both decoders make of a text.
    fn both(text: &str) -> [Result<RunEventKind, String>; 2] {
        let first = serde_json::from_str::<TagFirst>(text).map(|TagFirst(kind)| kind);
        let plain = serde_json::from_str::<RunEventKind>(text);
        [first.map_err(|error| error.to_string()), plain.map_err(|error| error.to_string())]
    }

    #[test]
    fn a_text_means_the_same_wherever_its_tag_stands() {
        for text in [
            r#"{"event":"step_started","step":"preflight"}"#,
            r#"{"step":"preflight","event":"step_started"}"#,
            r#"{"\u0065vent":"step_\u0073tarted","step":"a\"b\\"}"#,
            r#"{"event":"step_succeeded","step":"a","note":null,"later":{"x":[1,{"y":2}]}}"#,
            r#"{"event":"step_waiting","step":"a","reason":"\u00e4","deadline":"2026-11-01T00:00:00.5Z"}"#,
            r#"{"event":"intent_recorded","step":"a","attempt":1,"key":"k","request":{"request":"prepare"}}"#,
            r#"{"event":"approval_given","step":"a","by":"b","known_as":"os_user","roles":["r"],"question":7}"#,
            r#"{"known_as":"signed","by":"b","step":"a","event":"approval_denied"}"#,
            r#"{"event":"guard_evaluated","step":"a","guard":"commit","facts_digest":"d","findings":[],"passed":true}"#,
        ] {
            let [first, plain] = both(text);
            assert_eq!(first, plain, "{text}");
            let kind = plain.unwrap_or_else(|error| panic!("{text}: {error}"));
            let [again, plain] = both(&serde_json::to_string(&kind).expect("a kind has a JSON form"));
            assert_eq!((again, plain), (Ok(kind.clone()), Ok(kind)));
        }
    }

    #[test]
    fn what_one_refuses_the_other_refuses() {
        for text in [
            "{}",
            "[]",
            "7",
            r#"{"step":"a"}"#,
            r#"{"event":"nothing_like_it","step":"a"}"#,
            r#"{"event":7,"step":"a"}"#,
            r#"{"event":"step_started"}"#,
            r#"{"event":"step_started","step":7}"#,
            r#"{"event":"step_started","step":"a","step":"b"}"#,
            r#"{"event":"interrupted","reason":"a""#,
        ] {
            let [first, plain] = both(text);
            assert!(first.is_err() && plain.is_err(), "{text}: {first:?} {plain:?}");
        }
    }
}
