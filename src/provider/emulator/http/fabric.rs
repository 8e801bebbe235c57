//! The fabric of the site with its provider and its container, and the process server switch.

use hyper::Method;
use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::appliance;
use crate::provider::emulator::http::configuration_server;
use crate::provider::emulator::http::desk::ServiceJob;
use crate::provider::emulator::http::desk::ServiceTask;
use crate::provider::emulator::http::desk::Target;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::exchange::text;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::health_error::health_error;
use crate::provider::emulator::http::identity::Identity;
use crate::provider::emulator::http::registration;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::http::words;
use crate::provider::emulator::item::is_false;
use crate::syntax::inventory::Inventory;

/// Seconds of a process server switch: 4 s to 1 min were recorded.
const SWITCH_SECONDS: i64 = 30;

/// Seconds of a refresh of the provider: 3 min were recorded.
const REFRESH: [i64; 2] = [60, 120];

/// Answers what is asked about fabrics: `path` is what follows the vault.
pub(super) fn answer(visit: &mut Visit<'_>, asked: &Asked, path: &[&str]) -> Option<Answer> {
    let identity = visit.identity();
    let read = asked.is_read();
    let answer = match path {
        ["replicationfabrics"] if read => Answer::list(vec![fabric(visit)], None),
        ["replicationprotectioncontainers"] if read => Answer::list(vec![container(visit)], None),
        ["replicationrecoveryservicesproviders"] if read => Answer::list(providers(visit), None),
        ["replicationfabrics", name, rest @ ..] => {
            let name = *name;
            if name != identity.fabric.to_lowercase() {
                return Some(Answer::missing(asked, name));
            }
            return inside(visit, asked, rest).or_else(|| registration::answer(visit, asked, rest));
        }
        _ => return None,
    };
    Some(answer)
}

fn inside(visit: &mut Visit<'_>, asked: &Asked, path: &[&str]) -> Option<Answer> {
    let identity = visit.identity();
    let post = asked.method == Method::POST;
    let answer = match path {
        [] if asked.is_read() => Answer::ok(fabric(visit)),
        ["reassociategateway"] if post => reassociate(visit, asked),
        ["checkconsistency" | "renewcertificate"] if post => {
            let tasks =
                vec![ServiceTask::new("RefreshFabricLayoutTask", "Getting details from server", REFRESH[0])];
            let job = ServiceJob::new(
                "RefreshFabricLayout",
                "Refresh server details",
                server(identity),
                tasks,
                identity.fabric_id(),
            );
            visit.start(asked, job)
        }
        ["replicationrecoveryservicesproviders"] if asked.is_read() => Answer::list(providers(visit), None),
        ["replicationrecoveryservicesproviders", name] if asked.is_read() => {
            let found = providers(visit).into_iter().find(|one| is_called(one, name));
            found.map_or_else(|| Answer::missing(asked, name), Answer::ok)
        }
        ["replicationrecoveryservicesproviders", name, "refreshprovider"] if post => {
            let found = providers(visit).into_iter().find(|one| is_called(one, name));
            let Some(found) = found else { return Some(Answer::missing(asked, name)) };
            refresh(visit, asked, found["id"].as_str().unwrap_or_default())
        }
        ["replicationprotectioncontainers"] if asked.is_read() => Answer::list(vec![container(visit)], None),
        ["replicationprotectioncontainers", name] if asked.is_read() => {
            if *name == identity.container.to_lowercase() {
                Answer::ok(container(visit))
            } else {
                Answer::missing(asked, name)
            }
        }
        _ => return None,
    };
    Some(answer)
}

/// Returns whether a resource has this name, which is in small letters.
pub(super) fn is_called(resource: &Value, name: &str) -> bool {
    resource["name"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(name))
}

/// Returns what jobs about the configuration server, or the appliances, name as their target.
pub(super) fn server(identity: &Identity) -> Target {
    Target {
        id: Some(identity.fabric_guid.clone()),
        name: Some(identity.fabric_friendly.clone()),
        kind: "Server",
    }
}

/// Returns whether Site Recovery hears from the configuration server, or from any appliance.
pub(super) fn is_connected(facts: &Inventory, classic: bool) -> bool {
    if classic {
        return !facts.configuration_server.as_option().is_some_and(|server| is_false(&server.connected));
    }
    true
}

fn fabric(visit: &Visit<'_>) -> Value {
    let (identity, facts) = (visit.identity(), visit.facts());
    let connected = is_connected(&facts, identity.classic);
    let (health, errors) = if connected {
        ("Normal", Vec::new())
    } else {
        let since = words::heartbeat(visit.now, false);
        ("Error", vec![health_error("813", &identity.fabric_friendly, &since)])
    };
    let details = if identity.classic {
        configuration_server::details(visit, &facts)
    } else {
        appliance::details(visit, &facts)
    };
    json!({
        "name": identity.fabric,
        "type": "Microsoft.RecoveryServices/vaults/replicationFabrics",
        "id": identity.fabric_id(),
        "properties": {
            "friendlyName": identity.fabric_friendly,
            "encryptionDetails": {"kekState": "None", "kekCertThumbprint": null},
            "rolloverEncryptionDetails": {"kekState": "None", "kekCertThumbprint": null},
            "internalIdentifier": identity.fabric_guid,
            "bcdrState": "Valid",
            "customDetails": details,
            "healthErrorDetails": errors,
            "health": health,
        },
    })
}

