//! FB111: disks that the guest reached over iSCSI come back as files.

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
use crate::rules::original_location::of_disk;
use crate::rules::original_location::replicated;
use crate::rules::original_location::runs_at_home;
use crate::syntax::machine::DiskKind;
use crate::syntax::machine::MachineKind;

pub(crate) static RULE: Rule = Rule {
    id: "FB111",
    name: "iscsi-becomes-vmdk",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a guest iSCSI disk comes back as a VMDK",
    docs: "\
### What it checks
Disks that the guest reached over iSCSI and that were replicated.

### Why
Failback makes a file of such a disk and attaches it to the VM. The guest's iSCSI configuration does not come back with
it, and the old target still has its own copy, so the machine may see the disk twice.

### What to do
Reserve room for the file on the datastore. After the failback, remove the duplicate iSCSI disk, or move the data back to
it by hand.
",
    help: "reserve datastore space for the VMDK, and remove the duplicate iSCSI disk after the failback",
    article: "vmware-azure-tutorial-failover-failback-modernized, Planned failover; vmware-physical-azure-support-matrix, Storage (guest iSCSI)",
    fixture: include_str!("../../../tests/rules/iscsi-becomes-vmdk.yaml"),
    facts: &["machines", "onprem_vm", "onprem_vm.disks", "onprem_vm.disks.kind"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    if runs_at_home(machine) {
        return Ok(());
    }
    let vm = machine.onprem_vm()?;
    // Nobody can look at the disks of a VM that is gone, and those of a physical server have no word of their own.
    let is_lost = vm.exists.is_some_and(|exists| !exists.value);
    let has_no_word = is_lost || machine.kind() == Ok(MachineKind::Physical);
    let disks = match &vm.disks {
        Some(disks) => disks.as_slice(),
        None if is_lost => &[],
        None => return Err(Unknown::new("onprem_vm.disks")),
    };
    let name = machine.name();
    let mut unknown = None;
    for disk in replicated(disks) {
        match disk.kind {
            Some(kind) => match kind.value {
                DiskKind::Iscsi => {
                    let message = format!(
                        "{name}: guest iSCSI disk {} comes back as a VMDK; its iSCSI configuration is not preserved",
                        disk.id
                    );
                    findings.at(kind.span, message).also(name.span, "the plan brings it back here");
                }
                DiskKind::Vmdk | DiskKind::Rdm => {}
            },
            None if has_no_word => {}
            None => {
                unknown.get_or_insert_with(|| of_disk(Unknown::new("onprem_vm.disks.kind"), machine, disk));
            }
        }
    }
    unknown.map_or(Ok(()), Err)
}
