//! Modernized items that replicate to the site.

use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::identity;
use crate::provider::emulator::http::item;
use crate::provider::emulator::http::item::disk;
use crate::provider::emulator::http::item::extend;
use crate::provider::emulator::http::item::history::History;
use crate::provider::emulator::http::item::in_mage_azure_v2 as classic;
use crate::provider::emulator::http::item::in_mage_rcm as forward;
use crate::provider::emulator::http::job::shown::stamp;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::http::words;
use crate::provider::emulator::place;
use crate::provider::request::OnpremTarget;
use crate::syntax::machine::State;

/// Returns what the provider says of an item.
pub(super) fn details(visit: &Visit<'_>, machine: usize, history: &History, thin: bool) -> Value {
    let (identity, item) = (visit.identity(), &visit.world().items[machine]);
    let (name, facts) = (item.name.as_str(), &item.facts);
    let (appliance, storage, datastore) = match &history.onprem {
        Some(OnpremTarget::Modernized { appliance, log_storage_account, datastore }) => {
            (Some(appliance.clone()), Some(log_storage_account.clone()), Some(datastore.clone()))
        }
        Some(OnpremTarget::Classic { .. }) | None => {
            let holder = item.holder.as_ref().map(|holder| holder.server.clone());
            (holder, None, classic::datastores(facts).first().map(|name| (*name).to_owned()))
        }
    };
    let is_home = matches!(item.settled, State::FailedBack | State::FailedBackCommitted);
    let registered = match item.settled {
        State::ReprotectingToOnprem => Value::Null,
        _ if is_home => json!(item.onprem_agent),
        _ => json!(item.azure_agent),
    };
    let family = facts.os.as_ref().and_then(|os| os.family.as_deref());
    let vcenter = facts.onprem_vm.as_ref().and_then(|vm| vm.vcenter.as_option());
    let vcenter = vcenter.map(|vcenter| vcenter.value.as_str()).or_else(|| classic::source_vcenter(item));
    let version = classic::agent_version(facts);
    let mut details = json!({
        "instanceType": "InMageRcmFailback", "internalIdentifier": item::machine_id(visit, machine),
        "azureVirtualMachineId": identity.azure_vm_id(item), "multiVmGroupName": item.group,
        "reprotectAgentId": appliance.as_deref().map(|name| identity.appliance_id(name)),
        "reprotectAgentName": appliance, "osType": family.map(|family| words::os_word(*family)),
        "logStorageAccountId": storage.as_deref().map(|name| identity.storage_account_id(name)),
        "targetvCenterId": vcenter.map(|vcenter| identity.off_azure("vcenters", vcenter)),
        "targetDataStoreName": datastore, "targetVmName": place::vm_name(item), "protectedDisks": [],
        "mobilityAgentDetails": {
            "version": version, "latestVersion": null, "driverVersion": version,
            "latestUpgradableVersionWithoutReboot": null,
            "lastHeartbeatUtc": classic::heartbeat(visit, item, !is_home),
            "reasonsBlockingUpgrade": ["UnsupportedProtectionScenario"], "isUpgradeable": "false",
        },
        "vmNics": [],
        "discoveredVmDetails": if item.settled == State::ReprotectingToOnprem { Value::Null } else { forward::discovered(visit, item) },
        "lastUsedPolicyId": identity.policy_id(false), "lastUsedPolicyFriendlyName": identity.policy(false),
        "isAgentRegistrationSuccessfulAfterFailover": registered,
    });
    extend(&mut details, forward::progress(visit, machine));
    if let Some((begun, outcome)) = history.failover {
        let word = match (outcome, history.cancelled) {
            (Some(true), None) => Some("Succeeded"),
            (Some(true), Some(_)) => Some("Cancelled"),
            (Some(false), _) => Some("Failed"),
            (None, _) => None,
        };
        details["lastPlannedFailoverStartTime"] = json!(stamp(begun));
        details["lastPlannedFailoverStatus"] = json!(word);
    }
    if thin {
        return details;
    }
    let uuid = disk::owner_uuid(visit, machine);
    let newest = disk::newest_point(visit, machine);
    let disks: Vec<Value> = disk::disks(visit, machine)
        .iter()
        .map(|each| {
            let mut value = disk::modernized(visit, machine, each);
            value["diskUuid"] = json!(each.uuid(&uuid));
            if let Some(newest) = newest {
                value["lastSyncTime"] = json!(stamp(newest));
            }
            value
        })
        .collect();
    let address = if is_home { words::address(name) } else { words::azure_address(name) };
    extend(
        &mut details,
        json!({
            "protectedDisks": disks,
            "vmNics": [{
                "macAddress": classic::mac(&identity::source_uuid(item)).replace("00:50:56", "00:0D:3A"),
                "networkName": null, "adapterType": null, "sourceIpAddress": address,
            }],
        }),
    );
    details
}
