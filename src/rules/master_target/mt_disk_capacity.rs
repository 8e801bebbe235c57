//! FB208: a master target takes 60 disks.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::MasterTarget;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::master_target::also_assigned;
use crate::rules::master_target::also_machines;
use crate::rules::slots;
use crate::rules::slots::Waves;
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
reprotected through it: 60 at most. A machine's disks count from its reprotect until its failover.
Machines that don't fit together come in waves, one after another; replication groups stay whole. That is a warning,
with the number of waves; dependencies between machines may make more of them. A machine or a replication group that
can't fit alone is an error.

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
    facts: &["machines", "azure_vm", "azure_vm.disks", "master_targets.attached_disks", "vault.experience"],
    check: Check::MasterTarget(check),
};

fn check(server: MasterTarget<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let name = server.name();
    let demand = slots::demand(server.machines());
    let attached = server.facts.attached_disks.fact_of("master_targets.attached_disks", name);
    // What the server has of its own only takes room, so without it the machines may be too many already.
    let (span, now) = attached.as_ref().map_or((Span::NONE, demand.held), |disks| (disks.span, disks.value));
    let room = demand.room(now);
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
            also_assigned(finding, server);
        }
        Waves::TooLarge(at) => {
            let unit = &demand.units[at];
            let machines = unit.machines.iter().map(|index| server.model.machine(*index));
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
            finding.help(
                "come back through a master target with fewer disks of its own; beyond the limit, not at all",
            );
            also_machines(finding, machines, "can't fit");
            return Ok(());
        }
    }
    attached?;
    demand.unknown.map_or(Ok(()), Err)
}
