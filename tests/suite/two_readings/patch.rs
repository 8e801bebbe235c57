//! Changes of documents: merge patches in the form of the rules' fixtures, applied to a document and taken from two of them.

use serde_yaml::Mapping;
use serde_yaml::Value;

/// Applies a merge patch: `null` takes a key out, `"!null"` writes a null, and a list of things with names is changed by a
/// mapping from names to changes.
pub fn apply(target: &mut Value, patch: &Value) {
    match (target, patch) {
        (_, Value::Null) => {}
        (Value::Mapping(target), Value::Mapping(patch)) => {
            for (key, change) in patch {
                if change.is_null() {
                    target.remove(key);
                } else {
                    apply(target.entry(key.clone()).or_insert(Value::Null), change);
                }
            }
        }
        (Value::Sequence(items), Value::Mapping(patch)) => {
            for (name, change) in patch {
                apply_to_item(items, name, change);
            }
        }
        (target, Value::Mapping(patch)) => {
            *target = Value::Mapping(Mapping::new());
            apply(target, &Value::Mapping(patch.clone()));
        }
        (target, change) => *target = written(change),
    }
}

fn written(change: &Value) -> Value {
    if change.as_str() == Some("!null") { Value::Null } else { change.clone() }
}

fn apply_to_item(items: &mut Vec<Value>, name: &Value, change: &Value) {
    let at = items.iter().position(|item| name_of(item) == Some(name));
    match (at, change) {
        (Some(at), Value::Null) => drop(items.remove(at)),
        (Some(at), change) if items[at].is_mapping() => apply(&mut items[at], change),
        // A thing that was only named has more to it now.
        (Some(at), change) => items[at] = named(name, change),
        (None, Value::Null) => {}
        (None, change) => items.push(named(name, change)),
    }
}

fn named(name: &Value, change: &Value) -> Value {
    let mut item = Value::Mapping(Mapping::from_iter([(Value::from("name"), name.clone())]));
    apply(&mut item, change);
    if let Value::Mapping(item) = &mut item
        && item.contains_key("id")
    {
        item.remove("name");
    }
    item
}

/// Returns by what a thing of a list is known: its name, its id, or itself.
pub fn name_of(item: &Value) -> Option<&Value> {
    match item {
        Value::Mapping(_) => item.get("name").or_else(|| item.get("id")),
        Value::String(_) => Some(item),
        _ => None,
    }
}

/// Returns the merge patch that turns one document into another; null if they are the same.
pub fn difference(from: &Value, to: &Value) -> Value {
    if from == to {
        return Value::Null;
    }
    let named = |items: &[Value]| items.iter().all(|item| item.is_mapping() && name_of(item).is_some());
    let mut patch = Mapping::new();
    match (from, to) {
        (Value::Mapping(from), Value::Mapping(to)) => {
            for (key, value) in to {
                let change = from.get(key).map_or_else(|| added(value), |from| difference(from, value));
                if !change.is_null() {
                    patch.insert(key.clone(), change);
                }
            }
            for (key, _) in from.iter().filter(|(key, _)| !to.contains_key(*key)) {
                patch.insert(key.clone(), Value::Null);
            }
        }
        (Value::Sequence(from), Value::Sequence(to)) if !to.is_empty() && named(from) && named(to) => {
            let find = |items: &[Value], name| items.iter().find(|item| name_of(item) == name).cloned();
            for item in to {
                let change = match find(from, name_of(item)) {
                    Some(from) => difference(&from, item),
                    None => added(item),
                };
                if let Some(name) = name_of(item).filter(|_| !change.is_null()) {
                    patch.insert(name.clone(), change);
                }
            }
            for name in from.iter().filter_map(name_of) {
                if find(to, Some(name)).is_none() {
                    patch.insert(name.clone(), Value::Null);
                }
            }
        }
        (_, to) => return added(to),
    }
    Value::Mapping(patch)
}

/// Returns the change that writes a value where there is none.
fn added(value: &Value) -> Value {
    match value {
        Value::Null => Value::from("!null"),
        Value::Mapping(mapping) => {
            Value::Mapping(mapping.iter().map(|(key, value)| (key.clone(), added(value))).collect())
        }
        other => other.clone(),
    }
}
