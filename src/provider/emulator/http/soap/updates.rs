//! Updates: a client names what it wants to know, and is told what has changed since it was told last.
//!
//! An answer never waits: a client that finds nothing new is told so at once, and asks again.

use std::collections::BTreeMap;

use crate::provider::emulator::http::soap::collector;
use crate::provider::emulator::http::soap::envelope::Call;
use crate::provider::emulator::http::soap::envelope::Fault;
use crate::provider::emulator::http::soap::estate::Estate;
use crate::provider::emulator::http::soap::state::Filter;
use crate::provider::emulator::http::soap::state::State;
use crate::provider::emulator::http::soap::value::Fields;
use crate::provider::emulator::http::soap::value::Reference;
use crate::provider::emulator::http::soap::value::Value;

/// Makes a filter.
pub(super) fn create(
    estate: &Estate<'_>,
    call: &Call,
    session: &str,
    state: &mut State,
) -> Result<Reference, Fault> {
    let spec = call.argument("spec").ok_or_else(|| Fault::invalid_argument("spec"))?;
    // What can't be followed is refused here, and not when it is waited for.
    collector::found(estate, spec, session, state)?;
    Ok(state.add_filter(session, spec.clone()))
}

/// Returns what has changed; nothing, if nothing has.
pub(super) fn wait(
    estate: &Estate<'_>,
    call: &Call,
    session: &str,
    state: &mut State,
) -> Result<Vec<(&'static str, Value)>, Fault> {
    let known = call.argument("version").map(|node| node.text.trim()).unwrap_or_default();
    let (mut filters, version) = state.take_filters(session);
    let from_start = known.is_empty();
    let mut sets = Vec::new();
    for (id, filter) in &mut filters {
        if from_start {
            filter.told.clear();
        }
        let changes = changes(estate, filter, session, state);
        match changes {
            Ok(changes) if changes.is_empty() => {}
            Ok(changes) => sets.push(
                Fields::default()
                    .set("filter", Value::Reference(Reference::new("PropertyFilter", id.clone())))
                    .set("objectSet", Value::List("ObjectUpdate", changes))
                    .data("PropertyFilterUpdate"),
            ),
            Err(fault) => {
                state.put_filters(session, filters, version);
                return Err(fault);
            }
        }
    }
    let version = if sets.is_empty() { version } else { version + 1 };
    state.put_filters(session, filters, version);
    if sets.is_empty() {
        return Ok(Vec::new());
    }
    let update = Fields::default()
        .set("version", Value::text(version.to_string()))
        .set("filterSet", Value::List("PropertyFilterUpdate", sets))
        .set("truncated", Value::truth(false));
    Ok(vec![("returnval", update.data("UpdateSet"))])
}

fn changes(
    estate: &Estate<'_>,
    filter: &mut Filter,
    session: &str,
    state: &State,
) -> Result<Vec<Value>, Fault> {
    let mut before = std::mem::take(&mut filter.told);
    let mut updates = Vec::new();
    for found in collector::found(estate, &filter.spec, session, state)? {
        let old = before.remove(&found.reference);
        let mut told = BTreeMap::new();
        let mut changed = Vec::new();
        for (path, value) in found.properties {
            let mut text = String::new();
            value.write_typed(&mut text, "val");
            if old.as_ref().and_then(|old| old.get(&path)) != Some(&text) {
                changed.push(change(&path, Some(value)));
            }
            told.insert(path, text);
        }
        let gone = old.iter().flatten().filter(|(path, _)| !told.contains_key(*path));
        changed.extend(gone.map(|(path, _)| change(path, None)));
        let kind = if old.is_some() { "modify" } else { "enter" };
        if old.is_none() || !changed.is_empty() {
            updates.push(update(kind, &found.reference, changed));
        }
        filter.told.insert(found.reference, told);
    }
    updates.extend(before.keys().map(|gone| update("leave", gone, Vec::new())));
    Ok(updates)
}

fn update(kind: &str, object: &Reference, changes: Vec<Value>) -> Value {
    Fields::default()
        .set("kind", Value::word("ObjectUpdateKind", kind))
        .set("obj", Value::Reference(object.clone()))
        .set("changeSet", Value::List("PropertyChange", changes))
        .data("ObjectUpdate")
}

fn change(path: &str, value: Option<Value>) -> Value {
    let op = if value.is_some() { "assign" } else { "remove" };
    Fields::default()
        .set("name", Value::text(path))
        .set("op", Value::word("PropertyChangeOp", op))
        .maybe("val", value.map(|value| Value::Typed(Box::new(value))))
        .data("PropertyChange")
}
