//! FB500: a plan names what there is.

use std::collections::BTreeMap;

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Model;
use crate::model::ReferenceKind;
use crate::model::Unknown;
use crate::model::Unresolved;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;

pub(crate) static RULE: Rule = Rule {
    id: "FB500",
    name: "unknown-reference",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Product,
    when: When::STATIC,
    awaited: false,
    summary: "the plan names something that is not there",
    docs: "\
### What it checks
Every name in the plan that stands for something else: machines, replication groups, servers, datastores,
hosts, vCenters and accounts of the inventory; machines, groups and actions of the plan itself.

### Why
A name that nothing has can't be checked against a single fact, and a run would stop at it. If the inventory
has no list of such things at all, nobody can tell whether the name is right, and the rule stays open.

### What to do
Correct the name, or add the thing to the inventory.
",
    help: "correct the name, or add it to the inventory",
    article: "the language of plans: every name stands for something",
    fixture: include_str!("../../../tests/rules/unknown-reference.yaml"),
    facts: &[
        "machines",
        "replication_groups",
        "master_targets",
        "process_servers",
        "datastores",
        "hosts",
        "vcenters",
        "appliances",
        "storage_accounts",
        "automation_accounts",
    ],
    check: Check::Plan(check),
};

/// Names in the message about a missing list; the rest are counted.
const NAMES: usize = 5;

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let mut open: BTreeMap<&'static str, Vec<&str>> = BTreeMap::new();
    for reference in &model.unresolved {
        match reference.kind.inventory_key() {
            Some(key) if !reference.known => open.entry(key).or_default().push(&reference.name),
            key => report(reference, key.is_some(), findings),
        }
    }
    for (key, mut names) in open {
        names.sort_unstable();
        names.dedup();
        let more = names.len().saturating_sub(NAMES);
        names.truncate(NAMES);
        let mut names = names.join(", ");
        if more > 0 {
            names.push_str(&format!(" and {more} more"));
        }
        findings.unknown(&Unknown::of(key, names));
    }
    Ok(())
}

fn report(reference: &Unresolved, of_inventory: bool, findings: &mut Findings<'_>) {
    let (kind, name) = (reference.kind.as_str(), &reference.name);
    let place = if of_inventory { "the inventory" } else { "the plan" };
    let finding = findings.at(name.span, format!("{name}: there is no {kind} of this name in {place}"));
    if let Some(near) = &reference.near {
        finding.help(near.clone());
    } else if !of_inventory {
        finding.help("correct the name, or add it to the plan");
    }
    if let Some(kind) = subject(reference.kind) {
        finding.subject(kind, name.value.as_str());
    }
}

/// Returns the kind of thing that a name should stand for; `None` if that is open or no subject, so that the plan is.
fn subject(kind: ReferenceKind) -> Option<SubjectKind> {
    match kind {
        ReferenceKind::Machine => Some(SubjectKind::Machine),
        ReferenceKind::ReplicationGroup => Some(SubjectKind::ReplicationGroup),
        ReferenceKind::Action => Some(SubjectKind::Action),
        ReferenceKind::MasterTarget => Some(SubjectKind::MasterTarget),
        ReferenceKind::ProcessServer => Some(SubjectKind::ProcessServer),
        ReferenceKind::Datastore => Some(SubjectKind::Datastore),
        ReferenceKind::Host => Some(SubjectKind::Host),
        ReferenceKind::Vcenter => Some(SubjectKind::Vcenter),
        ReferenceKind::Appliance => Some(SubjectKind::Appliance),
        ReferenceKind::Member
        | ReferenceKind::HookSubject
        | ReferenceKind::StorageAccount
        | ReferenceKind::AutomationAccount => None,
    }
}
