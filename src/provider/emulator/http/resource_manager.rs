//! Azure Resource Manager itself: subscriptions, directories, resource groups, rights, vaults and storage accounts.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::compute;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::fabric::is_called;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::page::page;
use crate::provider::emulator::http::visit::Visit;

/// Storage accounts on a page.
const PAGE: usize = 200;

/// Answers what is asked about the subscription and what is in it; `path` is the whole path.
pub(super) fn answer(visit: &Visit<'_>, asked: &Asked, path: &[&str]) -> Option<Answer> {
    if !asked.is_read() {
        return None;
    }
    let identity = visit.identity();
    let rest = match path {
        ["subscriptions"] => {
            let listed = subscriptions(visit).iter().map(|id| subscription(visit, id)).collect();
            return Some(counted(listed));
        }
        ["tenants"] => return Some(counted(vec![tenant(visit)])),
        ["subscriptions", id, rest @ ..] => {
            let known = subscriptions(visit).into_iter().find(|own| own.eq_ignore_ascii_case(id));
            let Some(known) = known else {
                let message = format!("The subscription '{id}' could not be found.");
                return Some(Answer::arm_error(404, "SubscriptionNotFound", message));
            };
            if rest.is_empty() {
                return Some(Answer::ok(subscription(visit, &known)));
            }
            if !known.eq_ignore_ascii_case(&identity.subscription) {
                // Of another subscription nothing is known but the machines in it.
                return Some(Answer::list(Vec::new(), None));
            }
            rest
        }
        _ => return None,
    };
    if let [.., "providers", "microsoft.authorization", "permissions"] = rest {
        return Some(Answer::ok(json!({"value": [visit.shared.options.rights.permission()]})));
    }
    match rest {
        ["resourcegroups"] => {
            let listed = groups(visit).iter().map(|name| group(visit, name)).collect();
            Some(Answer::list(listed, None))
        }
        ["resourcegroups", name] => {
            let known = groups(visit).into_iter().find(|own| own.eq_ignore_ascii_case(name));
            Some(known.map_or_else(|| no_group(name), |known| Answer::ok(group(visit, &known))))
        }
        ["resourcegroups", name, "providers", rest @ ..] => {
            if !groups(visit).iter().any(|own| own.eq_ignore_ascii_case(name)) {
                return Some(no_group(name));
            }
            provided(visit, asked, Some(name), rest)
        }
        ["providers", rest @ ..] => provided(visit, asked, None, rest),
        _ => None,
    }
}

fn no_group(name: &str) -> Answer {
    Answer::arm_error(404, "ResourceGroupNotFound", format!("Resource group '{name}' could not be found."))
        .with("x-ms-failure-cause", "gateway")
}

fn provided(visit: &Visit<'_>, asked: &Asked, group: Option<&str>, path: &[&str]) -> Option<Answer> {
    let identity = visit.identity();
    let ours = group.is_none_or(|group| group.eq_ignore_ascii_case(&identity.resource_group));
    let of = |listed: Vec<Value>| if ours { listed } else { Vec::new() };
    let (listed, rest) = match path {
        ["microsoft.recoveryservices", "vaults", rest @ ..] => (of(vec![vault(visit)]), rest),
        ["microsoft.storage", "storageaccounts", rest @ ..] => (of(storage_accounts(visit)), rest),
        _ => return None,
    };
    match rest {
        [] if path[0] == "microsoft.recoveryservices" => Some(Answer::ok(json!({"value": listed}))),
        [] => Some(page(asked, listed, PAGE)),
        [name] => {
            let found = listed.into_iter().find(|resource| is_called(resource, name));
            let kind = format!("{}/{}", path[0], path[1]);
            let missing = || Answer::gateway_missing(&kind, name, group.unwrap_or_default());
            Some(found.map_or_else(missing, Answer::ok))
        }
        _ => None,
    }
}

fn counted(listed: Vec<Value>) -> Answer {
    let count = listed.len();
    Answer::ok(json!({"value": listed, "count": {"type": "Total", "value": count}}))
}

/// Returns the subscriptions in which anything is known to be: the vault's comes first.
fn subscriptions(visit: &Visit<'_>) -> Vec<String> {
    let own = &visit.identity().subscription;
    let machines = compute::machines(visit);
    let facts = visit.facts();
    let accounts = facts.automation_accounts.iter().flatten();
    let others: BTreeSet<String> = machines
        .iter()
        .map(|machine| machine.part("subscriptions").to_lowercase())
        .chain(accounts.filter_map(|account| account.subscription_id.as_deref().map(|id| id.to_lowercase())))
        .filter(|id| !id.is_empty() && !id.eq_ignore_ascii_case(own))
        .collect();
    std::iter::once(own.clone()).chain(others).collect()
}

fn subscription(visit: &Visit<'_>, id: &str) -> Value {
    json!({
        "id": format!("/subscriptions/{id}"),
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": id,
        "tenantId": visit.identity().tenant,
        "displayName": "Emulated site",
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01", "quotaId": "EnterpriseAgreement_2014-09-01", "spendingLimit": "Off",
        },
    })
}

fn tenant(visit: &Visit<'_>) -> Value {
    let id = &visit.identity().tenant;
    json!({
        "id": format!("/tenants/{id}"),
        "tenantId": id,
        "countryCode": "KR",
        "displayName": "Emulated directory",
        "domains": ["emulator.example"],
        "tenantCategory": "Home",
        "defaultDomain": "emulator.example",
        "tenantType": "AAD",
    })
}

fn groups(visit: &Visit<'_>) -> BTreeSet<String> {
    let identity = visit.identity();
    let machines = compute::machines(visit);
    let of_machines = machines
        .iter()
        .filter(|machine| machine.part("subscriptions").eq_ignore_ascii_case(&identity.subscription))
        .map(|machine| machine.part("resourceGroups").to_owned());
    std::iter::once(identity.resource_group.clone()).chain(of_machines).collect()
}

fn group(visit: &Visit<'_>, name: &str) -> Value {
    let identity = visit.identity();
    json!({
        "id": identity.group_id(name),
        "name": name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": identity.location,
        "properties": {"provisioningState": "Succeeded"},
    })
}

fn vault(visit: &Visit<'_>) -> Value {
    let identity = visit.identity();
    json!({
        "location": identity.location,
        "name": identity.vault,
        "etag": format!("W/\"datetime'{}'\"", guid::guid("etag", &identity.vault)),
        "properties": {"provisioningState": "Succeeded"},
        "id": identity.vault_id().replacen("/Subscriptions/", "/subscriptions/", 1),
        "type": "Microsoft.RecoveryServices/vaults",
        "sku": {"name": "RS0", "tier": "Standard"},
    })
}

fn storage_accounts(visit: &Visit<'_>) -> Vec<Value> {
    let identity = visit.identity();
    let facts = visit.facts();
    let listed = facts.storage_accounts.iter().flatten().map(|account| {
        json!({
            "sku": {"name": "Standard_LRS", "tier": "Standard"},
            "kind": "StorageV2",
            "id": identity.storage_account_id(&account.value),
            "name": account.value,
            "type": "Microsoft.Storage/storageAccounts",
            "location": identity.location,
            "tags": {},
            "properties": {
                "provisioningState": "Succeeded",
                "creationTime": visit.world().start,
                "primaryEndpoints": {"blob": format!("https://{}.blob.core.windows.net/", account.value)},
                "primaryLocation": identity.location,
                "statusOfPrimary": "available",
                "accessTier": "Hot",
                "supportsHttpsTrafficOnly": true,
            },
        })
    });
    listed.collect()
}
