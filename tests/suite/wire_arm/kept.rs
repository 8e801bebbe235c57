//! A world in a folder goes on where it was, whatever was asked over the wire.

use std::path::Path;
use std::sync::Arc;

use failback::clock::Clock as _;
use failback::clock::pace::Speed;
use failback::clock::pace::WorldPace;
use failback::provider::emulator::Emulator;
use failback::provider::emulator::Scenario;
use failback::provider::emulator::http::ServerOptions;
use reqwest::Method;
use serde_json::json;

use crate::wire_arm::MODERNIZED;
use crate::wire_arm::Site;
use crate::wire_arm::inventory_of;
use crate::wire_arm::job_of;
use crate::wire_arm::modernized::reprotect;
use crate::wire_arm::properties;

fn options(folder: &Path) -> ServerOptions {
    ServerOptions { kept_in: Some(folder.join("service.json")), ..ServerOptions::default() }
}

async fn first(folder: &Path) -> Site {
    let inventory = inventory_of(MODERNIZED);
    let start = **inventory.observed_at.as_ref().expect("the world says when it is");
    let pace = Arc::new(WorldPace::new(start, Speed::Max));
    let emulator = Emulator::create(folder, inventory, Scenario::default(), start, Arc::clone(&pace) as _);
    Site::serving(emulator.expect("a new world"), pace, options(folder)).await
}

async fn again(folder: &Path) -> Site {
    // The server before has the folder until its last connection has ended.
    let mut last = Emulator::last_call(folder);
    for _ in 0..10_000 {
        if last.is_ok() {
            break;
        }
        tokio::task::yield_now().await;
        last = Emulator::last_call(folder);
    }
    let last = last.expect("a world");
    let pace = Arc::new(WorldPace::new(last, Speed::Max));
    let (emulator, _) = Emulator::open(folder, Arc::clone(&pace) as _).expect("the world is read again");
    Site::serving(emulator, pace, options(folder)).await
}

async fn reprotected(site: &Site, machine: &str) -> String {
    let url = format!("{}{}?api-version=2025-08-01", site.handle.url(), site.item(machine, "/reProtect"));
    let request = site.client.post(url).bearer_auth(&site.token).json(&reprotect(site).expect("a body"));
    let answer = request.header("x-ms-client-request-id", "of-the-run").send().await.expect("an answer");
    let location =
        answer.headers().get("location").and_then(|value| value.to_str().ok()).expect("a location");
    let job = location.split('?').next().and_then(|path| path.rsplit('/').next()).expect("a job");
    job.to_owned()
}

#[tokio::test]
async fn a_job_is_found_again_by_its_name_and_by_what_the_client_called_its_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("world");
    let site = first(&path).await;
    let job = reprotected(&site, "w1").await;
    drop(site);
    let site = again(&path).await;
    site.pass(30).await;
    let found = site.job(&job).await;
    assert_eq!(found["properties"]["state"], "InProgress");
    let activity = found["properties"]["activityId"].as_str().expect("an activity");
    assert!(activity.starts_with("of-the-run ActivityId: "), "{activity}");
    assert_eq!(site.end(&job).await["properties"]["state"], "Succeeded");
}

#[tokio::test]
async fn what_no_run_asks_for_is_kept_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("world");
    let site = first(&path).await;
    let job = reprotected(&site, "w1").await;
    site.pass(60).await;
    site.begin(&site.vault(&format!("/replicationJobs/{job}/cancel")), None).await;
    assert_eq!(site.end(&job).await["properties"]["state"], "Cancelled");
    site.done(&site.item("l1", "/remove"), properties(json!({}))).await;
    // A job beside the world that runs when the server ends ends with it.
    site.begin(&site.item("w1", "/updateMobilityService"), properties(json!({ "runAsAccountId": "1" })))
        .await;
    let (then, before) = (site.pace.now(), site.state("w1").await);
    assert_eq!(before["currentScenario"]["scenarioName"], "UpdateMobilityService");
    drop(site);
    let site = again(&path).await;
    assert!(site.pace.now() <= then);
    assert_eq!(site.job(&job).await["properties"]["state"], "Cancelled");
    assert_eq!(site.state("w1").await["currentScenario"]["scenarioName"], "None");
    let items = site.get(&site.vault("/replicationProtectedItems")).await;
    let names: Vec<&str> = items["value"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|item| item["properties"]["friendlyName"].as_str())
        .collect();
    assert!(!names.contains(&"l1") && names.contains(&"w1"), "{names:?}");
}

#[tokio::test]
async fn what_clients_wrote_is_there_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("world");
    let site = first(&path).await;
    let policy = site.vault("/replicationPolicies/mine");
    let details = json!({"providerSpecificInput": {
        "instanceType": "InMageRcm", "recoveryPointHistoryInMinutes": 1440,
        "crashConsistentFrequencyInMinutes": 5, "appConsistentFrequencyInMinutes": 60,
        "enableMultiVmSync": "true",
    }});
    let got = site.send(Method::PUT, &policy, properties(details)).await;
    assert_eq!(site.end(&job_of(&got)).await["properties"]["state"], "Succeeded");
    let before = site.get(&policy).await;
    drop(site);
    let site = again(&path).await;
    assert_eq!(site.get(&policy).await, before);
}
