//! The rest of what Microsoft's client can ask for: what the vault has none of, what stays as it is, and what nobody has.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::wire_arm::Site;
use crate::wire_arm::job_of;
use crate::wire_arm::properties;

async fn both() -> [Site; 2] {
    [Site::classic().await, Site::modernized().await]
}

fn fabric(site: &Site) -> String {
    site.vault(&format!("/replicationFabrics/{}", site.names.fabric))
}

fn container(site: &Site) -> String {
    format!("{}/replicationProtectionContainers/{}", fabric(site), site.names.container)
}

#[tokio::test]
async fn of_what_belongs_to_other_kinds_of_sites_a_vault_of_vmware_machines_has_none() {
    for site in both().await {
        for path in [
            site.vault("/replicationNetworks"),
            site.vault("/replicationNetworkMappings"),
            site.vault("/replicationStorageClassifications"),
            site.vault("/replicationStorageClassificationMappings"),
            site.vault("/replicationProtectionIntents"),
            site.vault("/replicationMigrationItems"),
            site.vault("/replicationProtectionClusters"),
            format!("{}/replicationNetworks", fabric(&site)),
            format!("{}/replicationLogicalNetworks", fabric(&site)),
            format!("{}/replicationStorageClassifications", fabric(&site)),
            format!("{}/replicationMigrationItems", container(&site)),
            format!("{}/replicationProtectionClusters", container(&site)),
        ] {
            let got = site.send(Method::GET, &path, None).await;
            assert_eq!((got.status, &got.body), (200, &json!({"value": [], "nextLink": null})), "{path}");
            let one = site.send(Method::GET, &format!("{path}/one"), None).await;
            assert_eq!(one.status, 404, "{path}");
        }
    }
}

#[tokio::test]
async fn what_is_asked_in_the_wrong_way_is_refused_in_a_form_of_its_own() {
    let site = Site::classic().await;
    let jobs = site.vault("/replicationJobs");
    let old = |version: &str| format!("{jobs}?api-version={version}");
    let vault_of_another =
        site.vault("").replace(&site.names.subscription, "11111111-0000-0000-0000-000000000000");
    for (method, path, status, code) in [
        (Method::GET, old("abc"), 400, "InvalidApiVersionParameter"),
        (Method::GET, old("2025-13-01"), 400, "InvalidApiVersionParameter"),
        (Method::GET, format!("{jobs}?$filter=StartTime eq 'yesterday'"), 400, "BadRequest"),
        (Method::PATCH, site.item("w1", ""), 405, "MethodNotAllowed"),
        (Method::PATCH, fabric(&site), 405, "MethodNotAllowed"),
        (Method::POST, site.vault("/replicationEvents"), 405, "MethodNotAllowed"),
        (Method::POST, site.item("w1", "/noSuchVerb"), 404, "NotFound"),
        (Method::GET, site.item("w1", "/reProtect"), 404, "NotFound"),
        (Method::GET, site.vault("/replicationAlertSettings/another"), 404, "NotFound"),
        (Method::GET, vault_of_another, 404, "SubscriptionNotFound"),
    ] {
        let got = site.send(method, &path, None).await;
        assert_eq!((got.status, got.body["error"]["code"].as_str()), (status, Some(code)), "{path}");
        let by_gateway = code == "SubscriptionNotFound";
        assert_eq!(got.header("x-ms-failure-cause") == "gateway", by_gateway, "{path}");
    }
    for version in ["2016-08-10", "2026-02-01-preview"] {
        assert_eq!(site.send(Method::GET, &old(version), None).await.status, 200, "{version}");
    }
}

#[tokio::test]
async fn servers_through_which_machines_are_protected_stay() {
    for site in both().await {
        let providers = format!("{}/replicationRecoveryServicesProviders", fabric(&site));
        let listed = site.send(Method::GET, &providers, None).await;
        let provider = format!("{providers}/{}", listed.body["value"][0]["name"].as_str().expect("a name"));
        for (method, path) in [
            (Method::DELETE, fabric(&site)),
            (Method::POST, format!("{}/remove", fabric(&site))),
            (Method::POST, format!("{}/removeInfra", fabric(&site))),
            (Method::DELETE, provider.clone()),
            (Method::POST, format!("{provider}/remove")),
        ] {
            let got = site.send(method, &path, None).await;
            assert_eq!(got.status, 202, "{path}");
            let job = site.end(&job_of(&got)).await;
            assert_eq!(job["properties"]["scenarioName"], "UnregisterFabric", "{path}");
            assert_eq!(job["properties"]["state"], "Failed", "{path}");
        }
        assert_eq!(site.send(Method::GET, &fabric(&site), None).await.status, 200);
        assert_eq!(site.send(Method::GET, &provider, None).await.status, 200);
        let migrate = site.send(Method::POST, &format!("{}/migratetoaad", fabric(&site)), None).await;
        let job = site.end(&job_of(&migrate)).await;
        assert_eq!(job["properties"]["friendlyName"], "Update Authentication Service");
        assert_eq!(job["properties"]["state"], "Succeeded");
    }
}

