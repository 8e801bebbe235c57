//! Calls about a recovery plan of the service: it is made, changed, failed over and deleted.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::provider::azure::error::AzureError;
use crate::provider::azure::site::directory::Entry;
use crate::provider::azure::site::infrastructure::Servers;
use crate::provider::azure::site::order::Order;
use crate::provider::azure::site::order::SHUT_DOWN;
use crate::provider::azure::site::order::classic_point;
use crate::provider::azure::site::order::modernized_point;
use crate::provider::azure::site::order::not_replicating_home;
use crate::provider::azure::site::order::post;
use crate::provider::azure::site::order::unresolved;
use crate::provider::azure::site::state::Kind;
use crate::provider::azure::vault::last_part;
use crate::provider::request::FailbackPoint;

/// The failover from Azure of all machines of a recovery plan: relative to the plan, Azure is where it recovers to.
pub(in crate::provider::azure::site) fn plan_failover(
    plan: &str,
    entries: &[&Entry],
    point: FailbackPoint,
) -> Result<Order, AzureError> {
    if let Some(entry) = entries.iter().find(|entry| !entry.kind.is_to_onprem()) {
        return Err(not_replicating_home(entry));
    }
    if entries.iter().all(|entry| entry.kind == Kind::InMage) {
        let body = json!({"properties": {
            "failoverDirection": "RecoveryToPrimary",
            "sourceSiteOperations": SHUT_DOWN,
            "providerSpecificDetails": [{"instanceType": "InMage", "recoveryPointType": classic_point(point)}],
        }});
        return Ok(post(format!("{plan}/unplannedFailover"), Some(body), "UnplannedFailover"));
    }
    let body = json!({"properties": {
        "failoverDirection": "RecoveryToPrimary",
        "providerSpecificDetails": [{
            "instanceType": "InMageRcmFailback",
            "recoveryPointType": modernized_point(point),
            "useMultiVmSyncPoint": "true",
        }],
    }});
    Ok(post(format!("{plan}/plannedFailover"), Some(body), "PlannedFailover"))
}

/// Makes a recovery plan, or gives one that is there other machines.
pub(in crate::provider::azure::site) fn recovery_plan(
    path: String,
    exists: bool,
    entries: &[&Entry],
    servers: &Servers,
) -> Result<Order, AzureError> {
    let member = |entry: &&Entry| {
        let details = &entry.item.provider_specific_details;
        let id = if entry.kind.is_classic() {
            details.vm_id.or(&details.infrastructure_vm_id)
        } else {
            details.internal_identifier.get()
        };
        json!({"id": entry.id, "virtualMachineId": id.unwrap_or_else(|| last_part(&entry.id))})
    };
    let members: Vec<Value> = entries.iter().map(member).collect();
    let groups = json!([{"groupType": "Boot", "replicationProtectedItems": members, "startGroupActions": [], "endGroupActions": []}]);
    if exists {
        let body = json!({"properties": {"groups": groups}});
        return Ok(Order { method: Method::PATCH, path, body: Some(body), scenario: "UpdateRecoveryPlan" });
    }
    let fabric = servers.vmware().and_then(|(fabric, _)| fabric.id.get());
    let fabric = fabric.ok_or_else(|| unresolved("the vault has no fabric of VMware".to_owned()))?;
    let body = json!({"properties": {
        "primaryFabricId": fabric,
        "recoveryFabricId": "Microsoft Azure",
        "failoverDeploymentModel": "ResourceManager",
        "groups": groups,
    }});
    Ok(Order { method: Method::PUT, path, body: Some(body), scenario: "SaveRecoveryPlan" })
}

/// Deletes a recovery plan.
pub(in crate::provider::azure::site) const fn delete_plan(path: String) -> Order {
    Order { method: Method::DELETE, path, body: None, scenario: "DeleteRecoveryPlan" }
}
