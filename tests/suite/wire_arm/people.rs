//! What people do over the wire: jobs that wait for them, health errors that they resolve, groups that they reprotect by their plan.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use failback::provider::emulator::Scenario;
use failback::provider::emulator::http::ServerOptions;

use crate::wire_arm::CLASSIC;
use crate::wire_arm::Site;
use crate::wire_arm::job_of;
use crate::wire_arm::properties;

/// The classic site with these lines in the place of others.
async fn classic_with(changes: &[(&str, &str)]) -> Site {
    let mut text = CLASSIC.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    Site::of(&text, Scenario::default(), ServerOptions::default()).await
}

/// The facts of the first machine that say where it is, and those of one that is protected in Azure.
const PROTECTED: [(&str, &str); 2] = [
    ("state: failed_over_committed", "state: protected_to_azure"),
    ("active_site: azure", "active_site: onprem"),
];

async fn plan(site: &Site, machines: &[&str], actions: Value) -> String {
    let plan = site.vault("/replicationRecoveryPlans/both");
    let items: Vec<Value> = machines
        .iter()
        .map(|machine| json!({ "id": site.item(machine, ""), "virtualMachineId": *machine }))
        .collect();
    let body = properties(json!({
        "primaryFabricId": "f", "recoveryFabricId": "Microsoft Azure",
        "groups": [{ "groupType": "Boot", "replicationProtectedItems": items, "startGroupActions": actions,
            "endGroupActions": [] }],
    }));
    let got = site.send(Method::PUT, &plan, body).await;
    site.end(&job_of(&got)).await;
    plan
}

#[tokio::test]
async fn a_job_waits_at_a_manual_action_until_it_is_resumed() {
    let site = classic_with(&PROTECTED).await;
    let action = json!([{ "actionName": "tell the users", "failoverTypes": ["UnplannedFailover"],
        "failoverDirections": ["PrimaryToRecovery"],
        "customDetails": { "instanceType": "ManualActionDetails", "description": "Ring them up." } }]);
    let plan = plan(&site, &["w1"], action).await;
    let over = || {
        properties(json!({ "failoverDirection": "PrimaryToRecovery", "sourceSiteOperations": "NotRequired",
            "providerSpecificDetails": [{ "instanceType": "InMageAzureV2", "recoveryPointType": "Latest" }] }))
    };
    let job = site.begin(&format!("{plan}/unplannedFailover"), over()).await;
    site.pass(3_600).await;
    let waiting = site.job(&job).await["properties"].clone();
    assert_eq!(waiting["state"], "Suspended", "{waiting:#}");
    assert_eq!(waiting["allowedActions"], json!(["Cancel", "Resume"]));
    let task = waiting["tasks"]
        .as_array()
        .expect("tasks")
        .iter()
        .find(|task| task["taskType"] == "ManualActionTaskDetails");
    let task = task.expect("the person's task is shown");
    assert_eq!(task["friendlyName"], "tell the users");
    assert_eq!(task["customDetails"]["instructions"], "Ring them up.");
    let status = site.get(&site.vault(&format!("/replicationOperationStatus/{job}"))).await;
    assert_eq!(status["status"], "InProgress", "who follows the operation goes on waiting");
    assert_eq!(site.state("w1").await["protectionState"], "Protected", "nothing was failed over yet");

    let resume = site.vault(&format!("/replicationJobs/{job}/resume"));
    let said = properties(json!({ "comments": "they know" }));
    assert_eq!(site.send(Method::POST, &resume, said.clone()).await.status, 202);
    let done = site.end(&job).await["properties"].clone();
    assert_eq!(done["state"], "Succeeded", "{done:#}");
    assert_eq!(site.state("w1").await["activeLocation"], "Recovery");
    assert_eq!(site.send(Method::POST, &resume, said).await.status, 400, "it waits for nobody any more");
}

