//! Evaluates compiled expressions, three-valued: what needs a fact that nobody knows is unknown, and says which fact.
//!
//! Each step is counted, so that no expression takes longer than it may, whatever it says.

use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::Model;
use crate::rules::policy::arithmetic;
use crate::rules::policy::functions;
use crate::rules::policy::object::Lack;
use crate::rules::policy::object::Object;
use crate::rules::policy::program::Each;
use crate::rules::policy::program::Node;
use crate::rules::policy::program::NodeKind;
use crate::rules::policy::program::Order;
use crate::rules::policy::program::Root;
use crate::rules::policy::read::Found;
use crate::rules::policy::read::Key;
use crate::rules::policy::types::Absent;
use crate::rules::policy::types::Type;
use crate::rules::policy::value::Entries;
use crate::rules::policy::value::Value;

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stop {
    /// A fact is missing.
    Unknown(Missing),
    /// The expression asks for what can't be, such as a division by zero.
    Wrong { at: Range<usize>, message: String },
    /// It takes more steps than it may.
    Exhausted,
}

/// A fact that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    /// The fact's key in the inventory.
    pub fact: Arc<str>,
    /// The machine or server that it is about; `None`: the subject of the rule.
    pub of: Option<Arc<str>>,
}

pub(super) type Outcome<'m> = Result<Value<'m>, Stop>;

/// A value that was read, and the place in the expression that read it.
pub(super) type Seen = (Range<usize>, String);

/// Evaluates the expressions of a rule about one subject.
pub(super) struct Evaluation<'m, 'c> {
    pub model: &'m Model,
    pub subject: Object<'m>,
    pub now: Timestamp,
    /// Steps that may still be taken.
    pub left: &'c Cell<u64>,
    variables: Vec<Value<'m>>,
    /// What was read, if somebody wants to know.
    pub seen: Option<Vec<Seen>>,
}

impl<'m, 'c> Evaluation<'m, 'c> {
    pub const fn new(model: &'m Model, subject: Object<'m>, now: Timestamp, left: &'c Cell<u64>) -> Self {
        Self { model, subject, now, left, variables: Vec::new(), seen: None }
    }

    fn spend(&self, steps: u64) -> Result<(), Stop> {
        self.left.set(self.left.get().checked_sub(steps).ok_or(Stop::Exhausted)?);
        Ok(())
    }