#[tokio::test]
async fn a_physical_machine_that_is_known_or_not_there_is_not_added() {
    let site = Site::classic().await;
    let path = format!("{}/discoverProtectableItem", container(&site));
    let known =
        site.send(Method::GET, &format!("{}/replicationProtectableItems", container(&site)), None).await;
    let known = known.body["value"][0]["properties"]["customDetails"]["ipAddress"].clone();
    for (address, told) in [(known, "already a source machine"), (json!("10.99.99.99"), "No machine answers")]
    {
        let body = properties(json!({"friendlyName": "p1", "ipAddress": address, "osType": "Linux"}));
        let got = site.send(Method::POST, &path, body).await;
        let job = site.end(&job_of(&got)).await;
        let job = &job["properties"];
        assert_eq!(
            (&job["scenarioName"], &job["state"]),
            (&json!("DiscoverPhysicalMachine"), &json!("Failed"))
        );
        let message = job["errors"][0]["serviceErrorDetails"]["message"].as_str().expect("words");
        assert!(message.contains(told), "{message}");
    }
    let lacking = site.send(Method::POST, &path, properties(json!({"friendlyName": "p1"}))).await;
    assert_eq!(lacking.status, 400, "{:?}", lacking.body);
}

#[tokio::test]
async fn settings_of_the_vault_are_written_by_a_job() {
    let site = Site::classic().await;
    let path = site.vault("/replicationVaultSettings/default");
    let kind = async || {
        let settings = site.send(Method::GET, &path, None).await;
        settings.body["properties"]["vmwareToAzureProviderType"].clone()
    };
    assert_eq!(kind().await, "InMageAzureV2");
    let body = properties(json!({"vmwareToAzureProviderType": "InMageRcm"}));
    let got = site.send(Method::PUT, &path, body).await;
    assert_eq!((got.status, kind().await), (202, json!("InMageAzureV2")), "its job has not ended");
    assert_eq!(site.end(&job_of(&got)).await["properties"]["state"], "Succeeded");
    assert_eq!(kind().await, "InMageRcm");
}

#[tokio::test]
async fn a_copy_can_have_one_of_several_sizes() {
    let site = Site::modernized().await;
    let got = site.send(Method::GET, &site.item("w1", "/targetComputeSizes"), None).await;
    let sizes = got.body["value"].as_array().expect("a list");
    assert_eq!(sizes[0]["properties"]["name"], "Standard_D2s_v5");
    assert_eq!(sizes[0]["properties"]["memoryInGB"], 8);
    assert!(sizes.iter().all(|size| size["id"].as_str().is_some_and(|id| id.starts_with("/Subscriptions/"))));
}

#[tokio::test]
async fn a_machine_is_moved_to_an_appliance_that_is_there() {
    let site = Site::modernized().await;
    let details = site.send(Method::GET, &fabric(&site), None).await;
    let appliance = details.body["properties"]["customDetails"]["dras"][0]["id"].clone();
    let path = site.item("w1", "/updateAppliance");
    let input = |appliance: Value, kind: &str| {
        properties(json!({
            "targetApplianceId": appliance,
            "providerSpecificDetails": {"instanceType": kind, "runAsAccountId": "any"},
        }))
    };
    for (appliance, state) in [(appliance, "Succeeded"), (json!("another"), "Failed")] {
        let got = site.send(Method::POST, &path, input(appliance, "InMageRcm")).await;
        assert_eq!(site.end(&job_of(&got)).await["properties"]["state"], state);
    }
    let wrong = site.send(Method::POST, &path, input(json!("any"), "InMage")).await;
    assert_eq!(wrong.status, 400);
    let again = site.send(Method::POST, &site.item("w1", "/reinstallMobilityService"), None).await;
    assert_eq!(site.end(&job_of(&again)).await["properties"]["state"], "Succeeded");
}

#[tokio::test]
async fn jobs_of_another_fabric_are_not_listed() {
    let site = Site::classic().await;
    site.send(Method::POST, &format!("{}/checkConsistency", fabric(&site)), None).await;
    for (name, count) in [(fabric(&site), 1), (site.names.fabric.clone(), 1), ("another".to_owned(), 0)] {
        let path = site.vault(&format!("/replicationJobs?$filter=FabricId eq '{name}'"));
        let got = site.send(Method::GET, &path, None).await;
        assert_eq!(got.body["value"].as_array().map(Vec::len), Some(count), "{name}");
    }
}
