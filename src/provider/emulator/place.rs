//! What the service looks at where a machine is to come to: its host, its disks, its datastore.

use crate::provider::emulator::checks::Look;
use crate::provider::emulator::checks::first_of;
use crate::provider::emulator::checks::trouble;
use crate::provider::emulator::item::Item;
use crate::provider::emulator::item::is_false;
use crate::provider::emulator::item::is_true;
use crate::provider::emulator::job::Trouble;
use crate::provider::emulator::site::Site;
use crate::syntax::inventory::DatastoreType;
use crate::syntax::machine::DiskKind;
use crate::syntax::machine::MachineKind;
use crate::syntax::nullable::Nullable;
use crate::syntax::plan::Baseline;

/// Returns what is wrong with the place that the machine is to come to.
pub(super) fn place(look: &Look<'_>, server: &str, datastore: &str) -> Option<Trouble> {
    let site = look.site;
    let host = site.host_of(server);
    let vcenter = host.and_then(|host| site.vcenter_of(host));
    let trouble = first_of![
        vcenter.and_then(|name| site.vcenter_trouble(name)),
        vcenter.filter(|name| site.lacks_privileges(name)).and_then(|name| {
            trouble(
                "VcenterPrivileges",
                format!("The account on '{name}' lacks privileges that a failback needs."),
            )
        }),
        original_vcenter(site, look.item, host),
        host.and_then(|host| site.host_trouble(host)),
    ];
    if trouble.is_some() {
        return trouble;
    }
    if look.item.is_alternate() { new_vm(look, server, datastore) } else { existing_vm(look, host) }
}

/// Returns whether classic would go into another vCenter than the one under which the machine was protected.
fn original_vcenter(site: &Site, item: &Item, host: Option<&str>) -> Option<Trouble> {
    let source = item.facts.asr.as_ref().and_then(|asr| asr.source_vcenter.as_option())?;
    let physical = item.facts.kind.as_deref() == Some(&MachineKind::Physical);
    let other = match &site.host(host?)?.vcenter {
        Nullable::Some(vcenter) => vcenter.value != source.value,
        Nullable::None => true,
        Nullable::Unknown => false,
    };
    if site.classic && !physical && other {
        return trouble(
            "VcenterNotOriginal",
            format!("'{}' was protected under '{}'.", item.name, source.value),
        );
    }
    None
}

/// Returns what keeps a new VM from being made.
fn new_vm(look: &Look<'_>, server: &str, name: &str) -> Option<Trouble> {
    let (site, item) = (look.site, look.item);
    let host = site.host_of(server);
    if let Some(trouble) = site.datastore_trouble(host, name) {
        return Some(trouble);
    }
    if item.has_raw_disks {
        return trouble("DatastoreNotSupported", "Raw device mappings can't be made anew.");
    }
    let datastore = site.datastore(name)?;
    // Classic takes VMFS (and later vSAN) only; no statement was found for modernized, which is taken to be open.
    let suits = !site.classic
        || match datastore.kind.as_deref() {
            Some(DatastoreType::Vmfs) | None => true,
            Some(DatastoreType::Vsan) => match look.baseline {
                Baseline::Seed2017 => false,
                Baseline::Current => true,
            },
            Some(DatastoreType::Nfs | DatastoreType::Vvol) => false,
        };
    if !suits {
        return trouble(
            "DatastoreNotSupported",
            format!("New disks can't be made on the datastore '{name}'."),
        );
    }
    let appliance = site.appliance(server).filter(|_| !site.classic);
    let theirs = appliance.and_then(|appliance| appliance.vcenter.as_ref());
    let offered = match (&datastore.vcenter, theirs) {
        (Nullable::Some(ours), Some(theirs)) => ours.value == theirs.value,
        (Nullable::None, Some(_)) => false,
        (Nullable::Unknown, _) | (_, None) => true,
    };
    if !offered {
        return trouble(
            "DatastoreNotOffered",
            format!("The datastore '{name}' isn't one of the appliance's vCenter."),
        );
    }
    if let Some(trouble) = no_space(site, item, name) {
        return Some(trouble);
    }
    name_taken(site, item, server)
}

/// Returns whether the host of a server has a virtual machine of the name that the machine's new one would get.
pub(super) fn name_taken(site: &Site, item: &Item, server: &str) -> Option<Trouble> {
    let vm = vm_name(item);
    if !site.has_vm(site.host_of(server)?, vm) {
        return None;
    }
    trouble("78052", format!("A virtual machine with the name '{vm}' already exists on the host."))
}

/// Returns whether a datastore is too full for the machine's disks.
pub(super) fn no_space(site: &Site, item: &Item, datastore: &str) -> Option<Trouble> {
    let (_, bytes) = item.replicated_disks();
    if site.datastore(datastore)?.free_gb.as_deref()?.0 < bytes {
        return trouble("DatastoreFull", format!("The datastore '{datastore}' hasn't enough space."));
    }
    None
}

/// Returns the name that the machine's VM has or gets.
pub(super) fn vm_name(item: &Item) -> &str {
    let name = item.facts.onprem_vm.as_ref().and_then(|vm| vm.name.as_deref());
    name.map_or(item.name.as_str(), String::as_str)
}

/// Returns what keeps the existing VM's disks from being written.
pub(super) fn existing_vm(look: &Look<'_>, host: Option<&str>) -> Option<Trouble> {
    let site = look.site;
    let vm = look.item.facts.onprem_vm.as_ref()?;
    // The VM stays where it is, and starts there.
    if let Some(trouble) = vm.host.as_deref().and_then(|host| site.host_trouble(host)) {
        return Some(trouble);
    }
    for disk in vm.disks.iter().flatten().filter(|disk| !is_true(&disk.excluded)) {
        let raw = disk.kind.as_deref() == Some(&DiskKind::Rdm);
        // The condition is one of the classic article; modernized has none.
        let lost = site.classic && (is_false(&disk.attached) || is_false(&disk.exists));
        let not_attached = || {
            let message = format!("'{}' must exist and be attached to the virtual machine.", disk.id.value);
            Some(Trouble::new("DiskNotAttached", message))
        };
        if raw && lost {
            return not_attached();
        }
        let Nullable::Some(name) = &disk.datastore else { continue };
        // A master target writes the disks itself; an appliance does too, from its own host.
        let trouble = site.datastore_trouble(host, name);
        if trouble.is_some() {
            return trouble;
        }
        let vsan =
            || site.datastore(name).and_then(|found| found.kind.as_deref()) == Some(&DatastoreType::Vsan);
        if lost && vsan() {
            return not_attached();
        }
    }
    None
}