    /// Evaluates a part.
    pub fn value(&mut self, node: &Node) -> Outcome<'m> {
        self.spend(1)?;
        match &node.kind {
            NodeKind::Constant(value) => Ok(value.clone()),
            NodeKind::Root(root) => self.root(*root),
            NodeKind::Variable(index) => {
                self.variables.get(*index).cloned().ok_or_else(|| wrong(node, "there is no such name here"))
            }
            NodeKind::Read { base, keys, ty } => self.read(node, base, keys, ty),
            NodeKind::Has { base, keys, ty } => match self
                .value(base)
                .and_then(|base| self.follow(&base, keys, ty))
            {
                Ok(Found::Value(_)) => Ok(Value::Bool(true)),
                Ok(Found::Absent(_) | Found::ThroughNull) | Err(Stop::Unknown(_)) => Ok(Value::Bool(false)),
                Err(stop) => Err(stop),
            },
            NodeKind::And(both) => self.decided_by(both, false),
            NodeKind::Or(both) => self.decided_by(both, true),
            NodeKind::Not(one) => Ok(Value::Bool(!self.truth(one)?)),
            NodeKind::Conditional(nodes) => {
                let [condition, one, other] = &**nodes;
                if self.truth(condition)? { self.value(one) } else { self.value(other) }
            }
            NodeKind::Equal { operands, negated } => {
                let (one, other) = self.both(operands)?;
                self.spend(one.weight().min(other.weight()))?;
                Ok(Value::Bool(one.equals(&other) != *negated))
            }
            NodeKind::Order { order, operands } => {
                let (one, other) = self.both(operands)?;
                let Some(found) = one.order(&other) else {
                    // Numbers that are no numbers have no order, and so none is smaller.
                    if matches!((&one, &other), (Value::Double(_), _) | (_, Value::Double(_)))
                        && one.describe().contains("number")
                        && other.describe().contains("number")
                    {
                        return Ok(Value::Bool(false));
                    }
                    return Err(wrong(
                        node,
                        format!("{} and {} have no order", one.describe(), other.describe()),
                    ));
                };
                Ok(Value::Bool(match order {
                    Order::Less => found.is_lt(),
                    Order::LessOrEqual => found.is_le(),
                    Order::Greater => found.is_gt(),
                    Order::GreaterOrEqual => found.is_ge(),
                }))
            }
            NodeKind::Arithmetic { operation, operands } => {
                let (one, other) = self.both(operands)?;
                if let (Value::Text(_) | Value::List(_), Value::Text(_) | Value::List(_)) = (&one, &other) {
                    self.spend(one.weight() + other.weight())?;
                }
                arithmetic::calculated(*operation, &one, &other).map_err(|message| wrong(node, message))
            }
            NodeKind::Negate(one) => {
                let one = self.value(one)?;
                arithmetic::negated(&one).map_err(|message| wrong(node, message))
            }
            NodeKind::In(both) => {
                let (item, list) = self.both(both)?;
                self.spend(list.weight())?;
                match (&item, &list) {
                    (_, Value::List(items)) => Ok(Value::Bool(items.iter().any(|other| item.equals(other)))),
                    (Value::Text(key), Value::Map(map)) => Ok(Value::Bool(map.get(key).is_some())),
                    // What is not there has nothing in it.
                    (_, Value::Null) => Ok(Value::Bool(false)),
                    _ => Err(wrong(node, format!("`in` takes a list, not {}", list.describe()))),
                }
            }
            NodeKind::Index(both) => self.index(node, both),
            NodeKind::List(items) => {
                Ok(Value::List(items.iter().map(|item| self.value(item)).collect::<Result<_, _>>()?))
            }
            NodeKind::Map(pairs) => {
                let mut entries: Vec<(Arc<str>, Value<'m>)> = Vec::with_capacity(pairs.len());
                for (key, value) in pairs {
                    let Value::Text(key) = self.value(key)? else {
                        return Err(wrong(node, "a key of a map is text"));
                    };
                    let value = self.value(value)?;
                    entries.push((key, value));
                }
                Ok(Value::Map(Arc::new(Entries { owner: None, entries })))
            }
            NodeKind::Call { function, arguments } => {
                let values =
                    arguments.iter().map(|argument| self.value(argument)).collect::<Result<Vec<_>, _>>()?;
                self.spend(values.iter().map(Value::weight).sum())?;
                functions::call(*function, &values, Some(self.model)).map_err(|failure| match failure {
                    functions::Failure::Unknown(unknown) => Stop::Unknown(Missing::of(unknown)),
                    functions::Failure::Wrong(message) => wrong(node, message),
                })
            }
            NodeKind::Matches { text, pattern } => match self.value(text)? {
                Value::Text(text) => {
                    self.spend(text.len() as u64)?;
                    Ok(Value::Bool(pattern.is_match(&text)))
                }
                Value::Null => Ok(Value::Bool(false)),
                other => Err(wrong(node, format!("`matches` takes text, not {}", other.describe()))),
            },
            NodeKind::Each { what, list, body, kept } => self.each(node, *what, list, body, kept.as_deref()),
        }
    }

    /// Evaluates what must be true or false.
    pub fn truth(&mut self, node: &Node) -> Result<bool, Stop> {
        match self.value(node)? {
            Value::Bool(value) => Ok(value),
            other => Err(Stop::Wrong {
                at: node.begin..node.at.end,
                message: format!("this is {}, and must be true or false", other.describe()),
            }),
        }
    }

