//! The recorded exchanges of the classic architecture, made again in the order of a failback.

use std::path::Path;

use failback::source::Spanned;
use failback::syntax::inventory::ProcessServer;
use failback::syntax::machine::Health;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::lab::CLASSIC;
use crate::lab::world;
use crate::recordings::journey::Journey;

pub async fn journey(folder: &Path) -> Journey<'_> {
    let mut world = world(CLASSIC.0, CLASSIC.1);
    // A server that is lost has an event to show.
    let servers = world.inventory.process_servers.as_mut().expect("process servers");
    let lost = ProcessServer {
        name: Spanned::bare("ps-lost".to_owned()),
        health: Some(Spanned::bare(Health::Critical)),
        ..servers[1].clone()
    };
    servers.push(lost);
    let mut go = Journey::begin(&world, folder).await;
    around(&mut go).await;
    let target = policies(&mut go).await;
    home(&mut go, &target).await;
    back(&mut go, &target).await;
    azure(&mut go).await;
    go
}

/// What requests name.
struct Target {
    names: Vec<(&'static str, Value)>,
    /// The process server at the site.
    onprem: Value,
}

impl Target {
    fn with(&self, name: &'static str, value: impl Into<Value>) -> Vec<(&'static str, Value)> {
        let mut names: Vec<_> = self.names.iter().filter(|(own, _)| *own != name).cloned().collect();
        names.push((name, value.into()));
        names
    }
}

async fn around(go: &mut Journey<'_>) {
    let (vault, fabric, container) = (go.wire.vault(), go.wire.fabric(), go.wire.container());
    let vaults = vault.rsplit_once('/').expect("a path").0.to_owned();
    go.get(&["vaults.list.json"], &vaults).await;
    let fabrics = [
        "fabric.vmware-classic.get.json",
        "fabric.vmware-classic.get.2016.json",
        "fabric.vmware-classic.get.2016-b.json",
    ];
    go.get(&fabrics, &fabric).await;
    let providers = go
        .get(&["provider.list.classic.json"], &format!("{fabric}/replicationRecoveryServicesProviders"))
        .await;
    let provider = providers["value"][0]["id"].as_str().expect("an id").to_owned();
    let job =
        go.begin_job("provider.refresh.request.json", &format!("{provider}/refreshProvider"), &[]).await;
    go.ended(&[], &job).await;
    go.get(&["container.list.classic.json"], &format!("{fabric}/replicationProtectionContainers")).await;
    let items = format!("{container}/replicationProtectableItems");
    let page = go.get(&["protectable-item.list.page1.json"], &format!("{items}?$take=3")).await;
    let next = page["nextLink"].as_str().expect("a second page").to_owned();
    let page = go.get(&["protectable-item.list.page2.json"], &next).await;
    let mut next = page["nextLink"].as_str().map(str::to_owned);
    while let Some(link) = next {
        let page = go.get(&["protectable-item.list.page-last-empty.json"], &link).await;
        next = page["nextLink"].as_str().map(str::to_owned);
    }
    let first = go.get(&[], &items).await["value"][0]["id"].as_str().expect("an id").to_owned();
    go.get(&["protectable-item.get.failed-over.json"], &first).await;
    go.get(&["spec.vcenter.get.json"], &format!("{fabric}/replicationvCenters/vc1")).await;
    go.send("vcenter.create.request.json", &format!("{fabric}/replicationvCenters/vc1"), &[]).await;
    let removed = go.wire.done(Method::DELETE, &format!("{fabric}/replicationvCenters/vc1"), None).await;
    let name = removed["name"].as_str().expect("a name").to_owned();
    go.job(&["job.remove-vcenter.succeeded.json"], &name).await;
    let events = format!("{vault}/replicationEvents");
    go.get(&["events.list.filter-severity.json"], &format!("{events}?$filter=Severity eq 'Critical'")).await;
    let machines = go
        .get(&["events.list.filter-vmhealth.json"], &format!("{events}?$filter=EventType eq 'VmHealth'"))
        .await;
    let name = go.wire.handle.names().fabric;
    let servers = go
        .get(&["events.list.filter-fabric.json"], &format!("{events}?$filter=FabricName eq '{name}'"))
        .await;
    let named = |list: &Value, kind: &str| {
        let found = list["value"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|event| event["properties"]["eventType"] == kind);
        found.and_then(|event| event["name"].as_str()).expect("an event").replace(';', "%3B")
    };
    go.get(&["event.get.vm.json"], &format!("{events}/{}", named(&machines, "VmHealth"))).await;
    go.get(&["event.get.server.json"], &format!("{events}/{}", named(&servers, "ServerHealth"))).await;
    go.get(
        &["error.404-resource-does-not-exist.json"],
        &format!("{vault}/replicationRecoveryPlans/RPSwag96v2avm1"),
    )
    .await;
}

async fn policies(go: &mut Journey<'_>) -> Target {
    let (vault, fabric, container) = (go.wire.vault(), go.wire.fabric(), go.wire.container());
    let policy = format!("{vault}/replicationPolicies/V2aTestv2avm1");
    let job = go.begin_job("policy.inmage-azurev2.create.request.json", &policy, &[]).await;
    go.operation(&["operation-status.notstarted.json"], &job).await;
    go.wire.pass(1).await;
    go.operation(&["operation-status.inprogress.json"], &job).await;
    go.ended(&["job.get.succeeded.2016.json"], &job).await;
    go.operation(
        &["operation-status.succeeded.json", "operation-status.succeeded-with-information.json"],
        &job,
    )
    .await;
    go.get(&["policy.inmage-azurev2.get.json"], &policy).await;
    let back = format!("{policy}-failback");
    let job = go.begin_job("policy.inmage-failback.create.request.json", &back, &[]).await;
    go.ended(&[], &job).await;
    go.get(&["policy.inmage-failback.get.json"], &back).await;
    let job = go
        .begin_job(
            "policy.inmage-failback.create.request.json",
            &back,
            &[("recoveryPointHistory", json!(60))],
        )
        .await;
    go.ended(
        &["job.add-policy.failed.already-exists.json", "job.remove-mapping.or.policy.failed.15035.json"],
        &job,
    )
    .await;
    go.operation(&["inferred.operation-status.failed.json"], &job).await;
    let mappings = format!("{container}/replicationProtectionContainerMappings");
    let names = [("targetProtectionContainerId", json!(container)), ("policyId", json!(back))];
    let mapping = format!("{mappings}/reverseMapv2avm1");
    let job = go.begin_job("container-mapping.create.failback.request.json", &mapping, &names).await;
    go.ended(&["job.add-failback-mapping.succeeded.json"], &job).await;
    go.get(&["container-mapping.get.failback.json"], &mapping).await;
    go.get(&["container-mapping.list.classic.json"], &mappings).await;

    let body = go.get(&[], &fabric).await;
    let details = &body["properties"]["customDetails"];
    let server = details["processServers"][0]["id"].clone();
    let other = details["processServers"][1]["id"].clone();
    let master = &details["masterTargetServers"][0];
    let moved = [("sourceProcessServerId", other.clone()), ("targetProcessServerId", server.clone())];
    let job = go
        .begin_job("fabric.reassociate-gateway.request.json", &format!("{fabric}/reassociateGateway"), &moved)
        .await;
    go.ended(&["job.process-server-failover.succeeded.json"], &job).await;
    Target {
        onprem: other,
        names: vec![
            ("masterTargetId", master["id"].clone()),
            ("processServerId", server),
            ("retentionDrive", master["retentionVolumes"][0]["volumeName"].clone()),
            ("datastoreName", master["dataStores"][0]["symbolicName"].clone()),
            ("runAsAccountId", json!("1")),
            ("profileId", json!(back)),
            ("policyId", json!(policy)),
            ("storageAccountId", Value::Null),
            ("logStorageAccountId", Value::Null),
            ("disksToInclude", Value::Null),
        ],
    }
}

/// Reprotect to the site, failover, commit.
async fn home(go: &mut Journey<'_>, target: &Target) {
    let item = go.item("w1");
    go.get(&["inmage-azurev2.protected-item.get.failover-committed.json"], &item).await;
    let job = go.begin_job("failover-commit.request.json", &format!("{item}/failoverCommit"), &[]).await;
    go.ended(&["job.commit.failed.25037.json"], &job).await;
    let wrong = target.with("failoverDirection", "PrimaryToRecovery");
    let reprotect = format!("{item}/reProtect");
    go.send("inmage.reprotect.request.json", &reprotect, &wrong).await;
    let refused = go.taken.remove("inmage.reprotect.request.json").expect("it was answered");
    go.taken.insert("error.400-invalid-failover-direction.json".to_owned(), refused);
    let job = go.begin_job("inmage.reprotect.request.json", &reprotect, &target.names).await;
    go.job(&["job.notstarted.json"], &job).await;
    go.wire.pass(30).await;
    go.job(&["job.reprotect.inmage.inprogress.json"], &job).await;
    let again =
        go.begin_job("repair-replication.request.json", &format!("{item}/repairReplication"), &[]).await;
    go.ended(&["job.failed.another-operation-in-progress.532.json"], &again).await;
    go.ended(&[], &job).await;
    let items = format!("{}/replicationProtectedItems", go.wire.container());
    go.get(&["protected-item.list.mixed-inmage.json"], &items).await;
    go.protected("w1", "InMage").await;
    go.get(&["inmage.protected-item.get.protected.json"], &item).await;
    let failover = format!("{item}/unplannedFailover");
    let job = go.begin_job("inmage.unplanned-failover.request.json", &failover, &target.names).await;
    go.ended(&["job.classic-failback.failover.succeeded.json"], &job).await;
    let job =
        go.begin_job("inmage.failover-commit.request.json", &format!("{item}/failoverCommit"), &[]).await;
    go.wire.pass(2).await;
    go.job(&["job.classic-failback.commit.inprogress.json"], &job).await;
    go.ended(&["job.classic-failback.commit.succeeded.json"], &job).await;
    go.wire.pass(1_800).await;
}

/// Reprotect to Azure.
async fn back(go: &mut Journey<'_>, target: &Target) {
    let item = go.item("w1");
    let policy = format!("{}/replicationPolicies/24-hour-replication-policy", go.wire.vault());
    let mut names = target.with("policyId", policy);
    names.retain(|(name, _)| *name != "processServerId");
    names.push(("processServerId", target.onprem.clone()));
    let job =
        go.begin_job("inmage-azurev2.reprotect.request.json", &format!("{item}/reProtect"), &names).await;
    go.wire.pass(100).await;
    go.job(&["job.reprotect.inmage-azurev2.inprogress-child.json"], &job).await;
    go.ended(&["job.reprotect.inmage-azurev2.succeeded.json"], &job).await;
    go.protected("w1", "InMageAzureV2").await;
    let protected = [
        "inmage-azurev2.protected-item.get.protected.json",
        "inmage-azurev2.protected-item.get.warning-health.json",
        "inmage-azurev2.protected-item.get.failover-failed.json",
    ];
    go.get(&protected, &item).await;
    let job =
        go.begin_job("repair-replication.request.json", &format!("{item}/repairReplication"), &[]).await;
    go.wire.pass(1).await;
    go.job(&["job.repair-replication.inprogress.json"], &job).await;
    go.ended(&["job.repair-replication.succeeded.json"], &job).await;
    let job =
        go.begin_job("spec.resolve-health-errors.json", &format!("{item}/resolveHealthErrors"), &[]).await;
    go.ended(&[], &job).await;
}

/// What is done with a machine that replicates to Azure, and recovery plans.
async fn azure(go: &mut Journey<'_>) {
    let (vault, item) = (go.wire.vault(), go.item("w1"));
    go.protected("w1", "InMageAzureV2").await;
    let points =
        go.get(&["recovery-points.list.inmage-azurev2.json"], &format!("{item}/recoveryPoints")).await;
    let point = points["value"][0]["id"].clone();
    let names = [("recoveryPointId", point)];
    let job = go.begin_job("test-failover.request.json", &format!("{item}/testFailover"), &names).await;
    go.ended(&["job.test-failover.succeeded.json", "job.test-failover.failed.json"], &job).await;
    let job =
        go.begin_job("test-failover-cleanup.request.json", &format!("{item}/testFailoverCleanup"), &[]).await;
    go.ended(&["job.test-failover-cleanup.succeeded.json"], &job).await;
    plans(go).await;
    let failover = format!("{item}/unplannedFailover");
    let job = go.begin_job("inmage-azurev2.unplanned-failover.request.json", &failover, &names).await;
    go.ended(&["job.unplanned-failover.failed.28031.json"], &job).await;
    let jobs = format!("{vault}/replicationJobs");
    go.get(&["jobs.list.json"], &jobs).await;
    go.get(&["jobs.list.filter-status.json"], &format!("{jobs}?$filter=( JobStatus eq 'Succeeded' )")).await;
    let filter = "StartTime eq '2017-08-04T09:28:52.0000000Z' and EndTime eq '2100-08-10T14:20:50.0000000Z'";
    go.get(&["jobs.list.filter-time.json"], &format!("{jobs}?$filter={filter}")).await;
}

async fn plans(go: &mut Journey<'_>) {
    let plan = format!("{}/replicationRecoveryPlans/RPSwag96", go.wire.vault());
    let item = go.item("w1");
    let body = go.get(&[], &item).await;
    let machine = json!({"id": body["id"], "virtualMachineId": body["properties"]["providerSpecificDetails"]["infrastructureVmId"]});
    let group = |kind: &str, items: Value| json!({"groupType": kind, "replicationProtectedItems": items, "startGroupActions": [], "endGroupActions": []});
    let create = json!({"properties": {
        "primaryFabricId": go.wire.fabric(), "recoveryFabricId": "Microsoft Azure",
        "failoverDeploymentModel": "ResourceManager", "groups": [group("Boot", json!([machine]))],
    }});
    go.wire.done(Method::PUT, &plan, Some(create)).await;
    let groups =
        json!([group("Shutdown", json!([])), group("Failover", json!([])), group("Boot", json!([machine]))]);
    let job = go.begin_job("recovery-plan.update.request.json", &plan, &[("groups", groups)]).await;
    go.ended(&["job.update-recovery-plan.succeeded.json"], &job).await;
    go.get(&["recovery-plan.get.2016.json"], &plan).await;
    let filtered =
        format!("{}/replicationProtectedItems?$filter=RecoveryPlanName eq 'RPSwag96'", go.wire.vault());
    go.get(&["protected-item.list.filter-recovery-plan.json"], &filtered).await;
}
