//! Follows the keys of an expression into the documents, and says which fact is missing at their end.

use std::sync::Arc;

use crate::rules::policy::evaluate::Evaluation;
use crate::rules::policy::evaluate::Missing;
use crate::rules::policy::evaluate::Outcome;
use crate::rules::policy::evaluate::Stop;
use crate::rules::policy::evaluate::wrong;
use crate::rules::policy::object::Lack;
use crate::rules::policy::program::Node;
use crate::rules::policy::read::Found;
use crate::rules::policy::read::Key;
use crate::rules::policy::types::Absent;
use crate::rules::policy::types::Type;
use crate::rules::policy::value::Value;

impl<'m> Evaluation<'m, '_> {
    /// Reads what keys lead to from a part.
    pub(super) fn read(&mut self, node: &Node, base: &Node, keys: &[Key], ty: &Type) -> Outcome<'m> {
        let base = self.value(base)?;
        let value = match self.follow(&base, keys, ty)? {
            Found::Value(value) => value,
            Found::ThroughNull => Value::Null,
            Found::Absent(index) => match keys.get(index).map(|key| (key, key.absent)) {
                Some((key, Absent::Unknown)) => {
                    let of = match &base {
                        Value::Object(object) if !object.is(self.subject) => object.owner(),
                        Value::Map(map) if map.owner.as_deref() != Some(self.subject.name()) => {
                            map.owner.clone()
                        }
                        _ => None,
                    };
                    return Err(Stop::Unknown(Missing { fact: Arc::clone(&key.fact), of }));
                }
                Some((_, Absent::Null)) => Value::Null,
                Some((_, Absent::Empty)) => Value::List(Arc::new([])),
                Some((key, Absent::Mistake)) => {
                    return Err(wrong(node, format!("there is no key `{}` here", key.name)));
                }
                None => return Err(wrong(node, "there is no such key here")),
            },
        };
        if let Some(seen) = &mut self.seen
            && value.is_scalar()
        {
            let place = node.begin..node.at.end;
            seen.retain(|(at, _)| *at != place);
            seen.push((place, value.to_string()));
        }
        Ok(value)
    }

    /// Follows keys from a value.
    pub(super) fn follow(&self, base: &Value<'m>, keys: &[Key], ty: &Type) -> Result<Found<'m>, Stop> {
        self.spend(keys.len() as u64)?;
        match base {
            Value::Object(object) => object.read(keys, ty, self.left).map_err(|lack| match lack {
                Lack::TooMuch => Stop::Exhausted,
                Lack::Unknown(unknown) => {
                    let of = Some(object).filter(|object| !object.is(self.subject));
                    let missing = Missing::of(unknown);
                    Stop::Unknown(Missing { of: missing.of.or_else(|| of?.owner()), ..missing })
                }
            }),
            Value::Null => Ok(Found::ThroughNull),
            _ => {
                let mut value = base;
                for (depth, key) in keys.iter().enumerate() {
                    match value {
                        Value::Null => return Ok(Found::ThroughNull),
                        Value::Map(map) => match map.get(&key.name) {
                            Some(found) => value = found,
                            None => return Ok(Found::Absent(depth)),
                        },
                        Value::Object(_) => return self.follow(value, &keys[depth..], ty),
                        _ => return Ok(Found::Absent(depth)),
                    }
                }
                Ok(Found::Value(value.clone()))
            }
        }
    }
}
