//! Virtual machines that appliances of the modernized architecture found in vCenters.

use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::appliance;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::identity;
use crate::provider::emulator::http::off_azure::machine_name;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::http::words;
use crate::provider::emulator::item::Item;
use crate::provider::emulator::item::is_true;
use crate::quantity::GIB;
use crate::syntax::inventory::Appliance;
use crate::syntax::inventory::Inventory;
use crate::syntax::machine::Firmware;
use crate::syntax::machine::OsFamily;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::ToolsState;
use crate::syntax::nullable::Nullable;

/// A virtual machine as its vCenter knows it.
struct Found<'f> {
    name: &'f str,
    vcenter: &'f str,
    uuid: String,
    instance_uuid: String,
    host: Option<&'f str>,
    power: Option<PowerState>,
    tools: Option<ToolsState>,
    snapshots: Option<u32>,
    enable_uuid: Option<bool>,
    firmware: Option<Firmware>,
    windows: Option<bool>,
    release: Option<String>,
    memory_mb: f64,
    is_deleted: bool,
    disks: Vec<(String, u64, Option<String>)>,
}

/// Returns the virtual machines: those of appliances and those of items, and those that were there once.
pub(super) fn machines(visit: &Visit<'_>, facts: &Inventory) -> Vec<Value> {
    let identity = visit.identity();
    let appliances: Vec<&Appliance> = appliance::registered(facts, identity).collect();
    let items = visit.world().items.iter().flat_map(|item| [machine(item), protected_once(item)]).flatten();
    let own = appliances.iter().filter_map(|appliance| server(appliance));
    let names: Vec<&str> = appliances.iter().map(|appliance| appliance.name.value.as_str()).collect();
    own.chain(items).map(|found| body(visit, &found, &names)).collect()
}

fn server<'f>(appliance: &'f Appliance) -> Option<Found<'f>> {
    let uuid = appliance::server_uuid(&appliance.name);
    Some(Found {
        name: &appliance.name,
        vcenter: words::text_of(&appliance.vcenter)?,
        instance_uuid: guid::guid("instance", &uuid),
        uuid,
        host: words::text_of(&appliance.host),
        power: Some(PowerState::Running),
        tools: Some(ToolsState::Running),
        snapshots: Some(0),
        enable_uuid: Some(true),
        firmware: Some(Firmware::Bios),
        windows: Some(true),
        release: Some("Microsoft Windows Server 2022 (64-bit)".to_owned()),
        memory_mb: 32_768.0,
        is_deleted: false,
        disks: words::text_of(&appliance.datastore)
            .map(|datastore| vec![("disk0".to_owned(), 600 * GIB, Some(datastore.to_owned()))])
            .unwrap_or_default(),
    })
}

/// Returns the virtual machine of an item; one that is gone stays listed as deleted, as the service keeps it.
#[expect(clippy::cast_precision_loss, reason = "the memory of a machine in MiB is small")]
fn machine(item: &Item) -> Option<Found<'_>> {
    let facts = &item.facts;
    let vm = facts.onprem_vm.as_ref()?;
    let source = facts.asr.as_ref().and_then(|asr| asr.source_vcenter.as_option());
    let vcenter = match &vm.vcenter {
        Nullable::Some(vcenter) => vcenter,
        Nullable::None | Nullable::Unknown => source?,
    };
    let exists = is_true(&vm.exists);
    let os = facts.os.as_ref();
    let family = os.and_then(|os| os.family.as_deref().copied());
    let disks = vm.disks.iter().flatten().map(|disk| {
        let bytes = disk.size_gb.as_deref().map_or(0, |size| size.0);
        (disk.id.value.clone(), bytes, disk.datastore.as_option().map(|name| name.value.clone()))
    });
    let (uuid, instance_uuid) = if exists {
        (identity::vm_uuid(item), identity::instance_uuid(item))
    } else {
        let source = identity::source_uuid(item);
        let instance = guid::guid("instance", &source);
        (source, instance)
    };
    Some(Found {
        name: words::text_of(&vm.name).unwrap_or(item.name.as_str()),
        vcenter,
        instance_uuid,
        uuid,
        host: words::text_of(&vm.host),
        power: vm.power_state.as_deref().copied(),
        tools: vm.tools.as_deref().copied(),
        snapshots: vm.snapshots.as_deref().copied(),
        enable_uuid: vm.enable_uuid.as_deref().copied(),
        firmware: facts.boot.as_ref().and_then(|boot| boot.firmware.as_deref().copied()),
        windows: family.map(|family| family == OsFamily::Windows),
        release: os.and_then(|os| words::text_of(&os.release)).map(words::os_text),
        memory_mb: facts.memory_gb.as_deref().map_or(0.0, |memory| (memory.0 >> 20) as f64),
        is_deleted: !exists,
        disks: disks.collect(),
    })
}

