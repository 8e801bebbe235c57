//! The emulator over HTTP: what stands around the replicated items, and that every fact a service can tell stands somewhere.

use failback::provider::emulator::http::Runbook;
use failback::provider::emulator::http::ServerOptions;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::lab::CLASSIC;
use crate::lab::MODERNIZED;
use crate::lab::World;
use crate::lab::example;
use crate::lab::world;
use crate::wire_lab::Wire;
use crate::wire_lab::options;

fn classic() -> World {
    world(CLASSIC.0, CLASSIC.1)
}

fn modernized() -> World {
    world(MODERNIZED.0, MODERNIZED.1)
}

fn names<'v>(list: &'v Value, member: &str) -> Vec<&'v str> {
    list.as_array().into_iter().flatten().filter_map(|entry| entry[member].as_str()).collect()
}

#[tokio::test]
async fn the_classic_fabric_tells_of_its_servers() {
    let wire = Wire::of(&classic(), options()).await;
    let fabrics = wire.list(&format!("{}/replicationFabrics", wire.vault())).await;
    let details = &fabrics[0]["properties"]["customDetails"];
    assert_eq!(details["instanceType"], "VMware");
    assert_eq!(fabrics[0]["properties"]["friendlyName"], "cs1");
    assert_eq!(details["ipAddress"], "10.0.0.10");
    assert_eq!(details["agentVersion"], "9.62");
    assert_eq!(details["sslCertExpiryDate"], "2027-01-01T00:00:00Z");
    assert_eq!(names(&details["processServers"], "friendlyName"), ["ps-az", "ps-on"]);
    assert_eq!(details["processServers"][0]["lastHeartbeat"], "2025-06-01T00:00:00Z");
    assert_eq!(names(&details["masterTargetServers"], "name"), ["mtw", "mtl"]);
    let target = &details["masterTargetServers"][0];
    assert_eq!(target["osVersion"], "Microsoft Windows Server 2019 Datacenter");
    assert_eq!(target["diskCount"], 3);
    assert_eq!(target["retentionVolumes"][0]["volumeName"], "R:");
    assert_eq!(names(&target["dataStores"], "symbolicName"), ["vmfs1", "vsan1", "nfs1"]);
    assert_eq!(target["dataStores"][0]["freeSpace"], "10240");
    assert_eq!(details["runAsAccounts"][0]["accountName"], "svc-asr");
    let vcenters = wire.list(&format!("{}/replicationvCenters", wire.vault())).await;
    assert_eq!(vcenters[0]["properties"]["runAsAccountId"], "1");
    assert_eq!(vcenters[0]["properties"]["discoveryStatus"], "Completed");
    let providers = wire.list(&format!("{}/replicationRecoveryServicesProviders", wire.fabric())).await;
    assert_eq!(providers[0]["properties"]["connectionStatus"], "Connected");
}

#[tokio::test]
async fn what_is_wrong_with_a_server_shows_where_the_service_shows_it() {
    let mut world = classic();
    let facts = &mut world.inventory;
    let target = &mut facts.master_targets.as_mut().expect("master targets")[0];
    target.snapshots.as_mut().expect("a count").value = 2;
    target.discovered.as_mut().expect("a fact").value = false;
    facts.vcenters.as_mut().expect("vCenters")[0].connected.as_mut().expect("a fact").value = false;
    let wire = Wire::of(&world, options()).await;
    let fabric = wire.get(&wire.fabric()).await;
    let target = &fabric["properties"]["customDetails"]["masterTargetServers"][0];
    assert_eq!(names(&target["validationErrors"], "errorCode"), ["78158"]);
    assert_eq!(target["dataStores"], json!([]), "what was not discovered sees no datastore");
    let vcenters = wire.list(&format!("{}/replicationvCenters", wire.fabric())).await;
    assert_eq!(names(&vcenters[0]["properties"]["healthErrors"], "errorCode"), ["811"]);
    let events =
        wire.list(&format!("{}/replicationEvents?$filter=EventType eq 'ServerHealth'", wire.vault())).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["properties"]["affectedObjectFriendlyName"], "vc1");
    let name = events[0]["name"].as_str().expect("a name").replace(';', "%3B");
    assert_eq!(wire.get(&format!("{}/replicationEvents/{name}", wire.vault())).await, events[0]);
}

