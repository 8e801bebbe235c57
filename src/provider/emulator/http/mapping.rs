//! Which policy a container uses towards which target: what a failback needs is a mapping of the container to itself.

use hyper::Method;
use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::desk::ServiceJob;
use crate::provider::emulator::http::desk::ServiceTask;
use crate::provider::emulator::http::desk::Target;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::exchange::text;
use crate::provider::emulator::http::fabric::is_called;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::identity;
use crate::provider::emulator::http::identity::Identity;
use crate::provider::emulator::http::policy;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::service::ServiceAct;
use crate::provider::request::Request;

/// Seconds of the tasks that pair a container, and that part it from its target.
const PAIR: [i64; 4] = [5, 15, 5, 10];

/// Answers what is asked about mappings; `path` is what follows the vault.
pub(super) fn answer(visit: &mut Visit<'_>, asked: &Asked, path: &[&str]) -> Option<Answer> {
    let identity = visit.identity();
    let rest = match path {
        ["replicationprotectioncontainermappings"] => &[],
        [
            "replicationfabrics",
            fabric,
            "replicationprotectioncontainers",
            container,
            "replicationprotectioncontainermappings",
            rest @ ..,
        ] => {
            for (asked_for, own) in [(fabric, &identity.fabric), (container, &identity.container)] {
                if **asked_for != own.to_lowercase() {
                    return Some(Answer::missing(asked, asked_for));
                }
            }
            rest
        }
        _ => return None,
    };
    match rest {
        [] if asked.is_read() => Some(Answer::list(mappings(visit), None)),
        [name] => {
            let found = mappings(visit).into_iter().find(|mapping| is_called(mapping, name));
            let written = asked.segments.last().cloned().unwrap_or_default();
            match (asked.method.clone(), found) {
                (Method::GET, found) => {
                    Some(found.map_or_else(|| Answer::missing(asked, &written), Answer::ok))
                }
                (Method::PUT, _) => Some(write(visit, asked, &written)),
                (_, None) => Some(Answer::missing(asked, &written)),
                (Method::DELETE, Some(mapping)) => Some(remove(visit, asked, &mapping)),
                _ => None,
            }
        }
        [name, "remove"] if asked.method == Method::POST => {
            let found = mappings(visit).into_iter().find(|mapping| is_called(mapping, name));
            Some(match found {
                Some(mapping) => remove(visit, asked, &mapping),
                None => Answer::missing(asked, name),
            })
        }
        _ => None,
    }
}

fn id_of(identity: &Identity, name: &str) -> String {
    format!("{}/replicationProtectionContainerMappings/{name}", identity.container_id())
}

/// Returns all mappings: those of the service, and those that clients wrote.
pub(super) fn mappings(visit: &Visit<'_>) -> Vec<Value> {
    let identity = visit.identity();
    let prefix = id_of(identity, "").to_lowercase();
    let stored: Vec<(&String, &Value)> =
        visit.desk.stored.range(prefix.clone()..).take_while(|(id, _)| id.starts_with(&prefix)).collect();
    // A mapping of the classic way back counts as soon as the world has it, and while it does.
    let is_shown =
        |mapping: &Value| mapping.is_object() && (!is_back(identity, mapping) || visit.world().is_prepared());
    let mut listed: Vec<Value> =
        stored.iter().map(|(_, mapping)| (*mapping).clone()).filter(|mapping| is_shown(mapping)).collect();
    let mut add = |to_onprem: bool| {
        let name = format!("{}-mapping", identity.policy(to_onprem));
        let known = stored.iter().any(|(id, _)| **id == format!("{prefix}{}", name.to_lowercase()));
        if !known {
            listed.push(body(
                identity,
                &name,
                to_onprem,
                &identity.policy_id(to_onprem),
                identity.policy(to_onprem),
            ));
        }
    };
    add(false);
    let written = stored.iter().any(|(_, mapping)| mapping.is_object() && is_back(identity, mapping));
    if !identity.classic || (visit.world().is_prepared() && !written) {
        add(true);
    }
    listed
}

/// Returns whether a mapping is one of the way back.
fn is_back(identity: &Identity, mapping: &Value) -> bool {
    let target = mapping["properties"]["targetProtectionContainerId"].as_str();
    identity.classic && target.is_some_and(|target| target.eq_ignore_ascii_case(&identity.container_id()))
}

fn body(identity: &Identity, name: &str, to_onprem: bool, policy: &str, policy_name: &str) -> Value {
    let itself = to_onprem && identity.classic;
    let container = identity.container_id();
    let (target, friendly) = if itself {
        (container.as_str(), identity.container_friendly.as_str())
    } else {
        (identity::AZURE, identity::AZURE)
    };
    let details = if identity.classic {
        Value::Null
    } else {
        let kind = if to_onprem { "InMageRcmFailback" } else { "InMageRcm" };
        json!({"instanceType": kind, "enableAgentAutoUpgrade": "true"})
    };
    json!({
        "id": id_of(identity, name),
        "name": name,
        "type": "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectionContainerMappings",
        "properties": {
            "targetProtectionContainerId": target,
            "targetProtectionContainerFriendlyName": friendly,
            "providerSpecificDetails": details,
            "health": "Normal",
            "healthErrorDetails": [],
            "policyId": policy,
            "state": "Paired",
            "sourceProtectionContainerFriendlyName": identity.container_friendly,
            "sourceFabricFriendlyName": identity.fabric_friendly,
            "targetFabricFriendlyName": if itself { &identity.fabric_friendly } else { identity::AZURE },
            "policyFriendlyName": policy_name,
        },
    })
}

