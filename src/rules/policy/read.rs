//! Reads a key out of a document, and nothing beside it: a machine has a hundred facts, and a rule asks for two.
//!
//! The writer of a document is asked to write, and everything but the keys in question is left out.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use jiff::SignedDuration;
use serde::Serialize;
use serde::Serializer;
use serde::ser;

use crate::quantity::Bytes;
use crate::quantity::GIB;
use crate::quantity::Seconds;
use crate::rules::policy::key::Name;
use crate::rules::policy::types::Absent;
use crate::rules::policy::types::Language;
use crate::rules::policy::types::Type;
use crate::rules::policy::value::Entries;
use crate::rules::policy::value::Value;
use crate::rules::policy::value::word_of;

/// A key on the way to a value.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub name: Arc<str>,
    /// What it means that the key is left out.
    pub absent: Absent,
    /// The fact that is unknown then, as the inventory names it.
    pub fact: Arc<str>,
}

/// What was found at the end of some keys.
#[derive(Debug)]
pub(super) enum Found<'m> {
    Value(Value<'m>),
    /// The key of this index is left out.
    Absent(usize),
    /// A key before the last leads to `null`.
    ThroughNull,
}

/// How much may still be copied out of the documents, and whose facts it is.
pub(super) struct Copying<'c> {
    pub left: &'c Cell<u64>,
    pub owner: Option<Arc<str>>,
}

/// More was to be copied than a rule may.
#[derive(Debug)]
pub(super) struct TooMuch;

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rule reads too much")
    }
}

impl std::error::Error for TooMuch {}

impl ser::Error for TooMuch {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

type Taken = Result<Found<'static>, TooMuch>;

/// Follows keys from a block, and reads what is at their end as a value of type `ty`.
///
/// # Errors
///
/// [`TooMuch`] once more was copied than may be.
pub(super) fn read<T: Serialize + ?Sized>(from: &T, keys: &[Key], ty: &Type, copying: &Copying<'_>) -> Taken {
    from.serialize(Taker { keys, depth: 0, ty, copying })
}

/// Follows keys, and reads what is at their end.
#[derive(Clone, Copy)]
struct Taker<'t> {
    /// Keys that are still to be followed.
    keys: &'t [Key],
    /// How many were followed.
    depth: usize,
    ty: &'t Type,
    copying: &'t Copying<'t>,
}

impl<'t> Taker<'t> {
    fn whole(self, ty: &'t Type) -> Self {
        Self { keys: &[], depth: 0, ty, ..self }
    }

    fn scalar(self, value: Value<'static>) -> Taken {
        if !self.keys.is_empty() {
            return Ok(Found::Absent(self.depth));
        }
        let left = self.copying.left.get().checked_sub(value.weight()).ok_or(TooMuch)?;
        self.copying.left.set(left);
        Ok(Found::Value(value))
    }

    fn int(self, value: i64) -> Taken {
        #[expect(clippy::cast_precision_loss, reason = "an amount of data needs no more digits")]
        let value = if *self.ty == Type::Double { Value::Double(value as f64) } else { Value::Int(value) };
        self.scalar(value)
    }

    fn collect(self) -> Collector<'t> {
        Collector { taker: self, key: String::new(), items: Vec::new(), entries: Vec::new(), found: None }
    }
}

macro_rules! ints {
    ($($method:ident: $ty:ty),*) => { $(
        fn $method(self, value: $ty) -> Taken {
            self.int(i64::try_from(value).unwrap_or(i64::MAX))
        }
    )* };
}

impl<'t> Serializer for Taker<'t> {
    type Ok = Found<'static>;
    type Error = TooMuch;
    type SerializeSeq = Collector<'t>;
    type SerializeTuple = Collector<'t>;
    type SerializeTupleStruct = Collector<'t>;
    type SerializeTupleVariant = Collector<'t>;
    type SerializeMap = Collector<'t>;
    type SerializeStruct = Collector<'t>;
    type SerializeStructVariant = Collector<'t>;

    ints!(serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64);
    ints!(serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64);

