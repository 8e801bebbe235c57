//! A modernized failback over the wire.

use serde_json::Value;
use serde_json::json;

use crate::wire_arm::Site;
use crate::wire_arm::properties;

pub fn reprotect(site: &Site) -> Option<Value> {
    properties(json!({
        "failoverDirection": "RecoveryToPrimary",
        "providerSpecificDetails": {
            "instanceType": "InMageRcm", "reprotectAgentId": site.server("ra1"), "datastoreName": "vmfs1",
            "logStorageAccountId": site.server("sa1"),
        },
    }))
}

pub fn fail_back() -> Option<Value> {
    properties(json!({ "providerSpecificDetails": {
        "instanceType": "InMageRcmFailback", "recoveryPointType": "CrashConsistent",
    } }))
}

#[tokio::test]
async fn a_machine_comes_home_is_taken_back_and_comes_home_for_good() {
    let site = Site::modernized().await;
    let before = site.state("w1").await;
    let details = &before["providerSpecificDetails"];
    assert_eq!(details["instanceType"], "InMageRcm");
    assert_eq!(details["isAgentRegistrationSuccessfulAfterFailover"], true);
    let internal = details["internalIdentifier"].clone();
    site.done(&site.item("w1", "/reProtect"), reprotect(&site)).await;
    let running = site.state("w1").await;
    assert_eq!(running["protectionState"], "InitialReplicationInProgress");
    assert_eq!(running["providerSpecificDetails"]["initialReplicationProgressHealth"], "InProgress");
    assert_eq!(running["allowedOperations"], json!(["DisableProtection"]));
    site.until_state("w1", "Protected").await;
    site.pass(300).await;
    let ready = site.state("w1").await;
    let details = &ready["providerSpecificDetails"];
    assert_eq!(details["instanceType"], "InMageRcmFailback");
    assert_ne!(details["internalIdentifier"], internal);
    assert_eq!(details["reprotectAgentId"], site.server("ra1"));
    assert_eq!(details["initialReplicationProgressPercentage"], Value::Null);
    assert_eq!(ready["allowedOperations"], json!(["PlannedFailover", "DisableProtection"]));
    let points = site.get(&site.item("w1", "/recoveryPoints")).await;
    assert!(!points["value"].as_array().expect("points").is_empty());

    let job = site.done(&site.item("w1", "/plannedFailover"), fail_back()).await;
    assert_eq!(job["properties"]["scenarioName"], "PlannedFailover");
    let pending = site.state("w1").await;
    assert_eq!(pending["protectionState"], "CommitPendingStatesBegin");
    assert_eq!(pending["providerSpecificDetails"]["lastPlannedFailoverStatus"], "Succeeded");
    assert_eq!(pending["allowedOperations"][4], "CancelFailover");
    site.done(&site.item("w1", "/failoverCancel"), None).await;
    let back = site.state("w1").await;
    assert_eq!(back["protectionState"], "Protected");
    assert_eq!(back["healthErrors"][0]["errorCode"], "548004");

    site.pass(900).await;
    site.done(&site.item("w1", "/plannedFailover"), fail_back()).await;
    site.done(&site.item("w1", "/failoverCommit"), None).await;
    assert_eq!(site.state("w1").await["protectionState"], "PlannedFailoverCommitted");
    site.pass(900).await;
    let forward = properties(json!({ "providerSpecificDetails": {
        "instanceType": "InMageRcmFailback", "processServerId": site.server("ra1"),
        "runAsAccountId": "/runasaccounts/1", "policyId": site.vault("/replicationPolicies/p1"),
    } }));
    site.done(&site.item("w1", "/reProtect"), forward).await;
    site.until_state("w1", "Protected").await;
    let again = site.state("w1").await;
    assert_eq!(again["providerSpecificDetails"]["instanceType"], "InMageRcm");
    assert_eq!(again["policyFriendlyName"], "p1");
}

#[tokio::test]
async fn a_machine_is_tested_and_failed_over_to_azure_and_another_point_is_taken() {
    let site = Site::modernized().await;
    site.done(&site.item("w1", "/reProtect"), reprotect(&site)).await;
    site.until_state("w1", "Protected").await;
    site.pass(300).await;
    site.done(&site.item("w1", "/plannedFailover"), fail_back()).await;
    site.done(&site.item("w1", "/failoverCommit"), None).await;
    site.pass(900).await;
    let forward = properties(json!({ "providerSpecificDetails": {
        "instanceType": "InMageRcmFailback", "processServerId": site.server("ra1"),
    } }));
    site.done(&site.item("w1", "/reProtect"), forward).await;
    site.until_state("w1", "Protected").await;

    let test = properties(json!({
        "failoverDirection": "PrimaryToRecovery", "networkType": "VmNetworkAsInput",
        "networkId": "/subscriptions/s/virtualNetworks/test",
        "providerSpecificDetails": { "instanceType": "InMageRcm", "networkId": "/virtualNetworks/test" },
    }));
    let job = site.done(&site.item("w1", "/testFailover"), test).await;
    assert_eq!(job["properties"]["customDetails"]["testFailoverStatus"], "Active");
    let tested = site.state("w1").await;
    assert!(tested["allowedOperations"].as_array().expect("a list").contains(&json!("TestFailoverCleanup")));
    site.done(&site.item("w1", "/testFailoverCleanup"), properties(json!({ "comments": "done" }))).await;

    let points = site.get(&site.item("w1", "/recoveryPoints")).await;
    let point = points["value"][0]["id"].clone();
    let over = properties(json!({
        "failoverDirection": "PrimaryToRecovery", "sourceSiteOperations": "NotRequired",
        "providerSpecificDetails": { "instanceType": "InMageRcm", "performShutdown": "true", "recoveryPointId": point },
    }));
    site.done(&site.item("w1", "/unplannedFailover"), over).await;
    let pending = site.state("w1").await;
    assert_eq!(pending["protectionState"], "UnplannedFailoverCommitPendingStatesBegin");
    assert_eq!(
        pending["allowedOperations"],
        json!(["CompleteMigration", "Commit", "DisableProtection", "ChangePit", "SwitchProtection"])
    );
    assert_eq!(pending["failoverRecoveryPointId"], point);
    assert_eq!(pending["providerSpecificDetails"]["isAgentRegistrationSuccessfulAfterFailover"], false);
    let other = points["value"][1]["id"].clone();
    let change = properties(json!({
        "recoveryPointId": other, "providerSpecificDetails": { "instanceType": "InMageRcm", "recoveryPointId": other },
    }));
    site.done(&site.item("w1", "/applyRecoveryPoint"), change).await;
    assert_eq!(site.state("w1").await["failoverRecoveryPointId"], other);
    site.done(&site.item("w1", "/failoverCommit"), None).await;
    site.pass(900).await;
    let committed = site.state("w1").await;
    assert_eq!(committed["protectionState"], "UnplannedFailoverCommitted");
    assert_eq!(committed["providerSpecificDetails"]["isAgentRegistrationSuccessfulAfterFailover"], true);
}
