//! Replication policies: those that the service makes and those that clients write.

use hyper::Method;
use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::desk::ServiceJob;
use crate::provider::emulator::http::desk::ServiceTask;
use crate::provider::emulator::http::desk::Target;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::exchange::field;
use crate::provider::emulator::http::exchange::text;
use crate::provider::emulator::http::fabric::is_called;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::identity::Identity;
use crate::provider::emulator::http::mapping;
use crate::provider::emulator::http::visit::Visit;

/// The path of policies in the vault.
const KIND: &str = "replicationPolicies";

/// Seconds of the two tasks that write a policy, together with those of its mapping what the world's own preparation takes.
const WRITE: [i64; 2] = [5, 25];

/// Seconds in which a policy is removed.
const REMOVE: i64 = 10;

/// Answers what is asked about policies; `path` is what follows the vault.
pub(super) fn answer(visit: &mut Visit<'_>, asked: &Asked, path: &[&str]) -> Option<Answer> {
    match path {
        ["replicationpolicies"] if asked.is_read() => Some(Answer::list(policies(visit), None)),
        ["replicationpolicies", name] => {
            let found = policies(visit).into_iter().find(|policy| is_called(policy, name));
            let name = asked.segments.last().cloned().unwrap_or_default();
            match (asked.method.clone(), found) {
                (Method::GET, found) => Some(found.map_or_else(|| Answer::missing(asked, &name), Answer::ok)),
                (Method::PUT, found) => {
                    Some(write(visit, asked, &name, found.as_ref(), "providerSpecificInput"))
                }
                (_, None) => Some(Answer::missing(asked, &name)),
                (Method::PATCH, Some(_)) => {
                    Some(write(visit, asked, &name, None, "replicationProviderSettings"))
                }
                (Method::DELETE, Some(policy)) => Some(remove(visit, asked, &name, &policy)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Returns all policies.
pub(super) fn policies(visit: &Visit<'_>) -> Vec<Value> {
    let identity = visit.identity();
    let prefix = identity.within(KIND, "").to_lowercase();
    let stored = visit.desk.stored.range(prefix.clone()..).take_while(|(id, _)| id.starts_with(&prefix));
    let mut listed: Vec<Value> = stored.map(|(_, policy)| policy.clone()).collect();
    for policy in made_by_service(visit) {
        let name = policy["name"].as_str().unwrap_or_default().to_lowercase();
        // One that was removed leaves a note that is no policy.
        let known = visit.desk.stored.contains_key(&format!("{prefix}{name}"));
        if !known {
            listed.push(policy);
        }
    }
    listed.retain(Value::is_object);
    listed
}

/// Returns the policies with which the machines of the inventory were protected, and those of the way back as soon as they are
/// there: the modernized architecture makes its own, the classic one has them made.
fn made_by_service(visit: &Visit<'_>) -> Vec<Value> {
    let identity = visit.identity();
    if identity.classic {
        let there = json!({
            "instanceType": "InMageAzureV2", "crashConsistentFrequencyInMinutes": 5, "recoveryPointThresholdInMinutes": 15,
            "recoveryPointHistory": 1_440, "appConsistentFrequencyInMinutes": 60, "multiVmSyncStatus": "Enabled",
        });
        let back = json!({
            "instanceType": "InMage", "recoveryPointThresholdInMinutes": 15, "recoveryPointHistory": 1_440,
            "appConsistentFrequencyInMinutes": 60, "multiVmSyncStatus": "Enabled",
        });
        let mut listed = vec![body(identity, identity.policy(false), &there)];
        if visit.world().is_prepared() {
            listed.push(body(identity, identity.policy(true), &back));
        }
        return listed;
    }
    let there = json!({
        "instanceType": "InMageRcm", "recoveryPointHistoryInMinutes": 1_440, "appConsistentFrequencyInMinutes": 60,
        "crashConsistentFrequencyInMinutes": 5, "enableMultiVmSync": "true", "status": false,
        "associatedItemsCount": visit.world().items.len(), "dataSourceType": "VM",
    });
    let back = |app: i64| {
        json!({
            "instanceType": "InMageRcmFailback", "appConsistentFrequencyInMinutes": app,
            "crashConsistentFrequencyInMinutes": 5,
        })
    };
    vec![
        body(identity, identity.policy(false), &there),
        body(identity, identity.policy(true), &back(60)),
        body(identity, "crashconsistency-policy-failback", &back(0)),
    ]
}

fn body(identity: &Identity, name: &str, details: &Value) -> Value {
    json!({
        "id": identity.within(KIND, name),
        "name": name,
        "type": "Microsoft.RecoveryServices/vaults/replicationPolicies",
        "properties": {"friendlyName": name, "providerSpecificDetails": details},
    })
}

/// Returns what a policy shows of what a client wrote; `None` for a kind that this vault doesn't have.
fn details(input: &Value, classic: bool) -> Option<Value> {
    let kind = text(input, "instanceType")?;
    let number = |name: &str, otherwise: i64| field(input, name).and_then(Value::as_i64).unwrap_or(otherwise);
    // What is written as an order is shown as a state.
    let multi = match text(input, "multiVmSyncStatus") {
        Some(word) if word.to_lowercase().starts_with("disable") => "Disabled",
        _ => "Enabled",
    };
    let details = match kind {
        "InMageAzureV2" if classic => json!({
            "instanceType": kind,
            "crashConsistentFrequencyInMinutes": number("crashConsistentFrequencyInMinutes", 5),
            "recoveryPointThresholdInMinutes": number("recoveryPointThresholdInMinutes", 15),
            "recoveryPointHistory": number("recoveryPointHistory", 1_440),
            "appConsistentFrequencyInMinutes": number("appConsistentFrequencyInMinutes", 60),
            "multiVmSyncStatus": multi,
        }),
        "InMage" if classic => json!({
            "instanceType": kind,
            "recoveryPointThresholdInMinutes": number("recoveryPointThresholdInMinutes", 15),
            "recoveryPointHistory": number("recoveryPointHistory", 1_440),
            "appConsistentFrequencyInMinutes": number("appConsistentFrequencyInMinutes", 60),
            "multiVmSyncStatus": multi,
        }),
        "InMageRcm" if !classic => json!({
            "instanceType": kind,
            "recoveryPointHistoryInMinutes": number("recoveryPointHistoryInMinutes", 1_440),
            "appConsistentFrequencyInMinutes": number("appConsistentFrequencyInMinutes", 0),
            "crashConsistentFrequencyInMinutes": number("crashConsistentFrequencyInMinutes", 5),
            "enableMultiVmSync": text(input, "enableMultiVmSync").unwrap_or("true"),
            "status": false,
            "associatedItemsCount": 0,
            "dataSourceType": "VM",
        }),
        "InMageRcmFailback" if !classic => json!({
            "instanceType": kind,
            "appConsistentFrequencyInMinutes": number("appConsistentFrequencyInMinutes", 60),
            "crashConsistentFrequencyInMinutes": number("crashConsistentFrequencyInMinutes", 5),
        }),
        _ => return None,
    };
    Some(details)
}

fn target(name: &str) -> Target {
    Target { id: Some(guid::guid("policy", name)), name: Some(name.to_owned()), kind: "ProtectionProfile" }
}

fn write(visit: &mut Visit<'_>, asked: &Asked, name: &str, known: Option<&Value>, member: &str) -> Answer {
    let properties = match asked.properties() {
        Ok(properties) => properties,
        Err(answer) => return answer,
    };
    let identity = visit.identity();
    let input = field(&properties, member).cloned().unwrap_or(Value::Null);
    let Some(details) = details(&input, identity.classic) else {
        let message = format!("The value of '{member}.instanceType' is not one of this vault's providers.");
        return Answer::asr_error(asked, 400, "InvalidParameter", message);
    };
    let policy = body(identity, name, &details);
    let id = identity.within(KIND, name);
    let (scenario, friendly, tasks) = if asked.method == Method::PUT {
        let tasks = vec![
            ServiceTask::new(
                "AddProtectionProfilePreflightsCheckTask",
                "Prerequisites check for creating the replication policy",
                WRITE[0],
            ),
            ServiceTask::new("AddProtectionProfileTask", "Creating the replication policy", WRITE[1]),
        ];
        ("AddProtectionProfile", "Create replication policy", tasks)
    } else {
        let tasks = vec![
            ServiceTask::new(
                "ModifyProtectionProfilePreflightChecksTask",
                "Prerequisites check for updating the replication policy",
                WRITE[0],
            ),
            ServiceTask::new(
                "ModifyProtectionProfileAssociationParentTask",
                "Updating replication configuration",
                WRITE[0],
            ),
            ServiceTask::new(
                "ModifyProtectionProfileTask",
                "Updating the replication policy settings",
                WRITE[1],
            ),
        ];
        ("ModifyProtectionProfile", "Modify settings of the replication policy", tasks)
    };
    let mut job = ServiceJob::new(scenario, friendly, target(name), tasks, id.clone());
    let differs = known.is_some_and(|known| known["properties"]["providerSpecificDetails"] != details);
    if differs {
        job = job.failing(1, "15035", format!("The replication policy '{name}' could not be added."));
    }
    visit.start(
        asked,
        job.then(move |stored| {
            stored.insert(id.to_lowercase(), policy);
        }),
    )
}

fn remove(visit: &mut Visit<'_>, asked: &Asked, name: &str, policy: &Value) -> Answer {
    let id = visit.identity().within(KIND, name);
    let used = mapping::mappings(visit)
        .iter()
        .any(|mapping| mapping["properties"]["policyId"].as_str() == policy["id"].as_str());
    let tasks =
        vec![ServiceTask::new("RemoveProtectionProfileTask", "Removing the replication policy", REMOVE)];
    let mut job = ServiceJob::new(
        "RemoveProtectionProfile",
        "Remove the replication policy",
        target(name),
        tasks,
        id.clone(),
    );
    job.removes = true;
    if used {
        let message = format!("The replication policy '{name}' is associated with a container.");
        job = job.failing(0, "15039", message);
    }
    visit.start(
        asked,
        job.then(move |stored| {
            stored.insert(id.to_lowercase(), Value::Null);
        }),
    )
}
