//! Writes the text of a mapping's key, where a writer of documents gives any value.

use serde::Serialize;
use serde::Serializer;
use serde::ser;

use crate::rules::policy::read::TooMuch;

/// Writes the text of a key.
pub(super) struct Name<'n> {
    pub into: &'n mut String,
}

macro_rules! no_names {
    ($($method:ident($($ty:ty),*)),*) => { $(
        fn $method(self, $(_: $ty),*) -> Result<(), TooMuch> {
            Ok(())
        }
    )* };
}

impl Serializer for Name<'_> {
    type Ok = ();
    type Error = TooMuch;
    type SerializeSeq = ser::Impossible<(), TooMuch>;
    type SerializeTuple = ser::Impossible<(), TooMuch>;
    type SerializeTupleStruct = ser::Impossible<(), TooMuch>;
    type SerializeTupleVariant = ser::Impossible<(), TooMuch>;
    type SerializeMap = ser::Impossible<(), TooMuch>;
    type SerializeStruct = ser::Impossible<(), TooMuch>;
    type SerializeStructVariant = ser::Impossible<(), TooMuch>;

    fn serialize_str(self, value: &str) -> Result<(), TooMuch> {
        self.into.push_str(value);
        Ok(())
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), TooMuch> {
        self.serialize_str(variant)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), TooMuch> {
        value.serialize(self)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), TooMuch> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: &T,
    ) -> Result<(), TooMuch> {
        self.serialize_str(variant)
    }

    no_names!(
        serialize_bool(bool),
        serialize_i8(i8),
        serialize_i16(i16),
        serialize_i32(i32),
        serialize_i64(i64),
        serialize_u8(u8),
        serialize_u16(u16),
        serialize_u32(u32),
        serialize_u64(u64),
        serialize_f32(f32),
        serialize_f64(f64),
        serialize_char(char),
        serialize_bytes(&[u8]),
        serialize_none(),
        serialize_unit(),
        serialize_unit_struct(&'static str)
    );

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, TooMuch> {
        Err(TooMuch)
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, TooMuch> {
        Err(TooMuch)
    }
    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, TooMuch> {
        Err(TooMuch)
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, TooMuch> {
        Err(TooMuch)
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, TooMuch> {
        Err(TooMuch)
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, TooMuch> {
        Err(TooMuch)
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, TooMuch> {
        Err(TooMuch)
    }
}
