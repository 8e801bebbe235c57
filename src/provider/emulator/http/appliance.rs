//! The modernized fabric: replication appliances, each of which shows as one entry in the list of every part.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::fabric::directory;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::identity::Identity;
use crate::provider::emulator::http::off_azure;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::http::words;
use crate::quantity::GIB;
use crate::syntax::inventory::Appliance;
use crate::syntax::inventory::Inventory;
use crate::syntax::inventory::Known;
use crate::syntax::machine::Health;

/// The parts of an appliance: name in an inventory, list in the fabric, member of an appliance in the list of appliances,
/// release of the part as recorded beside the appliance's 9.55.
const PARTS: [(&str, &str, &str, &str); 6] = [
    ("process_server", "processServers", "processServer", ""),
    ("proxy", "rcmProxies", "rcmProxy", "1.38.8708.11966"),
    ("push_installer", "pushInstallers", "pushInstaller", "1.39.8785.21742"),
    ("replication_agent", "replicationAgents", "replicationAgent", "1.38.8707.13595"),
    ("reprotect_agent", "reprotectAgents", "reprotectAgent", "1.40.8771.15612"),
    ("mars_agent", "marsAgents", "marsAgent", "2.0.9261.0"),
];

/// The provider of an appliance, which speaks for the whole of it.
const PROVIDER_VERSION: &str = "5.23.720.4";

/// Returns the appliances that are registered in this vault.
pub(super) fn registered<'f>(
    facts: &'f Inventory,
    identity: &'f Identity,
) -> impl Iterator<Item = &'f Appliance> {
    facts.appliances.iter().flatten().filter(|appliance| {
        words::text_of(&appliance.vault).is_none_or(|vault| vault.eq_ignore_ascii_case(&identity.vault))
    })
}

/// Returns `customDetails` of the fabric.
pub(super) fn details(visit: &Visit<'_>, facts: &Inventory) -> Value {
    let identity = visit.identity();
    let mut details = json!({
        "instanceType": "InMageRcm",
        "vmwareSiteId": off_azure::site_id(identity),
        "physicalSiteId": off_azure::site_id(identity)
            .replace("VMwareSites", "ServerSites")
            .replace("vmwaresite", "physicalsite"),
        "serviceEndpoint": "https://pod01-srs1.kc.hypervrecoverymanager.windowsazure.com",
        "serviceResourceId": "8238764630195140046",
        "serviceContainerId": "5269262064710",
        "dataPlaneUri": "https://pod01-prot2.kc.backup.windowsazure.com",
        "controlPlaneUri": "https://pod01-rcm1.kc.hypervrecoverymanager.windowsazure.com",
        "sourceAgentIdentityDetails": directory(identity, "failbackagentauthaadapp"),
    });
    let appliances: Vec<&Appliance> = registered(facts, identity).collect();
    for (part, list, _, version) in PARTS {
        let entries = appliances.iter().filter(|appliance| has_part(appliance, part));
        details[list] = entries.map(|appliance| part_of(visit, facts, appliance, part, version)).collect();
    }
    details["dras"] = appliances.iter().map(|appliance| provider_of(visit, appliance)).collect();
    details["agentDetails"] = json!([]);
    details
}

/// Returns the appliances as the list of appliances has them: one entry each, with its parts as members.
pub(super) fn list(visit: &Visit<'_>, facts: &Inventory) -> Vec<Value> {
    let identity = visit.identity();
    let appliances = registered(facts, identity).map(|appliance| {
        let mut entry = Map::new();
        entry.insert("id".into(), identity.appliance_id(&appliance.name).into());
        entry.insert("name".into(), appliance.name.value.clone().into());
        entry.insert("fabricArmId".into(), identity.fabric_id().into());
        for (part, _, member, version) in PARTS {
            if has_part(appliance, part) {
                entry.insert(member.into(), part_of(visit, facts, appliance, part, version));
            }
        }
        entry.insert("dra".into(), provider_of(visit, appliance));
        entry.insert("switchProviderBlockingErrorDetails".into(), json!([]));
        Value::Object(entry)
    });
    appliances.collect()
}

/// Returns whether an appliance shows a part: those of which something is known, and the two by which requests name it.
fn has_part(appliance: &Appliance, part: &str) -> bool {
    let named = ["process_server", "reprotect_agent"].contains(&part);
    named || appliance.components.as_ref().is_none_or(|parts| parts.iter().any(|own| own.name.value == part))
}

fn health_of<'a>(appliance: &'a Appliance, part: &str) -> Option<&'a Known<Health>> {
    appliance.components.iter().flatten().find(|own| own.name.value == part).map(|own| &own.health)
}

/// Returns the id of the virtual machine of an appliance among those that were discovered.
fn fabric_object(identity: &Identity, appliance: &Appliance) -> Value {
    let Some(vcenter) = words::text_of(&appliance.vcenter) else { return Value::Null };
    let uuid = guid::guid("instance", &server_uuid(&appliance.name));
    identity.off_azure("machines", &off_azure::machine_name(vcenter, &uuid)).into()
}

/// Returns the UUID of a server's virtual machine of which the inventory tells none.
pub(super) fn server_uuid(name: &str) -> String {
    guid::guid("vm", name)
}

