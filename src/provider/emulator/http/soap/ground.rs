//! Properties of hosts and datastores.

use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::soap::endpoint::Endpoint;
use crate::provider::emulator::http::soap::estate;
use crate::provider::emulator::http::soap::estate::Estate;
use crate::provider::emulator::http::soap::estate::Vm;
use crate::provider::emulator::http::soap::value::Fields;
use crate::provider::emulator::http::soap::value::Reference;
use crate::provider::emulator::http::soap::value::Value;
use crate::syntax::inventory::Access;
use crate::syntax::inventory::Datastore;
use crate::syntax::inventory::DatastoreType;
use crate::syntax::inventory::Host;

/// Memory that a host uses, in MiB: how much is free is what the world knows.
const USED: i32 = 65_536;

/// Address of the vCenter, as its hosts know it: one that is for documents.
const MANAGER: &str = "192.0.2.10";

/// Returns the properties of a host.
pub(super) fn host(estate: &Estate<'_>, host: &Host) -> Value {
    let reference = estate::host_reference(host);
    let name = host.name.as_str();
    // Asked itself, a host says its name in full.
    let shown = match estate.endpoint {
        Endpoint::Vcenter(_) => name.to_owned(),
        Endpoint::Host(_) => format!("{name}.localdomain"),
    };
    let manager = match estate.endpoint {
        Endpoint::Vcenter(_) => Some(Value::text(MANAGER)),
        Endpoint::Host(_) => None,
    };
    let memory = host.free_memory_gb.as_deref().map(|free| free.0 + (u64::from(USED.unsigned_abs()) << 20));
    let runtime = Fields::default()
        .set("connectionState", Value::word("HostSystemConnectionState", "connected"))
        .set("powerState", Value::word("HostSystemPowerState", "poweredOn"))
        .set("inMaintenanceMode", Value::truth(false))
        .data("HostRuntimeInfo");
    let hardware = Fields::default()
        .set("vendor", Value::text("failback"))
        .set("model", Value::text("emulated"))
        .set("uuid", Value::text(guid::guid("host", name)))
        .maybe("memorySize", memory.map(Value::long))
        .set("cpuModel", Value::text("emulated"))
        .set("cpuMhz", Value::int(2_600))
        .set("numCpuPkgs", Value::short(2))
        .set("numCpuCores", Value::short(32))
        .set("numCpuThreads", Value::short(64))
        .set("numNics", Value::int(2))
        .set("numHBAs", Value::int(1));
    let product = host.version.as_deref().map(|version| {
        Fields::default()
            .set("name", Value::text("VMware ESXi"))
            .set("fullName", Value::text(format!("VMware ESXi {version} (emulated)")))
            .set("vendor", Value::text("VMware, Inc."))
            .set("version", Value::text(version))
            .set("build", Value::text("0"))
            .set("osType", Value::text("vmnix-x86"))
            .set("productLineId", Value::text("embeddedEsx"))
            .set("apiType", Value::text("HostAgent"))
            .set("apiVersion", Value::text(version))
            .data("AboutInfo")
    });
    let said = Fields::default()
        .set("name", Value::text(&shown))
        .set("port", Value::int(443))
        .maybe("product", product)
        .set("vmotionEnabled", Value::truth(true))
        .data("HostConfigSummary");
    let usage = memory.map(|_| Value::int(USED));
    let summary = Fields::default()
        .set("host", Value::Reference(reference))
        .set("hardware", hardware.data("HostHardwareSummary"))
        .set("runtime", runtime.clone())
        .set("config", said)
        .set(
            "quickStats",
            Fields::default().maybe("overallMemoryUsage", usage).data("HostListSummaryQuickStats"),
        )
        .set("overallStatus", Value::word("ManagedEntityStatus", "green"))
        .set("rebootRequired", Value::truth(false))
        .maybe("managementServerIp", manager);
    let vms = estate.vms.iter().filter(|vm| vm.host == Some(name)).map(Vm::reference);
    let stores = estate.datastores.iter().filter(|store| mode(store, name).is_some());
    Fields::default()
        .set("name", Value::text(shown))
        .set("parent", Value::Reference(estate.parts().compute()))
        .set("runtime", runtime)
        .set("summary", summary.data("HostListSummary"))
        .set("vm", Value::references(vms))
        .set("datastore", Value::references(stores.map(|store| estate.reference_of(store))))
        .set("network", Value::references([]))
        .set("overallStatus", Value::word("ManagedEntityStatus", "green"))
        .data("HostSystem")
}

/// Returns how a host uses a datastore. A datastore whose access is not stated is open to all hosts.
pub(super) fn mode(store: &Datastore, host: &str) -> Option<&'static str> {
    let word = |access: Access| match access {
        Access::ReadWrite => "readWrite",
        Access::ReadOnly => "readOnly",
    };
    match &store.access {
        Some(access) => access.get(host).map(|access| word(access.value)),
        None => Some("readWrite"),
    }
}

/// Returns the properties of a datastore.
pub(super) fn datastore(estate: &Estate<'_>, store: &Datastore) -> Value {
    let reference = estate.reference_of(store);
    let name = store.name.as_str();
    let id = guid::guid("datastore", name);
    let url = format!("ds:///vmfs/volumes/{id}/");
    let accessible = store.accessible.as_deref() != Some(&false);
    let free = store.free_gb.as_deref().map(|free| free.0);
    let kind = match store.kind.as_deref() {
        Some(DatastoreType::Vmfs) | None => "VMFS",
        Some(DatastoreType::Vsan) => "vsan",
        Some(DatastoreType::Nfs) => "NFS",
        Some(DatastoreType::Vvol) => "VVOL",
    };
    let mounts: Vec<Value> = estate
        .hosts
        .iter()
        .filter_map(|host| {
            let info = Fields::default()
                .set("path", Value::text(format!("/vmfs/volumes/{id}")))
                .set("accessMode", Value::text(mode(store, host.name.as_str())?))
                .set("mounted", Value::truth(true))
                .set("accessible", Value::truth(accessible));
            let mount = Fields::default()
                .set("key", Value::Reference(estate::host_reference(host)))
                .set("mountInfo", info.data("HostMountInfo"));
            Some(mount.data("DatastoreHostMount"))
        })
        .collect();
    let summary = Fields::default()
        .set("datastore", Value::Reference(reference))
        .set("name", Value::text(name))
        .set("url", Value::text(&url))
        // How large it is, the world doesn't know: as much again as a quarter of what is free.
        .maybe("capacity", free.map(|free| Value::long(free + free / 4)))
        .maybe("freeSpace", free.map(Value::long))
        .set("accessible", Value::truth(accessible))
        .set("multipleHostAccess", Value::truth(mounts.len() > 1))
        .set("type", Value::text(kind))
        .set("maintenanceMode", Value::text("normal"));
    let info = Fields::default()
        .set("name", Value::text(name))
        .set("url", Value::text(&url))
        .maybe("freeSpace", free.map(Value::long))
        .set("maxFileSize", Value::long(64 << 40));
    let vms = estate.vms.iter().filter(|vm| vm.uses(name)).map(Vm::reference);
    Fields::default()
        .set("name", Value::text(name))
        .set("parent", Value::Reference(Reference::new("Folder", estate.parts().datastore_folder)))
        .set("summary", summary.data("DatastoreSummary"))
        .set("info", info.data("DatastoreInfo"))
        .set("host", Value::List("DatastoreHostMount", mounts))
        .set("vm", Value::references(vms))
        .set("overallStatus", Value::word("ManagedEntityStatus", "green"))
        .data("Datastore")
}
