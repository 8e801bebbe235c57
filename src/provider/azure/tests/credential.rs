//! Credentials: what each source asks, in which order, and that no secret is shown.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::json;

use crate::provider::azure::AzureError;
use crate::provider::azure::Choice;
use crate::provider::azure::Credential;
use crate::provider::azure::CredentialError;
use crate::provider::azure::ReadClient;
use crate::provider::azure::tests::CANARY;
use crate::provider::azure::tests::Reply;
use crate::provider::azure::tests::Script;

fn token(text: &str, seconds: u32) -> Reply {
    Reply::ok(json!({"token_type": "Bearer", "expires_in": seconds, "access_token": text}).to_string())
}

fn client(
    script: &Script,
    choice: Choice,
    variables: &[(&str, &str)],
) -> Result<ReadClient, CredentialError> {
    let lookup =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let credential = Credential::of_environment(choice, &script.cloud(), &lookup)?;
    let shown = format!("{credential:?}");
    assert!(!shown.contains(CANARY), "{shown}");
    Ok(script.client_with(credential))
}

const PRINCIPAL: [(&str, &str); 3] =
    [("AZURE_TENANT_ID", "t-1"), ("AZURE_CLIENT_ID", "app"), ("AZURE_CLIENT_SECRET", CANARY)];

#[tokio::test]
async fn a_secret_is_sent_to_the_token_service_and_the_token_to_the_manager() {
    let script = Script::of([token("tok", 3599), Reply::ok("1"), Reply::ok("2")]).await;
    let client = client(&script, Choice::Environment, &PRINCIPAL).expect("everything is named");
    for expected in [1, 2] {
        assert_eq!(client.get::<Value>("/x", "", "1").await.expect("an answer"), json!(expected));
    }
    let got = script.got();
    assert_eq!(got[0].line, "POST /t-1/oauth2/v2.0/token HTTP/1.1");
    assert_eq!(
        got[0].body,
        format!(
            "grant_type=client_credentials&client_id=app&scope=https%3A%2F%2Fmanagement.azure.com%2F.default&client_secret={CANARY}"
        )
    );
    assert_eq!(got.len(), 3, "one token serves both");
    assert!(got[1].head.contains("authorization: Bearer tok"), "{}", got[1].head);
    assert!(!got[1].head.contains(CANARY));
}

