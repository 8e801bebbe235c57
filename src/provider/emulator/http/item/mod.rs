//! Replicated items: `replicationProtectedItems`.

mod common;
mod disk;
mod history;
mod in_mage;
mod in_mage_azure_v2;
mod in_mage_rcm;
mod in_mage_rcm_failback;
mod state;

use hyper::Method;
use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::desk::Target;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::identity;
use crate::provider::emulator::http::item::history::History;
use crate::provider::emulator::http::job::filter::Filter;
use crate::provider::emulator::http::page;
use crate::provider::emulator::http::recovery_plan;
use crate::provider::emulator::http::visit::Visit;

pub(super) use common::resolvable_errors;
pub(super) use state::Provider;
pub(super) use state::allowed;
pub(super) use state::provider;

/// Name of the server that Azure as a target has.
const AZURE_SERVER: &str = "21a9403c-6ec1-44f2-b744-b4e50b792387";

/// Returns whether a machine has an item in the vault.
#[must_use]
pub(super) fn is_there(visit: &Visit<'_>, machine: usize) -> bool {
    visit.world().known(&visit.world().items[machine].name).is_ok() && !visit.desk.removed.contains(&machine)
}

/// Returns the machine whose item has this name, if it has one in the vault.
#[must_use]
pub(super) fn named(visit: &Visit<'_>, name: &str) -> Option<usize> {
    visit.item_named(name).filter(|machine| is_there(visit, *machine))
}

/// Returns the answer to a list of items: all of the vault, or of a container.
pub(super) fn list(visit: &Visit<'_>, asked: &Asked) -> Answer {
    if asked.method != Method::GET {
        return Answer::not_allowed(asked);
    }
    let filter = match Filter::read(asked.argument("$filter").unwrap_or_default()) {
        Ok(filter) => filter,
        Err(message) => return Answer::asr_error(asked, 400, "InvalidFilter", message),
    };
    let plans = filter.values("RecoveryPlanName");
    let members: Option<Vec<usize>> = (!plans.is_empty())
        .then(|| plans.iter().flat_map(|plan| recovery_plan::members(visit, plan)).collect());
    let histories = History::of_all(visit.world());
    let machines: Vec<usize> = (0..visit.world().items.len())
        .filter(|machine| is_there(visit, *machine))
        .filter(|machine| members.as_ref().is_none_or(|members| members.contains(machine)))
        .collect();
    page::page_of(asked, machines, visit.shared.options.page, |machine| {
        json(visit, machine, &histories[machine], true)
    })
}

/// Returns the answer to a GET of one item.
pub(super) fn get(visit: &Visit<'_>, machine: usize) -> Answer {
    let history = History::of(visit.world(), machine);
    Answer::ok(json(visit, machine, &history, false))
}

/// Returns an item as the service shows it; in lists it is thin.
fn json(visit: &Visit<'_>, machine: usize, history: &History, thin: bool) -> Value {
    let name = visit.world().items[machine].name.as_str();
    let identity = visit.identity();
    let mut properties = common::properties(visit, machine, history);
    properties["providerSpecificDetails"] = match provider(visit, machine) {
        Provider::InMageAzureV2 => in_mage_azure_v2::details(visit, machine, history, thin),
        Provider::InMage => in_mage::details(visit, machine, history, thin),
        Provider::InMageRcm => in_mage_rcm::details(visit, machine, history, thin),
        Provider::InMageRcmFailback => in_mage_rcm_failback::details(visit, machine, history, thin),
    };
    json!({
        "id": identity.item_id(name), "name": identity.item_name(name),
        "type": "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectedItems",
        "properties": properties,
    })
}

/// Returns what jobs call a machine: by this, plans name it too.
#[must_use]
pub(super) fn machine_id(visit: &Visit<'_>, machine: usize) -> String {
    let item = &visit.world().items[machine];
    match provider(visit, machine) {
        Provider::InMageAzureV2 => identity::source_uuid(item),
        // The Azure VM was discovered as a physical machine.
        Provider::InMage => guid::guid("azure vm as machine", item.name.as_str()),
        Provider::InMageRcm => guid::guid("internal to azure", item.name.as_str()),
        Provider::InMageRcmFailback => guid::guid("internal to site", item.name.as_str()),
    }
}

/// Returns what a job about a machine names as its target.
#[must_use]
pub(super) fn target(visit: &Visit<'_>, machine: usize) -> Target {
    Target {
        id: Some(machine_id(visit, machine)),
        name: Some(visit.world().items[machine].name.as_str().to_owned()),
        kind: "ProtectionEntity",
    }
}

/// Returns what a job says of the sides between which things are replicated.
#[must_use]
pub(super) fn fabric_details(visit: &Visit<'_>, to_onprem: bool) -> Value {
    let identity = visit.identity();
    let site = if identity.classic { "VMware" } else { "InMageRcm" };
    let cloud = format!("cloud_{}", identity.fabric_guid);
    let mut details = json!({
        "primaryCloudId": cloud, "primaryCloudName": identity.container_friendly,
        "primaryVmmId": identity.fabric_guid, "primaryVmmName": identity.fabric_friendly,
        "primaryFabricProviderId": site,
    });
    let recovery = if to_onprem {
        json!({
            "recoveryCloudId": cloud, "recoveryCloudName": identity.container_friendly,
            "recoveryVmmId": identity.fabric_guid, "recoveryVmmName": identity.fabric_friendly,
            "recoveryFabricProviderId": site,
        })
    } else {
        json!({
            "recoveryCloudId": identity::AZURE_CONTAINER, "recoveryCloudName": identity::AZURE,
            "recoveryVmmId": AZURE_SERVER, "recoveryVmmName": identity::AZURE,
            "recoveryFabricProviderId": "Azure",
        })
    };
    extend(&mut details, recovery);
    details
}

/// Returns what a job says of the machine that it is about.
#[must_use]
pub(super) fn affected(visit: &Visit<'_>, machine: usize, to_onprem: bool) -> Value {
    let item = &visit.world().items[machine];
    let name = item.name.as_str();
    let recovery = if visit.identity().classic { identity::source_uuid(item) } else { String::new() };
    let mut details = fabric_details(visit, to_onprem);
    extend(
        &mut details,
        json!({
            "primaryVmId": machine_id(visit, machine), "primaryVmName": name,
            "recoveryVmId": recovery, "recoveryVmName": name,
            "protectionProfileId": guid::guid("policy", visit.identity().policy(to_onprem)),
        }),
    );
    details
}

/// Adds the members of one object to another.
fn extend(into: &mut Value, from: Value) {
    if let (Some(into), Value::Object(from)) = (into.as_object_mut(), from) {
        into.extend(from);
    }
}
