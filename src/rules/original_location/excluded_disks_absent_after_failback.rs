//! FB110: disks that were excluded from replication are not part of the VM after failback.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::original_location::of_disk;
use crate::rules::original_location::runs_at_home;

pub(crate) static RULE: Rule = Rule {
    id: "FB110",
    name: "excluded-disks-absent-after-failback",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a disk was excluded from replication",
    docs: "\
### What it checks
Disks of a machine that were excluded from replication, wherever the machine comes back.

### Why
An excluded disk never went to Azure, so it does not come back from there: the VM after failback does not have it. What
lies on it, such as a page file or tempdb, must be made anew.

### What to do
Add an action after the failover that makes the disk anew, or attaches it again, and brings its contents back.
",
    help: "add an action after the failover that makes the disk anew or attaches it again (tempdb, page file)",
    article: "exclude-disks-replication, VMware VMs: disks during failback",
    fixture: include_str!("../../../tests/rules/excluded-disks-absent-after-failback.yaml"),
    facts: &["machines", "onprem_vm", "onprem_vm.disks", "onprem_vm.disks.excluded"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    if runs_at_home(machine) {
        return Ok(());
    }
    let name = machine.name();
    let mut unknown = None;
    for disk in machine.onprem_disks()? {
        match disk.excluded.fact("onprem_vm.disks.excluded") {
            Ok(excluded) if excluded.value => {
                let message = format!(
                    "{name}: disk {} was excluded from replication and will not be part of the VM after failback",
                    disk.id
                );
                findings.at(excluded.span, message).also(name.span, "the plan brings it back here");
            }
            Ok(_) => {}
            Err(missing) => unknown = unknown.or(Some(of_disk(missing, machine, disk))),
        }
    }
    unknown.map_or(Ok(()), Err)
}
