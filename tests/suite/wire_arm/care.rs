//! What keeps an item going and what ends it, over the wire.

use failback::id::MachineName;
use failback::provider::emulator::Deed;
use failback::provider::emulator::http::ServerOptions;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::wire_arm::Site;
use crate::wire_arm::classic::protect;
use crate::wire_arm::job_of;
use crate::wire_arm::modernized::fail_back;
use crate::wire_arm::modernized::reprotect;
use crate::wire_arm::properties;

#[tokio::test]
async fn a_machine_that_must_be_resynchronised_is_and_replicates_again() {
    let site = Site::classic().await;
    protect(&site, "w1").await;
    let machine = MachineName::new("w1");
    site.emulator.by_hand(&Deed::StartOnpremVm { machine }).expect("somebody turns it on");
    let ill = site.state("w1").await;
    assert_eq!(ill["replicationHealth"], "Critical");
    assert_eq!(ill["healthErrors"][0]["errorCode"], "78024");
    assert_eq!(ill["providerSpecificDetails"]["protectedDisks"][0]["resyncRequired"], "Required");
    site.done(&site.item("w1", "/repairReplication"), None).await;
    assert_eq!(site.state("w1").await["protectionState"], "InitialReplicationInProgress");
    site.until_state("w1", "Protected").await;
    assert_eq!(site.state("w1").await["replicationHealth"], "Normal");
}

#[tokio::test]
async fn an_item_whose_protection_ends_is_gone() {
    let site = Site::classic().await;
    let got = site.send(Method::POST, &site.item("w1", "/remove"), properties(json!({}))).await;
    assert_eq!(got.status, 202);
    let during = site.send(Method::POST, &site.item("w1", "/failoverCommit"), None).await;
    let during = site.end(&job_of(&during)).await;
    assert_eq!(during["properties"]["state"], "Failed", "something else goes on");
    let job = site.end(&job_of(&got)).await;
    assert_eq!(job["properties"]["scenarioName"], "DisableDr");
    assert_eq!(site.send(Method::GET, &site.item("w1", ""), None).await.status, 404);
    assert_eq!(site.send(Method::GET, got.header("location"), None).await.status, 204);
    assert_eq!(site.send(Method::POST, &site.item("w1", "/reProtect"), None).await.status, 404);
}

#[tokio::test]
async fn a_group_that_came_home_is_taken_back_through_its_plan() {
    let site = Site::modernized().await;
    let items: Vec<Value> = ["w1", "l1"]
        .map(|machine| json!({ "id": site.item(machine, ""), "virtualMachineId": "any" }))
        .to_vec();
    for machine in ["w1", "l1"] {
        site.done(&site.item(machine, "/reProtect"), reprotect(&site)).await;
    }
    for machine in ["w1", "l1"] {
        site.until_state(machine, "Protected").await;
    }
    site.pass(300).await;
    let plan = site.vault("/replicationRecoveryPlans/both");
    let body = properties(json!({
        "primaryFabricId": "f", "recoveryFabricId": "Microsoft Azure",
        "groups": [{ "groupType": "Boot", "replicationProtectedItems": items }],
    }));
    let got = site.send(Method::PUT, &plan, body).await;
    site.end(&job_of(&got)).await;
    assert_eq!(
        site.get(&plan).await["properties"]["allowedOperations"],
        json!(["PlannedFailover"]),
        "what every member offers"
    );
    let over = properties(json!({
        "failoverDirection": "RecoveryToPrimary",
        "providerSpecificDetails": [{
            "instanceType": "InMageRcmFailback", "recoveryPointType": "CrashConsistent",
            "useMultiVmSyncPoint": "true",
        }],
    }));
    site.done(&format!("{plan}/plannedFailover"), over).await;
    assert_eq!(site.state("l1").await["protectionState"], "CommitPendingStatesBegin");
    site.done(&format!("{plan}/failoverCancel"), None).await;
    for machine in ["w1", "l1"] {
        assert_eq!(site.state(machine).await["protectionState"], "Protected");
    }
    let refused = site.begin(&format!("{plan}/reProtect"), None).await;
    assert_eq!(site.end(&refused).await["properties"]["state"], "Failed", "a plan carries no input");
    let alone = site.begin(&site.item("w1", "/plannedFailover"), fail_back()).await;
    assert_ne!(site.end(&alone).await["properties"]["state"], "InProgress");
}

#[tokio::test]
async fn what_asks_for_an_etag_asks_for_something_else() {
    let site = Site::classic().await;
    let url = format!("{}{}?api-version=2025-08-01", site.handle.url(), site.item("w1", "/failoverCommit"));
    let request = site.client.post(url).bearer_auth(&site.token).header("If-Match", "\"1\"");
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 412);
}

#[test]
fn secrets_of_a_server_are_not_shown() {
    use secrecy::ExposeSecret as _;
    let options = ServerOptions::default();
    let shown = format!("{options:?}");
    let access = &options.access;
    let token = access.token.as_ref().expect("one is made up");
    for secret in [&access.client_secret, token, &options.vcenter_password] {
        assert!(!shown.contains(secret.expose_secret()), "{shown}");
    }
}
