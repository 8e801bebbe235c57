//! A classic failback over the wire.

use failback::id::IdempotencyKey;
use failback::id::MachineName;
use failback::provider::Operate as _;
use failback::provider::Request;
use failback::syntax::machine::PowerState;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::wire_arm::Site;
use crate::wire_arm::job_of;
use crate::wire_arm::properties;

fn reprotect(site: &Site) -> Option<Value> {
    properties(json!({
        "failoverDirection": "RecoveryToPrimary",
        "providerSpecificDetails": {
            "instanceType": "InMage", "masterTargetId": site.server("mtw"),
            "processServerId": site.server("ps-az"), "retentionDrive": "R:", "runAsAccountId": "1",
            "datastoreName": "vmfs1",
            "profileId": site.vault("/replicationPolicies/24-hour-replication-policy-failback"),
        },
    }))
}

pub fn fail_back() -> Option<Value> {
    properties(json!({
        "failoverDirection": "PrimaryToRecovery", "sourceSiteOperations": "Required",
        "providerSpecificDetails": { "instanceType": "InMage", "recoveryPointType": "LatestTime" },
    }))
}

pub async fn map_policy(site: &Site) {
    let key = IdempotencyKey::new("policy");
    let job = site.emulator.begin(&Request::Prepare, &key).await.expect("it is taken on");
    drop(job);
    site.pass(120).await;
}

/// Brings a machine to where it may fail back.
pub async fn protect(site: &Site, machine: &str) {
    map_policy(site).await;
    site.done(&site.item(machine, "/reProtect"), reprotect(site)).await;
    site.until_state(machine, "Protected").await;
    // A recovery point is there five minutes later at the latest.
    site.pass(300).await;
}

#[tokio::test]
async fn a_machine_comes_home_and_is_protected_again() {
    let site = Site::classic().await;
    let before = site.state("w1").await;
    assert_eq!(before["providerSpecificDetails"]["instanceType"], "InMageAzureV2");
    assert_eq!(before["protectionState"], "UnplannedFailoverCommitted");
    assert_eq!(before["activeLocation"], "Recovery");
    assert_eq!(
        before["allowedOperations"],
        json!(["CompleteMigration", "DisableProtection", "SwitchProtection"])
    );
    let id = site.get(&site.item("w1", "")).await["id"].clone();
    protect(&site, "w1").await;
    let ready = site.state("w1").await;
    assert_eq!(ready["providerSpecificDetails"]["instanceType"], "InMage");
    assert_eq!(ready["providerSpecificDetails"]["activeSiteType"], "Azure");
    assert_eq!(ready["providerSpecificDetails"]["masterTargetId"], site.server("mtw"));
    assert_eq!(ready["activeLocation"], "Primary");
    assert_eq!(ready["allowedOperations"], json!(["UnplannedFailover", "DisableProtection"]));
    assert!(!ready["providerSpecificDetails"]["consistencyPoints"].as_object().expect("points").is_empty());

    let job = site.done(&site.item("w1", "/unplannedFailover"), fail_back()).await;
    let names: Vec<&str> = job["properties"]["tasks"]
        .as_array()
        .expect("tasks")
        .iter()
        .filter_map(|task| task["taskId"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "UnplannedFailoverPreflightChecksTask",
            "ShutdownVmOnPrimaryForUFO",
            "PrepareForUnPlannedFailoverTask",
            "FailoverTask",
            "StartVmOnSecondary"
        ]
    );
    let home = site.state("w1").await;
    assert_eq!(home["protectionState"], "UnplannedFailoverCommitPendingStatesBegin");
    assert_eq!(home["providerSpecificDetails"]["activeSiteType"], "OnPrem");
    site.done(&site.item("w1", "/failoverCommit"), None).await;
    let committed = site.state("w1").await;
    assert_eq!(committed["protectionState"], "UnplannedFailoverCommitted");
    assert_eq!(committed["providerSpecificDetails"]["consistencyPoints"], json!({}));

    // The agent registers within a quarter of an hour.
    site.pass(900).await;
    let forward = properties(json!({
        "failoverDirection": "RecoveryToPrimary",
        "providerSpecificDetails": {
            "instanceType": "InMageAzureV2", "masterTargetId": site.server("ps-on"),
            "processServerId": site.server("ps-on"), "runAsAccountId": "1",
            "policyId": site.vault("/replicationPolicies/24-hour-replication-policy"),
        },
    }));
    let job = site.done(&site.item("w1", "/reProtect"), forward).await;
    assert_eq!(job["properties"]["customDetails"]["newReplicationProtectedItemId"], id);
    site.until_state("w1", "Protected").await;
    let again = site.state("w1").await;
    assert_eq!(again["providerSpecificDetails"]["instanceType"], "InMageAzureV2");
    assert_eq!(again["allowedOperations"], json!(["UnplannedFailover", "DisableProtection", "TestFailover"]));
    assert_eq!(site.get(&site.item("w1", "")).await["id"], id);
}

