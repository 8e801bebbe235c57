//! What the service looks at where a machine is to come to: its host, its disks, its datastore.

use crate::provider::emulator::checks::first_of;
use crate::provider::emulator::checks::trouble;
use crate::provider::emulator::item::Item;
use crate::provider::emulator::item::is_false;
use crate::provider::emulator::item::is_true;
use crate::provider::emulator::job::Trouble;
use crate::provider::emulator::site::Site;
use crate::syntax::inventory::DatastoreType;
use crate::syntax::machine::DiskKind;
use crate::syntax::plan::Baseline;
use crate::syntax::scalar::Nullable;

/// Returns what is wrong with the place that the machine is to come to.
pub(super) fn place(
    site: &Site,
    item: &Item,
    server: &str,
    datastore: &str,
    baseline: Baseline,
) -> Option<Trouble> {
    let host = site.host_of(server);
    let vcenter = host.and_then(|host| site.vcenter_of(host));
    let look = first_of![
        vcenter.and_then(|name| site.vcenter_trouble(name)),
        vcenter.filter(|name| site.lacks_privileges(name)).and_then(|name| {
            trouble(
                "VcenterPrivileges",
                format!("The account on '{name}' lacks privileges that a failback needs."),
            )
        }),
        original_vcenter(site, item, vcenter),
        host.and_then(|host| site.host_trouble(host)),
    ];
    if look.is_some() {
        return look;
    }
    if item.is_alternate() {
        new_vm(site, item, host, datastore, baseline)
    } else {
        existing_vm(site, item, host)
    }
}

/// Returns whether classic would go into another vCenter than the one under which the machine was protected.
fn original_vcenter(site: &Site, item: &Item, vcenter: Option<&str>) -> Option<Trouble> {
    let source = item.facts.asr.as_ref().and_then(|asr| asr.source_vcenter.as_option())?;
    if site.classic && vcenter.is_some_and(|vcenter| vcenter != source.value) {
        return trouble(
            "VcenterNotOriginal",
            format!("'{}' was protected under '{}'.", item.name, source.value),
        );
    }
    None
}

/// Returns what keeps a new VM from being made.
fn new_vm(site: &Site, item: &Item, host: Option<&str>, name: &str, baseline: Baseline) -> Option<Trouble> {
    if let Some(trouble) = site.datastore_trouble(host, name) {
        return Some(trouble);
    }
    let disks = item.facts.onprem_vm.as_ref().and_then(|vm| vm.disks.as_ref());
    if disks.is_some_and(|disks| disks.iter().any(|disk| disk.kind.as_deref() == Some(&DiskKind::Rdm))) {
        return trouble("DatastoreNotSupported", "Raw device mappings can't be made anew.");
    }
    let datastore = site.datastore(name)?;
    let suits = match datastore.kind.as_deref() {
        Some(DatastoreType::Vmfs) | None => true,
        Some(DatastoreType::Vsan) => match baseline {
            Baseline::Seed2017 => false,
            Baseline::Current => true,
        },
        // Classic takes VMFS (and later vSAN) only; no statement was found for modernized, which is taken to be open.
        Some(DatastoreType::Nfs | DatastoreType::Vvol) => !site.classic,
    };
    if !suits {
        return trouble(
            "DatastoreNotSupported",
            format!("New disks can't be made on the datastore '{name}'."),
        );
    }
    let (_, bytes) = item.replicated_disks();
    if datastore.free_gb.as_deref().is_some_and(|free| free.0 < bytes) {
        return trouble("DatastoreFull", format!("The datastore '{name}' hasn't enough space."));
    }
    let vm = vm_name(item);
    if host.is_some_and(|host| site.has_vm(host, vm)) {
        return trouble(
            "78052",
            format!("A virtual machine with the name '{vm}' already exists on the host."),
        );
    }
    None
}

/// Returns the name that the machine's VM has or gets.
pub(super) fn vm_name(item: &Item) -> &str {
    let name = item.facts.onprem_vm.as_ref().and_then(|vm| vm.name.as_deref());
    name.map_or(item.name.as_str(), String::as_str)
}

/// Returns what keeps the existing VM's disks from being written.
pub(super) fn existing_vm(site: &Site, item: &Item, host: Option<&str>) -> Option<Trouble> {
    let vm = item.facts.onprem_vm.as_ref()?;
    for disk in vm.disks.iter().flatten().filter(|disk| !is_true(&disk.excluded)) {
        let Nullable::Some(name) = &disk.datastore else { continue };
        // A master target writes the disks itself; an appliance does too, from its own host.
        let trouble = site.datastore_trouble(host, name);
        if trouble.is_some() {
            return trouble;
        }
        let kept = disk.kind.as_deref() == Some(&DiskKind::Rdm)
            || site.datastore(name).is_some_and(|found| found.kind.as_deref() == Some(&DatastoreType::Vsan));
        if kept && (is_false(&disk.attached) || is_false(&disk.exists)) {
            let message = format!("'{}' must exist and be attached to the virtual machine.", disk.id.value);
            return Some(Trouble::new("DiskNotAttached", message));
        }
    }
    None
}
