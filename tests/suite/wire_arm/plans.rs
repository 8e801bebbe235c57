//! Recovery plans over the wire.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::wire_arm::Site;
use crate::wire_arm::classic::protect;
use crate::wire_arm::job_of;
use crate::wire_arm::properties;

fn content(site: &Site, machines: &[&str]) -> Option<Value> {
    let items: Vec<Value> = machines
        .iter()
        .map(|machine| json!({ "id": site.item(machine, ""), "virtualMachineId": "any" }))
        .collect();
    properties(json!({
        "primaryFabricId": site.vault(&format!("/replicationFabrics/{}", site.names.fabric)),
        "recoveryFabricId": "Microsoft Azure", "failoverDeploymentModel": "ResourceManager",
        "groups": [{ "groupType": "Boot", "replicationProtectedItems": items }],
    }))
}

async fn write(site: &Site, method: Method, plan: &str, machines: &[&str]) -> Value {
    let path = site.vault(&format!("/replicationRecoveryPlans/{plan}"));
    let got = site.send(method, &path, content(site, machines)).await;
    assert_eq!(got.status, 202, "{}", got.body);
    site.end(&job_of(&got)).await
}

#[tokio::test]
async fn a_plan_is_written_changed_and_deleted() {
    let site = Site::classic().await;
    let path = site.vault("/replicationRecoveryPlans/group-1");
    assert_eq!(site.send(Method::GET, &path, None).await.status, 404);
    let job = write(&site, Method::PUT, "group-1", &["w1", "w2"]).await;
    assert_eq!(job["properties"]["scenarioName"], "SaveRecoveryPlan");
    let plan = site.get(&path).await;
    let kinds: Vec<&str> = plan["properties"]["groups"]
        .as_array()
        .expect("groups")
        .iter()
        .filter_map(|group| group["groupType"].as_str())
        .collect();
    assert_eq!(kinds, ["Shutdown", "Failover", "Boot"]);
    assert_eq!(plan["properties"]["replicationProviders"], json!(["InMageAzureV2"]));
    assert_eq!(plan["properties"]["allowedOperations"], json!(["SwitchProtection"]));
    let job = write(&site, Method::PATCH, "GROUP-1", &["w3"]).await;
    assert_eq!(job["properties"]["scenarioName"], "UpdateRecoveryPlan");
    let listed = site.get(&site.vault("/replicationRecoveryPlans")).await;
    assert_eq!(listed["value"][0]["name"], "group-1", "its name stays as it was first written");
    let filter = site.vault("/replicationProtectedItems?$filter=RecoveryPlanName%20eq%20'group-1'");
    let items = site.get(&filter).await;
    assert_eq!(items["value"].as_array().expect("items").len(), 1);
    assert_eq!(items["value"][0]["properties"]["friendlyName"], "w3");
    let got = site.send(Method::DELETE, &path, None).await;
    assert_eq!(got.status, 202);
    site.end(&job_of(&got)).await;
    assert_eq!(site.send(Method::GET, &path, None).await.status, 404);
    let result = site.send(Method::GET, got.header("location"), None).await;
    assert_eq!(result.status, 204);
}

#[tokio::test]
async fn a_group_fails_over_and_is_committed_through_its_plan() {
    let site = Site::classic().await;
    for machine in ["w1", "w2"] {
        protect(&site, machine).await;
    }
    write(&site, Method::PUT, "group-1", &["w1", "w2"]).await;
    let verb = |word: &str| site.vault(&format!("/replicationRecoveryPlans/group-1/{word}"));
    let body = |direction: &str| {
        properties(json!({
            "failoverDirection": direction, "sourceSiteOperations": "Required",
            "providerSpecificDetails": [{ "instanceType": "InMage", "recoveryPointType": "LatestTime" }],
        }))
    };
    let got = site.send(Method::POST, &verb("unplannedFailover"), body("PrimaryToRecovery")).await;
    assert_eq!(got.status, 400, "a plan's direction is that of its own primary side");
    let job = site.done(&verb("unplannedFailover"), body("RecoveryToPrimary")).await;
    let job = &job["properties"];
    assert_eq!(
        (&job["targetInstanceType"], &job["targetObjectName"]),
        (&json!("RecoveryPlan"), &json!("group-1"))
    );
    let ids: Vec<&str> = job["tasks"]
        .as_array()
        .expect("tasks")
        .iter()
        .filter_map(|task| task["friendlyName"].as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "Prerequisites check for the recovery plan",
            "All groups shutdown (2)",
            "Recovery plan failover",
            "Group 1: Start (2)",
            "Finalizing the recovery plan"
        ]
    );
    let below = &job["tasks"][2]["groupTaskCustomDetails"]["childTasks"];
    assert_eq!(below.as_array().expect("machines").len(), 2);
    let child = below[0]["customDetails"]["jobTask"]["jobId"].as_str().expect("a job").to_owned();
    let child = site.get(&child).await;
    assert_eq!(child["properties"]["state"], "Succeeded");
    site.done(&verb("failoverCommit"), None).await;
    for machine in ["w1", "w2"] {
        assert_eq!(site.state(machine).await["protectionState"], "UnplannedFailoverCommitted");
    }
}
