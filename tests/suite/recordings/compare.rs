//! Whether an answer of the emulator has the shape of a recorded one: the same keys with values of the same types.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

/// One way in which an answer differs from the recorded one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// Where: names of members, `[]` for any entry of a list.
    pub at: String,
    /// How.
    pub how: String,
}

/// Members whose own members are names, not keys.
const MAPS: [&str; 4] = ["consistencyPoints", "categorizedResourceCounts", "tags", "affectedObjectDetails"];

/// Members that are called otherwise since they were recorded: the name in the models of 2025 stands second.
const RENAMED: [(&str, &str); 5] = [
    ("replicationHealthErrors", "healthErrors"),
    ("sourceVmCPUCount", "sourceVmCpuCount"),
    ("sourceVmRAMSizeInMB", "sourceVmRamSizeInMB"),
    ("enableRDPOnTargetOption", "enableRdpOnTargetOption"),
    ("vCenterFQDN", "vCenterFqdn"),
];

/// Members that tell entries of different kinds apart.
const KINDS: [&str; 2] = ["instanceType", "taskType"];

/// Returns what differs. Every value may be `null` on either side: no model of the service has a member that may not.
pub fn differences(recorded: &Value, ours: &Value, vocabulary: &BTreeSet<String>) -> BTreeSet<Difference> {
    let mut found = BTreeSet::new();
    compare(recorded, ours, "", &mut found);
    invented(ours, "", vocabulary, &mut found);
    found
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn kind(value: &Value) -> Option<&str> {
    let properties = &value["properties"];
    let inside = [value, &properties["providerSpecificDetails"], &properties["customDetails"]];
    inside.into_iter().find_map(|value| KINDS.iter().find_map(|member| value[member].as_str()))
}

fn compare(recorded: &Value, ours: &Value, at: &str, found: &mut BTreeSet<Difference>) {
    match (recorded, ours) {
        (Value::Null, _) | (_, Value::Null) => {}
        (Value::Object(recorded), Value::Object(ours)) => {
            if at.rsplit('.').next().is_some_and(|last| MAPS.contains(&last)) {
                return;
            }
            let kinds = KINDS.map(|kind| (recorded.get(kind), ours.get(kind)));
            if let Some((was, is)) =
                kinds.iter().find_map(|(was, is)| was.zip(*is)).filter(|(was, is)| was != is)
            {
                found.insert(Difference { at: at.to_owned(), how: format!("is {is} and was {was}") });
                return;
            }
            for (name, value) in recorded {
                let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                let now = RENAMED.iter().find(|(was, _)| was == name).map_or(name.as_str(), |(_, is)| *is);
                match ours.get(name).or_else(|| ours.get(now)) {
                    Some(own) => compare(value, own, &at, found),
                    None => {
                        found.insert(Difference { at, how: "is missing".to_owned() });
                    }
                }
            }
        }
        (Value::Array(recorded), Value::Array(ours)) => {
            let at = format!("{at}[]");
            for (kind, recorded) in by_kind(recorded) {
                let common = common(&recorded);
                for own in ours.iter().filter(|own| self::kind(own).map(str::to_owned) == kind) {
                    compare(&common, own, &at, found);
                }
            }
        }
        (recorded, ours) if type_of(recorded) != type_of(ours) => {
            let how = format!("is {} and was {}", type_of(ours), type_of(recorded));
            found.insert(Difference { at: at.to_owned(), how });
        }
        _ => {}
    }
}

fn by_kind(values: &[Value]) -> BTreeMap<Option<String>, Vec<&Value>> {
    let mut kinds: BTreeMap<Option<String>, Vec<&Value>> = BTreeMap::new();
    for value in values {
        kinds.entry(kind(value).map(str::to_owned)).or_default().push(value);
    }
    kinds
}

/// Returns what all entries of a list have: members that only some have are not asked for. Of entries that are of other kinds
/// inside, the first is taken.
fn common(values: &[&Value]) -> Value {
    let Some(Value::Object(first)) = values.first() else {
        return values.first().map_or(Value::Null, |first| (*first).clone());
    };
    let mut common = first.clone();
    common.retain(|name, _| values.iter().all(|value| value.get(name).is_some()));
    for (name, value) in &mut common {
        if value.is_null() {
            let known = values.iter().map(|other| &other[name]).find(|other| !other.is_null());
            *value = known.cloned().unwrap_or(Value::Null);
        }
    }
    Value::Object(common)
}

/// Finds members that neither a recording nor a model has.
fn invented(ours: &Value, at: &str, vocabulary: &BTreeSet<String>, found: &mut BTreeSet<Difference>) {
    match ours {
        Value::Object(members) => {
            if at.rsplit('.').next().is_some_and(|last| MAPS.contains(&last)) {
                return;
            }
            for (name, value) in members {
                let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                if vocabulary.contains(name) {
                    invented(value, &at, vocabulary, found);
                } else {
                    found.insert(Difference { at, how: "is known to no recording and no model".to_owned() });
                }
            }
        }
        Value::Array(entries) => {
            for entry in entries {
                invented(entry, &format!("{at}[]"), vocabulary, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Adds every name of a member in a document.
pub fn names(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                into.insert(name.clone());
                names(value, into);
            }
        }
        Value::Array(entries) => entries.iter().for_each(|entry| names(entry, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(recorded: Value, ours: Value) -> Vec<(String, String)> {
        let mut vocabulary = BTreeSet::new();
        names(&recorded, &mut vocabulary);
        let found = differences(&recorded, &ours, &vocabulary);
        found.into_iter().map(|difference| (difference.at, difference.how)).collect()
    }

    #[test]
    fn a_missing_member_another_type_and_an_invented_member_are_found() {
        let recorded = json!({"a": {"b": 1, "c": "x"}, "list": [{"d": true}, {"d": false, "e": 1}]});
        let ours = json!({"a": {"b": "1", "z": 1}, "list": [{"d": 3}]});
        let told: Vec<String> =
            found(recorded, ours).into_iter().map(|(at, how)| format!("{at} {how}")).collect();
        assert_eq!(
            told,
            [
                "a.b is text and was a number",
                "a.c is missing",
                "a.z is known to no recording and no model",
                "list[].d is a number and was a boolean",
            ]
        );
    }

    #[test]
    fn nothing_is_said_about_null_and_about_entries_of_another_kind() {
        let recorded = json!({"a": null, "b": "x", "tasks": [{"taskType": "One", "one": 1}, {"taskType": "Two", "two": 2}]});
        let ours = json!({"a": 1, "b": null, "tasks": [{"taskType": "Two", "two": 4}]});
        assert_eq!(found(recorded, ours), []);
    }
}
