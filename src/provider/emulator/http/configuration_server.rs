//! The classic fabric: the configuration server with its process servers, master targets and accounts.

use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::health_error::health_error;
use crate::provider::emulator::http::identity::Identity;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::http::words;
use crate::provider::emulator::item::is_false;
use crate::quantity::GIB;
use crate::syntax::inventory::Datastore;
use crate::syntax::inventory::DatastoreType;
use crate::syntax::inventory::Inventory;
use crate::syntax::inventory::MasterTarget;
use crate::syntax::inventory::ProcessServer;
use crate::syntax::inventory::RetentionVolume;
use crate::syntax::machine::Health;
use crate::syntax::machine::OsFamily;
use jiff::Timestamp;

/// Accounts of the machines themselves, which every configuration server of the recordings had beside those of vCenters.
const GUEST_ACCOUNTS: [&str; 2] = ["windowsuser", "linuxuser"];

/// Returns `customDetails` of the fabric.
pub(super) fn details(visit: &Visit<'_>, facts: &Inventory) -> Value {
    let identity = visit.identity();
    let now = visit.now;
    let server = facts.configuration_server.as_option();
    let connected = !server.is_some_and(|server| is_false(&server.connected));
    let version = server.and_then(|server| words::text_of(&server.version));
    let expires = server.and_then(|server| server.certificate_expires_at.as_deref().copied());
    let process_servers: Vec<Value> =
        facts.process_servers.iter().flatten().map(|server| process_server(visit, server)).collect();
    let master_targets: Vec<Value> = facts
        .master_targets
        .iter()
        .flatten()
        .filter(|target| !is_false(&target.registered))
        .map(|target| master_target(visit, facts, target))
        .collect();
    let items = visit.world().items.len();
    let accounts: Vec<Value> = accounts(facts)
        .iter()
        .enumerate()
        .map(|(at, name)| json!({"accountId": (at + 1).to_string(), "accountName": name}))
        .collect();
    json!({
        "instanceType": "VMware",
        "processServerCount": process_servers.len().to_string(),
        "processServers": process_servers,
        "agentCount": (items + master_targets.len()).to_string(),
        "masterTargetServers": master_targets,
        "runAsAccounts": accounts,
        "replicationPairCount": items.to_string(),
        "protectedServers": items.to_string(),
        "systemLoad": "0",
        "systemLoadStatus": "Green",
        "cpuLoad": "1%",
        "cpuLoadStatus": "Green",
        "totalMemoryInBytes": 16 * GIB,
        "availableMemoryInBytes": 12 * GIB,
        "memoryUsageStatus": "Green",
        "totalSpaceInBytes": 600 * GIB,
        "availableSpaceInBytes": 400 * GIB,
        "spaceUsageStatus": "Green",
        "webLoad": "0",
        "webLoadStatus": "Green",
        "databaseServerLoad": "0.25",
        "databaseServerLoadStatus": "Green",
        "csServiceStatus": if connected { "Running" } else { "Unknown" },
        "ipAddress": server.and_then(|server| words::text_of(&server.ip)),
        "agentVersion": version,
        "hostName": identity.fabric_friendly,
        "lastHeartbeat": words::heartbeat(now, connected),
        "versionStatus": "Supported",
        "sslCertExpiryDate": expires,
        "sslCertExpiryRemainingDays": expires.map_or(0, |end| days_until(now, end)),
        "psTemplateVersion": "202102.14.00",
        "agentExpiryDate": words::NEVER,
        "agentVersionDetails": words::version_details(version),
    })
}

fn days_until(now: Timestamp, end: Timestamp) -> i64 {
    end.duration_since(now).as_secs() / 86_400
}

/// Returns the accounts that the configuration server knows, in the order of their ids, which count from 1.
pub(super) fn accounts(facts: &Inventory) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for vcenter in facts.vcenters.iter().flatten() {
        let name = vcenter.account.as_ref().and_then(|account| words::text_of(&account.name));
        if let Some(name) = name.filter(|name| !names.iter().any(|known| known == name)) {
            names.push(name.to_owned());
        }
    }
    names.extend(GUEST_ACCOUNTS.map(str::to_owned));
    names
}

/// Returns the id of an account by its name.
pub(super) fn account_id(facts: &Inventory, name: &str) -> Option<String> {
    accounts(facts).iter().position(|known| known == name).map(|at| (at + 1).to_string())
}

fn process_server(visit: &Visit<'_>, server: &ProcessServer) -> Value {
    let identity = visit.identity();
    let id = identity.process_server_id(&server.name);
    let version = words::text_of(&server.version);
    let silent = visit.world().site.is_silent(server);
    let works = server.health.as_deref() != Some(&Health::Critical) && !silent;
    let errors: Vec<Value> = (!works)
        .then(|| health_error("806", &server.name, &words::heartbeat(visit.now, false)))
        .into_iter()
        .collect();
    let updates: Vec<Value> = ["Windows", "Linux"]
        .iter()
        .map(|os| json!({"version": version, "rebootStatus": "NotRequired", "osType": os}))
        .collect();
    json!({
        "friendlyName": server.name.value,
        "id": id,
        "ipAddress": words::address(&server.name),
        "osType": "Windows",
        "agentVersion": version,
        "lastHeartbeat": server.heartbeat_at.as_deref(),
        "versionStatus": "Supported",
        "mobilityServiceUpdates": updates,
        "hostId": id,
        "machineCount": "0",
        "replicationPairCount": "0",
        "systemLoad": "0",
        "systemLoadStatus": "Green",
        "cpuLoad": "0%",
        "cpuLoadStatus": "Green",
        "totalMemoryInBytes": 16 * GIB,
        "availableMemoryInBytes": 12 * GIB,
        "memoryUsageStatus": "Green",
        "totalSpaceInBytes": 600 * GIB,
        "availableSpaceInBytes": 400 * GIB,
        "spaceUsageStatus": "Green",
        "psServiceStatus": if works { "Running" } else { "Stopped" },
        "sslCertExpiryDate": words::NEVER,
        "sslCertExpiryRemainingDays": 1_000,
        "osVersion": null,
        "healthErrors": errors,
        "agentExpiryDate": words::NEVER,
        "agentVersionDetails": words::version_details(version),
        "health": words::health(&server.health),
        "psStatsRefreshTime": words::heartbeat(visit.now, works),
        "throughputUploadPendingDataInBytes": 0,
        "throughputInMBps": 0,
        "throughputInBytes": 0,
        "throughputStatus": "Green",
        "marsCommunicationStatus": "1",
        "marsRegistrationStatus": "1",
    })
}

