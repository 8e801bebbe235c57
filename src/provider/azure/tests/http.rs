//! Requests: what is asked again, what never is, where links may lead, and what is shown.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::provider::azure::AzureError;
use crate::provider::azure::Consent;
use crate::provider::azure::VaultId;
use crate::provider::azure::WriteClient;
use crate::provider::azure::tests::CANARY;
use crate::provider::azure::tests::Reply;
use crate::provider::azure::tests::Script;
use crate::provider::error::ProviderError;

fn vault() -> VaultId {
    VaultId { subscription: "s".into(), resource_group: "rg".into(), name: "v".into() }
}

fn writer(script: &Script) -> WriteClient {
    WriteClient::new(script.client(), Consent::to_change(vault()))
}

const ITEM: &str =
    "/Subscriptions/s/resourceGroups/rg/providers/Microsoft.RecoveryServices/vaults/v/x/failoverCommit";

async fn order(writer: &WriteClient, path: &str) -> Result<Option<String>, AzureError> {
    writer.order(Method::POST, path, None, "id-1").await.map(|accepted| accepted.job)
}

#[tokio::test]
async fn a_question_is_asked_again_where_that_may_help() {
    let script = Script::of([
        Reply::status(503, "down"),
        Reply::HangsUp,
        Reply::BreaksOff("{\"value\":".to_owned()),
        Reply::Says(429, vec![("retry-after", "7".to_owned())], String::new()),
        Reply::ok("{\"value\": [1, 2]}"),
    ])
    .await;
    let client = script.client();
    let listed = client.list::<Value>("/x", "", "1").await.expect("the fifth answer is good");
    assert_eq!(listed.values, [json!(1), json!(2)]);
    assert_eq!(client.usage().throttled, 1);
    assert!(script.got().iter().all(|got| got.line == "GET /x?api-version=1 HTTP/1.1"), "{:?}", script.got());
}

#[tokio::test]
async fn a_question_that_is_refused_is_not_asked_again() {
    let body = r#"{"error":{"code":"AuthorizationFailed","message":"no right to perform action 'a' over scope 's'"}}"#;
    let script = Script::of([Reply::status(403, body)]).await;
    let error = script.client().get::<Value>("/x", "", "1").await.expect_err("it may not be read");
    assert!(matches!(&error, AzureError::Forbidden { code, .. } if code == "AuthorizationFailed"), "{error}");
    assert_eq!(script.got().len(), 1);
    assert!(error.help().is_some_and(|help| help.contains("Site Recovery Reader")));
}

#[tokio::test]
async fn an_order_is_never_sent_again() {
    for (reply, is_lost) in [
        (Reply::HangsUp, true),
        (Reply::status(500, "{}"), true),
        (Reply::status(503, "{}"), true),
        // A gateway says so too, whose service took the order on and did not answer in time.
        (Reply::Says(503, vec![("retry-after", "5".to_owned())], "{}".to_owned()), true),
        (Reply::Says(429, vec![("retry-after", "5".to_owned())], "{}".to_owned()), false),
    ] {
        let script = Script::of([reply.clone()]).await;
        let error = order(&writer(&script), ITEM).await.expect_err("it is not taken on");
        let told = error.of_order();
        match &told {
            ProviderError::NoAnswer { .. } => assert!(is_lost, "{reply:?}: {told}"),
            ProviderError::Busy { .. } => assert!(!is_lost, "{reply:?}: {told}"),
            other => panic!("{reply:?}: {other}"),
        }
        let asked = matches!(&reply, Reply::Says(_, headers, _) if !headers.is_empty()).then_some(5);
        assert_eq!(told.retry_after().map(|after| after.as_secs()), asked, "{reply:?}");
        assert_eq!(script.got().len(), 1, "{reply:?}");
    }
}

