//! FB124: a raw device mapping can't be made anew.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Machine;
use crate::model::Unknown;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::alternate_location::is_original;
use crate::rules::alternate_location::reason;
use crate::syntax::machine::DiskKind;
use crate::syntax::machine::MachineKind;

pub(crate) static RULE: Rule = Rule {
    id: "FB124",
    name: "alr-rdm",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S18", "S20"]),
    when: When::STATIC,
    awaited: false,
    summary: "an alternate location for a machine with RDM disks",
    docs: "\
### What it checks
A machine with a raw device mapping that comes back as a new virtual machine. A disk that was excluded from
replication does not count; of a machine that is lost, the disks that the inventory still knows are judged.
Physical servers have no such disks.

### Why
At an alternate location only new VMDK files can be created. A raw device mapping is reused where it still
exists and is attached to the original machine; it can't be made again.

### What to do
Recover into the original virtual machine with the mapping attached, or exclude or convert the disk before the
machine is protected.
",
    help: "recover into the original VM with the RDM attached, or exclude or convert the disk beforehand",
    article: "site-recovery-failback-azure-to-vmware, Alternate location recovery (2017-06-05); concepts-types-of-failback, Alternate location recovery",
    fixture: include_str!("../../../tests/rules/alr-rdm.yaml"),
    facts: &["machines", "kind", "onprem_vm", "onprem_vm.exists", "onprem_vm.disks", "onprem_vm.disks.kind"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let kind = machine.kind();
    if is_original(machine) || kind.as_ref().is_ok_and(|kind| *kind != MachineKind::VmwareVm) {
        return Ok(());
    }
    let vm = machine.onprem_vm()?;
    let is_lost = vm.exists.is_some_and(|exists| !exists.value);
    let disks = match &vm.disks {
        Some(disks) => disks.as_slice(),
        // Nobody can look at a VM that is gone; its new disks are files in any case.
        None if is_lost => &[],
        None => return Err(Unknown::new("onprem_vm.disks")),
    };
    let mut mappings = Vec::new();
    let mut unknown = Ok(());
    for disk in disks.iter().filter(|disk| !disk.excluded.is_some_and(|excluded| excluded.value)) {
        match disk.kind {
            Some(kind) => match kind.value {
                DiskKind::Rdm => mappings.push((disk, kind.span)),
                DiskKind::Vmdk | DiskKind::Iscsi => {}
            },
            None if is_lost => {}
            None => unknown = unknown.and(Err(Unknown::new("onprem_vm.disks.kind"))),
        }
    }
    if let Some(((first, span), others)) = mappings.split_first() {
        // Only a mapping needs to know where its machine comes back.
        kind?;
        machine.location_mode()?;
        let (why, text) = reason(machine);
        let finding = findings
            .at(*span, format!("{}: disk {} is an RDM, which can't be made anew", machine.name(), first.id));
        for (disk, span) in others {
            finding.also(*span, format!("{} is an RDM too", disk.id));
        }
        finding.also(why, text).also(machine.name().span, "the plan brings it back here");
    }
    unknown
}
