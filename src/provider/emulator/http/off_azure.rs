//! Discovery of the modernized architecture (`Microsoft.OffAzure`): vCenters, virtual machines and accounts that appliances found.

use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::appliance;
use crate::provider::emulator::http::discovered;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::fabric::is_called;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::identity::Identity;
use crate::provider::emulator::http::page::page;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::http::words;
use crate::provider::emulator::item::is_false;
use crate::syntax::inventory::Inventory;

/// Machines on a page, as recorded.
const PAGE: usize = 100;

/// Returns the id of the site.
pub(super) fn site_id(identity: &Identity) -> String {
    format!(
        "{}/providers/Microsoft.OffAzure/VMwareSites/{}",
        identity.group_id(&identity.resource_group),
        identity.site
    )
}

/// Returns the name of a virtual machine among those discovered: its vCenter and its instance UUID there.
pub(super) fn machine_name(vcenter: &str, instance_uuid: &str) -> String {
    format!("{}_{instance_uuid}", vcenter.to_lowercase())
}

/// Answers what is asked about a site; `path` is what follows `Microsoft.OffAzure`.
pub(super) fn answer(visit: &Visit<'_>, asked: &Asked, path: &[&str]) -> Option<Answer> {
    let identity = visit.identity();
    if !asked.is_read() || identity.classic {
        return None;
    }
    let facts = visit.facts();
    let answer = match path {
        ["vmwaresites"] => Answer::list(vec![site(identity)], None),
        ["vmwaresites", site, ..] if *site != identity.site.to_lowercase() => {
            Answer::gateway_missing("Microsoft.OffAzure/VMwareSites", site, &identity.resource_group)
        }
        ["vmwaresites", _] => Answer::ok(site(identity)),
        ["vmwaresites", _, kind] => page(asked, listed(visit, &facts, kind)?, PAGE),
        ["vmwaresites", _, kind, name] => {
            let found = listed(visit, &facts, kind)?.into_iter().find(|one| is_called(one, name));
            found.map_or_else(|| Answer::missing(asked, name), Answer::ok)
        }
        _ => return None,
    };
    Some(answer)
}

fn listed(visit: &Visit<'_>, facts: &Inventory, kind: &str) -> Option<Vec<Value>> {
    match kind {
        "machines" => Some(discovered::machines(visit, facts)),
        "vcenters" => Some(vcenters(visit, facts)),
        "runasaccounts" => Some(accounts(visit, facts)),
        _ => None,
    }
}

fn site(identity: &Identity) -> Value {
    json!({
        "id": site_id(identity),
        "name": identity.site,
        "type": "Microsoft.OffAzure/VMwareSites",
        "location": identity.location,
        "properties": {"serviceEndpoint": "https://kc.discoverysrv.windowsazure.com", "discoverySolutionId": ""},
    })
}

fn vcenters(visit: &Visit<'_>, facts: &Inventory) -> Vec<Value> {
    let identity = visit.identity();
    let listed = facts.vcenters.iter().flatten().map(|vcenter| {
        let account = vcenter.account.as_ref().and_then(|account| words::text_of(&account.name));
        let errors = if is_false(&vcenter.connected) {
            json!([{
                "id": 9_000,
                "code": "UnableToConnectToServer",
                "runAsAccountId": null,
                "applianceName": null,
                "message": format!("The vCenter Server '{}' can't be reached.", vcenter.id.value),
                "summaryMessage": "The vCenter Server can't be reached.",
                "agentScenario": "Discovery",
                "possibleCauses": "It is off, or the appliance doesn't reach it.",
                "recommendedAction": "Ensure that it runs and can be reached from the appliance.",
                "severity": "Error",
                "updatedTimeStamp": words::heartbeat(visit.now, false),
            }])
        } else {
            json!([])
        };
        json!({
            "id": identity.off_azure("vcenters", &vcenter.id),
            "name": vcenter.id.value,
            "type": "Microsoft.OffAzure/VMwareSites/vcenters",
            "properties": {
                "createdTimestamp": words::heartbeat(visit.now, false),
                "updatedTimestamp": words::heartbeat(visit.now, !is_false(&vcenter.connected)),
                "fqdn": vcenter.id.value,
                "port": "443",
                "runAsAccountId": account.map(|name| identity.off_azure("runasaccounts", &account_name(name))),
                "version": words::text_of(&vcenter.version),
                "perfStatisticsLevel": "1",
                "instanceUuid": guid::guid("vcenter", &vcenter.id),
                "friendlyName": vcenter.id.value,
                "errors": errors,
            },
        })
    });
    listed.collect()
}

fn account_name(name: &str) -> String {
    guid::guid("account", name)
}

fn accounts(visit: &Visit<'_>, facts: &Inventory) -> Vec<Value> {
    let identity = visit.identity();
    let mut kinds: Vec<(String, &str)> = Vec::new();
    for vcenter in facts.vcenters.iter().flatten() {
        let name = vcenter.account.as_ref().and_then(|account| words::text_of(&account.name));
        if let Some(name) = name.filter(|name| kinds.iter().all(|(known, _)| known != name)) {
            kinds.push((name.to_owned(), "VMwareFabric"));
        }
    }
    kinds.push(("lincreds".to_owned(), "LinuxGuest"));
    kinds.push(("wincreds".to_owned(), "WindowsGuest"));
    let appliance =
        appliance::registered(facts, identity).next().map(|appliance| appliance.name.value.clone());
    let listed = kinds.into_iter().map(|(name, kind)| {
        json!({
            "id": identity.off_azure("runasaccounts", &account_name(&name)),
            "name": account_name(&name),
            "type": "Microsoft.OffAzure/VMwareSites/runasaccounts",
            "properties": {
                "displayName": name,
                "credentialType": kind,
                "createdTimestamp": words::heartbeat(visit.now, false),
                "updatedTimestamp": words::heartbeat(visit.now, true),
                "applianceName": appliance,
            },
        })
    });
    listed.collect()
}