fn common(visit: &Visit<'_>, appliance: &Appliance, health: &Known<Health>) -> Value {
    let identity = visit.identity();
    let works = health.as_deref() != Some(&Health::Critical);
    json!({
        "id": identity.appliance_id(&appliance.name),
        "name": appliance.name.value,
        "biosId": server_uuid(&appliance.name).to_uppercase(),
        "fabricObjectId": fabric_object(identity, appliance),
        "fqdn": appliance.name.value,
        "lastHeartbeatUtc": words::heartbeat(visit.now, works),
        "health": words::health(health),
        "healthErrors": [],
    })
}

fn part_of(visit: &Visit<'_>, facts: &Inventory, appliance: &Appliance, part: &str, version: &str) -> Value {
    let unknown = None;
    let health = health_of(appliance, part).unwrap_or(&unknown);
    let mut entry = common(visit, appliance, health);
    entry["version"] = version.into();
    match part {
        "process_server" => process_server(visit, appliance, health, &mut entry),
        "proxy" => entry["clientAuthenticationType"] = "Certificate".into(),
        "reprotect_agent" => {
            entry["accessibleDatastores"] = datastores(visit, facts, appliance).into();
            entry["vcenterId"] = words::text_of(&appliance.vcenter)
                .map_or(Value::Null, |vcenter| visit.identity().off_azure("vcenters", vcenter).into());
            entry["lastDiscoveryInUtc"] = words::heartbeat(visit.now, true).into();
        }
        _ => {}
    }
    entry
}

fn process_server(visit: &Visit<'_>, appliance: &Appliance, health: &Known<Health>, entry: &mut Value) {
    // What is wrong with a process server is its throughput: a status of memory or disk would be made up.
    let status = words::component_word(health);
    let figures = json!({
        "ipAddresses": [words::address(&appliance.name)],
        "totalMemoryInBytes": 32 * GIB,
        "availableMemoryInBytes": 28 * GIB,
        "usedMemoryInBytes": 4 * GIB,
        "memoryUsagePercentage": 12.5,
        "totalSpaceInBytes": 600 * GIB,
        "availableSpaceInBytes": 594 * GIB,
        "usedSpaceInBytes": 6 * GIB,
        "freeSpacePercentage": 99.0,
        "throughputUploadPendingDataInBytes": 0,
        "throughputInBytes": 0,
        "processorUsagePercentage": 1.0,
        "throughputStatus": status,
        "systemLoad": 0,
        "systemLoadStatus": "Healthy",
        "diskUsageStatus": "Healthy",
        "memoryUsageStatus": "Healthy",
        "processorUsageStatus": "Healthy",
        "historicHealth": words::health(health),
        "version": words::text_of(&appliance.version),
        "lastHeartbeatUtc": words::heartbeat(visit.now, health.as_deref() != Some(&Health::Critical)),
    });
    if let (Some(entry), Value::Object(figures)) = (entry.as_object_mut(), figures) {
        entry.extend(figures);
    }
}

/// Returns the datastores that the host of an appliance may write to.
fn datastores<'f>(visit: &Visit<'_>, facts: &'f Inventory, appliance: &Appliance) -> Vec<&'f str> {
    let host = words::text_of(&appliance.host);
    facts
        .datastores
        .iter()
        .flatten()
        .map(|datastore| datastore.name.value.as_str())
        .filter(|name| host.is_none_or(|host| visit.world().site.may_write(host, name)))
        .collect()
}

fn provider_of(visit: &Visit<'_>, appliance: &Appliance) -> Value {
    let mut entry = common(visit, appliance, &appliance.health);
    if let Some(entry) = entry.as_object_mut() {
        entry.remove("fabricObjectId");
        entry.remove("fqdn");
        entry.insert("version".into(), PROVIDER_VERSION.into());
    }
    entry
}

/// Returns the providers of the fabric: one for each appliance.
pub(super) fn providers(visit: &Visit<'_>, facts: &Inventory) -> Vec<Value> {
    let identity = visit.identity();
    let providers = registered(facts, identity).map(|appliance| {
        let works = appliance.health.as_deref() != Some(&Health::Critical);
        let name = identity.appliance_id(&appliance.name);
        json!({
            "id": format!("{}/replicationRecoveryServicesProviders/{name}", identity.fabric_id()),
            "type": "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationRecoveryServicesProviders",
            "name": name,
            "properties": {
                "fabricType": "InMageRcm",
                "friendlyName": appliance.name.value,
                "providerVersion": PROVIDER_VERSION,
                "serverVersion": "0.0",
                "providerVersionState": "Latest",
                "providerVersionExpiryDate": words::NEVER,
                "fabricFriendlyName": identity.fabric_friendly,
                "lastHeartBeat": words::heartbeat(visit.now, works),
                "connectionStatus": if works { "Connected" } else { "NotConnected" },
                "protectedItemCount": visit.world().items.len(),
                "allowedScenarios": ["Refresh"],
                "healthErrorDetails": [],
                "draIdentifier": name,
                "machineId": name,
                "machineName": appliance.name.value,
                "biosId": server_uuid(&appliance.name).to_uppercase(),
                "authenticationIdentityDetails": directory(identity, "agentauthaadapp"),
                "resourceAccessIdentityDetails": directory(identity, "failbackagentauthaadapp"),
                "dataPlaneAuthenticationIdentityDetails": directory(identity, "RecoveryServiceContainerV2"),
                "providerVersionDetails": words::version_details(Some(PROVIDER_VERSION)),
            },
        })
    });
    providers.collect()
}
