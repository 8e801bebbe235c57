//! What differs between two looks at one estate, in the words of the domain.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Map;
use serde_json::Value;

use crate::model::fact_source;
use crate::model::fact_source::FactSource;
use crate::syntax::inventory::Inventory;

/// How a fact differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The thing is there now, and was not.
    Appeared,
    /// The thing is not there any more.
    Gone,
    /// It has another value.
    Changed,
    /// It was unknown.
    Known,
    /// It was known, and nobody knows it now.
    Unknown,
}

/// One fact that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// What it is about: `machine`, `datastore`, …
    pub kind: &'static str,
    /// Its name; empty for what there is one of.
    pub name: String,
    /// Key of the fact inside it, such as `azure_vm.power_state`; empty for the thing itself.
    pub key: String,
    /// How it differs.
    pub change: Change,
    /// What it was; none if it was unknown.
    pub before: Option<Value>,
    /// What it is; none if it is unknown.
    pub after: Option<Value>,
    /// Who can know it.
    pub source: FactSource,
}

/// Sections of an inventory that are lists of named things: key, word for one of them, key of its name.
const LISTS: &[(&str, &str, &str)] = &[
    ("vcenters", "vCenter", "id"),
    ("hosts", "host", "name"),
    ("datastores", "datastore", "name"),
    ("master_targets", "master target", "name"),
    ("process_servers", "process server", "name"),
    ("appliances", "appliance", "name"),
    ("automation_accounts", "Automation account", "name"),
    ("replication_groups", "replication group", "name"),
    ("machines", "machine", "name"),
];

/// Sections that there is one of: key, and the word for it.
const SINGLE: &[(&str, &str)] = &[
    ("vault", "vault"),
    ("configuration_server", "configuration server"),
    ("network", "network"),
    ("storage_accounts", "storage accounts"),
];

/// Words of keys that are not their own words with spaces.
const WORDS: &[(&str, &str)] = &[
    ("azure_vm", "Azure VM"),
    ("onprem_vm", "on-premises VM"),
    ("asr", "Site Recovery"),
    ("vms", "VMs"),
    ("os", "operating system"),
    ("uuid", "UUID"),
    ("ip", "address"),
    ("vcenter", "vCenter"),
    ("vnet", "virtual network"),
    ("rpo_seconds", "RPO"),
    ("ram_gb", "memory"),
    ("cpu", "processors"),
    ("enable_uuid", "disk.EnableUUID"),
    ("bandwidth_mbps", "bandwidth in Mbit/s"),
    ("lvm", "LVM"),
    ("tools", "VMware Tools"),
];

/// Returns a key in words: `azure_vm.power_state` is `Azure VM power state`.
#[must_use]
pub fn in_words(key: &str) -> String {
    let part = |part: &str| {
        let known = WORDS.iter().find(|(key, _)| *key == part).map(|(_, words)| (*words).to_owned());
        known.unwrap_or_else(|| part.strip_suffix("_gb").unwrap_or(part).replace('_', " "))
    };
    key.split('.').map(part).collect::<Vec<_>>().join(" ")
}

/// Returns what differs between two looks at an estate, section by section in the order of the document, things and facts in theirs.
///
/// When it was looked is no difference; neither is the order of a list.
///
/// # Panics
///
/// If an inventory has no JSON form, which every one has.
#[must_use]
pub fn between(before: &Inventory, after: &Inventory) -> Vec<Drift> {
    let json = |inventory| match serde_json::to_value(inventory).expect("documents have a JSON form") {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let (before, after) = (json(before), json(after));
    let mut found = Vec::new();
    for (section, kind) in SINGLE {
        let mut place = Place { section, kind, name: "", found: &mut found };
        place.compare("", before.get(*section), after.get(*section));
    }
    for (section, kind, id) in LISTS {
        let (then, now) = (named(before.get(*section), id), named(after.get(*section), id));
        let mut names: Vec<&String> = then.keys().chain(now.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let mut place = Place { section, kind, name, found: &mut found };
            match (then.get(name), now.get(name)) {
                (Some(then), Some(now)) => place.compare("", Some(then), Some(now)),
                // A list that is not there says nothing about what it would hold.
                (Some(_), None) if after.contains_key(*section) => place.note("", Change::Gone, None, None),
                (None, Some(_)) if before.contains_key(*section) => {
                    place.note("", Change::Appeared, None, None)
                }
                (Some(_), None) => place.note("", Change::Unknown, None, None),
                (None, _) => place.note("", Change::Known, None, None),
            }
        }
    }
    found
}

/// Returns the things of a list by their names.
fn named<'v>(list: Option<&'v Value>, id: &str) -> BTreeMap<String, &'v Value> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| Some((item.get(id)?.as_str()?.to_owned(), item))).collect()
}

