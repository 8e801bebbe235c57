//! Who may ask, how often, and what is asked in vain.

use failback::provider::emulator::Scenario;
use failback::provider::emulator::http::Certificate;
use failback::provider::emulator::http::Limit;
use failback::provider::emulator::http::Limits;
use failback::provider::emulator::http::ServerOptions;
use reqwest::Certificate as Trusted;
use reqwest::Client;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::wire_arm::CLASSIC;
use crate::wire_arm::Site;

async fn sign_in(site: &Site, tenant: &str, secret: &str) -> (u16, Value) {
    let access = &site.handle.options().access;
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={secret}&scope=https%3A%2F%2Fmanagement.azure.com%2F.default",
        access.client_id
    );
    let url = format!("{}/{tenant}/oauth2/v2.0/token", site.handle.url());
    let request =
        site.client.post(url).header("Content-Type", "application/x-www-form-urlencoded").body(form);
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn list_with(site: &Site, token: &str) -> (u16, Value) {
    let url =
        format!("{}{}?api-version=2025-08-01", site.handle.url(), site.vault("/replicationProtectedItems"));
    let answer = site.client.get(url).bearer_auth(token).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

#[tokio::test]
async fn a_token_is_given_for_the_secret_and_is_good_until_it_expires() {
    let site = Site::classic().await;
    let access = site.handle.options().access.clone();
    let secret = access.client_secret.expose_secret();
    let (status, body) = sign_in(&site, &access.tenant, "wrong").await;
    assert_eq!((status, &body["error_codes"][0]), (401, &Value::from(7_000_215)));
    let (status, body) = sign_in(&site, "another", secret).await;
    assert_eq!((status, &body["error_codes"][0]), (400, &Value::from(90_002)));
    let (status, body) = sign_in(&site, &access.tenant, secret).await;
    assert_eq!(status, 200);
    let token = body["access_token"].as_str().expect("a token").to_owned();
    assert_eq!(list_with(&site, &token).await.0, 200);
    assert_eq!(list_with(&site, "made-up").await.1["error"]["code"], "InvalidAuthenticationToken");
    site.handle.expire_tokens();
    let (status, body) = list_with(&site, &token).await;
    assert_eq!((status, body["error"]["code"].as_str()), (401, Some("ExpiredAuthenticationToken")));
}

#[tokio::test]
async fn a_token_that_is_asked_for_nothing_is_not_given() {
    let site = Site::classic().await;
    let access = site.handle.options().access.clone();
    let secret = access.client_secret.expose_secret();
    let form = format!("grant_type=client_credentials&client_id={}&client_secret={secret}", access.client_id);
    for (path, told) in [("oauth2/v2.0/token", "'scope'"), ("oauth2/token", "'resource'")] {
        let url = format!("{}/{}/{path}", site.handle.url(), access.tenant);
        let request = site.client.post(url).header("Content-Type", "application/x-www-form-urlencoded");
        let answer = request.body(form.clone()).send().await.expect("an answer");
        let (status, body) = (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"));
        assert_eq!((status, &body["error_codes"][0]), (400, &Value::from(90_014)), "{path}");
        assert!(body["error_description"].as_str().is_some_and(|text| text.contains(told)), "{body}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_by_who_misses_it() {
    let site = Site::classic().await;
    let asr = site.send(Method::GET, &site.vault("/replicationJobs/none"), None).await;
    assert_eq!(asr.body["error"]["details"][0]["code"], "ArmResourceDoesNotExist");
    let arm = site.vault("/replicationJobs").replace(&site.names.vault, "another");
    let arm = site.send(Method::GET, &arm, None).await;
    assert_eq!((arm.status, arm.header("x-ms-failure-cause")), (404, "gateway"));
    let url = format!("{}{}", site.handle.url(), site.vault("/replicationJobs"));
    let answer = site.client.get(url).bearer_auth(&site.token).send().await.expect("an answer");
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(body["error"]["code"], "MissingApiVersionParameter");
}

#[tokio::test]
async fn a_path_is_found_whatever_its_letters() {
    let site = Site::classic().await;
    let body = site.get(&site.item("w1", "").to_uppercase()).await;
    assert_eq!(body["properties"]["friendlyName"], "w1");
    assert!(body["id"].as_str().expect("an id").starts_with("/Subscriptions/"));
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let reads = Limit { size: 3, refill: 0.5 };
    let limits = Limits { reads, ..Limits::default() };
    let options = ServerOptions { limits: Some(limits), ..ServerOptions::default() };
    let site = Site::of(CLASSIC, Scenario::default(), options).await;
    let list = site.vault("/replicationJobs");
    for left in ["2", "1", "0"] {
        let got = site.send(Method::GET, &list, None).await;
        assert_eq!((got.status, got.header("x-ms-ratelimit-remaining-subscription-reads")), (200, left));
    }
    let got = site.send(Method::GET, &list, None).await;
    assert_eq!((got.status, got.header("retry-after")), (429, "2"));
    assert_eq!(got.body["error"]["code"], "TooManyRequests");
    site.pass(2).await;
    assert_eq!(site.send(Method::GET, &list, None).await.status, 200);
    let counts = site.handle.counts();
    assert_eq!(counts.get("GET replicationJobs"), Some(&5), "{counts:?}");
}

#[tokio::test]
async fn a_certificate_of_its_own_is_trusted_by_who_trusts_its_authority() {
    let certificate = Some(Certificate::SelfMade { names: Vec::new() });
    let options = ServerOptions { certificate, ..ServerOptions::default() };
    let site = Site::of(CLASSIC, Scenario::default(), options).await;
    let authority = site.handle.authority().expect("an authority of its own").to_owned();
    let trusted = Trusted::from_pem(authority.as_bytes()).expect("PEM");
    let client = Client::builder().no_proxy().tls_certs_only([trusted]).build().expect("a client");
    let url = format!("{}{}?api-version=2025-08-01", site.handle.url(), site.vault("/replicationJobs"));
    assert!(url.starts_with("https://"));
    let answer = client.get(&url).bearer_auth(&site.token).send().await.expect("an answer over TLS");
    assert_eq!(answer.status().as_u16(), 200);
    assert!(site.client.get(&url).send().await.is_err(), "nobody else trusts it");
}

#[tokio::test]
async fn a_server_stays_on_the_loopback() {
    let options = ServerOptions { address: ([0, 0, 0, 0], 0).into(), ..ServerOptions::default() };
    let inventory = crate::wire_arm::inventory_of(CLASSIC);
    let start = jiff::Timestamp::UNIX_EPOCH;
    let pace = failback::clock::pace::WorldPace::new(start, failback::clock::pace::Speed::Max);
    let pace = std::sync::Arc::new(pace);
    let emulator = failback::provider::emulator::Emulator::in_memory(
        inventory,
        Scenario::default(),
        start,
        std::sync::Arc::clone(&pace) as _,
    );
    let bound =
        failback::provider::emulator::http::Server::bind(std::sync::Arc::new(emulator), pace, options).await;
    assert!(bound.is_err());
}
