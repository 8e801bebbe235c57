//! Jobs and operations over the wire.

use failback::provider::emulator::Scenario;
use failback::provider::emulator::http::ServerOptions;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::wire_arm::CLASSIC;
use crate::wire_arm::Site;
use crate::wire_arm::classic::fail_back;
use crate::wire_arm::classic::protect;
use crate::wire_arm::job_of;

#[tokio::test]
async fn an_operation_is_told_of_by_its_job_its_status_and_its_result() {
    let site = Site::classic().await;
    protect(&site, "w1").await;
    let got = site.send(Method::POST, &site.item("w1", "/unplannedFailover"), fail_back()).await;
    assert_eq!(got.status, 202);
    let job = job_of(&got);
    assert_eq!(got.header("retry-after"), "30");
    assert_eq!(got.header("content-length"), "0");
    let ids: Vec<&[u8]> =
        got.headers.get_all("x-ms-request-id").iter().map(reqwest::header::HeaderValue::as_bytes).collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.iter().all(|id| id.ends_with(job.as_bytes())));
    let status = got.header("azure-asyncoperation").to_owned();
    assert!(
        status.contains(&format!("/replicationOperationStatus/{job}?api-version=2025-08-01")),
        "{status}"
    );
    let result = got.header("location").to_owned();

    let first = site.job(&job).await;
    assert_eq!(first["properties"]["state"], "NotStarted");
    assert_eq!(first["properties"]["scenarioName"], Value::Null);
    assert_eq!(site.get(&status).await["status"], "NotStarted");
    site.pass(10).await;
    let running = site.job(&job).await;
    assert_eq!(running["properties"]["allowedActions"], json!(["Cancel"]));
    assert!(running["properties"].get("endTime").is_none());
    assert_eq!(running["properties"]["tasks"][0]["state"], "InProgress");
    let answer = site.get(&status).await;
    assert_eq!((&answer["status"], &answer["endTime"]), (&json!("InProgress"), &Value::Null));
    let waiting = site.send(Method::GET, &result, None).await;
    assert_eq!((waiting.status, waiting.header("location")), (202, result.as_str()));
    site.end(&job).await;
    assert_eq!(site.get(&status).await["status"], "Succeeded");
    let item = site.get(&result).await;
    assert_eq!(item["properties"]["friendlyName"], "w1");
}

#[tokio::test]
async fn jobs_are_listed_thin_newest_first_by_page_and_by_filter() {
    let options = ServerOptions { page: 2, ..ServerOptions::default() };
    let site = Site::of(CLASSIC, Scenario::default(), options).await;
    let start = failback::clock::Clock::now(site.pace.as_ref());
    for machine in ["w1", "w2", "w3"] {
        let job = site.begin(&site.item(machine, "/failoverCommit"), None).await;
        site.end(&job).await;
        site.pass(60).await;
    }
    let filter = format!("StartTime eq '{start}' and EndTime eq '2026-01-01T00:00:00.0000000Z'");
    let mut target = site.vault(&format!("/replicationJobs?$filter={}", filter.replace(' ', "%20")));
    let (mut names, mut pages) = (Vec::new(), 0);
    loop {
        let page = site.get(&target).await;
        pages += 1;
        for job in page["value"].as_array().expect("jobs") {
            assert_eq!(job["properties"]["tasks"], json!([]), "entries of a list are thin");
            assert!(job["properties"]["activityId"].is_string());
            names.push(job["properties"]["targetObjectName"].as_str().expect("a name").to_owned());
        }
        match page["nextLink"].as_str() {
            Some(next) => next.clone_into(&mut target),
            None => break,
        }
    }
    assert_eq!(names, ["w3", "w2", "w1"]);
    assert_eq!(pages, 3, "two pages and an empty one");
    let failed = site.get(&site.vault("/replicationJobs?$filter=JobStatus%20eq%20'Succeeded'")).await;
    assert_eq!(failed["value"], json!([]));
    let got = site.send(Method::GET, &site.vault("/replicationJobs?$filter=nonsense"), None).await;
    assert_eq!(got.status, 400);
}

#[tokio::test]
async fn a_reprotect_is_cancelled_and_begun_again_and_has_a_job_of_its_own() {
    let site = Site::modernized().await;
    let body = json!({ "properties": {
        "failoverDirection": "RecoveryToPrimary",
        "providerSpecificDetails": {
            "instanceType": "InMageRcm", "reprotectAgentId": site.server("ra1"), "datastoreName": "vmfs1",
            "logStorageAccountId": site.server("sa1"),
        },
    } });
    let job = site.begin(&site.item("w1", "/reProtect"), Some(body)).await;
    site.pass(60).await;
    let running = site.job(&job).await;
    let last = &running["properties"]["tasks"][4];
    assert_eq!((&last["taskType"], &last["state"]), (&json!("GroupTaskDetails"), &json!("InProgress")));
    let child = &last["groupTaskCustomDetails"]["childTasks"][0];
    assert_eq!(child["taskType"], "JobTaskDetails");
    let child = site.get(child["customDetails"]["jobTask"]["jobId"].as_str().expect("a job")).await;
    assert_eq!(child["properties"]["scenarioName"], "EnableDr");

    let path = site.vault(&format!("/replicationJobs/{job}"));
    assert_eq!(site.send(Method::POST, &format!("{path}/cancel"), None).await.status, 202);
    let ended = site.end(&job).await;
    assert_eq!(ended["properties"]["state"], "Cancelled");
    let again = site.begin(&format!("{path}/restart"), None).await;
    assert_eq!(site.end(&again).await["properties"]["state"], "Succeeded");
    assert_eq!(site.send(Method::POST, &format!("{path}/cancel"), None).await.status, 400);
}
