//! Digests of plans and facts: the same content gives the same digest, whatever its layout was.

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
    let machines: Vec<Resolved<'_>> = model
        .machines()
        .map(|machine| Resolved {
            name: &machine.name().value,
            replication_group: machine.group().map(|group| group.name().value.as_str()),
            settings: machine.settings(),
        })
        .collect();
    let accepted = accepted(model);
    match accepted.is_empty() {
        true => of(&(&model.plan, machines)),
        false => of(&(&model.plan, machines, accepted)),
    }
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
    use std::collections::BTreeMap;

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
