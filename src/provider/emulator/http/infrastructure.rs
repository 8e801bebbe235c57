//! Everything around the replicated items: who answers for what, and the small resources of the vault.

use hyper::Method;
use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::appliance;
use crate::provider::emulator::http::automation;
use crate::provider::emulator::http::compute;
use crate::provider::emulator::http::configuration_server;
use crate::provider::emulator::http::desk::ServiceJob;
use crate::provider::emulator::http::desk::ServiceTask;
use crate::provider::emulator::http::desk::Target;
use crate::provider::emulator::http::empty_list;
use crate::provider::emulator::http::event;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::exchange::text;
use crate::provider::emulator::http::fabric;
use crate::provider::emulator::http::fabric::is_called;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::health_error::health_error;
use crate::provider::emulator::http::mapping;
use crate::provider::emulator::http::network;
use crate::provider::emulator::http::off_azure;
use crate::provider::emulator::http::policy;
use crate::provider::emulator::http::protectable;
use crate::provider::emulator::http::resource_manager;
use crate::provider::emulator::http::settings;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::http::words;
use crate::provider::emulator::item::is_false;
use crate::provider::emulator::item::is_true;
use crate::syntax::inventory::Inventory;
use crate::syntax::machine::Health;
use crate::syntax::nullable::Nullable;

/// Seconds in which a vCenter is added, changed or removed; the recordings have the jobs and not their durations.
const VCENTER_SECONDS: i64 = 60;

/// Returns the answer, if the request is about something around the items.
pub(super) fn answer(visit: &mut Visit<'_>, asked: &Asked) -> Option<Answer> {
    let path = asked.path();
    let [
        "subscriptions",
        subscription,
        "resourcegroups",
        group,
        "providers",
        "microsoft.recoveryservices",
        "vaults",
        vault,
        rest @ ..,
    ] = path.as_slice()
    else {
        return outside(visit, asked, &path);
    };
    let identity = visit.identity();
    let ours = [
        (*subscription, &identity.subscription),
        (*group, &identity.resource_group),
        (*vault, &identity.vault),
    ];
    if ours.iter().any(|(asked, own)| !own.eq_ignore_ascii_case(asked)) {
        return None;
    }
    mapping::answer(visit, asked, rest)
        .or_else(|| protectable::answer(visit, asked, rest))
        .or_else(|| vcenter(visit, asked, rest))
        .or_else(|| fabric::answer(visit, asked, rest))
        .or_else(|| policy::answer(visit, asked, rest))
        .or_else(|| event::answer(visit, asked, rest))
        .or_else(|| settings::answer(visit, asked, rest))
        .or_else(|| empty_list::answer(visit, asked, rest))
        .or_else(|| in_vault(visit, asked, rest))
        .or_else(|| outside(visit, asked, &path))
}

fn outside(visit: &mut Visit<'_>, asked: &Asked, path: &[&str]) -> Option<Answer> {
    if let ["subscriptions", _, "resourcegroups", group, "providers", "microsoft.offazure", rest @ ..] = path
        && group.eq_ignore_ascii_case(&visit.identity().resource_group)
    {
        return off_azure::answer(visit, asked, rest);
    }
    automation::answer(visit, asked, path)
        .or_else(|| compute::answer(visit, asked, path))
        .or_else(|| network::answer(visit, asked, path))
        .or_else(|| resource_manager::answer(visit, asked, path))
}

fn in_vault(visit: &mut Visit<'_>, asked: &Asked, path: &[&str]) -> Option<Answer> {
    let read = asked.is_read();
    let answer = match path {
        ["replicationappliances"] if read => appliances(visit),
        ["replicationvaulthealth"] if read => Answer::ok(vault_health(visit)),
        ["replicationvaulthealth", "default", "refresh"] if asked.method == Method::POST => {
            let tasks =
                vec![ServiceTask::new("RefreshVaultHealthTask", "Refreshing the health of the vault", 5)];
            let resource = format!("{}/replicationVaultHealth/default", visit.identity().vault_id());
            let job = ServiceJob::new(
                "RefreshVaultHealth",
                "Refresh vault health",
                Target::default(),
                tasks,
                resource,
            );
            visit.start(asked, job)
        }
        ["replicationvaulthealth", "default"] if read => Answer::ok(vault_health(visit)),
        ["replicationsupportedoperatingsystems"] if read => Answer::ok(operating_systems(visit, asked)),
        _ => return None,
    };
    Some(answer)
}

