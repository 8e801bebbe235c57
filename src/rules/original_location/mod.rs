//! Rules about failback into the original virtual machine (FB100–FB119).

pub(crate) mod azure_disk_resized_after_failover;
pub(crate) mod datastore_not_accessible;
pub(crate) mod disk_added_in_azure;
pub(crate) mod excluded_disks_absent_after_failback;
pub(crate) mod iscsi_becomes_vmdk;
pub(crate) mod location_mode_mismatch;
pub(crate) mod mt_host_not_discovered;
pub(crate) mod olr_datastore_not_read_write;
pub(crate) mod olr_mt_host_lacks_datastore_access;
pub(crate) mod olr_standalone_disk_not_accessible;
pub(crate) mod olr_vsan_rdm_disk_not_attached;
pub(crate) mod onprem_vm_enableuuid_missing;
pub(crate) mod onprem_vm_has_snapshots;
pub(crate) mod target_host_memory;

use std::hash::Hash;

use crate::model::Fact;
use crate::model::Known;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::model::Unknown;
use crate::model::access;
use crate::rules::Finding;
use crate::rules::Findings;
use crate::rules::Rule;
use crate::rules::places::Places;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::machine::AzureDisk;
use crate::syntax::machine::DiskKind;
use crate::syntax::machine::OnpremDisk;
use crate::syntax::machine::State;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[
    &location_mode_mismatch::RULE,
    &olr_mt_host_lacks_datastore_access::RULE,
    &olr_standalone_disk_not_accessible::RULE,
    &mt_host_not_discovered::RULE,
    &olr_vsan_rdm_disk_not_attached::RULE,
    &olr_datastore_not_read_write::RULE,
    &onprem_vm_enableuuid_missing::RULE,
    &onprem_vm_has_snapshots::RULE,
    &azure_disk_resized_after_failover::RULE,
    &disk_added_in_azure::RULE,
    &excluded_disks_absent_after_failback::RULE,
    &iscsi_becomes_vmdk::RULE,
    &target_host_memory::RULE,
    &datastore_not_accessible::RULE,
];

/// A finding points at this many machines; of the others it says how many there are.
const LABELS: usize = 10;

/// Returns whether it is known that a machine does not come back into its original VM.
fn is_alternate(machine: Machine<'_>) -> bool {
    machine.location_mode() == Ok(LocationMode::Alternate)
}

/// Returns whether it is known that reprotect to on-premises has begun: from then on the on-premises VM is what reprotect
/// makes of it, and says nothing about how the machine was found.
pub(in crate::rules) fn reprotect_has_begun(machine: Machine<'_>) -> bool {
    match machine.state() {
        Ok(
            State::ReprotectingToOnprem
            | State::ProtectedToOnprem
            | State::FailingBack
            | State::FailedBack
            | State::FailedBackCommitted,
        ) => true,
        Ok(
            State::ProtectedToAzure
            | State::FailedOver
            | State::FailedOverCommitted
            | State::ReprotectingToAzure
            | State::Migrated
            | State::AzureVmDeleted
            | State::ReplicationDisabled
            | State::AzureVmMoved,
        )
        | Err(_) => false,
    }
}

/// Returns whether it is known that a machine runs on-premises, be it before a failover to Azure or after its failback.
fn runs_at_home(machine: Machine<'_>) -> bool {
    match machine.state() {
        Ok(
            State::FailedBack
            | State::FailedBackCommitted
            | State::ReprotectingToAzure
            | State::ProtectedToAzure,
        ) => true,
        Ok(
            State::FailedOver
            | State::FailedOverCommitted
            | State::ReprotectingToOnprem
            | State::ProtectedToOnprem
            | State::FailingBack
            | State::Migrated
            | State::AzureVmDeleted
            | State::ReplicationDisabled
            | State::AzureVmMoved,
        )
        | Err(_) => false,
    }
}

/// Returns the disks of a machine's Azure VM; `None` where there is no such VM, of which other rules speak.
fn azure_disks(machine: Machine<'_>) -> Fact<Option<&[AzureDisk]>> {
    if runs_at_home(machine) || machine.state() == Ok(State::AzureVmDeleted) {
        return Ok(None);
    }
    let vm = machine.azure_vm()?;
    if vm.exists.is_some_and(|exists| !exists.value) {
        return Ok(None);
    }
    vm.disks.fact("azure_vm.disks").map(|disks| Some(disks.as_slice()))
}

/// Returns the disks that a failback writes into: those excluded from replication stay as they are.
fn replicated(disks: &[OnpremDisk]) -> impl Iterator<Item = &OnpremDisk> {
    disks.iter().filter(|disk| disk.excluded.is_none_or(|excluded| !excluded.value))
}

/// Returns the datastore of a disk; `None` if it lies on none, as a disk that the guest reaches over iSCSI.
fn datastore_of<'m>(machine: Machine<'m>, disk: &'m OnpremDisk) -> Fact<Option<&'m Spanned<String>>> {
    match disk.kind.map(|kind| kind.value) {
        Some(DiskKind::Iscsi) => Ok(disk.datastore.as_option()),
        Some(DiskKind::Vmdk | DiskKind::Rdm) | None => disk
            .datastore
            .fact("onprem_vm.disks.datastore")
            .map_err(|unknown| of_disk(unknown, machine, disk)),
    }
}

