//! FB505: a replication group stays together.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Group;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::unmeasured::Lacking;
use crate::source::Spanned;
use crate::syntax::inventory::ReplicationGroup;

pub(crate) static RULE: Rule = Rule {
    id: "FB505",
    name: "replication-group-split",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a replication group is not in the plan as Site Recovery has it",
    docs: "\
### What it checks
Whether each replication group of the plan has the members that the inventory states, whether a machine of the
plan belongs to a replication group that the plan leaves out, and whether the members of a group are spread
over several boot groups. Where the plan names no group and the inventory has no `replication_groups`, nobody knows whether
there is one: the rule is undecided, and does not weigh, unless under `--strict`; `replication_groups: []` says that there is
none.

### Why
Members of a replication group share their app-consistent points; they are reprotected, failed over and
committed together. A part of a group can't be.

### What to do
Name all members of the group, and no others, under `replication_groups` of one plan, and put the group in one
boot group.
",
    help: "name the group with all of its members, and no others, and put it in one boot group",
    article: "site-recovery-create-recovery-plans, Add a group to a plan; vmware-azure-reprotect, Enable reprotection",
    fixture: include_str!("../../../tests/rules/replication-group-split.yaml"),
    facts: &["replication_groups"],
    check: Check::Plan(check),
};

/// Members that a finding points at or names; the rest are counted.
const NAMES: usize = 10;

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    for group in model.groups() {
        check_boot_groups(group, findings);
    }
    let Some(facts) = &model.inventory.replication_groups else {
        let mut names: Vec<&str> = model.groups().map(|group| group.name().value.as_str()).collect();
        names.truncate(NAMES);
        if names.is_empty() {
            let mut lacking = Lacking::default();
            lacking.add(&model.plan.name.value);
            lacking.tell(&RULE, findings);
            return Ok(());
        }
        return Err(Unknown::of("replication_groups", names.join(", ")));
    };
    let planned: HashMap<&str, Group<'_>> =
        model.groups().map(|group| (group.name().value.as_str(), group)).collect();
    for fact in facts {
        match planned.get(fact.name.value.as_str()) {
            Some(group) => check_members(*group, fact, findings),
            None => check_left_out(model, fact, findings),
        }
    }
    Ok(())
}

/// Looks whether a group of the plan has the members that Site Recovery has.
fn check_members(group: Group<'_>, fact: &ReplicationGroup, findings: &mut Findings<'_>) {
    let stated: HashSet<&str> = fact.members.iter().map(|member| member.value.as_str()).collect();
    let planned: HashSet<&str> = group.members().map(|member| member.name().value.as_str()).collect();
    let name = group.name();
    let missing: Vec<&Spanned<String>> =
        fact.members.iter().filter(|member| !planned.contains(member.value.as_str())).collect();
    if !missing.is_empty() {
        let here = stated.len().saturating_sub(missing.len());
        let finding = findings.at(
            name.span,
            format!(
                "{name}: {here} of {} members are in the plan, without {}",
                stated.len(),
                listed(&missing)
            ),
        );
        for member in missing.iter().take(NAMES) {
            finding.also(member.span, format!("{member} is a member in Site Recovery"));
        }
        finding.subject(SubjectKind::ReplicationGroup, name.value.as_str());
    }
    let strangers: Vec<&Spanned<String>> =
        group.members().map(Machine::name).filter(|member| !stated.contains(member.value.as_str())).collect();
    if let Some(first) = strangers.first() {
        let verb = if strangers.len() == 1 { "is no member" } else { "are no members" };
        findings
            .at(first.span, format!("{name}: {} {verb} of it in Site Recovery", listed(&strangers)))
            .also(fact.name.span, "the group as Site Recovery has it")
            .subject(SubjectKind::ReplicationGroup, name.value.as_str());
    }
}

/// Looks whether machines of the plan belong to a group that the plan does not name.
fn check_left_out(model: &Model, fact: &ReplicationGroup, findings: &mut Findings<'_>) {
    let members: Vec<&Spanned<String>> =
        fact.members.iter().filter_map(|member| model.machine_named(member)).map(Machine::name).collect();
    if let Some(first) = members.first() {
        let name = &fact.name;
        let verb = if members.len() == 1 { "belongs" } else { "belong" };
        findings
            .at(
                first.span,
                format!("{name}: {} {verb} to it, and the plan does not name the group", listed(&members)),
            )
            .also(name.span, "the group as Site Recovery has it")
            .subject(SubjectKind::ReplicationGroup, name.value.as_str());
    }
}

/// Looks whether the members of a group are in one boot group.
fn check_boot_groups(group: Group<'_>, findings: &mut Findings<'_>) {
    let model = group.model;
    let mut places: BTreeMap<usize, Machine<'_>> = BTreeMap::new();
    for member in group.members() {
        if let Some(at) = member.boot_group() {
            places.entry(at).or_insert(member);
        }
    }
    let mut places = places.into_iter();
    let (Some((first_at, first)), Some((second_at, second))) = (places.next(), places.next()) else { return };
    let boot_groups = &model.plan.boot_groups;
    let span_of = |at: usize, machine: Machine<'_>| {
        let mut members = boot_groups[at].members.iter();
        members
            .find(|member| *member == machine.name() || *member == group.name())
            .map_or(boot_groups[at].name.span, |member| member.span)
    };
    let name = group.name();
    let mut names =
        vec![boot_groups[first_at].name.value.as_str(), boot_groups[second_at].name.value.as_str()];
    names.extend(places.map(|(at, _)| boot_groups[at].name.value.as_str()));
    findings
        .at(
            span_of(second_at, second),
            format!("{name}: its members are spread over the boot groups {}", names.join(", ")),
        )
        .also(span_of(first_at, first), format!("{} is in {} here", first.name(), boot_groups[first_at].name))
        .also(name.span, "members of a replication group fail over together")
        .subject(SubjectKind::ReplicationGroup, name.value.as_str());
}

fn listed(names: &[&Spanned<String>]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMES).map(|name| name.value.as_str()).collect();
    match names.len().saturating_sub(NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