#[tokio::test]
async fn a_token_that_was_turned_away_is_replaced_once() {
    let turned_away =
        || Reply::status(401, r#"{"error":{"code":"ExpiredAuthenticationToken","message":"m"}}"#);
    let script = Script::of([token("old", 3599), turned_away(), token("new", 3599), Reply::ok("1")]).await;
    let reader = client(&script, Choice::Environment, &PRINCIPAL).expect("everything is named");
    assert_eq!(reader.get::<Value>("/x", "", "1").await.expect("an answer"), json!(1));
    assert!(script.got()[3].head.contains("authorization: Bearer new"));
    let script = Script::of([token("old", 3599), turned_away(), token("new", 3599), turned_away()]).await;
    let reader = client(&script, Choice::Environment, &PRINCIPAL).expect("everything is named");
    let error = reader.get::<Value>("/x", "", "1").await.expect_err("the second one is no better");
    assert!(matches!(error, AzureError::Denied { .. }), "{error}");
    assert_eq!(script.got().len(), 4);
}

#[tokio::test]
async fn a_claims_challenge_is_met_once() {
    let claims = r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#;
    let challenge = format!(r#"Bearer error="insufficient_claims", claims="{}""#, STANDARD.encode(claims));
    let denied = Reply::Says(401, vec![("www-authenticate", challenge)], "{}".to_owned());
    let script = Script::of([token("old", 3599), denied, token("new", 3599), Reply::ok("1")]).await;
    let reader = client(&script, Choice::Environment, &PRINCIPAL).expect("everything is named");
    assert_eq!(reader.get::<Value>("/x", "", "1").await.expect("an answer"), json!(1));
    assert!(script.got()[2].body.contains("&claims=%7B%22access_token%22"), "{}", script.got()[2].body);
}

#[tokio::test]
async fn a_refused_secret_says_what_to_do_and_is_not_shown() {
    let body = json!({"error": "invalid_client", "error_description": "AADSTS7000222: The provided client secret keys are expired.", "error_codes": [7_000_222]});
    let script = Script::of([Reply::status(401, body.to_string())]).await;
    let reader = client(&script, Choice::Environment, &PRINCIPAL).expect("everything is named");
    let error = reader.get::<Value>("/x", "", "1").await.expect_err("there is no token");
    assert!(error.to_string().contains("AADSTS7000222"), "{error}");
    assert!(error.help().is_some_and(|help| help.contains("has expired")), "{error}");
    assert!(!format!("{error} {error:?}").contains(CANARY));
}

#[tokio::test]
async fn a_directory_that_does_not_exist_is_told_from_a_wrong_secret_and_an_unknown_application() {
    for (code, told) in [
        ("AADSTS90002: Tenant 'x' not found.", "AZURE_TENANT_ID"),
        ("AADSTS700016: Application with identifier 'x' was not found.", "AZURE_CLIENT_ID"),
        ("AADSTS7000215: Invalid client secret provided.", "AZURE_CLIENT_SECRET"),
        ("AADSTS700024: Client assertion is not within its valid time range.", "clock"),
        ("AADSTS700027: The certificate is not registered.", "AZURE_CLIENT_CERTIFICATE_PATH"),
        ("AADSTS53003: Access has been blocked by Conditional Access policies.", "Conditional Access"),
        ("AADSTS7000112: Application 'x' is disabled.", "disabled"),
    ] {
        let body = json!({"error": "invalid_request", "error_description": code});
        let script = Script::of([Reply::status(400, body.to_string())]).await;
        let reader = client(&script, Choice::Environment, &PRINCIPAL).expect("everything is named");
        let error = reader.get::<Value>("/x", "", "1").await.expect_err("there is no token");
        assert!(error.help().is_some_and(|help| help.contains(told)), "{code}: {error}");
        assert_eq!(script.got().len(), 1, "what is refused is not asked for again");
        assert!(!format!("{error} {error:?}").contains(CANARY));
    }
}

#[tokio::test]
async fn a_federated_token_is_read_anew_from_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("token");
    std::fs::write(&path, format!("{CANARY}\n")).expect("it can be written");
    let script = Script::of([token("tok", 3599), Reply::ok("1")]).await;
    let path = path.to_string_lossy().into_owned();
    let variables = [
        ("AZURE_TENANT_ID", "t-1"),
        ("AZURE_CLIENT_ID", "app"),
        ("AZURE_FEDERATED_TOKEN_FILE", path.as_str()),
    ];
    let reader = client(&script, Choice::WorkloadIdentity, &variables).expect("everything is named");
    reader.get::<Value>("/x", "", "1").await.expect("an answer");
    let body = &script.got()[0].body;
    assert!(
        body.contains(
            "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
        ),
        "{body}"
    );
    assert!(body.ends_with(&format!("client_assertion={CANARY}")), "{body}");
}

#[tokio::test]
async fn a_certificate_signs_for_the_principal() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/provider/azure/credential/test-certificate.pem");
    let script = Script::of([token("tok", 3599), Reply::ok("1")]).await;
    let variables =
        [("AZURE_TENANT_ID", "t-1"), ("AZURE_CLIENT_ID", "app"), ("AZURE_CLIENT_CERTIFICATE_PATH", path)];
    let reader = client(&script, Choice::Environment, &variables).expect("everything is named");
    reader.get::<Value>("/x", "", "1").await.expect("an answer");
    assert!(script.got()[0].body.contains("&client_assertion=ey"), "{}", script.got()[0].body);
}

#[tokio::test]
async fn the_identity_of_an_app_service_is_asked_with_its_header() {
    let script = Script::of([]).await;
    script.add(Reply::ok(json!({"access_token": "tok", "expires_on": "1767229200"}).to_string()));
    script.add(Reply::ok("1"));
    let endpoint = format!("{}/msi/token", script.url);
    let variables = [("IDENTITY_ENDPOINT", endpoint.as_str()), ("IDENTITY_HEADER", CANARY)];
    let reader = client(&script, Choice::ManagedIdentity, &variables).expect("everything is named");
    reader.get::<Value>("/x", "", "1").await.expect("an answer");
    let got = &script.got()[0];
    assert_eq!(
        got.line,
        "GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fmanagement.azure.com%2F HTTP/1.1"
    );
    assert!(got.head.contains(&format!("x-identity-header: {CANARY}")), "{}", got.head);
}