/// Where facts are compared.
struct Place<'p> {
    section: &'static str,
    kind: &'static str,
    name: &'p str,
    found: &'p mut Vec<Drift>,
}

impl Place<'_> {
    fn compare(&mut self, key: &str, before: Option<&Value>, after: Option<&Value>) {
        match (before, after) {
            (Some(Value::Object(_)), Some(Value::Object(_)) | None) | (None, Some(Value::Object(_))) => {
                let (none, before) = (Map::new(), before.and_then(Value::as_object));
                let (before, after) =
                    (before.unwrap_or(&none), after.and_then(Value::as_object).unwrap_or(&none));
                let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
                keys.sort_unstable();
                keys.dedup();
                for inner in keys {
                    self.compare(&inside(key, inner), before.get(inner), after.get(inner));
                }
            }
            (Some(Value::Array(then)), Some(Value::Array(now))) => self.compare_lists(key, then, now),
            (Some(before), Some(after)) if before == after => {}
            (Some(before), Some(after)) => self.note(key, Change::Changed, Some(before), Some(after)),
            (Some(before), None) => self.note(key, Change::Unknown, Some(before), None),
            (None, Some(after)) => self.note(key, Change::Known, None, Some(after)),
            (None, None) => {}
        }
    }

    /// Lists of things with names are compared by name; others as sets.
    fn compare_lists(&mut self, key: &str, before: &[Value], after: &[Value]) {
        let id = ["id", "name"].into_iter().find(|id| {
            let all = before.iter().chain(after);
            !(before.is_empty() && after.is_empty())
                && all.clone().all(|item| item.get(id).is_some_and(Value::is_string))
        });
        let Some(id) = id else {
            let sorted = |list: &[Value]| {
                let mut texts: Vec<String> = list.iter().map(Value::to_string).collect();
                texts.sort_unstable();
                texts
            };
            if sorted(before) != sorted(after) {
                let (before, after) = (Value::Array(before.to_vec()), Value::Array(after.to_vec()));
                self.note(key, Change::Changed, Some(&before), Some(&after));
            }
            return;
        };
        let (before, after) = (Value::Array(before.to_vec()), Value::Array(after.to_vec()));
        let (then, now) = (named(Some(&before), id), named(Some(&after), id));
        let mut names: Vec<&String> = then.keys().chain(now.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let key = format!("{key}[{name}]");
            match (then.get(name), now.get(name)) {
                (Some(_), None) => self.note(&key, Change::Gone, None, None),
                (None, Some(_)) => self.note(&key, Change::Appeared, None, None),
                (then, now) => self.compare(&key, then.copied(), now.copied()),
            }
        }
    }

    fn note(&mut self, key: &str, change: Change, before: Option<&Value>, after: Option<&Value>) {
        let plain: String = without_names(key);
        let path = if self.section == "machines" { plain } else { inside(self.section, &plain) };
        self.found.push(Drift {
            kind: self.kind,
            name: self.name.to_owned(),
            key: key.to_owned(),
            change,
            before: before.cloned(),
            after: after.cloned(),
            source: fact_source::source_of(if path.is_empty() { "machines" } else { &path }),
        });
    }
}

fn inside(key: &str, inner: &str) -> String {
    if key.is_empty() || inner.is_empty() { format!("{key}{inner}") } else { format!("{key}.{inner}") }
}

/// Returns a key without the names of list items in it.
fn without_names(key: &str) -> String {
    let mut depth = 0_u32;
    let keeps = |letter: &char| {
        match letter {
            '[' => depth += 1,
            ']' => {
                depth = depth.saturating_sub(1);
                return false;
            }
            _ => {}
        }
        depth == 0
    };
    key.chars().filter(keeps).collect()
}