#[tokio::test]
async fn a_suspended_job_can_be_cancelled() {
    let site = classic_with(&PROTECTED).await;
    let action = json!([{ "actionName": "wait", "failoverTypes": ["TestFailover"],
        "failoverDirections": ["PrimaryToRecovery"], "customDetails": { "instanceType": "ManualActionDetails" } }]);
    let plan = plan(&site, &["w1"], action).await;
    let body = properties(
        json!({ "failoverDirection": "PrimaryToRecovery", "networkType": "NoNetworkAttachAsInput",
        "providerSpecificDetails": [{ "instanceType": "InMageAzureV2" }] }),
    );
    let job = site.begin(&format!("{plan}/testFailover"), body).await;
    site.pass(60).await;
    assert_eq!(site.job(&job).await["properties"]["state"], "Suspended");
    let cancel = site.vault(&format!("/replicationJobs/{job}/cancel"));
    assert_eq!(site.send(Method::POST, &cancel, None).await.status, 202);
    site.pass(1).await;
    assert_eq!(site.job(&job).await["properties"]["state"], "Cancelled");
    assert_eq!(site.state("w1").await["testFailoverState"], "None", "nothing came of it");
}

#[tokio::test]
async fn a_health_error_that_a_customer_may_resolve_goes_and_others_stay() {
    let site = classic_with(&[("      health: ok", "      health: warning")]).await;
    let errors = async || site.state("w1").await["healthErrors"].as_array().expect("a list").clone();
    let before = errors().await;
    assert_eq!(before.len(), 1, "{before:#?}");
    assert_eq!(before[0]["customerResolvability"], "Allowed");
    let resolve = async |id: &str| {
        let body = properties(json!({ "healthErrors": [{ "healthErrorId": id }] }));
        let job = site.begin(&site.item("w1", "/resolveHealthErrors"), body).await;
        site.end(&job).await["properties"]["state"].clone()
    };
    assert_eq!(resolve("3:8020").await, "Failed", "it has no such error");
    assert_eq!(errors().await.len(), 1);
    let id = before[0]["errorId"].as_str().expect("an id").to_owned();
    assert_eq!(resolve(&id).await, "Succeeded");
    assert_eq!(errors().await.len(), 0);

    let critical = classic_with(&[("      health: ok", "      health: critical")]).await;
    let error = critical.state("w1").await["healthErrors"][0].clone();
    assert_eq!(error["customerResolvability"], "NotAllowed", "{error:#}");
    let id = error["errorId"].as_str().expect("an id").to_owned();
    let body = properties(json!({ "healthErrors": [{ "healthErrorId": id }] }));
    let job = critical.begin(&critical.item("w1", "/resolveHealthErrors"), body).await;
    assert_eq!(critical.end(&job).await["properties"]["state"], "Failed");
}

#[tokio::test]
async fn the_members_of_a_replication_group_are_reprotected_by_their_plan_and_others_are_not() {
    let group = "\nreplication_groups:\n  - {name: erp, members: [w1, w2]}\n";
    let text = format!("{CLASSIC}{group}");
    let site = Site::of(&text, Scenario::default(), ServerOptions::default()).await;
    crate::wire_arm::classic::map_policy(&site).await;
    let of_group = plan(&site, &["w1", "w2"], json!([])).await;
    let job = site.begin(&format!("{of_group}/reProtect"), None).await;
    let ended = site.end(&job).await["properties"].clone();
    assert_eq!(ended["state"], "Succeeded", "{ended:#}");
    assert_eq!(ended["targetInstanceType"], "RecoveryPlan");
    site.pass(60).await;
    for machine in ["w1", "w2"] {
        let item = site.state(machine).await;
        assert_eq!(item["providerSpecificDetails"]["instanceType"], "InMage", "{machine}");
    }
    let alone = plan(&site, &["l1"], json!([])).await;
    let refused = site.begin(&format!("{alone}/reProtect"), None).await;
    let refused = site.end(&refused).await["properties"].clone();
    assert_eq!(refused["state"], "Failed");
    let again = site.begin(&format!("{of_group}/reProtect"), None).await;
    assert_eq!(site.end(&again).await["properties"]["state"], "Failed", "they replicate already");
}
