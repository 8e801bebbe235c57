//! FB718: the failback writes into files that must be there.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::model::Unknown;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::runtime::failover_is_ahead;
use crate::rules::runtime::reprotect_is_ahead;
use crate::syntax::inventory::DatastoreType;
use crate::syntax::machine::DiskKind;
use crate::syntax::machine::OnpremDisk;

pub(crate) static RULE: Rule = Rule {
    id: "FB718",
    name: "datastore-file-gone",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::LIVE.and_at(&[Guard::Failover]),
    awaited: false,
    summary: "the file of a disk is missing on its datastore",
    docs: "\
### What it checks
The files (VMDK) of the disks that a failback writes into, until the machine has failed back. Before reprotect the disks of a machine
that comes back as a new one have none yet; and disks on vSAN are looked at by FB104.

### Why
Replication writes into these files and the failover attaches them to the machine again. If one is gone, as after a Storage vMotion
of the master target, the failover can't attach it.

### What to do
Find the file and attach the disk by hand, or repeat reprotect; see FB215.
",
    help: "find the file and attach the disk by hand, or repeat reprotect",
    article: "vmware-azure-prepare-failback, item 3",
    fixture: include_str!("../../../tests/rules/datastore-file-gone.yaml"),
    facts: &["machines", "kind", "state", "onprem_vm", "onprem_vm.exists", "onprem_vm.disks", "onprem_vm.disks.exists", "onprem_vm.disks.kind"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let before_reprotect = match machine.state() {
        Ok(state) if !failover_is_ahead(state) => return Ok(()),
        Ok(state) => reprotect_is_ahead(state),
        Err(_) => false,
    };
    // The files of a new VM are made by reprotect, and those of a VM that is gone are another rule's matter.
    let is_gone = machine.onprem_vm().is_ok_and(|vm| vm.exists.is_some_and(|exists| !exists.value));
    if is_gone || (before_reprotect && machine.location_mode() == Ok(LocationMode::Alternate)) {
        return Ok(());
    }
    let name = machine.name();
    let mut unknown = Ok(());
    let included = |disk: &&OnpremDisk| disk.excluded.is_none_or(|excluded| !excluded.value);
    for disk in machine.onprem_disks()?.iter().filter(included) {
        match missing_file(disk) {
            Ok(None) => {}
            Ok(Some(_)) if before_reprotect && is_on_vsan(machine, disk) => {}
            Ok(Some(fact)) => {
                machine.state()?;
                if before_reprotect {
                    machine.location_mode()?;
                }
                let datastore =
                    disk.datastore.as_option().map_or("its datastore", |name| name.value.as_str());
                findings
                    .at(fact, format!("{name}: the file of {} is not found on {datastore}", disk.id))
                    .also(name.span, "the failover attaches it to this machine");
            }
            Err(missing) => {
                unknown = unknown.and(Err(Unknown::of(missing.field, format!("{} of {name}", disk.id))));
            }
        }
    }
    unknown
}

/// Returns where the inventory says that the file of a disk is missing; `None` if it is there, or the disk has none.
fn missing_file(disk: &OnpremDisk) -> Fact<Option<crate::source::Span>> {
    let has_file = match disk.kind.map(|kind| kind.value) {
        Some(DiskKind::Vmdk) => true,
        Some(DiskKind::Rdm | DiskKind::Iscsi) => return Ok(None),
        None => false,
    };
    let exists = disk.exists.fact("onprem_vm.disks.exists")?;
    if !exists.value && !has_file {
        disk.kind.fact("onprem_vm.disks.kind")?;
    }
    Ok((!exists.value).then_some(exists.span))
}

fn is_on_vsan(machine: Machine<'_>, disk: &OnpremDisk) -> bool {
    let datastore = disk.datastore.as_option().and_then(|name| machine.model.datastore(name).ok());
    datastore.is_some_and(|datastore| datastore.kind.is_some_and(|kind| kind.value == DatastoreType::Vsan))
}