fn master_target(visit: &Visit<'_>, facts: &Inventory, target: &MasterTarget) -> Value {
    let identity = visit.identity();
    let version = words::text_of(&target.version);
    let os = target.os.as_ref();
    let family = os.and_then(|os| os.family.as_deref().copied());
    let release = os.and_then(|os| words::text_of(&os.release));
    let volumes: Vec<Value> =
        target.retention_volumes.iter().flatten().filter(|volume| may_retain(volume)).map(volume).collect();
    let host = words::text_of(&target.host);
    let datastores: Vec<Value> = facts
        .datastores
        .iter()
        .flatten()
        // A master target that was not discovered is no VM of a registered vCenter, and sees none.
        .filter(|_| !is_false(&target.discovered))
        .filter(|datastore| host.is_none_or(|host| visit.world().site.may_write(host, &datastore.name)))
        .map(|datastore| datastore_seen(identity, datastore))
        .collect();
    json!({
        "id": identity.master_target_id(&target.name),
        "ipAddress": words::address(&target.name),
        "name": target.name.value,
        "osType": family.map(words::os_word),
        "agentVersion": version,
        "lastHeartbeat": words::heartbeat(visit.now, true),
        "versionStatus": "Supported",
        "retentionVolumes": volumes,
        "dataStores": datastores,
        "validationErrors": validation(target, &words::heartbeat(visit.now, true)),
        "healthErrors": [],
        "diskCount": target.attached_disks.as_deref().copied().unwrap_or(0),
        "osVersion": release.map(words::os_text),
        "agentExpiryDate": words::NEVER,
        "marsAgentVersion": "2.0.9202.0",
        "marsAgentExpiryDate": words::NEVER,
        "agentVersionDetails": words::version_details(version),
        "marsAgentVersionDetails": words::version_details(Some("2.0.9202.0")),
    })
}

/// Returns whether a volume shows up as one that may keep recovery points: the article lists what keeps it from that.
fn may_retain(volume: &RetentionVolume) -> bool {
    let free = |fact: &crate::syntax::inventory::Known<bool>| fact.as_deref() != Some(&true);
    let fat = words::text_of(&volume.fs).is_some_and(|fs| fs.to_lowercase().starts_with("fat"));
    free(&volume.in_use) && free(&volume.locked) && !fat
}

fn volume(volume: &RetentionVolume) -> Value {
    let bytes = volume.capacity_gb.as_deref().map(|size| size.0);
    json!({
        "volumeName": volume.name.value,
        "capacityInBytes": bytes,
        "freeSpaceInBytes": bytes.map(|bytes| bytes - bytes / 10),
        "thresholdPercentage": null,
    })
}

fn datastore_seen(identity: &Identity, datastore: &Datastore) -> Value {
    let free = datastore.free_gb.as_deref().copied().filter(|_| !is_false(&datastore.accessible));
    let kind = match datastore.kind.as_deref() {
        Some(DatastoreType::Vmfs) | None => "VMFS",
        Some(DatastoreType::Vsan) => "vsan",
        Some(DatastoreType::Nfs) => "NFS",
        Some(DatastoreType::Vvol) => "VVOL",
    };
    json!({
        "symbolicName": datastore.name.value,
        "uuid": crate::provider::emulator::http::guid::guid(&identity.vault, &datastore.name),
        "capacity": free.map_or_else(|| "0".to_owned(), |free| words::gigabytes(words::capacity(free))),
        "freeSpace": free.map_or_else(|| "0".to_owned(), words::gigabytes),
        "type": kind,
    })
}

/// Returns what the service has against a master target, as far as the facts tell.
fn validation(target: &MasterTarget, since: &str) -> Vec<Value> {
    let linux = target.os.as_ref().and_then(|os| os.family.as_deref()) == Some(&OsFamily::Linux);
    let mut controllers = words::texts(target.scsi_controllers.as_ref());
    controllers.sort_unstable();
    controllers.dedup();
    let unsupported = linux && controllers.iter().any(|kind| *kind != "lsilogic");
    let found = [
        ("78146", is_false(&target.vmware_tools_installed)),
        ("78150", controllers.len() > 1),
        ("78151", unsupported),
        ("78152", is_false(&target.enable_uuid)),
        ("78158", target.snapshots.as_deref().is_some_and(|snapshots| *snapshots > 0)),
    ];
    let standing = found.iter().filter(|(_, stands)| *stands);
    standing.map(|(code, _)| health_error(code, &target.name, since)).collect()
}
