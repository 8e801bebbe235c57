//! What the items of all replication providers have in common.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::identity;
use crate::provider::emulator::http::item;
use crate::provider::emulator::http::item::extend;
use crate::provider::emulator::http::item::history::History;
use crate::provider::emulator::http::item::state;
use crate::provider::emulator::http::item::state::provider;
use crate::provider::emulator::http::job::shown::stamp;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::http::words;
use crate::provider::emulator::item::is_false;
use crate::syntax::machine::State;

/// Returns the properties of an item without those of its provider.
pub(super) fn properties(visit: &Visit<'_>, machine: usize, history: &History) -> Value {
    let (identity, item) = (visit.identity(), &visit.world().items[machine]);
    let provider = provider(visit, machine);
    let to_onprem = provider.is_to_onprem();
    let (protection, description) = state::protection(item, identity.classic);
    let asr = item.facts.asr.as_ref();
    let server = asr.and_then(|asr| asr.configuration_server.as_deref()).filter(|_| identity.classic);
    let friendly = server.unwrap_or(&identity.fabric_friendly);
    let container = if identity.classic { friendly } else { &identity.container_friendly };
    let known = identity.classic && !asr.is_some_and(|asr| is_false(&asr.in_config_server_db));
    let protectable = known.then(|| {
        format!(
            "{}/replicationProtectableItems/{}",
            identity.container_id(),
            item::machine_id(visit, machine)
        )
    });
    let test = visit.desk.tests.get(&machine);
    let test_state = test.map_or("None", |test| test.state);
    let mut properties = json!({
        "friendlyName": item.name.as_str(), "protectedItemType": "",
        "protectableItemId": protectable, "recoveryServicesProviderId": identity.dra_id(),
        "primaryFabricFriendlyName": friendly,
        "primaryFabricProvider": if identity.classic { "InMageFabric" } else { "InMageRcmFabric" },
        "primaryProtectionContainerFriendlyName": container,
        "protectionState": protection, "protectionStateDescription": description,
        "activeLocation": state::active_location(item),
        "testFailoverState": test_state,
        "testFailoverStateDescription": test.map_or("None", |test| test.words),
        "switchProviderState": "None", "switchProviderStateDescription": null,
        "allowedOperations": state::allowed(visit, machine),
        "replicationHealth": health(visit, machine), "failoverHealth": "Normal",
        "healthErrors": errors(visit, machine, history),
        "policyId": policy(visit, machine, to_onprem).0,
        "policyFriendlyName": policy(visit, machine, to_onprem).1,
        "currentScenario": state::scenario(visit, machine),
        "eventCorrelationId": guid::guid("events", item.name.as_str()),
    });
    let recovery = if to_onprem {
        json!({
            "recoveryFabricFriendlyName": friendly, "recoveryFabricId": identity.fabric_id(),
            "recoveryProtectionContainerFriendlyName": container,
            "recoveryContainerId": identity.container_id(), "failoverRecoveryPointId": "",
        })
    } else {
        json!({
            "recoveryFabricFriendlyName": identity::AZURE, "recoveryFabricId": identity::AZURE,
            "recoveryProtectionContainerFriendlyName": identity::AZURE,
            "recoveryContainerId": identity.azure_container_id(),
            "failoverRecoveryPointId": point_of_failover(visit, machine),
        })
    };
    extend(&mut properties, recovery);
    if let Some((begun, Some(true))) = history.failover.filter(|_| to_onprem) {
        properties["lastSuccessfulFailoverTime"] = json!(stamp(begun));
    } else if let Some(at) = failed_over_at(visit, machine) {
        properties["lastSuccessfulFailoverTime"] = json!(stamp(at));
    }
    if let Some(at) = test.and_then(|test| test.succeeded) {
        properties["lastSuccessfulTestFailoverTime"] = json!(stamp(at));
    }
    properties
}

/// Returns id and name of the policy of an item: the one that a client named when it reprotected, or the usual one.
fn policy(visit: &Visit<'_>, machine: usize, to_onprem: bool) -> (String, String) {
    let identity = visit.identity();
    let chosen = visit.desk.policies.get(&(machine, to_onprem)).cloned();
    let id = chosen.unwrap_or_else(|| identity.policy_id(to_onprem));
    let name = id.rsplit('/').next().unwrap_or_default().to_owned();
    (id, name)
}