/// Returns the provider of the configuration server, or that of each appliance.
pub(super) fn providers(visit: &Visit<'_>) -> Vec<Value> {
    let (identity, facts) = (visit.identity(), visit.facts());
    if !identity.classic {
        return appliance::providers(visit, &facts);
    }
    let connected = is_connected(&facts, true);
    let since = words::heartbeat(visit.now, connected);
    let errors: Vec<Value> =
        (!connected).then(|| health_error("583", &identity.fabric_friendly, &since)).into_iter().collect();
    let items = visit.world().items.len();
    vec![json!({
        "id": identity.dra_id(),
        "type": "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationRecoveryServicesProviders",
        "name": identity.dra,
        "properties": {
            "fabricType": "VMware",
            "friendlyName": identity.fabric_friendly,
            "providerVersion": "5.1.2663.0",
            "serverVersion": "0.0",
            "providerVersionState": "Latest",
            "fabricFriendlyName": identity.fabric_friendly,
            "lastHeartBeat": since,
            "connectionStatus": if connected { "Connected" } else { "NotConnected" },
            "protectedItemCount": items,
            "allowedScenarios": ["Refresh"],
            "healthErrorDetails": errors,
            "draIdentifier": identity.dra,
            "identityDetails": null,
        },
    })]
}

fn container(visit: &Visit<'_>) -> Value {
    let identity = visit.identity();
    json!({
        "id": identity.container_id(),
        "name": identity.container,
        "type": "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers",
        "properties": {
            "fabricFriendlyName": identity.fabric_friendly,
            "friendlyName": identity.container_friendly,
            "fabricType": if identity.classic { "VMware" } else { "InMageRcm" },
            "protectedItemCount": visit.world().items.len(),
            "pairingStatus": "Paired",
            "role": "Primary",
            "fabricSpecificDetails": null,
        },
    })
}

fn refresh(visit: &mut Visit<'_>, asked: &Asked, provider: &str) -> Answer {
    let tasks = vec![
        ServiceTask::new("RefreshFabricLayoutTask", "Getting details from server", REFRESH[0]),
        ServiceTask::new("WaitForLayoutProcessingTask", "Processing details", REFRESH[1]),
    ];
    let mut job = ServiceJob::new(
        "RefreshFabricLayout",
        "Refresh server details",
        server(visit.identity()),
        tasks,
        provider.to_owned(),
    );
    let connected = is_connected(&visit.facts(), visit.identity().classic);
    if !connected {
        let message =
            format!("The Configuration server '{}' isn't connected", visit.identity().fabric_friendly);
        job = job.failing(0, "583", message);
    }
    visit.start(asked, job)
}

/// Moves machines from one process server to another: which one carries a machine is no fact of the world, so that the job only
/// looks whether both are there.
fn reassociate(visit: &mut Visit<'_>, asked: &Asked) -> Answer {
    let properties = match asked.properties() {
        Ok(properties) => properties,
        Err(answer) => return answer,
    };
    let identity = visit.identity();
    let facts = visit.facts();
    let is_known = |id: &str| {
        let servers = facts.process_servers.iter().flatten();
        servers
            .map(|server| identity.process_server_id(&server.name))
            .any(|known| known.eq_ignore_ascii_case(id))
    };
    let tasks =
        vec![ServiceTask::new("ProcessServerFailoverTask", "Changing Process server", SWITCH_SECONDS)];
    let mut job = ServiceJob::new(
        "ProcessServerFailover",
        "Changing Process server",
        server(identity),
        tasks,
        identity.fabric_id(),
    );
    for name in ["sourceProcessServerId", "targetProcessServerId"] {
        let Some(id) = text(&properties, name) else {
            let message = format!("The value of '{name}' is missing.");
            return Answer::asr_error(asked, 400, "InvalidParameter", message);
        };
        if !is_known(id) {
            job = job.failing(
                0,
                "ProcessServerNotFound",
                format!("The process server '{id}' isn't registered."),
            );
        }
    }
    visit.start(asked, job)
}

/// Returns who a part of the service is in the directory.
pub(super) fn directory(identity: &Identity, audience: &str) -> Value {
    let tenant = &identity.tenant;
    json!({
        "tenantId": tenant,
        "applicationId": guid::guid("application", audience),
        "objectId": guid::guid("object", audience),
        "audience": format!("api://{tenant}/{}{audience}", identity.vault),
        "aadAuthority": format!("https://login.microsoftonline.com/{tenant}"),
    })
}
