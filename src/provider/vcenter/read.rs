//! Objects of the property collector, read as virtual machines, hosts and datastores.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::provider::vcenter::calls::Wanted;
use crate::provider::vcenter::collect::Object;
use crate::provider::vcenter::collect::Reference;
use crate::provider::vcenter::device;
use crate::provider::vcenter::seen::About;
use crate::provider::vcenter::seen::Connection;
use crate::provider::vcenter::seen::Gap;
use crate::provider::vcenter::seen::SeenDatastore;
use crate::provider::vcenter::seen::SeenHost;
use crate::provider::vcenter::seen::SeenVm;
use crate::provider::vcenter::xml::Element;
use crate::quantity::Bytes;
use crate::syntax::inventory::Access;
use crate::syntax::inventory::DatastoreType;
use crate::syntax::machine::Firmware;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::ToolsState;

/// Names of objects.
pub(super) type Names = HashMap<Reference, String>;

pub(super) const VM: &str = "VirtualMachine";
pub(super) const HOST: &str = "HostSystem";
pub(super) const DATASTORE: &str = "Datastore";
pub(super) const FOLDER: &str = "Folder";

/// What is asked of virtual machines. Every property is one of vSphere 6.5 or older.
pub(super) const VM_PROPERTIES: &[&str] = &[
    "name",
    "config.uuid",
    "config.instanceUuid",
    "config.template",
    "config.hardware.memoryMB",
    "config.hardware.numCPU",
    "config.hardware.device",
    "config.firmware",
    "config.bootOptions",
    "config.flags.diskUuidEnabled",
    "config.files.vmPathName",
    "runtime.powerState",
    "runtime.connectionState",
    "runtime.host",
    "runtime.bootTime",
    "guest.hostName",
    "guest.toolsRunningStatus",
    "guest.toolsVersionStatus2",
    "snapshot",
];

const OF_HOST: Wanted = (
    HOST,
    &[
        "name",
        "runtime.connectionState",
        "runtime.inMaintenanceMode",
        "summary.config.product",
        "summary.hardware.memorySize",
        "summary.quickStats.overallMemoryUsage",
        "summary.managementServerIp",
        "vm",
    ],
);
const OF_DATASTORE: Wanted = (DATASTORE, &["name", "summary", "host"]);
const OF_FOLDER: Wanted = (FOLDER, &["name"]);

/// What is asked of what holds virtual machines.
pub(super) const GROUND: &[Wanted] = &[OF_HOST, OF_DATASTORE, OF_FOLDER];

/// What is asked of everything.
pub(super) const ALL: &[Wanted] = &[(VM, VM_PROPERTIES), OF_HOST, OF_DATASTORE, OF_FOLDER];

/// Returns the name of an object. vCenter escapes three letters in it, and no others.
pub(super) fn name(object: &Object) -> Option<String> {
    let mut name = object.word("name")?.to_owned();
    for (escape, letter) in [("%2f", "/"), ("%2F", "/"), ("%5c", "\\"), ("%5C", "\\"), ("%25", "%")] {
        if name.contains(escape) {
            name = name.replace(escape, letter);
        }
    }
    Some(name)
}

/// Notes of what could not be had.
pub(super) fn gaps(object: &Object, name: Option<&str>) -> impl Iterator<Item = Gap> {
    let shown = name.map_or_else(|| object.reference.value.clone(), str::to_owned);
    object.missing.iter().map(move |missing| Gap {
        object: shown.clone(),
        property: missing.path.clone(),
        privilege: missing.privilege.clone(),
        why: match &missing.privilege {
            Some(privilege) => format!("the account lacks {privilege}"),
            None => missing.fault.clone(),
        },
    })
}