/// Returns when the failover to Azure was, as far as the Azure VM tells.
fn failed_over_at(visit: &Visit<'_>, machine: usize) -> Option<jiff::Timestamp> {
    let item = &visit.world().items[machine];
    let in_azure = matches!(item.settled, State::FailedOver | State::FailedOverCommitted);
    let booted = item.facts.azure_vm.as_ref().and_then(|vm| vm.booted_at.as_deref().copied());
    booted.filter(|_| in_azure)
}

/// Returns the id of the point that the failover to Azure went to.
pub(super) fn point_of_failover(visit: &Visit<'_>, machine: usize) -> Value {
    let item = &visit.world().items[machine];
    if !matches!(item.settled, State::FailedOver | State::FailedOverCommitted) {
        return Value::Null;
    }
    let chosen = visit.desk.chosen_points.get(&machine).cloned();
    let point = chosen.unwrap_or_else(|| guid::guid("point of failover", item.name.as_str()));
    json!(format!("{}/recoveryPoints/{point}", visit.identity().item_id(item.name.as_str())))
}

/// Returns the health of an item's replication.
fn health(visit: &Visit<'_>, machine: usize) -> &'static str {
    let asr = visit.world().items[machine].facts.asr.as_ref();
    asr.map_or("Normal", |asr| words::health(&asr.health))
}

/// Returns the ids of the errors of an item that a customer may resolve.
pub(in crate::provider::emulator::http) fn resolvable_errors(
    visit: &Visit<'_>,
    machine: usize,
) -> BTreeSet<String> {
    let errors = errors(visit, machine, &History::of(visit.world(), machine));
    let allowed = errors.iter().filter(|error| error["customerResolvability"] == "Allowed");
    allowed.filter_map(|error| Some(error["errorId"].as_str()?.to_owned())).collect()
}

/// Returns what the service has against an item.
fn errors(visit: &Visit<'_>, machine: usize, history: &History) -> Vec<Value> {
    let item = &visit.world().items[machine];
    let mut errors = Vec::new();
    let resolved = visit.desk.resolved.get(&machine);
    let mut add = |code: &str, level: &str, kind: &str, message: String| {
        let id = format!("2:{kind}");
        if resolved.is_some_and(|resolved| resolved.contains(&id)) {
            return;
        }
        // Which ones a customer may resolve is nowhere told but of those that were recorded, which none may: a warning is our choice.
        let may_be_resolved = if level == "Warning" { "Allowed" } else { "NotAllowed" };
        errors.push(json!({
            "innerHealthErrors": [], "errorSource": "ReplicationUnitProviderErrorOnPrimary", "errorType": kind,
            "errorLevel": level, "errorCategory": "Replication", "errorCode": code, "summaryMessage": "",
            "errorMessage": message, "possibleCauses": "", "recommendedAction": "",
            "creationTimeUtc": stamp(visit.now), "recoveryProviderErrorMessage": null,
            "entityId": item::machine_id(visit, machine), "errorId": id,
            "customerResolvability": may_be_resolved,
        }));
    };
    let name = item.name.as_str();
    if item.needs_resync() {
        add(
            "78024",
            "Error",
            "1024",
            format!("A resynchronization is required for the virtual machine '{name}'."),
        );
    } else if health(visit, machine) == "Critical" {
        add("78028", "Error", "1028", format!("Data of the virtual machine '{name}' can't be uploaded."));
    } else if health(visit, machine) == "Warning" {
        add(
            "78026",
            "Warning",
            "1026",
            format!("The recovery point objective of '{name}' has exceeded its threshold."),
        );
    }
    // It is told for a while after a failover was taken back; the while is ours.
    let lately = history.cancelled.is_some_and(|at| visit.now.duration_since(at).as_secs() < 900);
    if lately {
        add("548004", "Info", "1004", format!("Replication will resume for the virtual machine '{name}'."));
    }
    errors
}