#[tokio::test]
async fn the_identity_of_a_machine_under_arc_is_proved_by_the_file_that_its_agent_wrote() {
    let folder = tempfile::tempdir().expect("a folder");
    let tokens = folder.path().join("azcmagent/tokens");
    std::fs::create_dir_all(&tokens).expect("it can be made");
    let (own, strange) = (tokens.join("1.key"), folder.path().join("secret.key"));
    for file in [&own, &strange] {
        std::fs::write(file, format!("{CANARY}\n")).expect("it can be written");
    }
    let challenge = |file: &std::path::Path| {
        Reply::Says(401, vec![("www-authenticate", format!("Basic realm={}", file.display()))], String::new())
    };
    let script = Script::of([challenge(&own), token("tok", 3599), Reply::ok("1")]).await;
    let endpoint = format!("{}/metadata/identity/oauth2/token", script.url);
    let variables = [("IDENTITY_ENDPOINT", endpoint.as_str()), ("IMDS_ENDPOINT", "http://127.0.0.1:9")];
    let reader = client(&script, Choice::ManagedIdentity, &variables).expect("it is there");
    assert_eq!(reader.get::<Value>("/x", "", "1").await.expect("an answer"), json!(1));
    let got = script.got();
    assert!(got[0].line.contains("api-version=2020-06-01"), "{}", got[0].line);
    assert!(got[0].head.to_lowercase().contains("metadata: true"), "{}", got[0].head);
    assert!(got[1].head.contains(&format!("Basic {CANARY}")), "the file's content is the proof");
    assert!(got[2].head.contains("Bearer tok") && !got[2].head.contains(CANARY), "{}", got[2].head);

    // Whoever answers in the agent's place must not be given other files.
    let script = Script::of([challenge(&strange), token("tok", 3599)]).await;
    let endpoint = format!("{}/metadata/identity/oauth2/token", script.url);
    let variables = [("IDENTITY_ENDPOINT", endpoint.as_str()), ("IMDS_ENDPOINT", "http://127.0.0.1:9")];
    let reader = client(&script, Choice::ManagedIdentity, &variables).expect("it is there");
    let error = reader.get::<Value>("/x", "", "1").await.expect_err("that file is none of the agent's");
    assert!(error.to_string().contains("not one of the agent's"), "{error}");
    assert_eq!(script.got().len(), 1, "nothing was sent back");
}

