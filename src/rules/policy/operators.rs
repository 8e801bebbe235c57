//! Operators: which values they take, and words that nothing is ever equal to.

use crate::diagnostic::did_you_mean;
use crate::rules::policy::compile::Compiler;
use crate::rules::policy::compile::Typed;
use crate::rules::policy::compile::wrong;
use crate::rules::policy::program::Arithmetic;
use crate::rules::policy::program::Node;
use crate::rules::policy::program::NodeKind;
use crate::rules::policy::program::Order;
use crate::rules::policy::tree::Mistake;
use crate::rules::policy::tree::Operator;
use crate::rules::policy::tree::Raw;
use crate::rules::policy::types::Type;
use crate::rules::policy::value::Value;

impl Compiler {
    pub(super) fn operator(
        &mut self,
        raw: &Raw,
        operator: Operator,
        operands: &[Raw],
    ) -> Result<Typed, Mistake> {
        match (operator, operands) {
            (Operator::And | Operator::Or, [one, other]) => {
                let both = Box::new([self.truth(one)?.node, self.truth(other)?.node]);
                let kind = if operator == Operator::And { NodeKind::And(both) } else { NodeKind::Or(both) };
                Ok(Typed::new(raw, kind, Type::Bool))
            }
            (Operator::Not, [one]) => {
                let node = self.truth(one)?.node;
                Ok(Typed::new(raw, NodeKind::Not(Box::new(node)), Type::Bool))
            }
            (Operator::Conditional, [condition, one, other]) => {
                let condition = self.truth(condition)?;
                let (one, other) = (self.part(one)?, self.part(other)?);
                let ty = one.ty.or(&other.ty);
                let nodes = Box::new([condition.node, one.node, other.node]);
                Ok(Typed::new(raw, NodeKind::Conditional(nodes), ty))
            }
            (Operator::Equal | Operator::Unequal, [one, other]) => {
                let (one, other) = (self.part(one)?, self.part(other)?);
                if !one.ty.meets(&other.ty) {
                    let message = format!("{} is never equal to {}", one.ty, other.ty);
                    return Err(wrong(&raw.at, message));
                }
                known_words(&one.ty, &other.node)?;
                known_words(&other.ty, &one.node)?;
                let negated = operator == Operator::Unequal;
                let kind = NodeKind::Equal { operands: Box::new([one.node, other.node]), negated };
                Ok(Typed::new(raw, kind, Type::Bool))
            }
            (
                Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual,
                [one, other],
            ) => {
                let (one, other) = (self.part(one)?, self.part(other)?);
                if !one.ty.meets(&other.ty) || !has_order(&one.ty) || !has_order(&other.ty) {
                    return Err(mismatch(raw, operator, &one.ty, &other.ty));
                }
                let order = match operator {
                    Operator::Less => Order::Less,
                    Operator::LessOrEqual => Order::LessOrEqual,
                    Operator::Greater => Order::Greater,
                    _ => Order::GreaterOrEqual,
                };
                let operands = Box::new([one.node, other.node]);
                Ok(Typed::new(raw, NodeKind::Order { order, operands }, Type::Bool))
            }
            (Operator::Negate, [one]) => {
                let one = self.part(one)?;
                if !matches!(one.ty, Type::Int | Type::Double | Type::Duration | Type::Any) {
                    return Err(wrong(&raw.at, format!("`-` takes a number or a duration, not {}", one.ty)));
                }
                let ty = one.ty.clone();
                Ok(Typed::new(raw, NodeKind::Negate(Box::new(one.node)), ty))
            }
            (Operator::In, [one, other]) => self.is_in(raw, one, other),
            (Operator::Index, [of, index]) => self.index(raw, of, index),
            (operator, [one, other]) => self.arithmetic(raw, operator, one, other),
            (operator, _) => Err(wrong(&raw.at, format!("`{}` can't be read", operator.as_str()))),
        }
    }

    fn is_in(&mut self, raw: &Raw, one: &Raw, other: &Raw) -> Result<Typed, Mistake> {
        let (item, list) = (self.part(one)?, self.part(other)?);
        let fits = match &list.ty {
            Type::List(of) => item.ty.meets(of),
            Type::Map(_) => item.ty.meets(&Type::Text),
            Type::Any | Type::Null => true,
            Type::Bool
            | Type::Int
            | Type::Double
            | Type::Text
            | Type::Words(_)
            | Type::Time
            | Type::Duration
            | Type::Block(_) => {
                let at = other.begin..other.at.end;
                let mistake = wrong(&at, format!("`in` takes a list, not {}", list.ty));
                let is_text = list.ty.meets(&Type::Text);
                return Err(if is_text {
                    mistake.help("ask a text for a part with `.contains(…)`")
                } else {
                    mistake
                });
            }
        };
        if !fits {
            return Err(wrong(&raw.at, format!("{} is never in a list of others", item.ty)));
        }
        if let NodeKind::List(items) = &list.node.kind {
            items.iter().try_for_each(|word| known_words(&item.ty, word))?;
        }
        if let Type::List(of) = &list.ty {
            known_words(of, &item.node)?;
        }
        Ok(Typed::new(raw, NodeKind::In(Box::new([item.node, list.node])), Type::Bool))
    }