/// Says of which disk a fact is missing.
fn of_disk(unknown: Unknown, machine: Machine<'_>, disk: &OnpremDisk) -> Unknown {
    Unknown::of(unknown.field, format!("{} of {}", disk.id, machine.name()))
}

/// Reports each datastore of the original VM that the host of the master target does not have.
///
/// `managed` says which VMs are looked at, those under a vCenter or those without; `message` gets the names of the
/// machine, the host and the datastore.
fn report_out_of_reach(
    machine: Machine<'_>,
    managed: bool,
    message: fn(&str, &str, &str) -> String,
    findings: &mut Findings<'_>,
) -> Fact<()> {
    let Some(choice) = &machine.settings().failback.master_target else { return Ok(()) };
    if is_alternate(machine) {
        return Ok(());
    }
    let vm = machine.onprem_vm()?;
    let is_managed = vm.vcenter.fact("onprem_vm.vcenter").map(|vcenter| vcenter.is_some());
    if is_managed.as_ref().is_ok_and(|is_managed| *is_managed != managed) {
        return Ok(());
    }
    let Some(server) = machine.listed_master_target()? else { return Ok(()) };
    let host = server.host_name()?;
    let (mut out_of_reach, mut unknown) = (Vec::new(), None);
    for disk in replicated(machine.onprem_disks()?) {
        match is_out_of_reach(machine, disk, host) {
            Ok(None) => {}
            Ok(Some(datastore)) => out_of_reach.push((disk, datastore)),
            Err(missing) => unknown = unknown.or(Some(missing)),
        }
    }
    if !out_of_reach.is_empty() {
        // Only a violation needs to know which of the two conditions the machine has to meet.
        machine.location_mode()?;
        is_managed?;
        let name = &machine.name().value;
        let mut reported: Vec<&str> = Vec::new();
        for (_, datastore) in &out_of_reach {
            if reported.contains(&datastore.value.as_str()) {
                continue;
            }
            reported.push(&datastore.value);
            let finding = findings.at(choice.span, message(name, host, datastore));
            for (disk, on) in out_of_reach.iter().filter(|(_, on)| on.value == datastore.value) {
                finding.also(on.span, format!("{} of {name} lies on {}", disk.id, on.value));
            }
            if let Some(host) = &server.facts.host {
                finding.also(host.span, format!("{} runs on {host}", server.name()));
            }
            finding.also(machine.name().span, "this machine comes back into its original VM");
        }
    }
    unknown.map_or(Ok(()), Err)
}

/// Returns the datastore of a disk if a host has no access to it.
fn is_out_of_reach<'m>(
    machine: Machine<'m>,
    disk: &'m OnpremDisk,
    host: &str,
) -> Fact<Option<&'m Spanned<String>>> {
    let Some(name) = datastore_of(machine, disk)? else { return Ok(None) };
    let datastore = machine.model.datastore(name)?;
    Ok(access(datastore, host)?.is_none().then_some(name))
}

/// Says of which machine a fact is missing, for a rule that looks at several.
fn of_machine(unknown: Unknown, machine: Machine<'_>) -> Unknown {
    Unknown { object: unknown.object.or_else(|| Some(machine.name().value.clone())), ..unknown }
}

/// Something that machines have in common, such as a datastore.
struct Shared<'m, K> {
    key: K,
    /// The machines, each with the place that says so.
    machines: Vec<(Machine<'m>, Span)>,
    /// Why nobody can tell whether another machine has to do with it.
    undecided: Option<Unknown>,
}

/// What machines have in common, in the order in which it is first named.
struct Sharing<'m, K> {
    items: Vec<Shared<'m, K>>,
    places: Places<K>,
}

impl<'m, K: Copy + Eq + Hash> Sharing<'m, K> {
    fn new() -> Self {
        Self { items: Vec::new(), places: Places::new() }
    }

    /// Adds a machine to those that have `key` in common; `location` tells whether it is known to.
    fn add(&mut self, key: K, machine: Machine<'m>, span: Span, location: &Fact<LocationMode>) {
        let (place, is_new) = self.places.of(key);
        if is_new {
            self.items.push(Shared { key, machines: Vec::new(), undecided: None });
        }
        let shared = &mut self.items[place];
        match location {
            Ok(_) => shared.machines.push((machine, span)),
            Err(unknown) => {
                shared.undecided.get_or_insert_with(|| of_machine(unknown.clone(), machine));
            }
        }
    }
}

/// Points at the machines that suffer, each where it is said that they do.
fn point_at(finding: &mut Finding, machines: &[(Machine<'_>, Span)], text: &str) {
    for (machine, span) in machines.iter().take(LABELS) {
        finding.also(*span, format!("{} {text}", machine.name()));
    }
    if let Some((_, span)) = machines.get(LABELS) {
        finding.also(*span, format!("and {} more", machines.len() - LABELS));
    }
}

/// Returns the number of machines, once each, as words.
fn count(machines: &[(Machine<'_>, Span)]) -> String {
    let mut indexes: Vec<usize> = machines.iter().map(|(machine, _)| machine.index()).collect();
    indexes.sort_unstable();
    indexes.dedup();
    match indexes.len() {
        1 => "1 machine".to_owned(),
        more => format!("{more} machines"),
    }
}
