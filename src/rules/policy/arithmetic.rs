//! Sums, products and the like: checked, so that no number ever wraps round.

use std::sync::Arc;

use crate::rules::policy::program::Arithmetic;
use crate::rules::policy::value::Value;

/// Bytes of a text that expressions put together, and items of such a list.
const LONGEST: usize = 64 << 10;

/// Calculates with two values.
///
/// # Errors
///
/// What can't be calculated, as a fragment.
pub(super) fn calculated<'m>(
    operation: Arithmetic,
    one: &Value<'m>,
    other: &Value<'m>,
) -> Result<Value<'m>, String> {
    let too_large = || "the result is too large".to_owned();
    let by_zero = || "a division by zero".to_owned();
    match (operation, one, other) {
        (operation, Value::Int(one), Value::Int(other)) => {
            let result = match operation {
                Arithmetic::Add => one.checked_add(*other),
                Arithmetic::Subtract => one.checked_sub(*other),
                Arithmetic::Multiply => one.checked_mul(*other),
                Arithmetic::Divide | Arithmetic::Remainder if *other == 0 => return Err(by_zero()),
                Arithmetic::Divide => one.checked_div(*other),
                Arithmetic::Remainder => one.checked_rem(*other),
            };
            result.map(Value::Int).ok_or_else(too_large)
        }
        (Arithmetic::Add, Value::Double(one), Value::Double(other)) => Ok(Value::Double(one + other)),
        (Arithmetic::Subtract, Value::Double(one), Value::Double(other)) => Ok(Value::Double(one - other)),
        (Arithmetic::Multiply, Value::Double(one), Value::Double(other)) => Ok(Value::Double(one * other)),
        (Arithmetic::Divide, Value::Double(one), Value::Double(other)) => Ok(Value::Double(one / other)),
        (Arithmetic::Add, Value::Text(one), Value::Text(other)) => {
            if one.len() + other.len() > LONGEST {
                return Err(too_large());
            }
            Ok(Value::Text(format!("{one}{other}").into()))
        }
        (Arithmetic::Add, Value::List(one), Value::List(other)) => {
            if one.len() + other.len() > LONGEST {
                return Err(too_large());
            }
            Ok(Value::List(one.iter().chain(other.iter()).cloned().collect::<Arc<[_]>>()))
        }
        (Arithmetic::Add, Value::Duration(one), Value::Duration(other)) => {
            one.checked_add(*other).map(Value::Duration).ok_or_else(too_large)
        }
        (Arithmetic::Subtract, Value::Duration(one), Value::Duration(other)) => {
            one.checked_sub(*other).map(Value::Duration).ok_or_else(too_large)
        }
        (Arithmetic::Add, Value::Time(time), Value::Duration(by))
        | (Arithmetic::Add, Value::Duration(by), Value::Time(time)) => {
            time.checked_add(*by).map(Value::Time).map_err(|_| too_large())
        }
        (Arithmetic::Subtract, Value::Time(time), Value::Duration(by)) => {
            time.checked_sub(*by).map(Value::Time).map_err(|_| too_large())
        }
        (Arithmetic::Subtract, Value::Time(one), Value::Time(other)) => {
            Ok(Value::Duration(one.duration_since(*other)))
        }
        _ => Err(format!("{} and {} can't be calculated with", one.describe(), other.describe())),
    }
}

/// Returns a number or a duration with the other sign.
///
/// # Errors
///
/// What can't be calculated, as a fragment.
pub(super) fn negated<'m>(value: &Value<'m>) -> Result<Value<'m>, String> {
    let too_large = || "the result is too large".to_owned();
    match value {
        Value::Int(value) => value.checked_neg().map(Value::Int).ok_or_else(too_large),
        Value::Double(value) => Ok(Value::Double(-value)),
        Value::Duration(value) => value.checked_neg().map(Value::Duration).ok_or_else(too_large),
        other => Err(format!("`-` does not take {}", other.describe())),
    }
}
