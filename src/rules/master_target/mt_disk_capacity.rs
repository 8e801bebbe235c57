//! FB208: a master target takes 60 disks.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::labels::also_machines;
use crate::rules::slots;
use crate::rules::slots::Waves;
use crate::rules::slots::advice::Place;
use crate::rules::slots::advice::look_at_each;
use crate::source::Span;

pub(crate) static RULE: Rule = Rule {
    id: "FB208",
    name: "mt-disk-capacity",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the machines have more disks than their master target takes at a time",
    docs: "\
### What it checks
The disks that are attached to a master target, its own included, and those of the machines that are still to be
reprotected through it: 60 at most. A machine's disks count from its reprotect until its failover: those from on-premises,
and with Linux also those that were added in Azure (FB109).
Machines that don't fit together come in waves, one after another; replication groups stay whole. That is a warning,
with the number of waves: as few as are found in whatever order; dependencies between machines may make more of them. A
machine or a replication group that can't fit alone is an error. The finding says which machines on which master target
would need fewer waves, or what is missing: it looks at every master target of the inventory that suits them, and moves as
few machines as it can.

### Why
Reprotects beyond 60 attached disks fail. The run schedules around it, but every wave waits for the one before it,
which takes time.

### What to do
Add master targets and spread the machines over them, or accept the waves. A replication group that is too large for a
master target can't come back through it.
",
    help: "add master targets and spread the machines over them, or accept the waves",
    article: "vmware-azure-reprotect (2018-12), Deploy a separate master target server; vmware-azure-prepare-failback, Reprotection/failback components",
    fixture: include_str!("../../../tests/rules/mt-disk-capacity.yaml"),
    facts: &["master_targets", "machines", "azure_vm", "azure_vm.disks", "master_targets.attached_disks", "vault.experience"],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    look_at_each(model, findings, check_server)
}

fn check_server(
    model: &Model,
    place: &Place<'_>,
    advice: Option<String>,
    findings: &mut Findings<'_>,
) -> Fact<()> {
    let (name, demand, room) = (place.server.name(), &place.demand, place.room);
    let attached = place.server.attached();
    // What the server has of its own only takes room, so without it the machines may be too many already.
    let (span, now) = attached.map_or((Span::NONE, demand.held), |disks| (disks.span, disks.value));
    let all = now.saturating_add(demand.disks - demand.held);
    match slots::waves(room, &demand.units) {
        Waves::Fits if demand.disks == demand.held && demand.unknown.is_none() => return Ok(()),
        Waves::Fits => {}
        Waves::Waves(count) => {
            let message = format!(
                "{name}: {all} disks would be attached, the limit is {}; its machines come back in {count} waves",
                slots::SLOTS
            );
            let finding = findings.at(span, message);
            finding.severity(Severity::Warning);
            let machines = demand.units.iter().flat_map(|unit| &unit.machines);
            also_machines(
                finding,
                machines.map(|index| model.machine(*index)),
                &format!("is assigned to {name}"),
            );
            if let Some(advice) = advice {
                finding.help(advice);
            }
        }
        Waves::TooLarge(at) => {
            let unit = &demand.units[at];
            let machines = unit.machines.iter().map(|index| model.machine(*index));
            let what = match unit.group {
                Some(group) => format!("the members of replication group {group} have"),
                None => machines.clone().map(|machine| format!("{} has", machine.name())).collect(),
            };
            let message = format!(
                "{name}: {what} {} disks, and the master target takes {room} beside its own; the limit is {}",
                unit.disks,
                slots::SLOTS
            );
            let finding = findings.at(span, message);
            also_machines(finding, machines, "can't fit");
            if let Some(advice) = advice {
                finding.help(advice);
            }
            return Ok(());
        }
    }
    slots::advice::attached(place.server)?;
    demand.unknown.clone().map_or(Ok(()), Err)
}
