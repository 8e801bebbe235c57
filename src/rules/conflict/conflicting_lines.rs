//! FB532: lines of the plan that can't hold together, told once instead of symptom by symptom.

use std::collections::BTreeMap;

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::conflict::MOST;
use crate::rules::conflict::choice::Change;
use crate::rules::conflict::choice::Key;
use crate::rules::conflict::solve;
use crate::rules::conflict::solve::Conflict;
use crate::rules::conflict::unit::Unit;
use crate::syntax::inventory::Experience;

pub(crate) static RULE: Rule = Rule {
    id: "FB532",
    name: "conflicting-lines",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Product,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "lines of the plan can't hold together, whatever the others say",
    docs: "\
### What it checks
Machines and replication groups of which two errors or more have a line of the plan in common: their master target or
appliance, datastore, retention volume, host, expected location, deletion and membership. Of a classic replication group, whose
members share a master target, one error is enough where its own advice would break another rule: another master target for one
member alone, or one for all that does not suit all. The finding names the smallest set of
these lines that can't hold together, and the fewest changes of the plan after which all of them can. It tries every server,
volume and datastore of the inventory; it never proposes to delete a virtual machine.

### Why
One wrong line breaks many rules at once, and where several lines contradict each other, mending one breaks another. The errors
that the finding explains are folded into it for people; programs get them all the same, marked with `explained_by`.

### What to do
Make the changes that the finding names. Where no change of the plan helps, the facts have to change first: it says so.
Memory of hosts, process servers and the space that several machines need together on a datastore are the matter of FB112,
FB406 and FB127 alone: check again afterwards.
",
    help: "change one of the lines",
    article: "the rules that it explains",
    fixture: include_str!("../../../tests/rules/conflicting-lines.yaml"),
    facts: &[],
    check: Check::Plan(check),
};

/// Places that a finding points at for what lines say, and as many for why they can't hold.
const PLACES: usize = 6;
/// Machines that a change names.
const NAMED: usize = 6;

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    // It explains what other rules find: while nobody knows the architecture, they find nothing, and say so.
    for conflict in solve::conflicts(model, findings.now(), MOST).unwrap_or_default() {
        report(model, &conflict, findings);
    }
    Ok(())
}

fn report(model: &Model, conflict: &Conflict<'_>, findings: &mut Findings<'_>) {
    let unit = &conflict.unit;
    let (kind, name) = unit.subject();
    let lines: Vec<_> = conflict.lines.iter().map(|(at, key)| (*key, unit.members[*at].line(*key))).collect();
    // What is to be changed comes first: a group is as it is.
    let primary = lines.iter().find(|(key, _)| *key != Key::Member).or(lines.first());
    let Some((_, (span, _))) = primary else { return };
    let words: Vec<&str> = lines.iter().map(|(_, (_, text))| text.as_str()).collect();
    let message = match words.as_slice() {
        [one] => format!("{name}: {one} can't hold, whatever the other lines say"),
        _ if conflict.lines.iter().all(|(_, key)| *key == Key::Member) => {
            let members: Vec<&str> = conflict
                .lines
                .iter()
                .map(|(at, _)| unit.members[*at].machine.name().value.as_str())
                .collect();
            format!("{name}: {} can't be in one group, whatever the other lines say", listed(&members))
        }
        several => format!("{name}: {} can't hold together", listed(several)),
    };
    let finding = findings.at(*span, message).subject(kind, name);
    for (_, (place, text)) in lines.iter().filter(|(_, (place, _))| place != span).take(PLACES) {
        finding.also(*place, text.clone());
    }
    let mut reasons: Vec<(crate::source::Span, String)> = Vec::new();
    for (rule, at) in &conflict.symptoms {
        let members: Vec<usize> = match at {
            Some(at) => vec![*at],
            // Of a mixed group, the families of those that stand for it.
            None if *rule == "FB507" => conflict.lines.iter().map(|(at, _)| *at).collect(),
            None => Vec::new(),
        };
        for at in members {
            let reason = unit.members[at].reason(rule, &conflict.servers);
            if let Some(reason) = reason.filter(|reason| !reasons.contains(reason)) {
                reasons.push(reason);
            }
        }
    }
    for (place, text) in reasons.into_iter().take(PLACES) {
        finding.also(place, text);
    }
    finding.help(help(model, conflict));
}

/// Returns the changes in words.
fn help(model: &Model, conflict: &Conflict<'_>) -> String {
    let unit = &conflict.unit;
    let group = unit.group.map_or("", |group| group.name().value.as_str());
    let Some(correction) = &conflict.correction else {
        return match conflict.symptoms.iter().any(|(rule, _)| *rule == "FB507") {
            true => format!(
                "no change of the plan resolves it: split {group} in Site Recovery before its machines are protected, or \
                 protect some of them anew in a group of their own"
            ),
            false => format!(
                "no change of the plan resolves it: no server of the inventory, with its volumes and the datastores that its \
                 host has, suits{}; add one, or change the facts that the finding points at",
                if unit.is_coupled() { format!(" all members of {group}") } else { String::new() }
            ),
        };
    };
    let experience = model.experience().unwrap_or(Experience::Classic);
    // Machines with the same changes are told at once.
    let mut same: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
    for (at, changes) in &correction.changes {
        let words = changes.iter().map(|change| in_words(change, experience)).collect();
        same.entry(words).or_default().push(*at);
    }
    let mut same: Vec<_> = same.into_iter().collect();
    same.sort_by_key(|(_, machines)| machines[0]);
    let names = |machines: &[usize]| {
        if unit.group.is_some() && machines.len() == unit.members.len() {
            return format!("all members of {group}");
        }
        let mut names: Vec<String> =
            machines.iter().take(NAMED).map(|at| unit.members[*at].machine.name().value.clone()).collect();
        if machines.len() > NAMED {
            names.push(format!("{} more", machines.len() - NAMED));
        }
        listed(&names.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let mut parts = Vec::new();
    if !correction.leaving.is_empty() {
        parts.push(format!("take {} out of {group}", names(&correction.leaving)));
    }
    parts.extend(same.iter().map(|(changes, machines)| {
        let changes: Vec<&str> = changes.iter().map(String::as_str).collect();
        format!("for {}, {}", names(machines), listed(&changes))
    }));
    parts.join("; ")
}

fn in_words(change: &Change, experience: Experience) -> String {
    let key = change.key.as_str(experience);
    match &change.value {
        Some(value) => format!("write `{key}: {value}`"),
        None => format!("take `{key}` out"),
    }
}

fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

impl<'m> Unit<'m> {
    /// Returns what the unit is called.
    pub(super) fn subject(&self) -> (SubjectKind, &'m str) {
        match (self.group, self.members.as_slice()) {
            (Some(group), _) => (SubjectKind::ReplicationGroup, &group.name().value),
            (None, members) => {
                (SubjectKind::Machine, members.first().map_or("", |member| &member.machine.name().value))
            }
        }
    }
}