#[tokio::test]
async fn the_modernized_fabric_has_each_appliance_in_every_list() {
    let wire = Wire::of(&modernized(), options()).await;
    let fabric = wire.get(&wire.fabric()).await;
    let details = &fabric["properties"]["customDetails"];
    assert_eq!(details["instanceType"], "InMageRcm");
    for list in ["processServers", "rcmProxies", "reprotectAgents", "dras"] {
        assert_eq!(names(&details[list], "name"), ["ra1"], "{list}");
        assert_eq!(details[list][0]["health"], "Normal", "{list}");
        assert_eq!(details[list][0]["id"], details["dras"][0]["id"], "{list}");
    }
    let agent = &details["reprotectAgents"][0];
    assert_eq!(agent["accessibleDatastores"], json!(["vmfs1"]), "vmfs2 is not on the appliance's host");
    let vcenter =
        wire.get(&format!("{}?api-version=2020-01-01", agent["vcenterId"].as_str().expect("an id"))).await;
    assert_eq!(vcenter["properties"]["version"], "8.0");
    let account = vcenter["properties"]["runAsAccountId"].as_str().expect("an id").to_owned();
    assert_eq!(wire.get(&account).await["properties"]["displayName"], "svc-asr");
    let site = details["vmwareSiteId"].as_str().expect("an id");
    let machines = wire.list(&format!("{site}/machines?$top=1")).await;
    assert_eq!(machines.len(), 3, "the appliance and two machines");
    let w1 = machines.iter().find(|machine| machine["properties"]["displayName"] == "w1").expect("w1");
    assert_eq!(w1["properties"]["biosGuid"], "564d0000-0000-0000-0000-000000000011");
    assert_eq!(w1["properties"]["powerStatus"], "OFF");
    assert_eq!(w1["properties"]["firmware"], "efi");
    assert_eq!(w1["properties"]["disks"][0]["maxSizeInBytes"], 100_u64 << 30);
}

#[tokio::test]
async fn a_protectable_machine_is_known_by_its_agent() {
    let mut world = classic();
    let machines = world.inventory.machines.as_mut().expect("machines");
    let asr = machines[0].asr.as_mut().expect("what Site Recovery knows");
    asr.agent_registration_ok.as_mut().expect("a fact").value = false;
    let wire = Wire::of(&world, options()).await;
    let items = wire.list(&format!("{}/replicationProtectableItems?$take=2", wire.container())).await;
    let agents: Vec<(&str, &str)> = items
        .iter()
        .filter(|item| item["properties"]["protectionStatus"] == "Protected")
        .map(|item| &item["properties"])
        .map(|item| (&item["friendlyName"], &item["customDetails"]["agentInstalled"]))
        .map(|(name, agent)| (name.as_str().unwrap_or_default(), agent.as_str().unwrap_or_default()))
        .collect();
    assert_eq!(
        agents,
        [("w1", "NotInstalled"), ("w2", "Installed"), ("w3", "Installed"), ("l1", "Installed")]
    );
    assert_eq!(items[1]["properties"]["supportedReplicationProviders"], json!(["InMage"]));
}

#[tokio::test]
async fn a_failback_policy_and_its_mapping_are_written_as_jobs() {
    let wire = Wire::of(&classic(), options()).await;
    let policies = format!("{}/replicationPolicies", wire.vault());
    let count = wire.list(&policies).await.len();
    let policy = format!("{policies}/Home");
    let input = |history: i64| {
        json!({"properties": {"providerSpecificInput": {
            "instanceType": "InMage", "recoveryPointThresholdInMinutes": 15, "recoveryPointHistory": history,
            "appConsistentFrequencyInMinutes": 60, "multiVmSyncStatus": "Enable",
        }}})
    };
    let job = wire.done(Method::PUT, &policy, Some(input(1_440))).await;
    assert_eq!(job["properties"]["state"], "Succeeded");
    assert_eq!(job["properties"]["scenarioName"], "AddProtectionProfile");
    assert_eq!(wire.list(&policies).await.len(), count + 1);
    assert_eq!(
        wire.get(&policy).await["properties"]["providerSpecificDetails"]["multiVmSyncStatus"],
        "Enabled"
    );
    let job = wire.done(Method::PUT, &policy, Some(input(60))).await;
    assert_eq!(job["properties"]["errors"][0]["serviceErrorDetails"]["code"], "15035");
    let mappings = format!("{}/replicationProtectionContainerMappings", wire.container());
    let before = wire.list(&mappings).await.len();
    let body = json!({"properties": {
        "targetProtectionContainerId": wire.container(), "PolicyId": policy, "providerSpecificInput": {},
    }});
    let job = wire.done(Method::PUT, &format!("{mappings}/Back"), Some(body)).await;
    assert_eq!(job["properties"]["state"], "Succeeded");
    let after = wire.list(&mappings).await;
    assert_eq!(after.len(), before + 1);
    let back = wire.get(&format!("{mappings}/back")).await;
    assert_eq!(back["properties"]["targetFabricFriendlyName"], "cs1");
    assert_eq!(back["properties"]["policyFriendlyName"], "Home");
    let job = wire.done(Method::DELETE, &policy, None).await;
    assert_eq!(job["properties"]["state"], "Failed", "it is in use");
    assert_eq!(
        wire.done(Method::DELETE, &format!("{mappings}/Back"), None).await["properties"]["state"],
        "Succeeded"
    );
    assert_eq!(wire.done(Method::DELETE, &policy, None).await["properties"]["state"], "Succeeded");
    assert_eq!(wire.ask(Method::GET, &policy, None).await.status(), 404);
}