#[tokio::test]
async fn what_is_not_ready_is_taken_on_and_its_job_fails() {
    let site = Site::classic().await;
    let job = site.begin(&site.item("w1", "/failoverCommit"), None).await;
    let job = site.end(&job).await;
    assert_eq!(job["properties"]["state"], "Failed");
    assert_eq!(job["properties"]["scenarioName"], "FinalizeFailback");
    assert_eq!(job["properties"]["errors"][0]["serviceErrorDetails"]["code"], "25037");
    let tasks = job["properties"]["tasks"].as_array().expect("tasks");
    assert_eq!(tasks.len(), 2);
    assert_eq!((&tasks[0]["state"], &tasks[1]["state"]), (&json!("Failed"), &json!("NotStarted")));
    let job = site.begin(&site.item("w1", "/reProtect"), reprotect(&site)).await;
    let job = site.end(&job).await;
    assert_eq!(job["properties"]["errors"][0]["serviceErrorDetails"]["code"], "78253", "no policy is mapped");
    assert_eq!(job["properties"]["allowedActions"], json!(["Restart"]));
}

#[tokio::test]
async fn the_wrong_direction_is_refused_at_once() {
    let site = Site::classic().await;
    protect(&site, "w1").await;
    let mut body = fail_back();
    if let Some(body) = &mut body {
        body["properties"]["failoverDirection"] = json!("RecoveryToPrimary");
    }
    let got = site.send(Method::POST, &site.item("w1", "/unplannedFailover"), body).await;
    assert_eq!(got.status, 400);
    assert_eq!(got.body["error"]["details"][0]["code"], "InvalidFailoverDirection");
    let got = site.send(Method::POST, &site.item("w2", "/unplannedFailover"), fail_back()).await;
    assert_eq!(got.status, 400, "it does not replicate home");
}

#[tokio::test]
async fn a_second_operation_on_a_machine_fails_without_having_done_anything() {
    let site = Site::classic().await;
    protect(&site, "w1").await;
    let first = site.begin(&site.item("w1", "/unplannedFailover"), fail_back()).await;
    site.pass(5).await;
    let running = site.state("w1").await;
    assert_eq!(running["currentScenario"]["scenarioName"], "UnplannedFailover");
    assert!(running["currentScenario"]["jobId"].as_str().expect("an id").ends_with(&first));
    assert_eq!(running["allowedOperations"], json!([]));
    let second = site.begin(&site.item("w1", "/unplannedFailover"), fail_back()).await;
    let second = site.end(&second).await;
    assert_eq!(second["properties"]["state"], "Failed");
    assert_eq!(second["properties"]["errors"][0]["serviceErrorDetails"]["code"], "532");
    let tasks = second["properties"]["tasks"].as_array().expect("tasks");
    assert!(tasks.len() == 5 && tasks.iter().all(|task| task["stateDescription"] == "Skipped"), "{tasks:#?}");
    assert_eq!(site.end(&first).await["properties"]["state"], "Succeeded");
}

#[tokio::test]
async fn the_same_request_sent_twice_is_begun_twice() {
    let site = Site::classic().await;
    let send = || async {
        let url =
            format!("{}{}?api-version=2025-08-01", site.handle.url(), site.item("w1", "/failoverCommit"));
        let request = site.client.post(url).bearer_auth(&site.token);
        let answer = request.header("x-ms-client-request-id", "the-same").send().await.expect("an answer");
        let headers = answer.headers().clone();
        job_of(&crate::wire_arm::Got { status: 202, headers, body: Value::Null })
    };
    let (one, other) = (send().await, send().await);
    assert_ne!(one, other);
    for job in [one, other] {
        let job = site.end(&job).await;
        let activity = job["properties"]["activityId"].as_str().expect("an activity").to_owned();
        assert!(activity.starts_with("the-same ActivityId: "), "{activity}");
    }
}

#[tokio::test]
async fn what_runs_in_azure_is_shut_down_only_if_a_failover_asks_for_it() {
    let site = Site::classic().await;
    protect(&site, "w1").await;
    let mut body = fail_back().expect("it has a body");
    body["properties"]["sourceSiteOperations"] = json!("NotRequired");
    let job = site.done(&site.item("w1", "/unplannedFailover"), Some(body)).await;
    let shutdown = &job["properties"]["tasks"][1];
    assert_eq!(
        (&shutdown["taskId"], &shutdown["state"], &shutdown["stateDescription"]),
        (&json!("ShutdownVmOnPrimaryForUFO"), &json!("Other"), &json!("Skipped")),
        "{job:#}"
    );
    let facts = site.emulator.machine_facts(&MachineName::new("w1")).expect("it is there");
    let runs = facts.azure_vm.and_then(|vm| vm.power_state).map(|power| power.value);
    assert_eq!(runs, Some(PowerState::Running));
    let home = facts.onprem_vm.and_then(|vm| vm.power_state).map(|power| power.value);
    assert_eq!(home, Some(PowerState::Running), "both sides run");
}