    fn index(&mut self, raw: &Raw, of: &Raw, index: &Raw) -> Result<Typed, Mistake> {
        let (base, index) = (self.part(of)?, self.part(index)?);
        let (wanted, ty) = match &base.ty {
            Type::List(item) => (Type::Int, (**item).clone()),
            Type::Map(value) => (Type::Text, (**value).clone()),
            Type::Any => (Type::Any, Type::Any),
            Type::Null
            | Type::Bool
            | Type::Int
            | Type::Double
            | Type::Text
            | Type::Words(_)
            | Type::Time
            | Type::Duration
            | Type::Block(_) => {
                let mistake = wrong(&raw.at, format!("{} has no items", base.ty));
                let is_block = matches!(base.ty, Type::Block(_));
                return Err(if is_block {
                    mistake.help("ask for a key with a dot: `machine.os`")
                } else {
                    mistake
                });
            }
        };
        if !index.ty.meets(&wanted) || (wanted == Type::Int && index.ty == Type::Double) {
            return Err(wrong(&index.node.at, format!("{wanted} is needed here, not {}", index.ty)));
        }
        let path = base.path;
        let kind = NodeKind::Index(Box::new([base.node, index.node]));
        Ok(Typed { path, ..Typed::new(raw, kind, ty) })
    }

    fn arithmetic(
        &mut self,
        raw: &Raw,
        operator: Operator,
        one: &Raw,
        other: &Raw,
    ) -> Result<Typed, Mistake> {
        let operation = match operator {
            Operator::Add => Arithmetic::Add,
            Operator::Subtract => Arithmetic::Subtract,
            Operator::Multiply => Arithmetic::Multiply,
            Operator::Divide => Arithmetic::Divide,
            Operator::Remainder => Arithmetic::Remainder,
            _ => return Err(wrong(&raw.at, format!("`{}` can't be read", operator.as_str()))),
        };
        let (one, other) = (self.part(one)?, self.part(other)?);
        let ty = result(operation, &one.ty, &other.ty)
            .ok_or_else(|| mismatch(raw, operator, &one.ty, &other.ty))?;
        let operands = Box::new([one.node, other.node]);
        Ok(Typed::new(raw, NodeKind::Arithmetic { operation, operands }, ty))
    }
}

/// Returns the type of a sum, a product and so on; `None` if there is none.
fn result(operation: Arithmetic, one: &Type, other: &Type) -> Option<Type> {
    use Arithmetic::Add;
    use Arithmetic::Remainder;
    use Arithmetic::Subtract;
    Some(match (operation, one, other) {
        (_, Type::Any, _) | (_, _, Type::Any) => Type::Any,
        (_, Type::Int, Type::Int) => Type::Int,
        (operation, Type::Double, Type::Double) if operation != Remainder => Type::Double,
        (Add, Type::Text | Type::Words(_), Type::Text | Type::Words(_)) => Type::Text,
        (Add, Type::List(one), Type::List(other)) => Type::list(one.or(other)),
        (Add, Type::Time, Type::Duration)
        | (Add, Type::Duration, Type::Time)
        | (Subtract, Type::Time, Type::Duration) => Type::Time,
        (Subtract, Type::Time, Type::Time) | (Add | Subtract, Type::Duration, Type::Duration) => {
            Type::Duration
        }
        _ => return None,
    })
}

fn has_order(ty: &Type) -> bool {
    match ty {
        Type::Any | Type::Bool | Type::Int | Type::Double | Type::Text | Type::Time | Type::Duration => true,
        // The order of the alphabet means nothing for words like `error` and `warning`.
        Type::Words(_) | Type::Null | Type::List(_) | Type::Map(_) | Type::Block(_) => false,
    }
}

fn mismatch(raw: &Raw, operator: Operator, one: &Type, other: &Type) -> Mistake {
    let mistake = wrong(&raw.at, format!("`{}` does not take {one} and {other}", operator.as_str()));
    match (one, other) {
        (Type::Int, Type::Double) | (Type::Double, Type::Int) => {
            mistake.help("write `2.0` for 2, or convert with `double(…)` or `int(…)`")
        }
        (Type::Time, Type::Text) | (Type::Text, Type::Time) => {
            mistake.help("write `timestamp(\"2026-11-22T21:04:00Z\")`")
        }
        (Type::Duration, Type::Text | Type::Int) | (Type::Text | Type::Int, Type::Duration) => {
            mistake.help("write `duration(\"15m\")`")
        }
        _ => mistake,
    }
}

/// Looks whether a word that is compared with one of a closed set is in the set: a slip is never equal.
fn known_words(ty: &Type, node: &Node) -> Result<(), Mistake> {
    let (Type::Words(words), NodeKind::Constant(Value::Text(word))) = (ty, &node.kind) else { return Ok(()) };
    if words.iter().any(|known| **known == **word) {
        return Ok(());
    }
    let help = did_you_mean(word, words.iter().map(String::as_str))
        .unwrap_or_else(|| format!("it is one of {}", words.join(", ")));
    let shown: String = word.chars().take(40).collect();
    Err(Mistake::new("unknown-word", node.at.clone(), format!("this is never \"{shown}\"")).help(help))
}