#[tokio::test]
async fn the_machines_of_azure_stand_in_its_compute_api() {
    let wire = Wire::of(&classic(), options()).await;
    let names_of = wire.handle.names();
    let all = format!("/subscriptions/{}/providers/Microsoft.Compute/virtualMachines", names_of.subscription);
    let statuses = wire.list(&format!("{all}?statusOnly=true")).await;
    assert_eq!(statuses.len(), 5, "four machines and a process server");
    let power = &statuses[0]["properties"]["instanceView"]["statuses"][1]["code"];
    assert_eq!(power, "PowerState/running");
    assert!(statuses[0]["properties"]["storageProfile"].is_null());
    let group = format!(
        "/subscriptions/{}/resourceGroups/RG-DR/providers/Microsoft.Compute/virtualMachines",
        names_of.subscription
    );
    let machine = wire.get(&format!("{group}/W1?$expand=instanceView")).await;
    assert_eq!(machine["properties"]["storageProfile"]["osDisk"]["diskSizeGB"], 100);
    assert_eq!(machine["properties"]["storageProfile"]["dataDisks"][0]["name"], "disk1");
    assert_eq!(machine["properties"]["instanceView"]["statuses"][1]["displayStatus"], "VM running");
    let nic = machine["properties"]["networkProfile"]["networkInterfaces"][0]["id"].as_str().expect("an id");
    let nic = wire.get(nic).await;
    let subnet =
        nic["properties"]["ipConfigurations"][0]["properties"]["subnet"]["id"].as_str().expect("an id");
    assert!(subnet.contains("/virtualNetworks/vnet-dr/subnets/"), "{subnet}");
    let gone = wire.ask(Method::GET, &format!("{group}/nobody/instanceView"), None).await;
    assert_eq!(gone.status(), 404);
    assert_eq!(gone.headers()["x-ms-failure-cause"], "gateway");
}

#[tokio::test]
async fn networks_that_are_peered_say_so_on_both_sides() {
    let wire = Wire::of(&example("enterprise"), options()).await;
    let all = format!(
        "/subscriptions/{}/providers/Microsoft.Network/virtualNetworks",
        wire.handle.names().subscription
    );
    let networks = wire.list(&all).await;
    assert!(!networks.is_empty());
    for network in &networks {
        for peering in network["properties"]["virtualNetworkPeerings"].as_array().into_iter().flatten() {
            let other = peering["properties"]["remoteVirtualNetwork"]["id"].as_str().expect("an id");
            let other = networks.iter().find(|network| network["id"] == other).expect("it is listed");
            let back = other["properties"]["virtualNetworkPeerings"].as_array().into_iter().flatten();
            assert!(
                back.into_iter()
                    .any(|peering| peering["properties"]["remoteVirtualNetwork"]["id"] == network["id"])
            );
        }
    }
}

#[tokio::test]
async fn a_host_without_a_vcenter_is_registered_by_itself() {
    let wire = Wire::of(&example("enterprise"), options()).await;
    let listed = wire.list(&format!("{}/replicationvCenters", wire.vault())).await;
    let named: Vec<&str> = listed.iter().filter_map(|entry| entry["name"].as_str()).collect();
    assert_eq!(named, ["icn-vc1", "icn-vc2", "icn-esx31"]);
    assert!(listed[2]["properties"]["internalId"].as_str().is_some_and(|id| id.starts_with("host-")));
}

