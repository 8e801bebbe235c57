//! Facts that may not be known: a missing one ends a rule as *indeterminate*, never as passed.

use crate::source::Spanned;
use crate::syntax::nullable::Nullable;

/// A fact, or which one is missing.
pub type Fact<T> = Result<T, Unknown>;

/// A fact that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The fact's key in the inventory, such as `azure_vm.exists`.
    pub field: &'static str,
    /// The server, datastore or host that it is about; `None` for the subject of the rule.
    pub object: Option<String>,
}

impl Unknown {
    /// Returns the lack of a fact about the subject of the rule.
    #[must_use]
    pub const fn new(field: &'static str) -> Self {
        Self { field, object: None }
    }

    /// Returns the lack of a fact about `object`.
    #[must_use]
    pub fn of(field: &'static str, object: impl Into<String>) -> Self {
        Self { field, object: Some(object.into()) }
    }
}

/// Asks for a value that may not be known.
pub trait Known<'a> {
    /// What there is when it is known.
    type Value;

    /// Returns the value, or that `field` of the rule's subject is unknown.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory leaves the fact out.
    fn fact(self, field: &'static str) -> Fact<Self::Value>;

    /// Returns the value, or that `field` of `object` is unknown.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory leaves the fact out.
    fn fact_of(self, field: &'static str, object: &str) -> Fact<Self::Value>
    where
        Self: Sized,
    {
        self.fact(field).map_err(|unknown| Unknown::of(unknown.field, object))
    }
}

impl<'a, T> Known<'a> for &'a Option<T> {
    type Value = &'a T;
    fn fact(self, field: &'static str) -> Fact<&'a T> {
        self.as_ref().ok_or(Unknown::new(field))
    }
}

impl<'a, T> Known<'a> for &'a Nullable<Spanned<T>> {
    type Value = Option<&'a Spanned<T>>;
    fn fact(self, field: &'static str) -> Fact<Option<&'a Spanned<T>>> {
        match self {
            Nullable::Unknown => Err(Unknown::new(field)),
            Nullable::None => Ok(None),
            Nullable::Some(value) => Ok(Some(value)),
        }
    }
}
