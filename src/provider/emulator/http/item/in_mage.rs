//! Classic items that replicate to the site.

use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::identity;
use crate::provider::emulator::http::item;
use crate::provider::emulator::http::item::disk;
use crate::provider::emulator::http::item::extend;
use crate::provider::emulator::http::item::history::History;
use crate::provider::emulator::http::item::in_mage_azure_v2 as forward;
use crate::provider::emulator::http::item::state;
use crate::provider::emulator::http::job::shown::stamp;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::http::words;
use crate::provider::request::OnpremTarget;
use crate::syntax::machine::PointKind;
use crate::syntax::machine::State;

/// Returns what the provider says of an item.
pub(super) fn details(visit: &Visit<'_>, machine: usize, history: &History, thin: bool) -> Value {
    let (identity, item) = (visit.identity(), &visit.world().items[machine]);
    let (name, facts) = (item.name.as_str(), &item.facts);
    let uuid = identity::source_uuid(item);
    let (state, description) = state::protection(item, true);
    let is_home = matches!(item.settled, State::FailedBack | State::FailedBackCommitted);
    let replication = disk::replication(visit, machine);
    let holder = item.holder.as_ref().map(|holder| holder.server.clone());
    let (master_target, process_server, datastore) = match &history.onprem {
        Some(OnpremTarget::Classic { master_target, process_server, datastore, .. }) => {
            (Some(master_target.clone()), Some(process_server.clone()), Some(datastore.clone()))
        }
        Some(OnpremTarget::Modernized { .. }) | None => (holder, None, None),
    };
    let rpo = item
        .points
        .newest(visit.now, &item.owner())
        .map_or(0, |newest| u64::try_from(visit.now.duration_since(newest).as_secs()).unwrap_or(0));
    let part = replication.as_ref().map_or(0, |run| disk::percent(run.done));
    // While data comes, the service says of the machine itself that protection is being enabled.
    let (vm_state, vm_words) = if replication.is_some() {
        ("UnprotectedStatesBegin", "Enabling protection")
    } else {
        (state, description)
    };
    let mut details = json!({
        "instanceType": "InMage", "activeSiteType": if is_home { "OnPrem" } else { "Azure" },
        "sourceVmCpuCount": 0, "sourceVmRamSizeInMB": 0, "osDetails": null,
        "protectionStage": forward::stage(replication.is_some()),
        "vmId": item::machine_id(visit, machine), "vmProtectionState": vm_state,
        "vmProtectionStateDescription": vm_words,
        "resyncDetails": {
            "initialReplicationType": "InitialReplication",
            "initialReplicationProgressPercentage": part.to_string(),
        },
        "retentionWindowStart": null, "retentionWindowEnd": null, "compressedDataRateInMB": 0.0,
        "uncompressedDataRateInMB": 0.0, "rpoInSeconds": rpo, "protectedDisks": [],
        "ipAddress": if is_home { words::address(name) } else { words::azure_address(name) },
        "lastHeartbeat": forward::heartbeat(visit, item, !is_home),
        "processServerId": process_server.as_deref().map(|name| identity.process_server_id(name)),
        "masterTargetId": null, "consistencyPoints": null, "diskResized": null,
        "rebootAfterUpdateStatus": null,
        "multiVmSyncStatus": if item.group.is_some() { "Enabled" } else { "Disabled" },
        "agentDetails": {
            "agentVersion": forward::agent_version(facts), "agentUpdateStatus": "NotRequired",
            "postUpdateRebootStatus": forward::reboot_required(facts), "agentExpiryDate": words::NEVER,
        },
    });
    extend(
        &mut details,
        json!({
            "vCenterInfrastructureId": forward::source_vcenter(item), "infrastructureVmId": uuid,
            "vmNics": [forward::nic_of(item)], "discoveryType": "Physical", "azureStorageAccountId": null,
            "datastores": [], "validationErrors": [], "lastRpoCalculatedTime": stamp(visit.now),
            "lastUpdateReceivedTime": stamp(visit.now), "replicaId": uuid, "osVersion": null,
            "isAdditionalStatsAvailable": false, "totalDataTransferred": -1,
            "totalProgressHealth": if replication.is_some() { "InProgress" } else { "Completed" },
        }),
    );
    extend(&mut details, forward::group(visit, item, &uuid));
    if thin {
        return details;
    }
    let shown: Vec<Value> = disk::disks(visit, machine)
        .iter()
        .map(|each| {
            let mut value = disk::classic(visit, machine, each, rpo);
            extend(&mut value, json!({ "sourceDataInMB": 0.0, "psDataInMB": 0.0, "targetDataInMB": 0.0 }));
            value
        })
        .collect();
    let points = points(visit, machine);
    let times = || points.iter().map(|(_, at)| at.clone());
    let datastores: Vec<String> = match datastore {
        Some(datastore) => vec![datastore],
        None => forward::datastores(facts).into_iter().map(str::to_owned).collect(),
    };
    extend(
        &mut details,
        json!({
            "protectedDisks": shown, "diskResized": "NotResized",
            "masterTargetId": master_target.as_deref().map(|name| identity.master_target_id(name)),
            "osDetails": {
                "osVhdId": null, "vhdName": null,
                "osType": facts.os.as_ref().and_then(|os| os.family.as_deref()).map(|os| words::os_word(*os)),
            },
            "retentionWindowStart": times().min(), "retentionWindowEnd": times().max(),
            "datastores": datastores,
        }),
    );
    details["consistencyPoints"] =
        Value::Object(points.into_iter().map(|(name, at)| (name, Value::String(at))).collect());
    details
}

/// Returns the recovery points as the provider names them: by their kind and what members of a group have in common.
fn points(visit: &Visit<'_>, machine: usize) -> Vec<(String, String)> {
    let item = &visit.world().items[machine];
    if item.settled == State::FailedBackCommitted {
        return Vec::new();
    }
    let points = item.points.facts(visit.now, &item.owner()).into_iter();
    points
        .filter_map(|point| {
            let at = point.at.as_deref().copied()?;
            let word = match point.kind.as_deref() {
                Some(PointKind::AppConsistent) => "systemLevelTag",
                Some(PointKind::CrashConsistent) | None => "fileSystem",
            };
            let common = words::text_of(&point.group_point);
            let own = format!("{:08x}", at.as_second());
            Some((format!("{word}{}", common.unwrap_or(&own)), stamp(at)))
        })
        .collect()
}
