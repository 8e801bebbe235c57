//! Names that stand twice where each must be its own.

use std::collections::HashMap;

use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::decode::quoted;
use crate::syntax::view::View;

/// The lists of a plan whose items have names of their own, with what an item is called.
const OF_A_PLAN: [(&str, &str); 4] = [
    ("replication_groups", "replication group"),
    ("boot_groups", "boot group"),
    ("actions", "action"),
    ("drills", "drill"),
];

/// The lists of an inventory, with what an item is called and the key of its name.
const OF_AN_INVENTORY: [(&str, &str, &str); 8] = [
    ("machines", "machine", "name"),
    ("hosts", "host", "name"),
    ("datastores", "datastore", "name"),
    ("vcenters", "vCenter", "id"),
    ("master_targets", "master target", "name"),
    ("process_servers", "process server", "name"),
    ("appliances", "appliance", "name"),
    ("replication_groups", "replication group", "name"),
];

/// A name, where it stands, and the number of its item in its list.
type Name<'t> = (&'t str, Span, usize);

pub(super) fn check_plan(plan: View<'_, '_>, found: &mut Vec<Diagnostic>) {
    for (list, what) in OF_A_PLAN {
        twice(plan, "", list, "name", what, found);
    }
    for list in ["machines", "replication_groups"] {
        for (at, item) in plan.list(list).enumerate() {
            twice(item, &format!("{list}[{at}]."), "verify", "name", "probe", found);
        }
    }
    if let Some(defaults) = plan.get("defaults") {
        twice(defaults, "defaults.", "verify", "name", "probe", found);
    }
    let members = members(plan);
    in_two_groups(&members, found);
    let listed = listed(plan);
    listed_twice(&listed, found);
    one_meaning_each(plan, members.iter().map(|(_, name)| name).chain(&listed), found);
}

pub(super) fn check_inventory(inventory: View<'_, '_>, found: &mut Vec<Diagnostic>) {
    for (list, what, key) in OF_AN_INVENTORY {
        twice(inventory, "", list, key, what, found);
    }
}

/// Returns the names of a list's items.
fn names<'t>(document: View<'t, '_>, list: &str, key: &str) -> impl Iterator<Item = Name<'t>> {
    document.list(list).enumerate().filter_map(move |(at, item)| {
        let name = item.get(key)?;
        Some((name.text()?, name.span(), at))
    })
}

/// Looks for names that stand twice in a list of a mapping, whose path is `within`.
fn twice(
    mapping: View<'_, '_>,
    within: &str,
    list: &str,
    key: &str,
    what: &str,
    found: &mut Vec<Diagnostic>,
) {
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for (name, span, at) in names(mapping, list, key) {
        let first = *seen.entry(name).or_insert(span);
        if first != span {
            let message = format!("a second {what} is named {}", quoted(name));
            found.push(
                Diagnostic::error("duplicate-name", span, message)
                    .label(first, "the first one is here")
                    .help(format!("give each {what} its own name"))
                    .path(format!("{within}{list}[{at}].{key}")),
            );
        }
    }
}

/// Returns the machines of the replication groups, each with the number of its group.
fn members<'t>(plan: View<'t, '_>) -> Vec<(usize, Name<'t>)> {
    let groups = plan.list("replication_groups").enumerate();
    let members = groups.flat_map(|(group, item)| {
        let machines = item.list("machines").enumerate();
        machines.filter_map(move |(at, name)| Some((group, (name.text()?, name.span(), at))))
    });
    members.collect()
}

/// Returns the machines that the plan lists.
fn listed<'t>(plan: View<'t, '_>) -> Vec<Name<'t>> {
    let machines = plan.list("machines").enumerate();
    let listed = machines.filter_map(|(at, item)| {
        let name = if item.is_mapping() { item.get("name")? } else { item };
        Some((name.text()?, name.span(), at))
    });
    listed.collect()
}

fn in_two_groups(members: &[(usize, Name<'_>)], found: &mut Vec<Diagnostic>) {
    let mut seen: HashMap<&str, (usize, Span)> = HashMap::new();
    for (group, (name, span, at)) in members {
        let (first_group, first) = *seen.entry(name).or_insert((*group, *span));
        // Twice in one list is told as that.
        if first_group != *group {
            let message = format!("{} is in a replication group already", quoted(name));
            found.push(
                Diagnostic::error("duplicate-name", *span, message)
                    .label(first, "the first place is here")
                    .help("keep one: a machine is in one replication group at most")
                    .path(format!("replication_groups[{group}].machines[{at}]")),
            );
        }
    }
}

fn listed_twice(listed: &[Name<'_>], found: &mut Vec<Diagnostic>) {
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for (name, span, at) in listed {
        let first = *seen.entry(name).or_insert(*span);
        if first != *span {
            found.push(
                Diagnostic::error("duplicate-name", *span, format!("{} is listed already", quoted(name)))
                    .label(first, "the first place is here")
                    .help("keep one entry for each machine")
                    .path(format!("machines[{at}]")),
            );
        }
    }
}

/// Reports names that mean two things: `depends_on` and `of` name machines, replication groups and boot groups alike.
fn one_meaning_each<'a, 't: 'a>(
    plan: View<'t, '_>,
    machines: impl Iterator<Item = &'a Name<'t>>,
    found: &mut Vec<Diagnostic>,
) {
    let mut taken: HashMap<&str, (&str, Span)> = HashMap::new();
    for (name, span, _) in machines {
        taken.entry(name).or_insert(("machine", *span));
    }
    let groups = [("replication_groups", "replication group"), ("boot_groups", "boot group")];
    for (list, what) in groups {
        for (name, span, at) in names(plan, list, "name") {
            let (other, first) = *taken.entry(name).or_insert((what, span));
            if other != what {
                let message = format!("{} names a {other} and a {what}", quoted(name));
                found.push(
                    Diagnostic::error("duplicate-name", span, message)
                        .label(first, format!("the {other} is here"))
                        .help("rename one: `depends_on` and `of` could not tell them apart")
                        .path(format!("{list}[{at}].name")),
                );
            }
        }
    }
}
