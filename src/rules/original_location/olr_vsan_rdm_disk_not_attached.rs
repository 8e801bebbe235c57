//! FB104: vSAN and RDM disks are written only where they exist and are attached to the original VM.

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
use crate::rules::original_location::datastore_of;
use crate::rules::original_location::is_alternate;
use crate::rules::original_location::of_disk;
use crate::rules::original_location::replicated;
use crate::rules::original_location::reprotect_has_begun;
use crate::source::Spanned;
use crate::syntax::inventory::DatastoreType;
use crate::syntax::machine::DiskKind;
use crate::syntax::machine::OnpremDisk;

pub(crate) static RULE: Rule = Rule {
    id: "FB104",
    name: "olr-vsan-rdm-disk-not-attached",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S15"]),
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "a vSAN or RDM disk is not attached to the original VM",
    docs: "\
### What it checks
A machine that comes back into its original VM and has an RDM disk, or a disk on a vSAN datastore, that does not exist or
is not attached to that VM. Disks that are excluded from replication don't count, and once reprotect has begun the rule is
silent: then the disks belong to the master target.

### Why
Failback writes into existing vSAN and RDM disks, but it can't make them. A disk that is missing would have to be made
anew, and new disks are VMDKs on VMFS.

### What to do
Attach the original disk to the VM before reprotect.
",
    help: "attach the original disk to the VM before reprotect: Site Recovery can't make it anew",
    article: "site-recovery-failback-azure-to-vmware, Original location recovery, condition 4 (2017-06-05)",
    fixture: include_str!("../../../tests/rules/olr-vsan-rdm-disk-not-attached.yaml"),
    facts: &[
        "machines",
        "kind",
        "onprem_vm",
        "onprem_vm.exists",
        "onprem_vm.disks",
        "onprem_vm.disks.kind",
        "onprem_vm.disks.datastore",
        "onprem_vm.disks.exists",
        "onprem_vm.disks.attached",
        "datastores",
        "datastores.type",
    ],
    check: Check::Machine(check),
};

/// A disk that can't be made anew, and what is wrong with it.
struct Missing<'m> {
    fact: &'m Spanned<bool>,
    what: &'static str,
    state: &'static str,
}

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    if is_alternate(machine) || reprotect_has_begun(machine) {
        return Ok(());
    }
    let name = machine.name();
    let mut unknown = None;
    for disk in replicated(machine.onprem_disks()?) {
        match missing(machine, disk) {
            Ok(None) => {}
            Ok(Some(Missing { fact, what, state })) => {
                machine.location_mode()?;
                findings
                    .at(fact.span, format!("{name}: {what} disk {} {state} the on-premises VM", disk.id))
                    .also(name.span, "this machine comes back into its original VM");
            }
            Err(fact) => unknown = unknown.or(Some(fact)),
        }
    }
    unknown.map_or(Ok(()), Err)
}

/// Returns what is wrong with a disk; the facts that can clear it come first.
fn missing<'m>(machine: Machine<'m>, disk: &'m OnpremDisk) -> Fact<Option<Missing<'m>>> {
    let what = special(machine, disk);
    if what == Ok(None) {
        return Ok(None);
    }
    let gone = disk.exists.as_ref().filter(|exists| !exists.value);
    let detached = disk.attached.as_ref().filter(|attached| !attached.value);
    let (fact, state) = match (gone, detached) {
        (Some(fact), _) => (fact, "does not exist in"),
        (None, Some(fact)) => (fact, "is not attached to"),
        (None, None) => {
            let named = |unknown| of_disk(unknown, machine, disk);
            disk.exists.fact("onprem_vm.disks.exists").map_err(named)?;
            disk.attached.fact("onprem_vm.disks.attached").map_err(named)?;
            return Ok(None);
        }
    };
    Ok(what?.map(|what| Missing { fact, what, state }))
}

/// Returns the word for a disk that can't be made anew; `None` for one that can.
fn special(machine: Machine<'_>, disk: &OnpremDisk) -> Fact<Option<&'static str>> {
    let named = |unknown| of_disk(unknown, machine, disk);
    let kind = disk.kind.fact("onprem_vm.disks.kind").map_err(named);
    match kind.as_ref().map(|kind| kind.value) {
        Ok(DiskKind::Rdm) => return Ok(Some("RDM")),
        Ok(DiskKind::Vmdk | DiskKind::Iscsi) | Err(_) => {}
    }
    if let Some(name) = datastore_of(machine, disk)? {
        let datastore = machine.model.datastore(name)?;
        match datastore.kind.fact_of("datastores.type", &datastore.name)?.value {
            DatastoreType::Vsan => return Ok(Some("vSAN")),
            DatastoreType::Vmfs | DatastoreType::Nfs | DatastoreType::Vvol => {}
        }
    }
    kind?;
    Ok(None)
}
