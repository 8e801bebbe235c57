//! The recorded exchanges of the modernized architecture, made again in the order of a failback.

use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::lab::MODERNIZED;
use crate::lab::world;
use crate::recordings::journey::Journey;

pub async fn journey(folder: &Path) -> Journey<'_> {
    let mut go = Journey::begin(&world(MODERNIZED.0, MODERNIZED.1), folder).await;
    around(&mut go).await;
    home(&mut go).await;
    back(&mut go).await;
    plans(&mut go).await;
    go
}

async fn around(go: &mut Journey<'_>) {
    let (vault, fabric, container) = (go.wire.vault(), go.wire.fabric(), go.wire.container());
    go.get(&["fabric.inmage-rcm.get.json"], &fabric).await;
    go.get(&["provider.list.inmage-rcm.json"], &format!("{fabric}/replicationRecoveryServicesProviders"))
        .await;
    go.get(&["spec.appliances.list.json"], &format!("{vault}/replicationAppliances")).await;
    let body = go.get(&[], &fabric).await;
    let site = body["properties"]["customDetails"]["vmwareSiteId"].as_str().expect("an id").to_owned();
    go.get(&["offazure.machines.list.json"], &format!("{site}/machines?$top=1&api-version=2020-01-01")).await;
    go.get(&["offazure.runasaccounts.list.json"], &format!("{site}/runAsAccounts?api-version=2020-01-01"))
        .await;
    let policy = format!("{vault}/replicationPolicies/cli-test-policy-V2ARCM-1");
    let job = go.begin_job("policy.inmage-rcm.create.request.json", &policy, &[]).await;
    go.ended(&[], &job).await;
    go.get(&["policy.inmage-rcm.get.json"], &policy).await;
    let mapping =
        format!("{container}/replicationProtectionContainerMappings/cli-test-container-mapping-V2ARCM-1");
    let names = [("policyId", json!(policy))];
    let job = go.begin_job("container-mapping.create.inmage-rcm.request.json", &mapping, &names).await;
    go.ended(&[], &job).await;
    go.get(&["container-mapping.get.inmage-rcm.json"], &mapping).await;
}

async fn names(go: &mut Journey<'_>) -> Vec<(&'static str, Value)> {
    let fabric = go.wire.fabric();
    let body = go.get(&[], &fabric).await;
    let details = &body["properties"]["customDetails"];
    let site = details["vmwareSiteId"].as_str().expect("an id").to_owned();
    let accounts = go.get(&[], &format!("{site}/runAsAccounts")).await;
    let account = accounts["value"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|account| account["properties"]["credentialType"] == "WindowsGuest");
    let account = account.expect("an account for machines")["id"].clone();
    let group = go.wire.vault();
    let group = group.split("/providers/").next().expect("a group");
    vec![
        ("reprotectAgentId", details["reprotectAgents"][0]["id"].clone()),
        ("datastoreName", details["reprotectAgents"][0]["accessibleDatastores"][0].clone()),
        ("logStorageAccountId", json!(format!("{group}/providers/Microsoft.Storage/storageAccounts/sa2"))),
        ("processServerId", details["processServers"][0]["id"].clone()),
        ("runAsAccountId", account),
    ]
}

/// Reprotect to the site, a failover that is taken back, one that is not, commit.
async fn home(go: &mut Journey<'_>) {
    let item = go.item("w1");
    go.get(&["inmage-rcm.protected-item.get.failover-committed.json"], &item).await;
    let mut to_site = names(go).await;
    to_site.push((
        "policyId",
        json!(format!("{}/replicationPolicies/appconsistency-policy-failback", go.wire.vault())),
    ));
    let job = go.begin_job("inmage-rcm.reprotect.request.json", &format!("{item}/reProtect"), &to_site).await;
    go.wire.pass(60).await;
    go.job(&["job.reprotect.inmage-rcm.inprogress.json"], &job).await;
    go.ended(&[], &job).await;
    go.get(&["inmage-rcm-failback.protected-item.get.initial-replication.json"], &item).await;
    go.protected("w1", "InMageRcmFailback").await;
    let failover = format!("{item}/plannedFailover");
    let job = go.begin_job("inmage-rcm-failback.planned-failover.request.json", &failover, &[]).await;
    go.wire.pass(60).await;
    go.job(&["job.planned-failover.inmage-rcm-failback.inprogress.json"], &job).await;
    let results = format!("{item}/operationresults/{job}");
    go.get(&["inferred.operation-result.running.json"], &results).await;
    go.ended(&[], &job).await;
    go.get(&["inmage-rcm-failback.protected-item.get.commit-pending.json"], &item).await;
    let cancel = format!("{item}/failoverCancel");
    let job = go.begin_job("inmage-rcm-failback.failover-cancel.request.json", &cancel, &[]).await;
    go.wire.pass(15).await;
    go.job(&["job.cancel-failover.inprogress.json"], &job).await;
    go.ended(&[], &job).await;
    go.get(&["inmage-rcm-failback.protected-item.get.protected.json"], &item).await;
    go.wire.pass(3_600).await;
    let job = go.begin_job("inmage-rcm-failback.planned-failover.request.json", &failover, &[]).await;
    go.ended(&[], &job).await;
}