#[tokio::test]
async fn an_order_that_is_refused_changed_nothing() {
    let body = r#"{"error":{"code":"BadRequest","message":"m","details":[{"code":"InvalidFailoverDirection","message":"wrong way"}]}}"#;
    let script = Script::of([Reply::status(400, body)]).await;
    let error = order(&writer(&script), ITEM).await.expect_err("it is refused");
    match error.of_order() {
        ProviderError::Refused { code, message } => {
            assert_eq!((code.as_str(), message.as_str()), ("InvalidFailoverDirection", "wrong way"));
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_job_of_an_order_is_the_last_part_of_its_links() {
    let link = "https://centraluseuap.management.azure.com/Subscriptions/s/x/replicationOperationStatus/j-1?api-version=2021-06-01&t=1&s=2";
    for headers in [
        vec![("azure-asyncoperation", link.to_owned())],
        vec![("location", link.replace("replicationOperationStatus", "operationresults"))],
        vec![
            ("x-ms-request-id", "/Subscriptions/s/replicationJobs/j-1".to_owned()),
            ("x-ms-request-id", "r 1/1/2020".to_owned()),
        ],
    ] {
        let script = Script::of([Reply::Says(202, headers, String::new())]).await;
        assert_eq!(order(&writer(&script), ITEM).await.expect("it is taken on").as_deref(), Some("j-1"));
        let got = &script.got()[0];
        assert!(got.head.contains("x-ms-client-request-id: id-1"), "{}", got.head);
        assert!(got.head.to_ascii_lowercase().contains("content-length: 0"), "{}", got.head);
    }
}

#[tokio::test]
async fn nothing_outside_the_vault_is_changed() {
    let script = Script::of([]).await;
    let writer = writer(&script);
    for path in [
        ITEM.replace("/v/", "/other/"),
        ITEM.replace("/rg/", "/other/"),
        ITEM.replace("/v/x/", "/v/../other/"),
        ITEM.replace("/v/x/", "/v/%2e%2e/other/"),
        ITEM.replace("/v/x/", "/v/%2E./other/"),
        ITEM.replace("/v/x/", "/v/.%2e/other/"),
        ITEM.replace("/v/x/", "/v\\..\\other/"),
        ITEM.replace("/v/x/", "/v/..%2fother/"),
        ITEM.replace("/v/x/", "/v/x/%2e%2E%5c..%2Fother/"),
        ITEM.replace("/v/x/", "/v/.\t./other/"),
        ITEM.replace("/failoverCommit", "/.."),
        ITEM.replace("/x/", "/x?other=/"),
        ITEM.replace("/x/", "/x#/"),
        format!("http://127.0.0.1:9{ITEM}"),
        "/subscriptions/s".to_owned(),
    ] {
        let error = order(&writer, &path).await.expect_err(&path);
        assert!(matches!(error, AzureError::Unresolved { .. }), "{error}");
    }
    assert!(script.got().is_empty());
}

#[tokio::test]
async fn a_link_that_leads_elsewhere_is_not_followed() {
    for link in ["https://evil.example/page?token=1", "http://127.0.0.1:1/page"] {
        let script = Script::of([Reply::ok(json!({"value": [], "nextLink": link}).to_string())]).await;
        let error = script.client().list::<Value>("/x", "", "1").await.expect_err("it leads elsewhere");
        assert!(matches!(error, AzureError::Astray { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_list_is_read_to_its_end_over_empty_pages() {
    let script = Script::of([]).await;
    let page = |at: u32, values: Value| {
        let link = format!("{}/x?api-version=9&$skipToken=p{at}%3D", script.url);
        Reply::ok(json!({"value": values, "nextLink": link}).to_string())
    };
    for reply in [
        page(1, json!([1])),
        page(2, json!([])),
        page(3, json!(null)),
        Reply::ok(r#"{"value":[2],"nextLink":null}"#),
    ] {
        script.add(reply);
    }
    let listed = script.client().list::<Value>("/x", "$filter=a%20eq%20'b'", "1").await.expect("it ends");
    assert_eq!((listed.values, listed.pages), (vec![json!(1), json!(2)], 4));
    let lines: Vec<String> = script.got().into_iter().map(|got| got.line).collect();
    assert_eq!(lines[0], "GET /x?api-version=1&$filter=a%20eq%20%27b%27 HTTP/1.1");
    assert_eq!(lines[3], "GET /x?api-version=9&$skipToken=p3%3D HTTP/1.1", "a link is followed as it stands");
}

#[tokio::test]
async fn a_list_of_seven_hundred_pages_is_read_to_its_end() {
    let script = Script::of([]).await;
    for at in 1..=700 {
        let link = (at < 700).then(|| format!("{}/x?api-version=1&$skipToken={at}", script.url));
        script.add(Reply::ok(json!({"value": [at], "nextLink": link}).to_string()));
    }
    let client = script.client();
    let listed = client.list::<Value>("/x", "", "1").await.expect("it ends");
    assert_eq!((listed.pages, listed.values.last()), (700, Some(&json!(700))));
    assert_eq!(client.usage().reads, 700, "each is asked for once");
}

#[tokio::test]
async fn a_list_that_goes_in_circles_ends_with_an_error() {
    let script = Script::of([]).await;
    for _ in 0..3 {
        let link = format!("{}/x?api-version=1", script.url);
        script.add(Reply::ok(json!({"value": [1], "nextLink": link}).to_string()));
    }
    let error = script.client().list::<Value>("/x", "", "1").await.expect_err("it does not end");
    assert!(matches!(error, AzureError::Endless { .. }), "{error}");
    assert_eq!(script.got().len(), 1);
}

#[tokio::test]
async fn what_is_no_json_is_an_error_that_says_where() {
    let script = Script::of((0..5).map(|_| Reply::ok("<html>sign in</html>"))).await;
    let error = script.client().get::<Value>("/vaults/v", "", "1").await.expect_err("no JSON");
    let text = error.to_string();
    assert!(text.starts_with("GET /vaults/v?api-version=1: the answer can't be read"), "{text}");
}

#[tokio::test]
async fn a_service_that_is_not_there_was_sent_nothing() {
    let script = Script::of([]).await;
    let client = {
        let mut gone = script;
        gone.url = "http://127.0.0.1:9".to_owned();
        WriteClient::new(gone.client(), Consent::to_change(vault()))
    };
    let error = order(&client, ITEM).await.expect_err("nobody is there");
    assert!(matches!(error, AzureError::Unreachable { .. }), "{error}");
    assert!(matches!(error.of_order(), ProviderError::Busy { .. }));
}

#[tokio::test]
async fn no_error_and_no_debug_form_shows_the_token_or_a_signature() {
    let leak = format!(
        "bad token eyJ{CANARY}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa see https://x/y?sig={CANARY}"
    );
    for status in [400, 401, 403, 404, 409, 429, 500] {
        let body = json!({"error": {"code": "C", "message": leak}}).to_string();
        let script = Script::of((0..5).map(|_| Reply::status(status, body.clone()))).await;
        let writer = writer(&script);
        let shown = format!("{writer:?} {:?}", script.client());
        assert!(!shown.contains(CANARY), "{shown}");
        let error = order(&writer, ITEM).await.expect_err("no success");
        let shown = format!("{error} {error:?} {}", error.clone().of_order());
        assert!(!shown.contains(CANARY), "{shown}");
        let got = &script.got()[0];
        assert!(got.head.contains(CANARY), "the token is sent, though");
    }
}