impl Drift {
    /// Returns the difference as a sentence without an end.
    #[must_use]
    pub fn sentence(&self) -> String {
        let name = if self.name.is_empty() { String::new() } else { format!(" `{}`", self.name) };
        let subject = format!("{}{name}", self.kind);
        if self.key.is_empty() {
            return match self.change {
                Change::Appeared => format!("{subject} is new"),
                Change::Gone => format!("{subject} is gone"),
                Change::Known => format!("{subject} is known now"),
                Change::Unknown => format!("nothing is known of {subject} any more"),
                Change::Changed => {
                    format!(
                        "{subject} was {}, is {}",
                        shown(self.before.as_ref()),
                        shown(self.after.as_ref())
                    )
                }
            };
        }
        let fact = in_words(&self.key);
        match self.change {
            Change::Appeared => format!("{subject}: {fact} is new"),
            Change::Gone => format!("{subject}: {fact} is gone"),
            Change::Changed => {
                format!(
                    "{subject}: {fact} was {}, is {}",
                    shown(self.before.as_ref()),
                    shown(self.after.as_ref())
                )
            }
            Change::Known => format!("{subject}: {fact} is {}, and was unknown", shown(self.after.as_ref())),
            Change::Unknown => {
                format!("{subject}: {fact} was {}, and is unknown now", shown(self.before.as_ref()))
            }
        }
    }
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "unknown".to_owned(),
        Some(Value::Null) => "none".to_owned(),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => {
            number.as_f64().map_or_else(|| number.to_string(), |number| number.to_string())
        }
        Some(Value::Array(items)) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            let items: Vec<String> = items.iter().map(|item| shown(Some(item))).collect();
            if items.is_empty() { "empty".to_owned() } else { items.join(", ") }
        }
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;
    use crate::syntax::Document;

    fn read(text: &str) -> Inventory {
        let text = format!("kind: Inventory\nversion: 1\nname: gmh\n{text}");
        let mut sources = Sources::new();
        let index = sources.add("facts.yaml", text).expect("short");
        let mut diagnostics = Vec::new();
        let documents = crate::syntax::parse(sources.get(index), &mut diagnostics);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        match documents.into_iter().next() {
            Some(Document::Inventory(inventory)) => *inventory,
            other => panic!("an inventory was written: {other:?}"),
        }
    }

    fn told(before: &str, after: &str) -> Vec<String> {
        between(&read(before), &read(after)).iter().map(Drift::sentence).collect()
    }

    #[test]
    fn a_fact_that_changed_is_told_in_the_words_of_the_domain() {
        let before =
            "machines: [{name: w1, azure_vm: {power_state: running, disks: [{id: disk0, size_gb: 80}]}}]";
        let after = "machines: [{name: w1, azure_vm: {power_state: deallocated, disks: [{id: disk0, size_gb: 100}, {id: disk1}]}}]";
        assert_eq!(
            told(before, after),
            [
                "machine `w1`: Azure VM disks[disk0] size was 80, is 100",
                "machine `w1`: Azure VM disks[disk1] is new",
                "machine `w1`: Azure VM power state was running, is deallocated",
            ]
        );
        let found = between(&read(before), &read(after));
        assert_eq!(found[2].source, FactSource::Azure);
    }

    #[test]
    fn the_order_of_a_list_and_the_moment_of_the_look_are_no_difference() {
        let before = "observed_at: 2026-10-09T11:00:00Z\nhosts: [{name: a, vms: [x, y]}, {name: b}]\nstorage_accounts: [p, q]";
        let after = "observed_at: 2026-10-10T11:00:00Z\nhosts: [{name: b}, {name: a, vms: [y, x]}]\nstorage_accounts: [q, p]";
        assert_eq!(told(before, after), Vec::<String>::new());
    }

    #[test]
    fn what_nobody_looked_at_is_not_gone() {
        assert_eq!(
            told("hosts: [{name: a}]\ndatastores: [{name: d}]", "hosts: []"),
            ["host `a` is gone", "nothing is known of datastore `d` any more"]
        );
        assert_eq!(
            told("machines: [{name: w1}]", "machines: [{name: w1, asr: {health: ok}}, {name: w2}]"),
            ["machine `w1`: Site Recovery health is ok, and was unknown", "machine `w2` is new"]
        );
    }
}
