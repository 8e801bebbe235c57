//! Values in the shapes that were recorded: numbers and booleans as text, times that stand for none, lists that are null.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::DeserializeOwned;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde::de::value::MapAccessDeserializer;

/// A value that is no list and no object; anything else is nothing.
#[derive(Clone, Debug, Default, PartialEq)]
enum Scalar {
    #[default]
    Nothing,
    Boolean(bool),
    Number(f64),
    Text(String),
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Boolean(value))
    }
    #[expect(clippy::cast_precision_loss, reason = "amounts on the wire are below 2^53")]
    fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value as f64))
    }
    #[expect(clippy::cast_precision_loss, reason = "amounts on the wire are below 2^53")]
    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value as f64))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value))
    }
    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<Scalar, E> {
        Ok(Scalar::Text(value))
    }
    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Nothing)
    }
    fn visit_none<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Nothing)
    }
    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<Scalar, D::Error> {
        value.deserialize_any(self)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nothing)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nothing)
    }
}

fn scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Scalar, D::Error> {
    deserializer.deserialize_any(ScalarVisitor)
}

/// A text; empty text is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::provider::azure) struct Text(Option<String>);

impl Text {
    pub(in crate::provider::azure) fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }
    pub(in crate::provider::azure) fn or_empty(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
    pub(in crate::provider::azure) fn into_option(self) -> Option<String> {
        self.0
    }
    /// Returns whether the text is this word, in whatever case.
    pub(in crate::provider::azure) fn is(&self, word: &str) -> bool {
        self.0.as_deref().is_some_and(|text| text.eq_ignore_ascii_case(word))
    }
    /// Returns this text, or another where there is none.
    pub(in crate::provider::azure) fn or<'t>(&'t self, other: &'t Self) -> Option<&'t str> {
        self.get().or_else(|| other.get())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match scalar(deserializer)? {
            Scalar::Text(text) if !text.is_empty() => Some(text),
            Scalar::Number(number) => Some(number.to_string()),
            Scalar::Boolean(value) => Some(value.to_string()),
            Scalar::Text(_) | Scalar::Nothing => None,
        }))
    }
}

/// A truth, written as such or as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::provider::azure) struct Flag(Option<bool>);

impl Flag {
    pub(in crate::provider::azure) const fn get(self) -> Option<bool> {
        self.0
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match scalar(deserializer)? {
            Scalar::Boolean(value) => Some(value),
            Scalar::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Scalar::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            Scalar::Text(_) | Scalar::Number(_) | Scalar::Nothing => None,
        }))
    }
}

/// An amount, written as a number or as text; -1 stands for one that is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::provider::azure) struct Number(Option<f64>);

impl Number {
    pub(in crate::provider::azure) const fn get(self) -> Option<f64> {
        self.0
    }
    /// Returns the amount without what is behind the point.
    #[expect(clippy::cast_possible_truncation, reason = "a cast from f64 saturates")]
    pub(in crate::provider::azure) fn whole(self) -> Option<i64> {
        self.0.map(|number| number as i64)
    }
    /// Returns the amount as a count.
    pub(in crate::provider::azure) fn count(self) -> Option<u64> {
        self.whole().and_then(|number| u64::try_from(number).ok())
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = match scalar(deserializer)? {
            Scalar::Number(number) => Some(number),
            Scalar::Text(text) => text.trim().parse().ok(),
            Scalar::Boolean(_) | Scalar::Nothing => None,
        };
        Ok(Self(number.filter(|number: &f64| number.is_finite() && *number >= 0.0)))
    }
}

/// A moment; those that stand for none (`0001-01-01T00:00:00`, `1601-…`, `1753-…`, `9999-…`) are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::provider::azure) struct Time(Option<Timestamp>);

impl Time {
    pub(in crate::provider::azure) const fn get(self) -> Option<Timestamp> {
        self.0
    }
    fn parse(text: &str) -> Option<Timestamp> {
        let moment = match text.parse::<Timestamp>() {
            Ok(moment) => moment,
            // Without a zone: the service counts in UTC.
            Err(_) => text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp(),
        };
        // The years 1800 and 9000: what is beyond stands for no moment.
        let seconds = moment.as_second();
        (-5_364_662_400..221_845_392_000).contains(&seconds).then_some(moment)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match scalar(deserializer)? {
            Scalar::Text(text) => Self::parse(&text),
            Scalar::Boolean(_) | Scalar::Number(_) | Scalar::Nothing => None,
        }))
    }
}