/// Returns the virtual machine that was protected, if another one stands in its place by now.
fn protected_once(item: &Item) -> Option<Found<'_>> {
    let source = identity::source_uuid(item);
    let now = machine(item).filter(|found| !found.is_deleted && !found.uuid.eq_ignore_ascii_case(&source))?;
    Some(Found {
        instance_uuid: guid::guid("instance", &source),
        uuid: source,
        host: None,
        power: None,
        tools: None,
        snapshots: None,
        enable_uuid: None,
        is_deleted: true,
        disks: Vec::new(),
        ..now
    })
}

const fn power_word(power: PowerState) -> &'static str {
    match power {
        PowerState::Running | PowerState::Starting | PowerState::Stopping => "ON",
        PowerState::Stopped | PowerState::Deallocated => "OFF",
        PowerState::Suspended => "SUSPENDED",
    }
}

const fn tools_word(tools: ToolsState) -> &'static str {
    match tools {
        ToolsState::Running => "Running",
        ToolsState::Disabled | ToolsState::NotRunning => "NotRunning",
        ToolsState::Uninstalled => "NotInstalled",
    }
}

fn body(visit: &Visit<'_>, found: &Found<'_>, appliances: &[&str]) -> Value {
    let identity = visit.identity();
    let name = machine_name(found.vcenter, &found.instance_uuid);
    let folder = |datastore: &str| format!("[{datastore}] {0}/{0}", found.name);
    let disks: Vec<Value> = found
        .disks
        .iter()
        .enumerate()
        .map(|(at, (id, bytes, datastore))| {
            json!({
                "uuid": guid::guid("disk", &format!("{} {id}", found.uuid)),
                "label": id,
                "diskProvisioningPolicy": "ThickProvisioned",
                "diskScrubbingPolicy": "LazilyScrubbed",
                "diskMode": "persistent",
                "controllerType": "VirtualLsiLogicSASController",
                "maxSizeInBytes": bytes,
                "name": format!("scsi0:{at}"),
                "diskType": "Static",
                "lun": at,
                "path": datastore.as_deref().map(|datastore| format!("{}_{at}.vmdk", folder(datastore))),
            })
        })
        .collect();
    let place = found.disks.iter().find_map(|(_, _, datastore)| datastore.as_deref());
    let undone = json!({
        "discoveryScopeStatus": "RunAsAccountNotAssociated", "errors": [], "hydratedRunAsAccountId": null,
    });
    let mut properties = json!({
        "vCenterFQDN": found.vcenter,
        "vCenterId": identity.off_azure("vcenters", found.vcenter),
        "instanceUuid": found.instance_uuid,
        "dataCenterScope": "datacenter",
        "description": "",
        "disks": disks,
        "hostInMaintenanceMode": false,
        "hostName": found.host,
        "hostPowerState": "poweredOn",
        "hostVersion": found
            .host
            .and_then(|host| visit.world().site.host(host))
            .and_then(|host| words::text_of(&host.version)),
        "networkAdapters": [{
            "label": "Network adapter 1", "adapterType": "VirtualVmxnet3", "nicId": "4000",
            "macAddress": mac(&found.uuid), "ipAddressList": [words::address(found.name)],
            "networkName": "VM Network", "ipAddressType": "Static",
        }],
        "vMwareToolsStatus": found.tools.map(tools_word),
        "vMwareToolsVersion": "10272",
        "changeTrackingSupported": true,
        "changeTrackingEnabled": false,
        "maxSnapshots": -1,
        "diskEnabledUuid": match found.enable_uuid { Some(true) => "yes", Some(false) => "no", None => "unknown" },
        "numberOfSnapshots": found.snapshots.unwrap_or(0),
        "altGuestName": if found.windows == Some(false) { "otherLinux64Guest" } else { "windows9Server64Guest" },
        "powerStatus": found.power.map_or("UNKNOWN", power_word),
        "vmFqdn": found.name,
        "vmConfigurationFileLocation": place.map(|datastore| format!("{}.vmx", folder(datastore))),
        "firmware": match found.firmware { Some(Firmware::Uefi) => "efi", Some(Firmware::Bios) | None => "bios" },
        "guestOSDetails": {"osType": null, "osName": null, "osVersion": null, "osArchitecture": null},
        "numberOfApplications": -1,
        "guestDetailsDiscoveryTimestamp": null,
        "isGuestDetailsDiscoveryInProgress": true,
        "dependencyMapping": "Disabled",
        "dependencyMappingStartTime": null,
        "dependencyMappingEndTime": null,
        "runAsAccountId": null,
        "applianceNames": appliances,
        "errors": [],
        "applicationDiscovery": undone,
        "dependencyMapDiscovery": undone,
        "staticDiscovery": {"discoveryScopeStatus": "DiscoverySucceeded", "errors": [], "hydratedRunAsAccountId": null},
        "appsAndRoles": null,
    });
    let more = json!({
        "sqlDiscovery": {
            "successfullyDiscoveredServerCount": -1, "totalServerCount": -1,
            "sqlMetadataHydratedRunAsAccountId": null, "sqlMetadataDiscoveryPipe": "Unknown",
            "discoveryScopeStatus": "RunAsAccountNotAssociated",
        },
        "webAppDiscovery": {
            "totalWebServerCount": 0, "totalWebApplicationCount": 0,
            "discoveryScopeStatus": "RunAsAccountNotAssociated",
        },
        "oracleDiscovery": {
            "totalInstanceCount": 0, "totalDatabaseCount": 0, "shallowDiscoveryStatus": "Disabled",
            "discoveryScopeStatus": "DiscoverySucceeded",
        },
        "springBootDiscovery": {
            "totalInstanceCount": 0, "totalApplicationCount": 0, "shallowDiscoveryStatus": "Disabled",
            "discoveryScopeStatus": "DiscoverySucceeded",
        },
        "iisDiscovery": {
            "totalWebServerCount": 0, "totalWebApplicationCount": 0,
            "discoveryScopeStatus": "RunAsAccountNotAssociated",
        },
        "tomcatDiscovery": {
            "totalWebServerCount": 0, "totalWebApplicationCount": 0,
            "discoveryScopeStatus": "RunAsAccountNotAssociated",
        },
        "productSupportStatus": {
            "currentVersion": null, "esuStatus": "Unknown", "supportStatus": "Unknown",
            "supportEndDate": "0001-01-01T00:00:00", "esuYear": "Unknown",
        },
        "numberOfProcessorCore": 4,
        "allocatedMemoryInMB": found.memory_mb,
        "operatingSystemDetails": {
            "osType": match found.windows { Some(true) => "windowsguest", Some(false) => "linuxguest", None => "otherguest" },
            "osName": found.release,
            "osVersion": null,
            "osArchitecture": null,
        },
        "biosSerialNumber": found.uuid,
        "biosGuid": found.uuid,
        "displayName": found.name,
        "isDeleted": found.is_deleted,
        "createdTimestamp": words::heartbeat(visit.now, false),
        "tags": {"asrprotectedmachine": "False"},
        "updatedTimestamp": words::heartbeat(visit.now, true),
    });
    if let (Some(properties), Value::Object(more)) = (properties.as_object_mut(), more) {
        properties.extend(more);
    }
    json!({
        "properties": properties,
        "id": identity.off_azure("machines", &name),
        "name": name,
        "type": "Microsoft.OffAzure/VMwareSites/machines",
        "tags": {"asrprotectedmachine": "False"},
    })
}

fn mac(uuid: &str) -> String {
    let hex = guid::long("mac", uuid);
    format!("00:50:56:{}:{}:{}", &hex[..2], &hex[2..4], &hex[4..6])
}