fn connection(object: &Object) -> Option<Connection> {
    match object.word("runtime.connectionState")? {
        "connected" => Some(Connection::Connected),
        other => Some(Connection::Lost(other.to_owned())),
    }
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// Reads a virtual machine, and adds to `gaps` what is not known of it.
pub(super) fn vm(object: &Object, at: Timestamp, names: &Names, gaps: &mut Vec<Gap>) -> SeenVm {
    let word = |path: &str| object.word(path).map(str::to_owned);
    let truth = |path: &str| object.word(path).and_then(truth);
    let shown = name(object).unwrap_or_else(|| object.reference.value.clone());
    gaps.extend(self::gaps(object, Some(&shown)));
    let connection = connection(object);
    // What moves is what was heard last, which may have been long ago.
    let heard = match &connection {
        Some(Connection::Connected) | None => true,
        Some(Connection::Lost(state)) => {
            gaps.push(Gap {
                object: shown.clone(),
                property: "runtime".into(),
                privilege: None,
                why: format!("its vCenter does not hear from its host ({state})"),
            });
            false
        }
    };
    let devices = object.property("config.hardware.device");
    // Neither is set for a machine whose configuration the vCenter has not read.
    let configured = object.word("config.uuid").is_some() || devices.is_some();
    let memory = object.word("config.hardware.memoryMB").and_then(|size| size.parse::<u64>().ok());
    let options = object.property("config.bootOptions");
    let secure_boot = options.and_then(|options| options.word("efiSecureBootEnabled")).and_then(self::truth);
    let firmware = match object.word("config.firmware") {
        Some("bios") => Some(Firmware::Bios),
        Some("efi") => Some(Firmware::Uefi),
        Some(_) | None => None,
    };
    SeenVm {
        reference: object.reference.value.clone(),
        at,
        uuid: word("config.uuid").map(|uuid| uuid.to_ascii_lowercase()),
        instance_uuid: word("config.instanceUuid").map(|uuid| uuid.to_ascii_lowercase()),
        template: truth("config.template"),
        power: object.word("runtime.powerState").filter(|_| heard).and_then(power),
        host: object
            .property("runtime.host")
            .and_then(Reference::of)
            .and_then(|host| names.get(&host).cloned()),
        guest_name: word("guest.hostName"),
        tools: tools(object).filter(|_| heard),
        snapshots: snapshots(object, configured),
        disks: devices.map(|devices| device::disks(devices, names)),
        scsi_controllers: devices.map(device::scsi_controllers),
        datastore: device::folder_of(object.word("config.files.vmPathName")),
        firmware,
        // A machine without EFI has no Secure Boot, and vCenter leaves the option out where nobody ever set it.
        secure_boot: secure_boot.or_else(|| {
            let asked = object.was_read("config.bootOptions") && configured;
            (asked && firmware == Some(Firmware::Bios)).then_some(false)
        }),
        enable_uuid: truth("config.flags.diskUuidEnabled"),
        memory: memory.and_then(|size| size.checked_mul(1 << 20)).map(Bytes),
        cpus: object.word("config.hardware.numCPU").and_then(|count| count.parse().ok()),
        booted_at: object.word("runtime.bootTime").filter(|_| heard).and_then(|at| at.parse().ok()),
        name: name(object),
        connection,
    }
}

fn power(word: &str) -> Option<PowerState> {
    match word {
        "poweredOn" => Some(PowerState::Running),
        "poweredOff" => Some(PowerState::Stopped),
        "suspended" => Some(PowerState::Suspended),
        _ => None,
    }
}

fn tools(object: &Object) -> Option<ToolsState> {
    if object.word("guest.toolsVersionStatus2") == Some("guestToolsNotInstalled") {
        return Some(ToolsState::Uninstalled);
    }
    match object.word("guest.toolsRunningStatus")? {
        "guestToolsRunning" | "guestToolsExecutingScripts" => Some(ToolsState::Running),
        "guestToolsNotRunning" => Some(ToolsState::NotRunning),
        _ => None,
    }
}

/// Returns the number of snapshots. vCenter leaves the property out of a machine without any, and of one that it can't read.
fn snapshots(object: &Object, configured: bool) -> Option<u32> {
    fn count(element: &Element) -> u32 {
        let inside = |name| element.all(name).map(|child| 1 + count(child)).sum::<u32>();
        inside("rootSnapshotList") + inside("childSnapshotList")
    }
    match object.property("snapshot") {
        Some(info) => Some(count(info)),
        None => (configured && object.was_read("snapshot")).then_some(0),
    }
}

/// Reads a host, and adds to `gaps` what is not known of it.
pub(super) fn host(object: &Object, names: &Names, gaps: &mut Vec<Gap>) -> Option<SeenHost> {
    let name = names.get(&object.reference).cloned();
    gaps.extend(self::gaps(object, name.as_deref()));
    let name = name?;
    let connection = connection(object);
    let heard = match &connection {
        Some(Connection::Connected) | None => true,
        Some(Connection::Lost(state)) => {
            gaps.push(Gap {
                object: name.clone(),
                property: "summary.quickStats".into(),
                privilege: None,
                why: format!("its vCenter does not hear from it ({state})"),
            });
            false
        }
    };
    let product = object.property("summary.config.product");
    let product = |what| product.and_then(|product| product.word(what)).map(str::to_owned);
    let total = object.word("summary.hardware.memorySize").and_then(|size| size.parse::<u64>().ok());
    let used = object.word("summary.quickStats.overallMemoryUsage").and_then(|size| size.parse::<u64>().ok());
    let free = total.zip(used).map(|(total, used)| Bytes(total.saturating_sub(used.saturating_mul(1 << 20))));
    let vms = match object.property("vm") {
        Some(list) => list
            .children
            .iter()
            .map(|vm| Reference::of(vm).and_then(|vm| names.get(&vm).cloned()))
            .collect::<Option<Vec<_>>>(),
        None => object.was_read("vm").then(Vec::new),
    };
    let mut vms = vms.filter(|_| heard);
    if let Some(vms) = &mut vms {
        vms.sort_unstable();
    }
    Some(SeenHost {
        name,
        maintenance: object.word("runtime.inMaintenanceMode").and_then(truth),
        managed: object
            .was_read("summary.managementServerIp")
            .then(|| object.word("summary.managementServerIp").is_some()),
        version: product("version"),
        build: product("build"),
        free_memory: free.filter(|_| heard),
        vms,
        connection,
    })
}

/// Reads a datastore, and adds to `gaps` what is not known of it.
pub(super) fn datastore(object: &Object, names: &Names, gaps: &mut Vec<Gap>) -> Option<SeenDatastore> {
    let summary = object.property("summary");
    let word = |what| summary.and_then(|summary| summary.word(what));
    let name = self::name(object).or_else(|| word("name").map(str::to_owned));
    gaps.extend(self::gaps(object, name.as_deref()));
    let name = name?;
    let kind = word("type").and_then(|kind| {
        let known = match kind.to_ascii_lowercase().as_str() {
            "vmfs" => Some(DatastoreType::Vmfs),
            "vsan" => Some(DatastoreType::Vsan),
            "nfs" | "nfs41" => Some(DatastoreType::Nfs),
            "vvol" => Some(DatastoreType::Vvol),
            _ => None,
        };
        if known.is_none() {
            gaps.push(Gap {
                object: name.clone(),
                property: "summary.type".into(),
                privilege: None,
                why: format!("`{kind}` is a file system that no rule knows"),
            });
        }
        known
    });
    let accessible = word("accessible").and_then(truth);
    // Sizes are what was heard last while no host reaches it.
    let size =
        |what| word(what).and_then(|size| size.parse().ok()).map(Bytes).filter(|_| accessible == Some(true));
    let maintenance = word("maintenanceMode").map(|mode| mode != "normal");
    let (capacity, free, url) = (size("capacity"), size("freeSpace"), word("url").map(str::to_owned));
    let access = access(object, names);
    if access.is_none() && object.was_read("host") {
        gaps.push(Gap {
            object: name.clone(),
            property: "host".into(),
            privilege: None,
            why: "it is not known of every host whether it reaches it".into(),
        });
    }
    Some(SeenDatastore { name, url, kind, capacity, free, accessible, maintenance, access })
}

/// Returns who reaches a datastore; `None` if that is not known of some host.
fn access(object: &Object, names: &Names) -> Option<Vec<(String, Access)>> {
    let Some(mounts) = object.property("host") else { return object.was_read("host").then(Vec::new) };
    let mut access = Vec::new();
    for mount in &mounts.children {
        let host = names.get(&mount.child("key").and_then(Reference::of)?)?.clone();
        let info = mount.child("mountInfo")?;
        if info.word("mounted").and_then(truth) == Some(false) || !info.word("accessible").and_then(truth)? {
            continue;
        }
        match info.word("accessMode")? {
            "readWrite" => access.push((host, Access::ReadWrite)),
            "readOnly" => access.push((host, Access::ReadOnly)),
            _ => return None,
        }
    }
    access.sort_by(|(one, _), (other, _)| one.cmp(other));
    Some(access)
}

/// Returns the names of objects, by their references.
pub(super) fn names(objects: &[Object]) -> Names {
    objects.iter().filter_map(|object| Some((object.reference.clone(), name(object)?))).collect()
}

/// Reads what a vCenter says about itself.
pub(super) fn about(element: &Element) -> About {
    let word = |name| element.word(name).map(str::to_owned);
    // It goes into a header: figures and dots, or none at all.
    let is_version = |text: &String| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    About {
        full_name: word("fullName").unwrap_or_default(),
        version: word("version"),
        api_version: word("apiVersion").filter(is_version),
        instance_uuid: word("instanceUuid"),
        is_vcenter: element.word("apiType") == Some("VirtualCenter"),
    }
}