/// A list; null and anything that is no list is an empty one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::provider::azure) struct List<T>(Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> std::ops::Deref for List<T> {
    type Target = Vec<T>;
    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T> List<T> {
    pub(in crate::provider::azure) fn into_vec(self) -> Vec<T> {
        self.0
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<List<T>, A::Error> {
        let mut all = Vec::with_capacity(list.size_hint().unwrap_or(0).min(4096));
        while let Some(one) = list.next_element()? {
            all.push(one);
        }
        Ok(List(all))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<List<T>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(List::default())
    }
    fn visit_unit<E>(self) -> Result<List<T>, E> {
        Ok(List::default())
    }
    fn visit_bool<E>(self, _: bool) -> Result<List<T>, E> {
        Ok(List::default())
    }
    fn visit_f64<E>(self, _: f64) -> Result<List<T>, E> {
        Ok(List::default())
    }
    fn visit_i64<E>(self, _: i64) -> Result<List<T>, E> {
        Ok(List::default())
    }
    fn visit_u64<E>(self, _: u64) -> Result<List<T>, E> {
        Ok(List::default())
    }
    fn visit_str<E>(self, _: &str) -> Result<List<T>, E> {
        Ok(List::default())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

/// An object; null and anything that is no object is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::provider::azure) struct Object<T>(Option<Box<T>>);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Object<T> {
    pub(in crate::provider::azure) fn get(&self) -> Option<&T> {
        self.0.as_deref()
    }
    /// Returns the object, or one in which nothing is said.
    pub(in crate::provider::azure) fn into_value(self) -> T
    where
        T: Default,
    {
        self.0.map(|value| *value).unwrap_or_default()
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|value| Object(Some(Box::new(value))))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Object<T>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Object(None))
    }
    fn visit_unit<E>(self) -> Result<Object<T>, E> {
        Ok(Object(None))
    }
    fn visit_bool<E>(self, _: bool) -> Result<Object<T>, E> {
        Ok(Object(None))
    }
    fn visit_f64<E>(self, _: f64) -> Result<Object<T>, E> {
        Ok(Object(None))
    }
    fn visit_i64<E>(self, _: i64) -> Result<Object<T>, E> {
        Ok(Object(None))
    }
    fn visit_u64<E>(self, _: u64) -> Result<Object<T>, E> {
        Ok(Object(None))
    }
    fn visit_str<E>(self, _: &str) -> Result<Object<T>, E> {
        Ok(Object(None))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

/// Values by name.
pub(in crate::provider::azure) type Named<T> = Object<BTreeMap<String, T>>;

/// What can be read from an answer.
pub(in crate::provider::azure) trait Readable: DeserializeOwned + Send {}

impl<T: DeserializeOwned + Send> Readable for T {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct All {
        text: Text,
        flag: Flag,
        number: Number,
        time: Time,
        list: List<Text>,
        object: Object<BTreeMap<String, Text>>,
    }

    fn read(json: &str) -> All {
        serde_json::from_str(json).expect("every shape can be read")
    }

    #[test]
    fn values_are_read_in_every_shape_that_was_recorded() {
        let all = read(
            r#"{"text": 7, "flag": "True", "number": "439.5", "time": "2021-04-06T16:52:06.1234567Z", "list": ["a"], "object": {"k": "v"}, "new": {}}"#,
        );
        assert_eq!((all.text.get(), all.flag.get(), all.number.get()), (Some("7"), Some(true), Some(439.5)));
        assert_eq!(all.time.get().map(jiff::Timestamp::as_second), Some(1_617_727_926));
        assert_eq!((all.list.len(), all.object.get().map(BTreeMap::len)), (1, Some(1)));
    }

    #[test]
    fn a_value_of_another_shape_is_as_if_it_were_not_there() {
        for odd in ["null", "[]", "{}", "\"\"", "[[1], {\"a\": 1}]"] {
            let all = read(&format!(r#"{{"text": {odd}, "flag": {odd}, "number": {odd}, "time": {odd}}}"#));
            assert_eq!((all.text, all.flag, all.number, all.time), Default::default(), "{odd}");
        }
        for odd in ["null", "1", "-1", "1.5", "true", "\"x\""] {
            let all = read(&format!(r#"{{"list": {odd}, "object": {odd}}}"#));
            assert_eq!((all.list, all.object), Default::default(), "{odd}");
        }
    }

    #[test]
    fn times_and_amounts_that_stand_for_none_are_none() {
        for none in [
            "0001-01-01T00:00:00",
            "1601-01-01T00:00:00Z",
            "1753-01-01T01:01:01Z",
            "9999-12-31T23:59:59.9999999",
            "2023-Aug-26 03:42:14.151668",
        ] {
            assert_eq!(read(&format!(r#"{{"time": "{none}"}}"#)).time.get(), None, "{none}");
        }
        assert!(read(r#"{"time": "2021-04-06T16:52:06"}"#).time.get().is_some(), "no zone means UTC");
        assert_eq!(read(r#"{"number": -1}"#).number.get(), None);
    }
}
