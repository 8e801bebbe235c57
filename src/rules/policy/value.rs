//! Values of expressions: compared, ordered and shown.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::rules::policy::object::Object;

/// A value. Machines and servers are looked at where they are, and copied only inside lists of the documents.
#[derive(Clone, Debug)]
pub(super) enum Value<'m> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Arc<str>),
    Time(Timestamp),
    Duration(SignedDuration),
    List(Arc<[Value<'m>]>),
    Map(Arc<Entries<'m>>),
    Object(Object<'m>),
}

/// Keys and values, in the order in which they are written.
#[derive(Debug)]
pub(super) struct Entries<'m> {
    /// The machine or server that they are facts about.
    pub owner: Option<Arc<str>>,
    pub entries: Vec<(Arc<str>, Value<'m>)>,
}

impl<'m> Entries<'m> {
    pub fn get(&self, key: &str) -> Option<&Value<'m>> {
        self.entries.iter().find(|(name, _)| **name == *key).map(|(_, value)| value)
    }
}

/// Returns the text that stands under a key.
pub(super) fn word_of(entries: &[(Arc<str>, Value<'_>)], key: &str) -> Option<Arc<str>> {
    match entries.iter().find(|(name, _)| **name == *key) {
        Some((_, Value::Text(text))) => Some(Arc::clone(text)),
        Some(_) | None => None,
    }
}

impl Value<'_> {
    /// Says of what was just copied whose it is, but for what has a name of its own.
    pub fn is_said_of(&mut self, owner: &Arc<str>) {
        match self {
            Self::List(items) => {
                Arc::get_mut(items).into_iter().flatten().for_each(|item| item.is_said_of(owner));
            }
            Self::Map(map) => {
                if let Some(map) = Arc::get_mut(map).filter(|map| word_of(&map.entries, "name").is_none()) {
                    map.owner = Some(Arc::clone(owner));
                    map.entries.iter_mut().for_each(|(_, value)| value.is_said_of(owner));
                }
            }
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Double(_)
            | Self::Text(_)
            | Self::Time(_)
            | Self::Duration(_)
            | Self::Object(_) => {}
        }
    }

    pub fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    /// Returns what the value is, in the words of a message.
    pub const fn describe(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Int(_) => "a whole number",
            Self::Double(_) => "a number with a fraction",
            Self::Text(_) => "text",
            Self::Time(_) => "a time",
            Self::Duration(_) => "a duration",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Object(_) => "a block",
        }
    }

    /// Returns whether the value is shown as a word or a number.
    pub const fn is_scalar(&self) -> bool {
        match self {
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Double(_)
            | Self::Text(_)
            | Self::Time(_)
            | Self::Duration(_) => true,
            Self::List(_) | Self::Map(_) | Self::Object(_) => false,
        }
    }

    /// Compares two values; values of different types are not equal, but numbers are numbers.
    pub fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Text(one), Self::Text(other)) => one == other,
            (Self::Time(one), Self::Time(other)) => one == other,
            (Self::Duration(one), Self::Duration(other)) => one == other,
            (Self::List(one), Self::List(other)) => {
                one.len() == other.len() && one.iter().zip(other.iter()).all(|(one, other)| one.equals(other))
            }
            (Self::Map(one), Self::Map(other)) => {
                one.entries.len() == other.entries.len()
                    && one
                        .entries
                        .iter()
                        .all(|(key, value)| other.get(key).is_some_and(|other| value.equals(other)))
            }
            (Self::Object(one), Self::Object(other)) => one.is(*other),
            (Self::Int(_) | Self::Double(_), Self::Int(_) | Self::Double(_)) => {
                self.order(other) == Some(Ordering::Equal)
            }
            _ => false,
        }
    }

    /// Returns the order of two values; `None` if they have none.
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(one), Self::Int(other)) => Some(one.cmp(other)),
            (Self::Double(one), Self::Double(other)) => one.partial_cmp(other),
            (Self::Int(one), Self::Double(other)) => order_mixed(*one, *other),
            (Self::Double(one), Self::Int(other)) => order_mixed(*other, *one).map(Ordering::reverse),
            (Self::Text(one), Self::Text(other)) => Some(one.cmp(other)),
            (Self::Bool(one), Self::Bool(other)) => Some(one.cmp(other)),
            (Self::Time(one), Self::Time(other)) => Some(one.cmp(other)),
            (Self::Duration(one), Self::Duration(other)) => Some(one.cmp(other)),
            _ => None,
        }
    }

    /// Returns about how much work it is to look at all of the value.
    pub fn weight(&self) -> u64 {
        match self {
            Self::Text(text) => 1 + text.len() as u64 / 32,
            Self::List(items) => items.iter().map(Self::weight).sum::<u64>() + 1,
            Self::Map(map) => map.entries.iter().map(|(_, value)| value.weight()).sum::<u64>() + 1,
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Double(_)
            | Self::Time(_)
            | Self::Duration(_)
            | Self::Object(_) => 1,
        }
    }
}

/// Orders a whole number and one with a fraction without rounding the first.
fn order_mixed(int: i64, double: f64) -> Option<Ordering> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if double.is_nan() {
        return None;
    }
    if double >= LIMIT {
        return Some(Ordering::Less);
    }
    if double < -LIMIT {
        return Some(Ordering::Greater);
    }
    #[expect(clippy::cast_possible_truncation, reason = "the fraction is compared by itself")]
    let whole = double.trunc() as i64;
    Some(int.cmp(&whole).then_with(|| 0.0_f64.partial_cmp(&double.fract()).unwrap_or(Ordering::Equal)))
}

/// Characters of a value that a message shows.
const SHOWN: usize = 200;

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("none"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Double(value) => write!(f, "{value}"),
            Self::Text(value) => match value.char_indices().nth(SHOWN) {
                Some((at, _)) => write!(f, "{}…", &value[..at]),
                None => f.write_str(value),
            },
            Self::Time(value) => write!(f, "{value}"),
            Self::Duration(value) => write!(f, "{value:#}"),
            Self::List(items) => {
                for (index, item) in items.iter().take(10).enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(f, "{comma}{item}")?;
                }
                if items.len() > 10 {
                    write!(f, " and {} more", items.len() - 10)?;
                }
                Ok(())
            }
            Self::Map(map) => match map.get("name").or_else(|| map.get("id")) {
                Some(Self::Text(name)) => f.write_str(name),
                _ => write!(f, "{} keys", map.entries.len()),
            },
            Self::Object(object) => f.write_str(object.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_without_rounding() {
        let (int, double) = (Value::Int, Value::Double);
        assert!(int(3).equals(&double(3.0)));
        assert_eq!(int(3).order(&double(3.5)), Some(Ordering::Less));
        assert_eq!(double(-3.5).order(&int(-3)), Some(Ordering::Less));
        assert_eq!(int(i64::MAX).order(&double(9.3e18)), Some(Ordering::Less));
        assert_eq!(int(i64::MAX).order(&double(9_223_372_036_854_775_807.0)), Some(Ordering::Less));
        assert_eq!(int(i64::MIN).order(&double(-9.3e18)), Some(Ordering::Greater));
        assert_eq!(int(1).order(&double(f64::NAN)), None);
    }

    #[test]
    fn values_of_different_types_are_not_equal() {
        assert!(!Value::text("1").equals(&Value::Int(1)));
        assert!(!Value::Null.equals(&Value::Bool(false)));
        let list = |items: Vec<Value<'static>>| Value::List(items.into());
        assert!(list(vec![Value::Int(1)]).equals(&list(vec![Value::Double(1.0)])));
    }
}
