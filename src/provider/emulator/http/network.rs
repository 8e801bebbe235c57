//! The networks of Azure (`Microsoft.Network`), as far as facts stand in them: interfaces, virtual networks and their peerings.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::compute;
use crate::provider::emulator::http::compute::AzureMachine;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::fabric::is_called;
use crate::provider::emulator::http::identity::Identity;
use crate::provider::emulator::http::page::page;
use crate::provider::emulator::http::visit::Visit;

/// Entries on a page.
const PAGE: usize = 200;

/// Returns the id of the interface of a virtual machine.
pub(super) fn interface_id(machine: &AzureMachine) -> String {
    let prefix = machine.id.split("/providers/").next().unwrap_or_default();
    format!("{prefix}/providers/Microsoft.Network/networkInterfaces/{}-nic", machine.name)
}

/// Returns the id of a virtual network: all are in the vault's group, since an inventory only names them.
fn network_id(identity: &Identity, name: &str) -> String {
    let group = identity.group_id(&identity.resource_group);
    format!("{group}/providers/Microsoft.Network/virtualNetworks/{name}")
}

/// Answers what is asked about networks; `path` is the whole path.
pub(super) fn answer(visit: &Visit<'_>, asked: &Asked, path: &[&str]) -> Option<Answer> {
    let ["subscriptions", subscription, rest @ ..] = path else { return None };
    let (group, rest) = match rest {
        ["resourcegroups", group, "providers", "microsoft.network", rest @ ..] => (Some(*group), rest),
        ["providers", "microsoft.network", rest @ ..] => (None, rest),
        _ => return None,
    };
    if !asked.is_read() {
        return Some(Answer::not_allowed(asked));
    }
    let (kind, named) = match rest {
        [kind] => (*kind, None),
        [kind, name] => (*kind, Some(*name)),
        _ => return None,
    };
    let mut listed = match kind {
        "virtualnetworks" => networks(visit),
        "networkinterfaces" => {
            compute::machines(visit).iter().map(|machine| interface(visit, machine)).collect()
        }
        _ => return None,
    };
    listed.retain(|resource| {
        let mut parts = resource["id"].as_str().unwrap_or_default().split('/').skip(2);
        parts.next().is_some_and(|own| own.eq_ignore_ascii_case(subscription))
            && group.is_none_or(|group| parts.nth(1).is_some_and(|own| own.eq_ignore_ascii_case(group)))
    });
    let Some(named) = named else { return Some(page(asked, listed, PAGE)) };
    let found = listed.into_iter().find(|resource| is_called(resource, named));
    let missing = || Answer::gateway_missing("Microsoft.Network", named, group.unwrap_or_default());
    Some(found.map_or_else(missing, Answer::ok))
}

fn interface(visit: &Visit<'_>, machine: &AzureMachine) -> Value {
    let identity = visit.identity();
    let id = interface_id(machine);
    let subnet = machine
        .vnet
        .as_ref()
        .map(|vnet| json!({"id": format!("{}/subnets/default", network_id(identity, vnet))}));
    json!({
        "name": format!("{}-nic", machine.name),
        "id": id,
        "type": "Microsoft.Network/networkInterfaces",
        "location": identity.location,
        "properties": {
            "provisioningState": "Succeeded",
            "primary": true,
            "virtualMachine": {"id": machine.id},
            "ipConfigurations": [{
                "name": "ipconfig1",
                "id": format!("{id}/ipConfigurations/ipconfig1"),
                "properties": {
                    "provisioningState": "Succeeded",
                    "privateIPAddress": machine.address,
                    "privateIPAllocationMethod": "Dynamic",
                    "subnet": subnet,
                    "primary": true,
                    "privateIPAddressVersion": "IPv4",
                },
            }],
        },
    })
}

fn networks(visit: &Visit<'_>) -> Vec<Value> {
    let (identity, facts) = (visit.identity(), visit.facts());
    let pairs: Vec<Vec<String>> = facts
        .network
        .iter()
        .flat_map(|network| network.peered_vnets.iter().flatten())
        .map(|pair| pair.iter().map(|name| name.value.clone()).collect())
        .collect();
    let mut names: BTreeSet<String> = pairs.iter().flatten().cloned().collect();
    names.extend(compute::machines(visit).into_iter().filter_map(|machine| machine.vnet));
    names.extend(
        visit
            .world()
            .items
            .iter()
            .filter_map(|item| item.facts.azure_vm.as_ref().and_then(|vm| vm.vnet.as_deref().cloned())),
    );
    let listed = names.iter().enumerate().map(|(at, name)| {
        let id = network_id(identity, name);
        let peers = pairs.iter().filter(|pair| pair.contains(name)).flatten().filter(|other| *other != name);
        let peerings: Vec<Value> = peers
            .map(|other| {
                json!({
                    "name": format!("to-{other}"),
                    "id": format!("{id}/virtualNetworkPeerings/to-{other}"),
                    "properties": {
                        "provisioningState": "Succeeded",
                        "peeringState": "Connected",
                        "peeringSyncLevel": "FullyInSync",
                        "allowVirtualNetworkAccess": true,
                        "allowForwardedTraffic": true,
                        "remoteVirtualNetwork": {"id": network_id(identity, other)},
                    },
                })
            })
            .collect();
        json!({
            "name": name,
            "id": id,
            "type": "Microsoft.Network/virtualNetworks",
            "location": identity.location,
            "properties": {
                "provisioningState": "Succeeded",
                "addressSpace": {"addressPrefixes": [format!("172.{}.0.0/16", 16 + at % 16)]},
                "subnets": [{
                    "name": "default",
                    "id": format!("{id}/subnets/default"),
                    "properties": {"provisioningState": "Succeeded", "addressPrefix": format!("172.{}.0.0/17", 16 + at % 16)},
                }],
                "virtualNetworkPeerings": peerings,
            },
        })
    });
    listed.collect()
}
