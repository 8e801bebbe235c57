//! Protectable items: the machines that the site was found to have, protected or not.

use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::fabric::is_called;
use crate::provider::emulator::http::filter::Filter;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::page::page;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::http::words;
use crate::provider::emulator::item::Item;
use crate::syntax::machine::ActiveSite;
use crate::syntax::machine::MachineKind;
use crate::syntax::machine::OsFamily;

/// Machines on a page.
const PAGE: usize = 500;

/// Answers what is asked about protectable items; `path` is what follows the vault.
pub(super) fn answer(visit: &Visit<'_>, asked: &Asked, path: &[&str]) -> Option<Answer> {
    let [
        "replicationfabrics",
        fabric,
        "replicationprotectioncontainers",
        container,
        "replicationprotectableitems",
        rest @ ..,
    ] = path
    else {
        return None;
    };
    let identity = visit.identity();
    for (asked_for, own) in [(fabric, &identity.fabric), (container, &identity.container)] {
        if **asked_for != own.to_lowercase() {
            return Some(Answer::missing(asked, asked_for));
        }
    }
    if !asked.is_read() {
        return None;
    }
    match rest {
        [] => {
            let filter = match Filter::of(asked) {
                Ok(filter) => filter,
                Err(answer) => return Some(*answer),
            };
            let listed = items(visit).into_iter().filter(|item| {
                filter.allows("friendlyName", item["properties"]["friendlyName"].as_str())
                    && filter.allows("state", item["properties"]["protectionStatus"].as_str())
            });
            Some(page(asked, listed.collect(), PAGE))
        }
        [name] => {
            let found = items(visit).into_iter().find(|item| is_called(item, name));
            Some(found.map_or_else(|| Answer::missing(asked, name), Answer::ok))
        }
        _ => None,
    }
}

/// Returns the machines that are protected, and the virtual machines on the hosts that are not.
fn items(visit: &Visit<'_>) -> Vec<Value> {
    let world = visit.world();
    let mut listed: Vec<Value> = world.items.iter().filter_map(|item| protected(visit, item)).collect();
    let facts = visit.facts();
    let known: std::collections::HashSet<String> = world
        .items
        .iter()
        .flat_map(|item| {
            let vm = item.facts.onprem_vm.as_ref().and_then(|vm| words::text_of(&vm.name));
            [Some(item.name.as_str()), vm].into_iter().flatten().map(str::to_lowercase)
        })
        .collect();
    for host in facts.hosts.iter().flatten() {
        let vcenter = host.vcenter.as_option().map(|vcenter| vcenter.value.as_str());
        for vm in words::texts(host.vms.as_ref()) {
            if !known.contains(&vm.to_lowercase()) {
                listed.push(unprotected(visit, vm, vcenter));
            }
        }
    }
    listed
}

fn resource(visit: &Visit<'_>, name: &str, properties: &Value) -> Value {
    let id = format!("{}/replicationProtectableItems/{name}", visit.identity().container_id());
    json!({
        "id": id,
        "name": name,
        "type": "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectableItems",
        "properties": properties,
    })
}

/// Returns the entry of a protected machine. One that no vCenter knows is there once its agent has registered.
fn protected(visit: &Visit<'_>, item: &Item) -> Option<Value> {
    let identity = visit.identity();
    let facts = item.facts_at(visit.now);
    let in_azure = facts.active_site.as_deref() == Some(&ActiveSite::Azure);
    let registered = if in_azure { item.azure_agent } else { item.onprem_agent };
    let physical = facts.kind.as_deref() == Some(&MachineKind::Physical);
    if physical && !registered {
        return None;
    }
    let name = item.name.as_str();
    let asr = facts.asr.as_ref();
    let vcenter = asr.and_then(|asr| asr.source_vcenter.as_option()).map(|vcenter| vcenter.value.as_str());
    let version = asr.and_then(|asr| words::text_of(&asr.agent_version));
    let family = facts.os.as_ref().and_then(|os| os.family.as_deref().copied());
    let runs = if in_azure { item.azure_runs() } else { item.onprem_runs() };
    let provider = match (identity.classic, in_azure) {
        (true, true) => "InMage",
        (true, false) => "InMageAzureV2",
        (false, _) => "InMageRcm",
    };
    let details = json!({
        "instanceType": "VMwareVirtualMachine",
        "agentGeneratedId": registered.then(|| guid::guid("agent", name)),
        "agentInstalled": if registered { "Installed" } else { "NotInstalled" },
        "osType": family.map(|family| words::os_word(family).to_uppercase()),
        "agentVersion": version.filter(|_| registered),
        "ipAddress": if in_azure { words::azure_address(name) } else { words::address(name) },
        "poweredOn": if runs { "On" } else { "Off" },
        "vCenterInfrastructureId": vcenter,
        "discoveryType": if physical { "Physical" } else { "vCenter" },
        "diskDetails": disks(item, family),
        "validationErrors": [],
    });
    Some(resource(
        visit,
        &identity.item_name(name),
        &json!({
            "friendlyName": name,
            "protectionStatus": "Protected",
            "replicationProtectedItemId": identity.item_id(name),
            "recoveryServicesProviderId": identity.dra_id(),
            "protectionReadinessErrors": [],
            "supportedReplicationProviders": [provider],
            "customDetails": details,
        }),
    ))
}

fn disks(item: &Item, family: Option<OsFamily>) -> Vec<Value> {
    let disks = item.facts.azure_vm.as_ref().and_then(|vm| vm.disks.as_ref());
    let listed = disks.into_iter().flatten().enumerate().map(|(at, disk)| {
        let name = if family == Some(OsFamily::Linux) {
            let letter = char::from(b'a' + u8::try_from(at % 26).unwrap_or(0));
            format!("/dev/sd{letter}")
        } else {
            format!("\\\\.\\PHYSICALDRIVE{at}")
        };
        json!({
            "diskId": disk.id.value,
            "diskName": name,
            "diskSizeInMB": disk.size_gb.as_deref().map_or(0, |size| size.0 >> 20).to_string(),
            "diskType": if at == 0 { "OperatingSystem" } else { "Data" },
            "diskConfiguration": "Basic",
            "volumeList": [],
        })
    });
    listed.collect()
}

fn unprotected(visit: &Visit<'_>, name: &str, vcenter: Option<&str>) -> Value {
    let identity = visit.identity();
    let providers = if identity.classic { json!(["InMage", "InMageAzureV2"]) } else { json!(["InMageRcm"]) };
    resource(
        visit,
        &guid::guid("protectable", name),
        &json!({
            "friendlyName": name,
            "protectionStatus": "Unprotected",
            "replicationProtectedItemId": null,
            "recoveryServicesProviderId": identity.dra_id(),
            "protectionReadinessErrors": [],
            "supportedReplicationProviders": providers,
            "customDetails": {
                "instanceType": "VMwareVirtualMachine",
                "agentGeneratedId": null,
                "agentInstalled": "NotInstalled",
                "osType": null,
                "agentVersion": null,
                "ipAddress": words::address(name),
                "poweredOn": "On",
                "vCenterInfrastructureId": vcenter,
                "discoveryType": "vCenter",
                "diskDetails": [],
                "validationErrors": [],
            },
        }),
    )
}