    fn root(&self, root: Root) -> Outcome<'m> {
        let count = match root {
            Root::Machines => self.model.machines().len(),
            Root::Groups => self.model.groups().len(),
            Root::Plan | Root::Inventory | Root::Machine | Root::Group | Root::Now => 0,
        };
        self.spend(count as u64)?;
        Ok(match root {
            Root::Plan => Value::Object(Object::Plan(self.model)),
            Root::Inventory => Value::Object(Object::Inventory(self.model)),
            Root::Machine | Root::Group => Value::Object(self.subject),
            Root::Machines => Value::List(
                self.model.machines().map(|machine| Value::Object(Object::Machine(machine))).collect(),
            ),
            Root::Groups => {
                Value::List(self.model.groups().map(|group| Value::Object(Object::Group(group))).collect())
            }
            Root::Now => Value::Time(self.now),
        })
    }

    fn both(&mut self, both: &[Node; 2]) -> Result<(Value<'m>, Value<'m>), Stop> {
        Ok((self.value(&both[0])?, self.value(&both[1])?))
    }

    /// Evaluates `&&` (which `false` decides) and `||` (which `true` decides): one side that decides is enough, even if the
    /// other one is unknown.
    fn decided_by(&mut self, both: &[Node; 2], deciding: bool) -> Outcome<'m> {
        let first = self.truth(&both[0]);
        match first {
            Ok(value) if value == deciding => return Ok(Value::Bool(deciding)),
            Err(Stop::Exhausted) => return Err(Stop::Exhausted),
            Ok(_) | Err(Stop::Unknown(_) | Stop::Wrong { .. }) => {}
        }
        let second = self.truth(&both[1]);
        match (first, second) {
            (_, Ok(value)) if value == deciding => Ok(Value::Bool(deciding)),
            (_, Err(Stop::Exhausted)) => Err(Stop::Exhausted),
            // A fact may be found; a mistake stays one. So the missing fact is named first.
            (Err(unknown @ Stop::Unknown(_)), _) | (_, Err(unknown @ Stop::Unknown(_))) => Err(unknown),
            (Err(stop), _) | (_, Err(stop)) => Err(stop),
            (Ok(_), Ok(_)) => Ok(Value::Bool(!deciding)),
        }
    }

    fn read(&mut self, node: &Node, base: &Node, keys: &[Key], ty: &Type) -> Outcome<'m> {
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

    fn follow(&self, base: &Value<'m>, keys: &[Key], ty: &Type) -> Result<Found<'m>, Stop> {
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

    fn index(&mut self, node: &Node, both: &[Node; 2]) -> Outcome<'m> {
        let (base, index) = self.both(both)?;
        match (&base, &index) {
            (Value::List(items), Value::Int(at)) => {
                let found = usize::try_from(*at).ok().and_then(|at| items.get(at));
                found
                    .cloned()
                    .ok_or_else(|| wrong(node, format!("there is no item {at} in a list of {}", items.len())))
            }
            (Value::Map(map), Value::Text(key)) => Ok(map.get(key).cloned().unwrap_or(Value::Null)),
            (Value::Null, _) => Ok(Value::Null),
            _ => Err(wrong(node, format!("{} has no items", base.describe()))),
        }
    }

    fn each(
        &mut self,
        node: &Node,
        what: Each,
        list: &Node,
        body: &Node,
        kept: Option<&Node>,
    ) -> Outcome<'m> {
        let items: Arc<[Value<'m>]> = match self.value(list)? {
            Value::List(items) => items,
            Value::Map(map) => map.entries.iter().map(|(key, _)| Value::Text(Arc::clone(key))).collect(),
            // What is not there has no items.
            Value::Null => Arc::new([]),
            other => {
                return Err(wrong(
                    node,
                    format!("this asks about the items of a list, and not of {}", other.describe()),
                ));
            }
        };
        let mut found = Vec::new();
        let mut stopped: Option<Stop> = None;
        for item in &*items {
            self.variables.push(item.clone());
            let result = self.item(what, item, body, kept);
            self.variables.pop();
            match (what, result) {
                (_, Err(Stop::Exhausted)) => return Err(Stop::Exhausted),
                // One item that decides is enough, even if others are unknown.
                (Each::All, Ok(None)) => return Ok(Value::Bool(false)),
                (Each::Exists, Ok(Some(_))) => return Ok(Value::Bool(true)),
                (Each::All | Each::Exists, Err(stop)) => {
                    let better =
                        matches!((&stopped, &stop), (None | Some(Stop::Wrong { .. }), Stop::Unknown(_)));
                    if stopped.is_none() || better {
                        stopped = Some(stop);
                    }
                }
                (_, Err(stop)) => return Err(stop),
                (Each::ExistsOne | Each::Map | Each::Filter, Ok(Some(value))) => found.push(value),
                (_, Ok(_)) => {}
            }
        }
        if let Some(stop) = stopped {
            return Err(stop);
        }
        Ok(match what {
            Each::All => Value::Bool(true),
            Each::Exists => Value::Bool(false),
            Each::ExistsOne => Value::Bool(found.len() == 1),
            Each::Map | Each::Filter => Value::List(found.into()),
        })
    }

    /// Returns what an item gives: a value, or nothing if the item is not asked for.
    fn item(
        &mut self,
        what: Each,
        item: &Value<'m>,
        body: &Node,
        kept: Option<&Node>,
    ) -> Result<Option<Value<'m>>, Stop> {
        if let Some(kept) = kept
            && !self.truth(kept)?
        {
            return Ok(None);
        }
        match what {
            Each::Map => self.value(body).map(Some),
            Each::All | Each::Exists | Each::ExistsOne | Each::Filter => {
                Ok(self.truth(body)?.then(|| item.clone()))
            }
        }
    }
}

impl Missing {
    fn of(unknown: crate::model::Unknown) -> Self {
        Self { fact: unknown.field.into(), of: unknown.object.map(Arc::from) }
    }
}

fn wrong(node: &Node, message: impl Into<String>) -> Stop {
    Stop::Wrong { at: node.at.clone(), message: message.into() }
}