/// Reprotect to Azure, which commits what is pending, and a failover to Azure.
async fn back(go: &mut Journey<'_>) {
    let item = go.item("w1");
    let mut to_azure = names(go).await;
    to_azure.push((
        "policyId",
        json!(format!("{}/replicationPolicies/24-hour-replication-policy", go.wire.vault())),
    ));
    go.wire.pass(1_800).await;
    let job = go
        .begin_job("inmage-rcm-failback.reprotect.request.json", &format!("{item}/reProtect"), &to_azure)
        .await;
    go.ended(&[], &job).await;
    go.protected("w1", "InMageRcm").await;
    let list = format!("{}/replicationProtectedItems", go.wire.container());
    go.get(&["inmage-rcm.protected-item.list.linux-critical.json"], &list).await;
    let failover = format!("{item}/unplannedFailover");
    let job = go
        .begin_job(
            "inmage-rcm.unplanned-failover.request.json",
            &failover,
            &[("recoveryPointId", Value::Null)],
        )
        .await;
    go.ended(&["job.unplanned-failover.inmage-rcm.succeeded.json"], &job).await;
    go.get(&["inmage-rcm.protected-item.get.commit-pending.json"], &item).await;
    let answer = go.wire.done(reqwest::Method::POST, &format!("{item}/failoverCommit"), None).await;
    let name = answer["name"].as_str().expect("a name").to_owned();
    go.job(&["job.commit.inmage-rcm.succeeded.json"], &name).await;
}

async fn plans(go: &mut Journey<'_>) {
    let item = go.item("l1");
    let mut to_site = names(go).await;
    to_site.push((
        "policyId",
        json!(format!("{}/replicationPolicies/appconsistency-policy-failback", go.wire.vault())),
    ));
    let job = go.begin_job("inmage-rcm.reprotect.request.json", &format!("{item}/reProtect"), &to_site).await;
    go.ended(&[], &job).await;
    go.protected("l1", "InMageRcmFailback").await;
    let plan = format!("{}/replicationRecoveryPlans/cli-test-recovery-plan-V2ARCM-1", go.wire.vault());
    let body = go.get(&[], &item).await;
    let machine = json!({
        "id": body["id"], "virtualMachineId": body["properties"]["providerSpecificDetails"]["internalIdentifier"],
    });
    let names =
        [("primaryFabricId", json!(go.wire.fabric())), ("replicationProtectedItems", json!([machine]))];
    let job = go.begin_job("recovery-plan.create.request.json", &plan, &names).await;
    go.ended(&[], &job).await;
    go.get(&["recovery-plan.get.json", "spec.recovery-plan.create.json"], &plan).await;
    let order = json!({"properties": {"failoverDirection": "RecoveryToPrimary", "providerSpecificDetails": [{
        "instanceType": "InMageRcmFailback", "recoveryPointType": "CrashConsistent", "useMultiVmSyncPoint": "false",
    }]}});
    let job = go.wire.done(reqwest::Method::POST, &format!("{plan}/plannedFailover"), Some(order)).await;
    let name = job["name"].as_str().expect("a name").to_owned();
    go.job(&["job.recovery-plan.failover.succeeded.json"], &name).await;
    let results = format!("{plan}/operationresults/{name}");
    go.get(&["spec.recovery-plan.unplanned-failover.json"], &results).await;
}