#[tokio::test]
async fn runbooks_run_fail_and_are_stopped() {
    let script =
        Runbook { seconds: 90, failure: Some("the cache is cold".to_owned()), output: String::new() };
    let runbooks = [("Cold-Cache".to_owned(), script)].into();
    let wire = Wire::of(&example("enterprise"), ServerOptions { runbooks, ..options() }).await;
    let all = format!(
        "/subscriptions/{}/providers/Microsoft.Automation/automationAccounts",
        wire.handle.names().subscription
    );
    let accounts = wire.list(&all).await;
    let account = accounts[0]["id"].as_str().expect("an account").to_owned();
    let order =
        |name: &str| Some(json!({"properties": {"runbook": {"name": name}, "parameters": {"site": "icn"}}}));
    let path = |job: &str| format!("{account}/jobs/{job}");
    for (job, runbook) in [("a", "Warm-Cache"), ("b", "cold-cache"), ("c", "Warm-Cache")] {
        assert_eq!(wire.ask(Method::PUT, &path(job), order(runbook)).await.status(), 201);
    }
    assert_eq!(
        wire.ask(Method::PUT, &path("a"), order("Warm-Cache")).await.status(),
        200,
        "the same order again"
    );
    assert_eq!(wire.ask(Method::PUT, &path("a"), order("Other")).await.status(), 409);
    wire.pass(60).await;
    assert_eq!(wire.get(&path("a")).await["properties"]["status"], "Running");
    assert_eq!(wire.ask(Method::POST, &format!("{}/stop", path("c")), None).await.status(), 200);
    wire.pass(60).await;
    assert_eq!(wire.get(&path("a")).await["properties"]["status"], "Completed");
    let output = wire.ask(Method::GET, &format!("{}/output", path("a")), None).await;
    assert_eq!(output.text().await.expect("text"), "done");
    assert_eq!(wire.get(&path("b")).await["properties"]["exception"], "the cache is cold");
    assert_eq!(wire.get(&path("c")).await["properties"]["status"], "Stopped");
}

#[tokio::test]
async fn a_cloud_is_found_before_anybody_signs_in() {
    let wire = Wire::of(&classic(), options()).await;
    let url = wire.handle.url();
    let ask = async |path: String| -> Value {
        let answer = wire.client.get(format!("{url}{path}")).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.expect("JSON")
    };
    let cloud = ask("/metadata/endpoints?api-version=2022-09-01".to_owned()).await;
    assert_eq!(cloud["authentication"]["loginEndpoint"], url);
    for member in [
        "name",
        "resourceManager",
        "gallery",
        "portal",
        "graphAudience",
        "batch",
        "media",
        "sqlManagement",
        "activeDirectoryDataLake",
        "vmImageAliasDoc",
    ] {
        assert!(cloud[member].is_string(), "{member}");
    }
    let tenant = wire.handle.names().tenant;
    let directory = ask(format!("/{tenant}/v2.0/.well-known/openid-configuration")).await;
    assert_eq!(directory["token_endpoint"], format!("{url}/{tenant}/oauth2/v2.0/token"));
    let refused = wire
        .client
        .get(format!("{url}/subscriptions?api-version=2022-12-01"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(refused.status(), 401);
    let subscriptions = wire.list("/subscriptions").await;
    assert_eq!(subscriptions[0]["tenantId"], json!(tenant));
    let vaults = wire
        .get(&format!(
            "{}/providers/Microsoft.RecoveryServices/vaults",
            subscriptions[0]["id"].as_str().expect("an id")
        ))
        .await;
    assert_eq!(vaults["value"][0]["name"], "vault-seoul");
    assert_eq!(vaults.as_object().expect("an object").len(), 1, "the list of vaults has no nextLink");
}

#[tokio::test]
async fn what_is_not_there_is_said_as_the_service_says_it() {
    let wire = Wire::of(&classic(), options()).await;
    for path in ["/replicationFabrics/none", "/replicationPolicies/none", "/replicationEvents/none"] {
        let answer = wire.ask(Method::GET, &format!("{}{path}", wire.vault()), None).await;
        assert_eq!(answer.status(), 404, "{path}");
        let body: Value = answer.json().await.expect("JSON");
        assert_eq!(body["error"]["code"], "NotFound", "{path}");
        assert_eq!(body["error"]["details"][0]["code"], "ArmResourceDoesNotExist", "{path}");
    }
}
