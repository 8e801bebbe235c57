//! What goes wrong at the wire.

use failback::clock::Clock as _;
use failback::provider::emulator::http::ServerOptions;
use failback::provider::emulator::http::WireFault;
use failback::provider::emulator::http::WireFaultKind;
use failback::provider::emulator::http::WireFaults;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::lab;
use crate::wire_arm::CLASSIC;
use crate::wire_arm::Site;
use crate::wire_arm::classic::fail_back;
use crate::wire_arm::classic::protect;

async fn site(faults: Vec<WireFault>) -> Site {
    let wire_faults = WireFaults { seed: 1, faults };
    let options = ServerOptions { wire_faults, ..ServerOptions::default() };
    Site::of(CLASSIC, failback::provider::emulator::Scenario::default(), options).await
}

/// Sends a failover and returns the error of a client that gets no whole answer.
async fn sent_in_vain(site: &Site) -> reqwest::Error {
    let url =
        format!("{}{}?api-version=2025-08-01", site.handle.url(), site.item("w1", "/unplannedFailover"));
    let request = site.client.post(url).bearer_auth(&site.token).json(&fail_back().expect("a body"));
    match request.send().await {
        Err(error) => error,
        Ok(answer) => panic!("an answer came: {answer:?}"),
    }
}

async fn failovers(site: &Site) -> usize {
    site.pass(5).await;
    let jobs = site.get(&site.vault("/replicationJobs?$filter=JobName%20eq%20'UnplannedFailover'")).await;
    jobs["value"].as_array().expect("jobs").len()
}

#[tokio::test]
async fn a_connection_that_is_closed_before_or_after_the_effect_looks_the_same_to_the_client() {
    for (kind, begun) in [(WireFaultKind::ResetBefore, 0), (WireFaultKind::ResetAfter, 1)] {
        let site = site(vec![WireFault::always(kind).on("/unplannedFailover").times(1)]).await;
        protect(&site, "w1").await;
        drop(sent_in_vain(&site).await);
        assert_eq!(failovers(&site).await, begun, "{kind:?}");
    }
}

#[tokio::test]
async fn a_fault_of_the_world_that_loses_an_answer_closes_the_connection() {
    let scenario = lab::scenario(&["{kind: no_answer_after, phase: failover}"]);
    let site = Site::of(CLASSIC, scenario, ServerOptions::default()).await;
    protect(&site, "w1").await;
    drop(sent_in_vain(&site).await);
    assert_eq!(failovers(&site).await, 1);
}

#[tokio::test]
async fn a_busy_service_says_when_to_come_back_in_seconds_or_as_a_date() {
    let busy = |date| WireFault { date, ..WireFault::always(WireFaultKind::Busy).of_seconds(9.0).times(1) };
    let site = site(vec![busy(false), busy(true)]).await;
    let list = site.vault("/replicationJobs");
    let got = site.send(Method::GET, &list, None).await;
    assert_eq!((got.status, got.header("retry-after")), (429, "9"));
    let site = self::site(vec![busy(true)]).await;
    let got = site.send(Method::GET, &list, None).await;
    let then = got.header("retry-after").to_owned();
    assert_eq!(then, "Sun, 01 Jun 2025 00:00:09 GMT");
    assert_eq!(site.send(Method::GET, &list, None).await.status, 200);
}

#[tokio::test]
async fn errors_come_before_or_after_the_effect() {
    for (kind, begun) in [(WireFaultKind::Error, 0), (WireFaultKind::ErrorAfter, 1)] {
        let site = site(vec![WireFault::always(kind).on("/unplannedFailover").times(1)]).await;
        protect(&site, "w1").await;
        let got = site.send(Method::POST, &site.item("w1", "/unplannedFailover"), fail_back()).await;
        assert_eq!((got.status, &got.body["error"]["code"]), (503, &json!("ServiceUnavailable")));
        assert_eq!(failovers(&site).await, begun, "{kind:?}");
    }
}

#[tokio::test]
async fn an_answer_is_torn_in_its_middle() {
    let site = site(vec![WireFault::always(WireFaultKind::Truncated).times(1)]).await;
    let url =
        format!("{}{}?api-version=2025-08-01", site.handle.url(), site.vault("/replicationProtectedItems"));
    let answer = site.client.get(url).bearer_auth(&site.token).send().await.expect("its head comes");
    assert_eq!(answer.status().as_u16(), 200);
    assert!(answer.bytes().await.is_err(), "its body does not");
}

#[tokio::test]
async fn an_operation_that_succeeds_may_have_something_to_say() {
    let site = site(vec![WireFault::always(WireFaultKind::Information).on("/unplannedFailover")]).await;
    protect(&site, "w1").await;
    let job = site.begin(&site.item("w1", "/unplannedFailover"), fail_back()).await;
    let ended = site.end(&job).await;
    assert_eq!(ended["properties"]["state"], "CompletedWithInformation");
    let status = site.get(&site.vault(&format!("/replicationOperationStatus/{job}"))).await;
    assert_eq!((&status["status"], &status["error"]["code"]), (&json!("Succeeded"), &json!("28175")));
}

#[tokio::test]
async fn a_list_may_lead_back_to_itself_and_a_right_may_be_missing() {
    let loops = WireFault::always(WireFaultKind::PageLoop).on("GET replicationJobs");
    let forbidden = WireFault::always(WireFaultKind::Forbidden).on("/failoverCommit");
    let site = site(vec![loops, forbidden]).await;
    let list = site.vault("/replicationJobs");
    let first = site.get(&list).await;
    let next = first["nextLink"].as_str().expect("a next page").to_owned();
    assert_eq!(site.get(&next).await["nextLink"].as_str(), Some(next.as_str()));
    let got = site.send(Method::POST, &site.item("w1", "/failoverCommit"), None).await;
    assert_eq!(got.status, 403);
    let message = got.body["error"]["message"].as_str().expect("a message").to_owned();
    assert!(message.contains("replicationProtectedItems/failoverCommit/action"), "{message}");
}

#[tokio::test]
async fn a_delay_takes_the_worlds_time_and_a_clock_that_jumps_is_driven_from_outside() {
    let site = site(vec![WireFault::always(WireFaultKind::Delay).of_seconds(40.0).times(1)]).await;
    let start = site.pace.now();
    site.get(&site.vault("/replicationJobs")).await;
    assert_eq!(site.pace.now().duration_since(start).as_secs(), 40);
    let body = json!({ "until": "2025-06-01T01:00:00Z" });
    let got = site.send(Method::PUT, "/_failback/clock", Some(body)).await;
    assert_eq!(got.body["now"], "2025-06-01T01:00:00Z");
    assert_eq!(got.body["speed"], "max");
    assert_eq!(got.body["next"], Value::Null);
    assert_eq!(got.header("x-failback-time"), "2025-06-01T00:00:40Z", "the request came before");
}