fn appliances(visit: &Visit<'_>) -> Answer {
    let facts = visit.facts();
    let listed = if visit.identity().classic { Vec::new() } else { appliance::list(visit, &facts) };
    let details = json!({"instanceType": "InMageRcm", "appliances": listed});
    Answer::ok(json!({"value": [{"properties": {"providerSpecificDetails": details}}]}))
}

fn summary(count: usize, by_health: &[(&str, usize)]) -> Value {
    let counts: serde_json::Map<String, Value> =
        by_health.iter().map(|(health, count)| ((*health).to_owned(), json!(count))).collect();
    json!({"resourceCount": count, "issues": [], "categorizedResourceCounts": counts})
}

fn vault_health(visit: &Visit<'_>) -> Value {
    let (identity, facts) = (visit.identity(), visit.facts());
    let health = |wanted: Health| {
        let items = visit.world().items.iter();
        let healths =
            items.map(|item| item.facts.asr.as_ref().and_then(|asr| asr.health.as_deref().copied()));
        healths.filter(|health| health.map(words::health_word) == Some(words::health_word(wanted))).count()
    };
    let by_health = [
        ("Normal", health(Health::Ok)),
        ("Warning", health(Health::Warning)),
        ("Critical", health(Health::Critical)),
    ];
    let connected = fabric::is_connected(&facts, identity.classic);
    let errors: Vec<Value> = (!connected)
        .then(|| health_error("583", &identity.fabric_friendly, &words::heartbeat(visit.now, false)))
        .into_iter()
        .collect();
    let one = [(if connected { "Normal" } else { "Critical" }, 1)];
    json!({
        "id": identity.within("replicationVaultHealth", "default"),
        "name": "default",
        "type": "Microsoft.RecoveryServices/vaults/replicationVaultHealth",
        "properties": {
            "vaultErrors": errors,
            "protectedItemsHealth": summary(visit.world().items.len(), &by_health),
            "fabricsHealth": summary(1, &one),
            "containersHealth": summary(1, &[("Normal", 1)]),
        },
    })
}

fn operating_systems(visit: &Visit<'_>, asked: &Asked) -> Value {
    let kind = asked.argument("instanceType").unwrap_or(if visit.identity().classic {
        "InMageAzureV2"
    } else {
        "InMageRcm"
    });
    let of = |name: &str, family: &str, versions: &[&str]| {
        let versions: Vec<Value> =
            versions.iter().map(|version| json!({"version": version, "servicePack": null})).collect();
        json!({"osName": name, "osType": family, "osVersions": versions})
    };
    json!({
        "id": visit.identity().within("replicationSupportedOperatingSystems", "default"),
        "name": "default",
        "type": "Microsoft.RecoveryServices/vaults/replicationSupportedOperatingSystems",
        "properties": {"supportedOsList": [{
            "instanceType": kind,
            "supportedOs": [
                of("WindowsServer", "Windows", &["2008 R2", "2012", "2012 R2", "2016", "2019", "2022"]),
                of("RHEL", "Linux", &["7", "8", "9"]),
                of("UBUNTU", "Linux", &["18.04", "20.04", "22.04"]),
                of("SLES", "Linux", &["12", "15"]),
            ],
        }]},
    })
}

/// Answers what is asked about the vCenters of the classic architecture.
fn vcenter(visit: &mut Visit<'_>, asked: &Asked, path: &[&str]) -> Option<Answer> {
    let identity = visit.identity();
    let path = match path {
        ["replicationvcenters"] if asked.is_read() => {
            return Some(Answer::list(vcenters(visit), None));
        }
        ["replicationfabrics", fabric, "replicationvcenters", rest @ ..] => {
            if *fabric != identity.fabric.to_lowercase() {
                return Some(Answer::missing(asked, fabric));
            }
            rest
        }
        _ => return None,
    };
    let found = |name: &str| vcenters(visit).into_iter().find(|one| is_called(one, name));
    match path {
        [] if asked.is_read() => Some(Answer::list(vcenters(visit), None)),
        [name] if asked.is_read() => {
            Some(found(name).map_or_else(|| Answer::missing(asked, name), Answer::ok))
        }
        [name] => {
            let known = found(name);
            vcenter_job(visit, asked, name, known.as_ref())
        }
        _ => None,
    }
}