#[tokio::test]
async fn a_source_that_fails_says_which_were_passed_over_before_it() {
    let script =
        Script::of([Reply::status(403, r#"{"error":"denied","error_description":"no way through"}"#)]).await;
    let half = [
        ("AZURE_TENANT_ID", "t-1"),
        ("AZURE_CLIENT_ID", "app"),
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST", script.url.as_str()),
    ];
    let reader = client(&script, Choice::Any, &half).expect("something is there");
    let error = reader.get::<Value>("/x", "", "1").await.expect_err("nobody has a token");
    let text = error.to_string();
    assert!(text.starts_with("managed identity") && text.contains("no way through"), "{text}");
    assert!(
        text.contains("passed over before: environment: ") && text.contains("AZURE_CLIENT_SECRET"),
        "{text}"
    );
}

#[tokio::test]
async fn a_virtual_machine_without_an_identity_leaves_it_to_the_next_source() {
    let script = Script::of([Reply::status(
        400,
        r#"{"error":"invalid_request","error_description":"Identity not found"}"#,
    )])
    .await;
    let variables =
        [("AZURE_POD_IDENTITY_AUTHORITY_HOST", script.url.as_str()), ("FAILBACK_AZ", "/nowhere/az")];
    let reader = client(&script, Choice::Any, &variables).expect("something is there");
    let error = reader.get::<Value>("/x", "", "1").await.expect_err("nobody has a token");
    let text = error.to_string();
    for part in [
        "environment: AZURE_TENANT_ID is not set",
        "workload identity: AZURE_TENANT_ID is not set",
        "Azure CLI: `/nowhere/az` is not installed",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(error.help().is_some_and(|help| help.contains("az login")));
}

#[cfg(unix)]
#[tokio::test]
async fn the_azure_cli_is_asked_for_a_token() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("az");
    let print = format!(
        r#"{{"accessToken":"{CANARY}","expires_on":4102444800,"expiresOn":"2100-01-01 00:00:00.000000"}}"#
    );
    let text = format!("#!/bin/sh\necho \"$@\" > '{}/asked'\necho '{print}'\n", folder.path().display());
    std::fs::write(&path, text).expect("it can be written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it can be made to run");
    let script = Script::of([Reply::ok("1")]).await;
    let program = path.to_string_lossy().into_owned();
    let reader = client(&script, Choice::AzureCli, &[("FAILBACK_AZ", &program)]).expect("it is named");
    reader.get::<Value>("/x", "", "1").await.expect("an answer");
    let asked = std::fs::read_to_string(folder.path().join("asked")).expect("it was run");
    assert_eq!(
        asked.trim(),
        "account get-access-token --output json --resource https://management.azure.com"
    );
    assert!(script.got()[0].head.contains(&format!("authorization: Bearer {CANARY}")));
}

/// A secret with letters that are written in another way in forms, in JSON and in XML, and a token that looks like nothing.
const ECHOED: [&str; 2] = ["s3cr~et &canary-9c/1", "opaque-canary-9c-2"];

fn echoes() -> Vec<String> {
    let [secret, token] = ECHOED;
    vec![
        format!("client_id=app&client_secret={secret}. Trace ID: x"),
        "grant_type=x&client_secret=s3cr%7Eet%20%26canary-9c%2F1".to_owned(),
        format!("the secret <b>{}</b> is wrong", secret.replace('&', "&amp;")),
        format!("the secret {secret} is wrong, and so is {token}"),
        format!("the client with Bearer {token} may not"),
        format!("Authorization:Bearer\t{token}, {}", token.to_uppercase()),
    ]
}

fn assert_gives_nothing_away(error: &AzureError) {
    let forms = [error.clone().of_order(), error.clone().of_question()];
    let shown = format!("{error} {error:?} {:?} {forms:?}", error.help()).to_lowercase();
    assert!(!shown.contains("canary-9c"), "{shown}");
}

#[tokio::test]
async fn a_server_that_repeats_what_it_was_sent_gives_nothing_away() {
    let [secret, token_text] = ECHOED;
    let principal = [("AZURE_TENANT_ID", "t-1"), ("AZURE_CLIENT_ID", "app"), ("AZURE_CLIENT_SECRET", secret)];
    for echo in echoes() {
        let described = json!({"error": "invalid_client", "error_description": echo}).to_string();
        let told = json!({"error": {"code": echo, "message": echo}}).to_string();
        let page = format!("<html>{}{echo}</html>", "x".repeat(270));
        // A token that was not given yet is nobody's.
        if !echo.contains(token_text) {
            let script = Script::of([Reply::status(401, described)]).await;
            let reader = client(&script, Choice::Environment, &principal).expect("everything is named");
            assert_gives_nothing_away(&reader.get::<Value>("/x", "", "1").await.expect_err("no token"));
        }
        for status in [400, 401, 403, 404, 409, 429, 500, 503] {
            for body in [&told, &page] {
                let script = Script::of([token(token_text, 3599)]).await;
                for _ in 0..5 {
                    script.add(Reply::status(status, body.clone()));
                    // A second token is asked for where the first is turned away.
                    script.add(if status == 401 {
                        token(token_text, 3599)
                    } else {
                        Reply::status(status, body.clone())
                    });
                }
                let reader = client(&script, Choice::Environment, &principal).expect("everything is named");
                let error = reader.get::<Value>("/x", "", "1").await.expect_err("no success");
                assert_gives_nothing_away(&error);
            }
        }
        let odd = [json!({"value": {"a": echo}, "nextLink": {"b": echo}}), json!(echo)];
        for body in odd {
            let script = Script::of([token(token_text, 3599)]).await;
            for _ in 0..5 {
                script.add(Reply::ok(body.to_string()));
            }
            let reader = client(&script, Choice::Environment, &principal).expect("everything is named");
            if let Err(error) = reader.list::<Value>("/x", "", "1").await {
                assert_gives_nothing_away(&error);
            }
        }
    }
    let script = Script::of([token(token_text, 3599)]).await;
    let link = format!("https://{token_text}.example/next?{token_text}");
    script.add(Reply::ok(json!({"value": [], "nextLink": link}).to_string()));
    let reader = client(&script, Choice::Environment, &principal).expect("everything is named");
    assert_gives_nothing_away(&reader.list::<Value>("/x", "", "1").await.expect_err("it leads elsewhere"));
}

#[tokio::test]
async fn the_header_of_an_app_service_is_not_shown_when_an_answer_repeats_it() {
    let script = Script::of([Reply::status(400, "bad header opaque-canary-9c-3 here")]).await;
    let endpoint = format!("{}/msi/token", script.url);
    let variables = [("IDENTITY_ENDPOINT", endpoint.as_str()), ("IDENTITY_HEADER", "opaque-canary-9c-3")];
    let reader = client(&script, Choice::ManagedIdentity, &variables).expect("everything is named");
    let error = reader.get::<Value>("/x", "", "1").await.expect_err("no token");
    assert!(error.to_string().contains("bad header […] here"), "{error}");
    assert_gives_nothing_away(&error);
}
