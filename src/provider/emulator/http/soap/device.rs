//! A virtual machine's controllers and disks.

use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::soap::estate::Estate;
use crate::provider::emulator::http::soap::estate::Role;
use crate::provider::emulator::http::soap::estate::Vm;
use crate::provider::emulator::http::soap::value::Fields;
use crate::provider::emulator::http::soap::value::Value;
use crate::provider::emulator::item::is_false;
use crate::quantity::Bytes;
use crate::syntax::machine::DiskKind;
use crate::syntax::machine::OnpremDisk;

/// Size of a server's disk about which nothing is known.
const ASSUMED: Bytes = Bytes::gib(100);

/// Key of the first SCSI controller, and of the first disk, as vSphere gives them.
const CONTROLLER: i32 = 1000;
const DISK: i32 = 2000;

/// Disks on a SCSI controller: sixteen places, of which the controller has one.
const DISKS_OF_A_CONTROLLER: i32 = 15;

/// A disk as vCenter shows it.
struct Shown<'v> {
    id: String,
    kind: DiskKind,
    datastore: Option<&'v str>,
    size: Option<Bytes>,
}

/// Returns whether vCenter sees a disk: it is attached, and the guest does not reach it by itself.
fn is_seen(disk: &OnpremDisk) -> bool {
    !is_false(&disk.attached) && !is_false(&disk.exists) && disk.kind.as_deref() != Some(&DiskKind::Iscsi)
}

fn own<'v>(disks: &'v [OnpremDisk]) -> impl Iterator<Item = Shown<'v>> {
    disks.iter().filter(|disk| is_seen(disk)).map(|disk| Shown {
        id: disk.id.value.clone(),
        kind: disk.kind.as_deref().copied().unwrap_or(DiskKind::Vmdk),
        datastore: disk.datastore.as_option().map(|name| name.as_str()),
        size: disk.size_gb.as_deref().copied(),
    })
}

/// Returns the disks of a server: its own, then those that it holds for machines.
fn of_server<'v>(
    estate: &Estate<'v>,
    vm: &Vm<'v>,
    attached: Option<u32>,
    system: Option<Bytes>,
    datastore: Option<&'v str>,
) -> Vec<Shown<'v>> {
    let holds = |item: &&'v crate::provider::emulator::item::Item| {
        item.holder.as_ref().is_some_and(|holder| holder.server == vm.name)
    };
    let held: Vec<Shown<'v>> = estate
        .visit
        .world()
        .items
        .iter()
        .filter(holds)
        .filter_map(|item| item.facts.onprem_vm.as_ref()?.disks.as_deref())
        .flat_map(own)
        .collect();
    let count = attached.and_then(|count| usize::try_from(count).ok()).unwrap_or(1 + held.len());
    // Its count is what the world goes by; which disks they are is told as far as there is room.
    let kept = held.len().min(count.saturating_sub(1));
    let mut disks: Vec<Shown<'v>> = (0..count - kept)
        .map(|at| Shown {
            id: String::new(),
            kind: DiskKind::Vmdk,
            datastore,
            size: if at == 0 { system } else { Some(ASSUMED) },
        })
        .collect();
    disks.extend(held.into_iter().take(kept));
    for (at, disk) in disks.iter_mut().enumerate() {
        disk.id = format!("disk{at}");
    }
    disks
}

fn shown<'v>(estate: &Estate<'v>, vm: &Vm<'v>) -> Vec<Shown<'v>> {
    match vm.role {
        Role::Machine(item) => {
            let disks = item.facts.onprem_vm.as_ref().and_then(|vm| vm.disks.as_deref());
            own(disks.unwrap_or_default()).collect()
        }
        Role::MasterTarget(server) => {
            let (attached, system) =
                (server.attached_disks.as_deref().copied(), server.os_disk_gb.as_deref().copied());
            of_server(estate, vm, attached, system, server.datastore.as_ref().map(|name| name.as_str()))
        }
        Role::Appliance(server) => {
            let attached = server.attached_disks.as_deref().copied();
            of_server(
                estate,
                vm,
                attached,
                Some(ASSUMED),
                server.datastore.as_ref().map(|name| name.as_str()),
            )
        }
        Role::Other => Vec::new(),
    }
}

/// Returns the names of the datastores that a virtual machine uses.
pub(super) fn datastores<'v>(vm: &Vm<'v>, home: Option<&'v str>) -> Vec<&'v str> {
    let mut names: Vec<&'v str> = home.into_iter().collect();
    if let Role::Machine(item) = vm.role {
        let disks = item.facts.onprem_vm.as_ref().and_then(|vm| vm.disks.as_deref()).unwrap_or_default();
        for disk in own(disks) {
            names.extend(disk.datastore.filter(|name| !names.contains(name)));
        }
    }
    names
}

