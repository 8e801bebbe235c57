//! Digests of plans and facts: the same content gives the same digest, whatever its layout was.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Serialize;
use sha2::Digest as _;
use sha2::Sha256;

use crate::model::Model;
use crate::model::settings::Settings;

/// Returns `sha256:` and the digest of a value's JSON, with the keys of its mappings in order.
///
/// # Panics
///
/// If the value has no JSON form, which every document and event has.
#[must_use]
pub fn of<T: Serialize>(value: &T) -> String {
    // A JSON value keeps its keys sorted, which makes the text canonical.
    let json = serde_json::to_value(value).expect("documents and events have a JSON form");
    in_words(json.to_string().as_bytes())
}

/// Returns `sha256:` and the digest of a value's JSON as it is written: for values whose keys always come in one order.
///
/// A run takes the digest of the facts at each guard; sorting their keys each time would cost more than the guard.
///
/// # Panics
///
/// If the value has no JSON form, which every document and event has.
#[must_use]
pub fn of_ordered<T: Serialize>(value: &T) -> String {
    let json = serde_json::to_vec(value).expect("documents and events have a JSON form");
    in_words(&json)
}

/// Returns `sha256:` and the digest of a text.
#[must_use]
pub fn of_text(text: &str) -> String {
    in_words(text.as_bytes())
}

fn in_words(json: &[u8]) -> String {
    let mut text = String::with_capacity("sha256:".len() + 64);
    text.push_str("sha256:");
    for byte in Sha256::digest(json) {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).expect("half a byte is one digit"));
        }
    }
    text
}

/// What a plan says about a machine, defaults merged.
#[derive(Serialize)]
struct Resolved<'m> {
    name: &'m str,
    replication_group: Option<&'m str>,
    settings: &'m Settings,
}

fn resolved(model: &Model) -> impl Iterator<Item = Resolved<'_>> {
    model.machines().map(|machine| Resolved {
        name: &machine.name().value,
        replication_group: machine.group().map(|group| group.name().value.as_str()),
        settings: machine.settings(),
    })
}

/// What a comment accepts, and where it is written: the line's own words, since lines move.
#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Accepted<'m> {
    in_inventory: bool,
    rules: Vec<&'m str>,
    reason: &'m str,
    of: Option<&'m str>,
    line: &'m str,
}

/// Returns what comments of plan and inventory accept, in an order of its own.
fn accepted(model: &Model) -> Vec<Accepted<'_>> {
    let here = model.plan.remarks.iter().map(|remark| (remark, false));
    let all = here.chain(model.inventory.remarks.iter().map(|remark| (remark, true)));
    let mut all: Vec<Accepted<'_>> = all
        .map(|(remark, in_inventory)| Accepted {
            in_inventory,
            rules: remark.rules.iter().map(|rule| rule.value.as_str()).collect(),
            reason: &remark.reason,
            of: remark.of.as_deref(),
            line: &remark.text,
        })
        .collect();
    all.sort_unstable();
    all
}

/// Returns the digest of a plan as it was resolved: what it says, and what that means for each machine; of comments, what
/// they accept in plan and inventory.
///
/// Layout, other comments and aliases of the document don't count; defaults that are merged do.
#[must_use]
pub fn plan(model: &Model) -> String {
    let machines: Vec<Resolved<'_>> = resolved(model).collect();
    let accepted = accepted(model);
    match accepted.is_empty() {
        true => of(&(&model.plan, machines)),
        false => of(&(&model.plan, machines, accepted)),
    }
}

/// Returns the digest of what a plan says itself, whatever facts it is resolved with: of comments, what they accept in it.
#[must_use]
pub fn written(model: &Model) -> String {
    let accepted: Vec<Accepted<'_>> =
        accepted(model).into_iter().filter(|accepted| !accepted.in_inventory).collect();
    of(&(&model.plan, accepted))
}

/// Digests of what a document consists of, by name: `network`, `machine w1`. They tell what differs between two of a kind.
pub type Parts = BTreeMap<String, String>;

/// Returns the digests of a plan's parts: its keys, and its machines with their defaults merged.
///
/// # Panics
///
/// If the plan has no JSON form, which every document has.
#[must_use]
pub fn parts_of_plan(model: &Model) -> Parts {
    let mut parts = parts_of(&serde_json::to_value(&model.plan).expect("a plan has a JSON form"));
    for machine in resolved(model) {
        parts.insert(format!("machine {}", machine.name), of(&machine));
    }
    parts
}

/// Returns the digests of the parts of a plan's facts: its keys, and each server and machine by its name.
///
/// # Panics
///
/// If the facts have no JSON form, which every document has.
#[must_use]
pub fn parts_of_facts(model: &Model) -> Parts {
    parts_of(&serde_json::to_value(&model.inventory).expect("facts have a JSON form"))
}

/// Returns what two of a kind don't have in common, by name.
#[must_use]
pub fn differing<'p>(one: &'p Parts, other: &'p Parts) -> Vec<&'p str> {
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    names.into_iter().filter(|name| one.get(*name) != other.get(*name)).map(String::as_str).collect()
}

fn parts_of(document: &serde_json::Value) -> Parts {
    let mut parts = Parts::new();
    for (key, value) in document.as_object().into_iter().flatten() {
        // `machines` has a machine for each entry, if they have names.
        let named = |entry: &serde_json::Value| Some(entry.get("name")?.as_str()?.to_owned());
        let entries = value.as_array().map_or(&[][..], Vec::as_slice);
        let names: Option<Vec<String>> = entries.iter().map(named).collect();
        match names.filter(|names| !names.is_empty()) {
            Some(names) => {
                let one = key.strip_suffix('s').unwrap_or(key).replace('_', " ");
                parts.extend(
                    names.iter().zip(entries).map(|(name, entry)| (format!("{one} {name}"), of(entry))),
                );
            }
            None => {
                parts.insert(key.clone(), of(value));
            }
        }
    }
    parts
}

/// Returns the digest of what comments of plan and inventory accept.
#[must_use]
pub fn waiver_comments(model: &Model) -> String {
    of(&accepted(model))
}

/// Returns the digest of the facts that a plan was bound to, the moment of their observation included.
#[must_use]
pub fn facts(model: &Model) -> String {
    of(&model.inventory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_keys_does_not_count_and_their_values_do() {
        let one: serde_json::Value = serde_json::from_str(r#"{"a":1,"b":2}"#).expect("JSON");
        let other: serde_json::Value = serde_json::from_str(r#"{"b":2,"a":1}"#).expect("JSON");
        assert_eq!(of(&one), of(&other));
        assert_ne!(of(&one), of(&BTreeMap::from([("a", 1), ("b", 3)])));
        assert!(of(&one).starts_with("sha256:"));
        assert_eq!(of(&one), of_ordered(&one));
    }
}