    fn serialize_bool(self, value: bool) -> Taken {
        self.scalar(Value::Bool(value))
    }
    fn serialize_f32(self, value: f32) -> Taken {
        self.scalar(Value::Double(value.into()))
    }
    fn serialize_f64(self, value: f64) -> Taken {
        self.scalar(Value::Double(value))
    }
    fn serialize_char(self, value: char) -> Taken {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, value: &str) -> Taken {
        if !self.keys.is_empty() {
            return Ok(Found::Absent(self.depth));
        }
        let meant = match self.ty {
            Type::Time => value.parse().ok().map(Value::Time),
            Type::Duration => Seconds::parse(value).ok().map(|seconds| {
                Value::Duration(SignedDuration::from_secs(i64::try_from(seconds.0).unwrap_or(i64::MAX)))
            }),
            #[expect(clippy::cast_precision_loss, reason = "an amount of data needs no more digits")]
            Type::Double => Bytes::parse(value).ok().map(|bytes| Value::Double(bytes.0 as f64 / GIB as f64)),
            Type::Any
            | Type::Null
            | Type::Bool
            | Type::Int
            | Type::Text
            | Type::Words(_)
            | Type::List(_)
            | Type::Map(_)
            | Type::Block(_) => None,
        };
        self.scalar(meant.unwrap_or_else(|| Value::text(value)))
    }
    fn serialize_bytes(self, _: &[u8]) -> Taken {
        self.serialize_unit()
    }
    fn serialize_none(self) -> Taken {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Taken {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Taken {
        if self.keys.is_empty() { self.scalar(Value::Null) } else { Ok(Found::ThroughNull) }
    }
    fn serialize_unit_struct(self, _: &'static str) -> Taken {
        self.serialize_unit()
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Taken {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Taken {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Taken {
        let mut collector = self.collect();
        collector.entry(variant, value)?;
        collector.map()
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Collector<'t>, TooMuch> {
        Ok(self.collect())
    }
    fn serialize_tuple(self, _: usize) -> Result<Collector<'t>, TooMuch> {
        Ok(self.collect())
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Collector<'t>, TooMuch> {
        Ok(self.collect())
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Collector<'t>, TooMuch> {
        Ok(self.collect())
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Collector<'t>, TooMuch> {
        Ok(self.collect())
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Collector<'t>, TooMuch> {
        Ok(self.collect())
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Collector<'t>, TooMuch> {
        Ok(self.collect())
    }
}

/// Lists, mappings and structures: the key in question alone, or all.
struct Collector<'t> {
    taker: Taker<'t>,
    /// The key whose value comes next.
    key: String,
    items: Vec<Value<'static>>,
    entries: Vec<(Arc<str>, Value<'static>)>,
    /// What the key in question leads to.
    found: Option<Found<'static>>,
}

impl Collector<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TooMuch> {
        if !self.taker.keys.is_empty() {
            return Ok(());
        }
        let ty = match self.taker.ty {
            Type::List(ty) => &**ty,
            _ => &Type::Any,
        };
        if let Found::Value(value) = value.serialize(self.taker.whole(ty))? {
            self.items.push(value);
        }
        Ok(())
    }

    fn entry<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), TooMuch> {
        if let Some((wanted, rest)) = self.taker.keys.split_first() {
            if *wanted.name == *key {
                let next = Taker { keys: rest, depth: self.taker.depth + 1, ..self.taker };
                self.found = Some(value.serialize(next)?);
            }
            return Ok(());
        }
        let field = match self.taker.ty {
            Type::Block(block) => Language::get().field(block, key),
            _ => None,
        };
        let ty = match (self.taker.ty, field) {
            (_, Some(field)) => &field.ty,
            (Type::Map(ty), None) => ty,
            _ => &Type::Any,
        };
        if let Found::Value(value) = value.serialize(self.taker.whole(ty))? {
            let key = field.map_or_else(|| key.into(), |field| Arc::clone(&field.name));
            self.entries.push((key, value));
        }
        Ok(())
    }

    fn list(self) -> Taken {
        match self.taker.keys.is_empty() {
            true => Ok(Found::Value(Value::List(self.items.into()))),
            false => Ok(Found::Absent(self.taker.depth)),
        }
    }

    fn map(mut self) -> Taken {
        if !self.taker.keys.is_empty() {
            return Ok(self.found.unwrap_or(Found::Absent(self.taker.depth)));
        }
        let mut owner = self.taker.copying.owner.clone();
        if owner.is_none() {
            // One of a list of the inventory: what it says is said of it.
            owner = word_of(&self.entries, "name");
            if let Some(owner) = &owner {
                self.entries.iter_mut().for_each(|(_, value)| value.is_said_of(owner));
            }
            owner = owner.or_else(|| word_of(&self.entries, "id"));
        }
        Ok(Found::Value(Value::Map(Arc::new(Entries { owner, entries: self.entries }))))
    }
}

macro_rules! collects_items {
    ($($trait:ident $method:ident),*) => { $(
        impl ser::$trait for Collector<'_> {
            type Ok = Found<'static>;
            type Error = TooMuch;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TooMuch> {
                self.item(value)
            }
            fn end(self) -> Taken {
                self.list()
            }
        }
    )* };
}
collects_items!(
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
);

macro_rules! collects_entries {
    ($($trait:ident),*) => { $(
        impl ser::$trait for Collector<'_> {
            type Ok = Found<'static>;
            type Error = TooMuch;
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), TooMuch> {
                self.entry(key, value)
            }
            fn end(self) -> Taken {
                self.map()
            }
        }
    )* };
}
collects_entries!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Collector<'_> {
    type Ok = Found<'static>;
    type Error = TooMuch;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), TooMuch> {
        self.key.clear();
        key.serialize(Name { into: &mut self.key })
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TooMuch> {
        let key = std::mem::take(&mut self.key);
        let taken = self.entry(&key, value);
        self.key = key;
        taken
    }
    fn end(self) -> Taken {
        self.map()
    }
}