fn write(visit: &mut Visit<'_>, asked: &Asked, name: &str) -> Answer {
    let properties = match asked.properties() {
        Ok(properties) => properties,
        Err(answer) => return answer,
    };
    let identity = visit.identity();
    let invalid = |what: &str| {
        Answer::asr_error(asked, 400, "InvalidParameter", format!("The value of '{what}' is not valid."))
    };
    let Some(policy) = text(&properties, "policyId") else { return invalid("policyId") };
    let known = policy::policies(visit)
        .into_iter()
        .find(|known| known["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(policy)));
    let Some(known) = known else {
        return Answer::missing(asked, policy.rsplit('/').next().unwrap_or_default());
    };
    let target = text(&properties, "targetProtectionContainerId").unwrap_or(identity::AZURE);
    let itself = target.eq_ignore_ascii_case(&identity.container_id());
    let azure = target.eq_ignore_ascii_case(identity::AZURE)
        || target.eq_ignore_ascii_case(&identity.azure_container_id());
    let kind = known["properties"]["providerSpecificDetails"]["instanceType"].as_str().unwrap_or_default();
    let back = matches!(kind, "InMage" | "InMageRcmFailback");
    if !(itself || azure) || (identity.classic && itself != back) {
        return invalid("targetProtectionContainerId");
    }
    let policy_name = known["name"].as_str().unwrap_or_default();
    let mapping = body(identity, name, back, known["id"].as_str().unwrap_or_default(), policy_name);
    let id = id_of(identity, name);
    if back && identity.classic && !visit.world().is_prepared() {
        // The world knows this as the preparation of a failback: it takes the time and makes the reprotects work.
        visit.desk.stored.insert(id.to_lowercase(), mapping);
        return match visit.request(asked, &Request::Prepare, id.clone()) {
            Ok(answer) => answer,
            Err(error) => crate::provider::emulator::http::visit::failed_call(&error),
        };
    }
    let tasks = vec![
        ServiceTask {
            id: "CloudPairingWfPreflightChecksTask",
            ..ServiceTask::new("CloudPairingPrerequisitesCheck", "Check protection prerequisites", PAIR[0])
        },
        ServiceTask {
            id: "CloudPairingWfPrepareSiteTask",
            ..ServiceTask::new("CloudPairingPrepareSite", "Prepare the server", PAIR[1])
        },
        ServiceTask {
            id: "CloudPairingWfPrepareCloudForPairingTask",
            ..ServiceTask::new("CloudPairingPrepareCloud", "Prepare for configuring protection", PAIR[2])
        },
        ServiceTask {
            id: "CloudPairingWfPairCloudsTask",
            ..ServiceTask::new("CloudPairingPairClouds", "Configure the protection settings", PAIR[3])
        },
    ];
    let job = ServiceJob::new(
        "AssociateProtectionProfile",
        "Associate replication policy",
        subject(identity),
        tasks,
        id.clone(),
    );
    visit.start(
        asked,
        job.then(move |stored| {
            stored.insert(id.to_lowercase(), mapping);
        }),
    )
}

fn subject(identity: &Identity) -> Target {
    Target {
        id: Some(guid::guid("container", &identity.container)),
        name: Some(identity.container_friendly.clone()),
        kind: "ProtectionContainer",
    }
}

fn remove(visit: &mut Visit<'_>, asked: &Asked, mapping: &Value) -> Answer {
    let identity = visit.identity();
    let back = is_back(identity, mapping);
    let id = mapping["id"].as_str().unwrap_or_default().to_owned();
    let tasks = vec![
        ServiceTask {
            id: "CloudUnpairingWfPreflightChecksTask",
            ..ServiceTask::new(
                "CloudUnpairingPrerequisitesCheck",
                "Prerequisites check for dissociating the replication policy",
                PAIR[0],
            )
        },
        ServiceTask {
            id: "CloudUnpairingWfUnpairCloudsTask",
            ..ServiceTask::new("CloudUnpairingUnpairClouds", "Remove the protection configuration", PAIR[1])
        },
        ServiceTask {
            id: "CloudUnpairingWfCleanupCloudsTask",
            ..ServiceTask::new(
                "CloudUnpairingCleanupClouds",
                "Clean up the protection configuration",
                PAIR[2],
            )
        },
        ServiceTask {
            id: "CloudUnpairingWfCleanupSiteTask",
            ..ServiceTask::new("CloudUnpairingCleanupSite", "Clean up the configuration", PAIR[3])
        },
    ];
    let mut job = ServiceJob::new(
        "DissociateProtectionProfile",
        "Dissociate replication policy",
        subject(identity),
        tasks,
        id.clone(),
    );
    job.removes = true;
    let own = id.to_lowercase();
    let others = visit.desk.stored.iter().any(|(other, mapping)| {
        *other != own
            && other.contains("/replicationprotectioncontainermappings/")
            && mapping["properties"]["targetProtectionContainerId"]
                .as_str()
                .is_some_and(|to| other.starts_with(&to.to_lowercase()))
    });
    if back && !others {
        job = job.acting([ServiceAct::Unmap]);
    }
    visit.start(
        asked,
        job.then(move |stored| {
            stored.insert(own, Value::Null);
        }),
    )
}
