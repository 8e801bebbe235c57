//! FB126: failback to disks on NFS is not documented as supported.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::placement::datastore_of;
use crate::source::Spanned;
use crate::syntax::inventory::DatastoreType;
use crate::syntax::machine::OnpremDisk;
use crate::syntax::plan::Baseline;

pub(crate) static RULE: Rule = Rule {
    id: "FB126",
    name: "olr-nfs-datastore",
    severity: Severity::Warning,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a disk of an original location lies on NFS",
    docs: "\
### What it checks
A machine that comes back into its own virtual machine, with a disk on an NFS datastore, under `baseline:
current`. A disk that was excluded from replication does not count. Under `seed-2017` the rule is off: the
article of 2017 says nothing about NFS.

### Why
Replication from a host with NFS is supported; failback to it is not documented as supported.

### What to do
Plan for a VMFS datastore and a full download, or ask Microsoft's support and accept the finding with a
waiver.
",
    help: "plan for a VMFS datastore and a full download, or ask support and waive the finding",
    article: "vmware-azure-reprotect, Common issues (2018-12); vmware-physical-azure-support-matrix, Storage",
    fixture: include_str!("../../../tests/rules/olr-nfs-datastore.yaml"),
    facts: &[
        "machines",
        "kind",
        "onprem_vm",
        "onprem_vm.exists",
        "onprem_vm.disks",
        "onprem_vm.disks.datastore",
        "datastores",
        "datastores.type",
    ],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    match machine.model.baseline() {
        Baseline::Seed2017 => return Ok(()),
        Baseline::Current => {}
    }
    let mode = machine.location_mode();
    if mode == Ok(LocationMode::Alternate) {
        return Ok(());
    }
    let mut on_nfs = Vec::new();
    let mut unknown = Ok(());
    for disk in machine.onprem_disks()? {
        if disk.excluded.is_some_and(|excluded| excluded.value) {
            continue;
        }
        match nfs_of(machine, disk) {
            Ok(Some(datastore)) => on_nfs.push((disk, datastore)),
            Ok(None) => {}
            Err(missing) => unknown = unknown.and(Err(missing)),
        }
    }
    if let Some(((first, datastore), others)) = on_nfs.split_first() {
        // Only a disk on NFS needs to know where its machine comes back.
        mode?;
        let finding = findings.at(
            datastore.span,
            format!("{}: disk {} lies on {datastore}, which is NFS", machine.name(), first.id),
        );
        for (disk, datastore) in others {
            finding.also(datastore.span, format!("{} lies on {datastore}, which is NFS too", disk.id));
        }
        finding.also(machine.name().span, "the plan brings it back here");
    }
    unknown
}

/// Returns the NFS datastore that holds a disk; `None` if none does.
fn nfs_of<'m>(machine: Machine<'m>, disk: &'m OnpremDisk) -> Fact<Option<&'m Spanned<String>>> {
    let Some(name) = datastore_of(machine, disk)? else { return Ok(None) };
    let kind = machine.model.datastore(&name.value)?.kind.fact_of("datastores.type", &name.value)?;
    Ok(match kind.value {
        DatastoreType::Nfs => Some(name),
        DatastoreType::Vmfs | DatastoreType::Vsan | DatastoreType::Vvol => None,
    })
}
