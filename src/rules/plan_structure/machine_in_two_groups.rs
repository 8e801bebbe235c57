//! FB501: a machine is in one boot group at most.

use crate::diagnostic::Severity;
use crate::id::IdMap;
use crate::model::Fact;
use crate::model::Group;
use crate::model::Machine;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::source::Spanned;

pub(crate) static RULE: Rule = Rule {
    id: "FB501",
    name: "machine-in-two-groups",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a machine is in more than one boot group",
    docs: "\
### What it checks
Machines and replication groups that are members of more than one boot group; a machine is also a member
through its replication group.

### Why
Boot groups fail over one after the other, and a machine fails over once. In a recovery plan of Site Recovery
a machine or replication group belongs to exactly one group.

### What to do
Keep one of the places.
",
    help: "keep one of the places",
    article: "site-recovery-create-recovery-plans, Add a group to a plan",
    fixture: include_str!("../../../tests/rules/machine-in-two-groups.yaml"),
    facts: &[],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let groups: IdMap<&str, Group<'_>> =
        model.groups().map(|group| (group.name().value.as_str(), group)).collect();
    // Where each machine was named first: index of the boot group, and the name that stands there.
    let mut places: IdMap<usize, (usize, &Spanned<String>)> = IdMap::default();
    for (at, boot_group) in model.plan.boot_groups.iter().enumerate() {
        for member in &boot_group.members {
            let group = groups.get(member.value.as_str());
            let machines: Vec<Machine<'_>> = match group {
                Some(group) => group.members().collect(),
                None => model.machine_named(&member.value).into_iter().collect(),
            };
            let mut clash = None;
            for machine in machines {
                let (first_at, first) = *places.entry(machine.index()).or_insert((at, member));
                if first_at != at {
                    clash.get_or_insert((machine, first_at, first));
                }
            }
            let Some((machine, first_at, first)) = clash else { continue };
            // The whole group, if it is named in both places; else the machine that is named and is in the group.
            let (kind, name) = match group {
                Some(_) if first.value == member.value => (SubjectKind::ReplicationGroup, member),
                Some(_) | None => (SubjectKind::Machine, machine.name()),
            };
            let first_group = &model.plan.boot_groups[first_at].name;
            findings
                .at(
                    member.span,
                    format!("{name}: it is in the boot groups {first_group} and {}", boot_group.name),
                )
                .also(first.span, "the first place is here")
                .subject(kind, name.value.as_str());
        }
    }
    Ok(())
}
