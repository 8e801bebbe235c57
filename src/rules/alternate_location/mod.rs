//! Rules about failback into a new virtual machine (FB120–FB139).

pub(crate) mod alr_datastore_capacity;
pub(crate) mod alr_datastore_not_on_mt_host;
pub(crate) mod alr_datastore_outside_appliance_vcenter;
pub(crate) mod alr_datastore_unspecified;
pub(crate) mod alr_full_download;
pub(crate) mod alr_host_differs_from_mt_host;
pub(crate) mod alr_other_datastore_type;
pub(crate) mod alr_rdm;
pub(crate) mod alr_vsan_target;
pub(crate) mod mt_host_without_vmfs;
pub(crate) mod olr_nfs_datastore;
pub(crate) mod vm_name_collision_on_target;

use crate::model::Fact;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::quantity::Bytes;
use crate::rules::Rule;
use crate::source::Span;
use crate::syntax::machine::MachineKind;
use crate::syntax::machine::State;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[
    &alr_host_differs_from_mt_host::RULE,
    &alr_datastore_unspecified::RULE,
    &alr_datastore_not_on_mt_host::RULE,
    &alr_vsan_target::RULE,
    &alr_rdm::RULE,
    &alr_other_datastore_type::RULE,
    &olr_nfs_datastore::RULE,
    &alr_datastore_capacity::RULE,
    &alr_full_download::RULE,
    &vm_name_collision_on_target::RULE,
    &mt_host_without_vmfs::RULE,
    &alr_datastore_outside_appliance_vcenter::RULE,
];

/// Machines that a finding points at; the rest are counted, so that a large plan gives a readable message.
const LABELS: usize = 10;

/// Returns whether the facts already say that a machine comes back into its own VM, so that nothing else need be known.
fn is_original(machine: Machine<'_>) -> bool {
    machine.location_mode() == Ok(LocationMode::Original)
}

/// Returns why a machine comes back as a new VM, and where that is written.
fn reason(machine: Machine<'_>) -> (Span, &'static str) {
    if let Some(delete) = machine.settings().failback.delete_existing_vm.filter(|delete| delete.value) {
        return (delete.span, "its on-premises VM is to be deleted, so it comes back as a new one");
    }
    let kind = machine.facts().ok().and_then(|facts| facts.kind);
    if let Some(kind) = kind.filter(|kind| kind.value != MachineKind::VmwareVm) {
        return (kind.span, "it was no VMware VM, so it comes back as a new one");
    }
    let Ok(vm) = machine.onprem_vm() else { return (Span::NONE, "it comes back as a new VM") };
    match &vm.exists {
        Some(exists) if exists.value => (
            vm.uuid.as_ref().map_or(exists.span, |uuid| uuid.span),
            "its on-premises VM is not the one that was protected, so it comes back as a new one",
        ),
        Some(exists) => (exists.span, "its on-premises VM is gone, so it comes back as a new one"),
        None => (Span::NONE, "it comes back as a new VM"),
    }
}

/// Returns whether the disks of a machine are on-premises already, or on their way; an unknown state says that they are not.
fn is_transferring_or_back(machine: Machine<'_>) -> bool {
    match machine.state() {
        Ok(
            State::ReprotectingToOnprem
            | State::ProtectedToOnprem
            | State::FailingBack
            | State::FailedBack
            | State::FailedBackCommitted
            | State::ReprotectingToAzure,
        ) => true,
        Ok(
            State::ProtectedToAzure
            | State::FailedOver
            | State::FailedOverCommitted
            | State::Migrated
            | State::AzureVmDeleted
            | State::ReplicationDisabled
            | State::AzureVmMoved,
        )
        | Err(_) => false,
    }
}

/// Returns the size of the disks that come back.
pub(super) fn full_size(machine: Machine<'_>) -> Fact<Bytes> {
    let returning = machine.returning_disks()?;
    if let Some(missing) = returning.fewer.or(returning.more) {
        return Err(missing);
    }
    returning.sizes.into_iter().try_fold(Bytes(0), |total, size| Ok(Bytes(total.0.saturating_add(size?.0))))
}