/// Begins a job about a vCenter. The emulated site has the vCenters of its inventory: one of them can be written again, and
/// another one is not found, as the discovery of an address where none is would end.
fn vcenter_job(visit: &mut Visit<'_>, asked: &Asked, name: &str, known: Option<&Value>) -> Option<Answer> {
    let properties = match asked.properties() {
        Ok(properties) => properties,
        Err(answer) => return Some(answer),
    };
    let (scenario, friendly, task) = match asked.method {
        Method::PUT => ("DiscoverVCenter", "Add vCenter server", "DiscoverVCenterTask"),
        Method::PATCH => ("UpdateVCenter", "Update vCenter server", "UpdateVCenterTask"),
        Method::DELETE => ("RemoveVCenter", "Remove vCenter server", "RemoveVCenterTask"),
        _ => return None,
    };
    let resource = format!("{}/replicationvCenters/{name}", visit.identity().fabric_id());
    let named = text(&properties, "friendlyName").unwrap_or(name).to_owned();
    let target = Target { id: Some(guid::guid("vcenter", name)), name: Some(named.clone()), kind: "VCenter" };
    let tasks = vec![ServiceTask::new(task, friendly, VCENTER_SECONDS)];
    let mut job = ServiceJob::new(scenario, friendly, target, tasks, resource);
    if known.is_none() {
        if asked.method != Method::PUT {
            return Some(Answer::missing(asked, name));
        }
        job = job.failing(0, "812", format!("vCenter discovery operation failed for '{named}'."));
    } else if asked.method == Method::DELETE {
        job = job.failing(0, "25028", format!("The vCenter '{named}' is in use by protected machines."));
    }
    Some(visit.start(asked, job))
}

/// Returns the vCenters, and the hosts without one that were added by their own address.
pub(super) fn vcenters(visit: &Visit<'_>) -> Vec<Value> {
    let (identity, facts) = (visit.identity(), visit.facts());
    if !identity.classic {
        return Vec::new();
    }
    let mut listed: Vec<Value> = facts
        .vcenters
        .iter()
        .flatten()
        .map(|vcenter| {
            let account = vcenter.account.as_ref().and_then(|account| words::text_of(&account.name));
            let account = account.and_then(|name| configuration_server::account_id(&facts, name));
            let connected = vcenter.connected.as_deref().copied();
            vcenter_body(visit, &facts, &vcenter.id, &guid::guid("vcenter", &vcenter.id), connected, account)
        })
        .collect();
    let alone = facts.hosts.iter().flatten().filter(|host| match &host.vcenter {
        Nullable::None => is_true(&host.discovered),
        Nullable::Some(_) | Nullable::Unknown => false,
    });
    listed.extend(alone.map(|host| {
        let id = format!("host-{}", guid::guid("host", &host.name));
        vcenter_body(visit, &facts, &host.name, &id, Some(true), None)
    }));
    listed
}

fn vcenter_body(
    visit: &Visit<'_>,
    facts: &Inventory,
    name: &str,
    internal: &str,
    connected: Option<bool>,
    account: Option<String>,
) -> Value {
    let identity = visit.identity();
    let lost = connected == Some(false);
    let seen = words::heartbeat(visit.now, !lost);
    let errors: Vec<Value> = lost.then(|| health_error("811", name, &seen)).into_iter().collect();
    let process_server = facts.process_servers.iter().flatten().find(|server| !is_false(&server.temporary));
    json!({
        "name": name,
        "type": "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationvCenters",
        "id": format!("{}/replicationvCenters/{name}", identity.fabric_id()),
        "properties": {
            "friendlyName": name,
            "internalId": internal,
            "lastHeartbeat": seen,
            "discoveryStatus": connected.map(|connected| if connected { "Completed" } else { "Failed" }),
            "processServerId": process_server.map(|server| identity.process_server_id(&server.name)),
            "ipAddress": words::address(name),
            "infrastructureId": name,
            "port": "443",
            "runAsAccountId": account,
            "fabricArmResourceName": identity.fabric,
            "healthErrors": errors,
        },
    })
}
