//! FB108: a disk that grew in Azure does not fit the original VM.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::quantity::Bytes;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::original_location::azure_disks;
use crate::rules::original_location::is_alternate;
use crate::rules::original_location::of_disk;
use crate::rules::original_location::replicated;
use crate::source::Spanned;
use crate::syntax::machine::AzureDisk;
use crate::syntax::machine::OnpremDisk;

pub(crate) static RULE: Rule = Rule {
    id: "FB108",
    name: "azure-disk-resized-after-failover",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::LIVE,
    awaited: false,
    summary: "a disk was resized in Azure",
    docs: "\
### What it checks
A machine that comes back into its original VM, where a disk is larger in Azure than the disk of the same name at home.

### Why
Site Recovery does not grow the original disk. It makes a new VM with the larger disk instead, as at an alternate
location: all data is copied, and the old VM is in the way of names.

### What to do
Plan for a copy of all data, and look at the datastore, its space and the names of VMs on the target host. Making the disk
smaller again is not supported.
",
    help: "expect a new VM and a copy of all data; check the target datastore and VM names (shrinking is not supported)",
    article: "vmware-physical-azure-support-matrix, VM/Disk management",
    fixture: include_str!("../../../tests/rules/azure-disk-resized-after-failover.yaml"),
    facts: &[
        "machines",
        "kind",
        "azure_vm",
        "azure_vm.disks",
        "azure_vm.disks.size_gb",
        "onprem_vm",
        "onprem_vm.exists",
        "onprem_vm.disks",
        "onprem_vm.disks.size_gb",
    ],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    if is_alternate(machine) {
        return Ok(());
    }
    let Some(in_azure) = azure_disks(machine)? else { return Ok(()) };
    let at_home = machine.onprem_disks()?;
    let name = machine.name();
    let mut unknown = None;
    for disk in in_azure.iter().filter(|disk| may_come_from_home(disk)) {
        // A disk that is not at home was added in Azure, about which another rule speaks.
        let Some(original) = replicated(at_home).find(|original| original.id == disk.id) else { continue };
        match sizes(machine, disk, original) {
            Ok((now, before)) if now.value > before.value => {
                machine.location_mode()?;
                findings
                    .at(
                        now.span,
                        format!(
                            "{name}: disk {} was resized in Azure from {before} to {now}, so a new VM is made instead of the original",
                            disk.id
                        ),
                    )
                    .also(before.span, format!("{before} at home"))
                    .also(name.span, "the plan brings it back here");
            }
            Ok(_) => {}
            Err(missing) => unknown = unknown.or(Some(missing)),
        }
    }
    unknown.map_or(Ok(()), Err)
}

/// Returns whether a disk may have come from on-premises.
fn may_come_from_home(disk: &AzureDisk) -> bool {
    disk.temporary.is_none_or(|temporary| !temporary.value)
        && disk.replicated_from_onprem.is_none_or(|replicated| replicated.value)
}

/// Returns the sizes of a disk in Azure and at home.
fn sizes<'m>(
    machine: Machine<'m>,
    disk: &'m AzureDisk,
    original: &'m OnpremDisk,
) -> Fact<(&'m Spanned<Bytes>, &'m Spanned<Bytes>)> {
    let named = |unknown| of_disk(unknown, machine, original);
    let now = disk.size_gb.fact("azure_vm.disks.size_gb").map_err(named)?;
    let before = original.size_gb.fact("onprem_vm.disks.size_gb").map_err(named)?;
    Ok((now, before))
}
