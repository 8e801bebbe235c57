//! FB522: what a machine depends on is not in a later boot group.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Model;
use crate::model::order::machines_of;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::source::Spanned;

pub(crate) static RULE: Rule = Rule {
    id: "FB522",
    name: "dependency-order",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a dependency is in a later boot group",
    docs: "\
### What it checks
`depends_on` of machines and replication groups that names something in a later boot group.

### Why
A boot group begins when every machine of the one before it has failed over and started; inside a group machines start side by side.
So a machine of an early group would start before what it needs. The engine takes both wishes at their word and finds no order that
meets them: the cycle is reported as well (FB524).

### What to do
Move the machine to a later boot group, or what it depends on to an earlier one.
",
    help: "move it to a later boot group, or its dependency to an earlier one",
    article: "recovery-plan-overview, Model apps",
    fixture: include_str!("../../../tests/rules/dependency-order.yaml"),
    facts: &[],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    for group in model.groups() {
        let own = group.members().filter_map(|member| member.boot_group()).max();
        compare(
            model,
            (SubjectKind::ReplicationGroup, group.name()),
            own,
            &group.plan().depends_on,
            findings,
        );
    }
    for machine in model.machines() {
        let subject = (SubjectKind::Machine, machine.name());
        compare(model, subject, machine.boot_group(), machine.depends_on(), findings);
    }
    Ok(())
}

/// Compares the boot group of a subject with those of what it depends on; without one it is in no order.
fn compare(
    model: &Model,
    (kind, name): (SubjectKind, &Spanned<String>),
    own: Option<usize>,
    depends_on: &[Spanned<String>],
    findings: &mut Findings<'_>,
) {
    let Some(own) = own else { return };
    let groups = &model.plan.boot_groups;
    for dependency in depends_on {
        let machines = machines_of(model, dependency);
        let latest = machines.into_iter().filter_map(|machine| Some((machine.boot_group()?, machine)));
        let Some((at, machine)) = latest.max_by_key(|(at, _)| *at).filter(|(at, _)| *at > own) else {
            continue;
        };
        let (group, later) = (&groups[own].name, &groups[at]);
        let group_of_machine = machine.group().map(|group| group.name());
        let member = later
            .members
            .iter()
            .find(|member| *member == machine.name() || Some(*member) == group_of_machine)
            .unwrap_or(&later.name);
        findings
            .at(
                dependency.span,
                format!("{name}: boot group {group} starts it before {dependency}, which is in the later group {}", later.name),
            )
            .also(group.span, format!("{name} is in this boot group"))
            .also(member.span, format!("{dependency} starts here"))
            .subject(kind, name.value.as_str());
    }
}