/// Returns the types of the SCSI controllers.
fn controllers(vm: &Vm<'_>) -> Vec<&'static str> {
    let stated = match vm.role {
        Role::MasterTarget(server) => server.scsi_controllers.as_ref(),
        Role::Machine(_) | Role::Appliance(_) | Role::Other => None,
    };
    let Some(kinds) = stated else { return vec!["VirtualLsiLogicSASController"] };
    kinds
        .iter()
        .map(|kind| {
            let letters: String =
                kind.value.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
            if letters.contains("pvscsi") || letters.contains("paravirtual") {
                "ParaVirtualSCSIController"
            } else if letters.contains("sas") {
                "VirtualLsiLogicSASController"
            } else if letters.contains("bus") {
                "VirtualBusLogicController"
            } else {
                "VirtualLsiLogicController"
            }
        })
        .collect()
}

/// Returns the controllers and disks.
pub(super) fn devices(estate: &Estate<'_>, vm: &Vm<'_>) -> Vec<Value> {
    let mut devices: Vec<Value> = Vec::new();
    let kinds = controllers(vm);
    for (bus, kind) in (0..).zip(kinds) {
        let label = format!("SCSI controller {bus}");
        let controller = Fields::default()
            .set("key", Value::int(CONTROLLER + bus))
            .set("deviceInfo", described(&label, kind))
            .set("busNumber", Value::int(bus))
            .set("hotAddRemove", Value::truth(true))
            .set("sharedBus", Value::word("VirtualSCSISharing", "noSharing"))
            .set("scsiCtlrUnitNumber", Value::int(7));
        devices.push(controller.data(kind));
    }
    devices.extend((0..).zip(shown(estate, vm)).map(|(at, disk)| self::disk(estate, vm, at, &disk)));
    devices
}

fn described(label: &str, summary: &str) -> Value {
    Fields::default()
        .set("label", Value::text(label))
        .set("summary", Value::text(summary))
        .data("Description")
}

/// Returns the label of a disk: vCenter counts from one, and Site Recovery from zero.
fn label(id: &str) -> String {
    let number = id.strip_prefix("disk").and_then(|number| number.parse::<u32>().ok());
    match number.filter(|number| format!("disk{number}") == id).and_then(|number| number.checked_add(1)) {
        Some(number) => format!("Hard disk {number}"),
        None => id.to_owned(),
    }
}

fn disk(estate: &Estate<'_>, vm: &Vm<'_>, at: i32, disk: &Shown<'_>) -> Value {
    let summary = disk.size.map_or_else(String::new, |size| format!("{} KB", size.0 >> 10));
    let uuid = guid::guid("disk", &format!("{}/{}", vm.uuid, disk.id));
    let file = format!("[{}] {}/{}.vmdk", disk.datastore.unwrap_or_default(), vm.name, disk.id);
    let store = disk.datastore.and_then(|name| estate.datastore_reference(name));
    let backing = Fields::default()
        .set("fileName", Value::text(file))
        .maybe("datastore", store.map(Value::Reference))
        .set("uuid", Value::text(format!("6000C29{}", &uuid[7..])))
        .set("diskMode", Value::text("persistent"));
    let backing = match disk.kind {
        DiskKind::Vmdk | DiskKind::Iscsi => {
            backing.set("thinProvisioned", Value::truth(true)).data("VirtualDiskFlatVer2BackingInfo")
        }
        DiskKind::Rdm => backing
            .set("lunUuid", Value::text(guid::long("lun", &uuid)[..32].to_owned()))
            .set("compatibilityMode", Value::text("physicalMode"))
            .data("VirtualDiskRawDiskMappingVer1BackingInfo"),
    };
    // The eighth place is the controller's own.
    let place = at % DISKS_OF_A_CONTROLLER;
    let controllers = i32::try_from(controllers(vm).len()).unwrap_or(i32::MAX).max(1);
    Fields::default()
        .set("key", Value::int(DISK + at))
        .set("deviceInfo", described(&label(&disk.id), &summary))
        .set("backing", backing)
        .set("controllerKey", Value::int(CONTROLLER + (at / DISKS_OF_A_CONTROLLER) % controllers))
        .set("unitNumber", Value::int(if place < 7 { place } else { place + 1 }))
        .maybe("capacityInKB", disk.size.map(|size| Value::long(size.0 >> 10)))
        .maybe("capacityInBytes", disk.size.map(|size| Value::long(size.0)))
        .data("VirtualDisk")
}
