//! Who gets into the dashboard, and what keeps everybody else out.

use jiff::SignedDuration;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::lab::CLASSIC;
use crate::lab::world;
use crate::served::APPROVER;
use crate::served::OPERATOR;
use crate::served::RUN;
use crate::served::Served;
use crate::served::VIEWER;
use crate::served::bearer;
use crate::served::serve;

async fn served() -> Served {
    serve(&world(CLASSIC.0, CLASSIC.1), &[]).await
}

#[tokio::test]
async fn nobody_sees_anything_without_a_token() {
    let served = served().await;
    for path in
        ["/api/v1/runs", "/api/v1/plans", "/api/v1/openapi.json", "/metrics", "/api/v1/runs/r1/stream"]
    {
        let answer = served.ask(&format!("GET {path}"), &[], "").await;
        assert_eq!((answer.status, answer.header("www-authenticate").is_some()), (401, true), "{path}");
    }
    for path in ["/", "/runs", "/runs/r1", "/drills", "/findings", "/plans/erp", "/runs/r1/report/content"] {
        let answer = served.ask(&format!("GET {path}"), &[], "").await;
        let location = answer.header("location").unwrap_or_default();
        assert!(answer.status == 303 && location.starts_with("/login?next=%2F"), "{path}: {answer:?}");
    }
    for path in ["/healthz", "/readyz"] {
        let answer = served.ask(&format!("GET {path}"), &["Host: 10.1.2.3:80"], "").await;
        assert_eq!(answer.status, 200, "a kubelet asks by any name: {path}");
    }
}

#[tokio::test]
async fn a_wrong_token_is_refused_and_ten_that_begin_alike_lock_nobody_else_out() {
    let served = served().await;
    for _ in 0..5 {
        assert_eq!(served.get("/api/v1/runs", "viewer-token-9876543210").await.status, 401);
        let answer = served.ask("POST /login", &[], "token=viewer-token-9876543210").await;
        assert!(answer.status == 401 && answer.header("set-cookie").is_none(), "{answer:?}");
        assert!(!answer.body.contains("viewer-token"), "what was typed is not shown");
        let is_form = answer.body.contains("role=\"alert\"") && answer.body.contains("name=\"token\"");
        assert!(is_form, "the form says so, and is there again: {}", answer.body);
    }
    let answer = served.ask("POST /login", &[], &format!("token={VIEWER}")).await;
    assert!(answer.status == 429 && answer.header("retry-after").is_some(), "{answer:?}");
    assert_eq!(served.get("/api/v1/runs", VIEWER).await.status, 429);
    // Whoever comes from the same address, as all do behind a proxy, gets in.
    assert_eq!(served.get("/api/v1/runs", crate::served::OPERATOR).await.status, 200);
    let answer = served.ask("POST /login", &[], &format!("token={}", crate::served::DBA)).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    served.clock.moves(SignedDuration::from_secs(61));
    assert_eq!(served.get("/api/v1/runs", VIEWER).await.status, 200);
}

#[tokio::test]
async fn a_session_is_a_cookie_that_no_script_and_no_other_site_can_use() {
    let served = served().await;
    let answer = served.ask("POST /login", &[], &format!("token={VIEWER}&next=//evil.example")).await;
    let cookie = answer.header("set-cookie").expect("a session").to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert_eq!(answer.header("location"), Some("/"), "nobody is sent elsewhere");
    let value = cookie.split(['=', ';']).nth(1).expect("a value");
    assert_eq!(value.len(), 43, "256 bits: {value}");

    let (cookie, _) = served.sign_in(VIEWER).await;
    assert_eq!(served.ask("GET /runs", &[&cookie], "").await.status, 200);
    served.clock.moves(SignedDuration::from_mins(59));
    assert_eq!(served.ask("GET /runs", &[&cookie], "").await.status, 200, "it is used");
    served.clock.moves(SignedDuration::from_mins(61));
    assert_eq!(served.ask("GET /runs", &[&cookie], "").await.status, 303, "nobody used it for an hour");
}

#[tokio::test]
async fn an_unsafe_request_of_a_session_repeats_the_token_of_its_pages() {
    let served = served().await;
    let (cookie, csrf) = served.sign_in(OPERATOR).await;
    let (_, other) = served.sign_in(OPERATOR).await;
    let order = json!({"order": "cancel", "failovers": false}).to_string();
    let path = format!("POST /api/v1/runs/{RUN}/orders");
    for wrong in [&[cookie.as_str()][..], &[&cookie, "X-CSRF-Token: "], &[&cookie, &other]] {
        let answer = served.ask(&path, wrong, &order).await;
        assert_eq!(
            (answer.status, answer.json()["error"]["code"].clone()),
            (403, json!("csrf")),
            "{wrong:?}"
        );
    }
    assert_eq!(served.ask("POST /logout", &[&cookie], "").await.status, 403);
    assert!(served.letters().is_empty());
    // The run has not begun: the order is judged, which is as far as it should get.
    let answer = served.ask(&path, &[&cookie, &csrf], &order).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(served.ask("POST /logout", &[&cookie, &csrf], "").await.status, 303);
    assert_eq!(served.ask("GET /runs", &[&cookie], "").await.status, 303, "it has ended");
}

#[tokio::test]
async fn another_name_another_origin_and_another_site_are_refused() {
    let served = served().await;
    let (token, own) = (bearer(VIEWER), format!("http://{}", served.address));
    let status = async |what: &str, headers: &[&str]| served.ask(what, headers, "").await.status;
    for host in ["evil.example", "127.0.0.1:1", "localhost", "failback.corp.example.evil.example", ""] {
        let host = format!("Host: {host}");
        assert_eq!(status("GET /api/v1/runs", &[&token, &host]).await, 421, "{host}");
        assert_eq!(status("GET /login", &[&host]).await, 421, "{host}");
    }
    assert_eq!(status("GET /api/v1/runs", &[&token, "Host: failback.corp.example"]).await, 200);
    let two = [token.as_str(), "Host: failback.corp.example", "Host: evil.example"];
    assert!([400, 421].contains(&status("GET /api/v1/runs", &two).await));
    assert_eq!(status("GET http://evil.example/api/v1/runs", &[&token]).await, 421);
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        let origin = format!("Origin: {origin}");
        for what in ["GET /api/v1/runs", "GET /api/v1/runs/r1/stream", "POST /api/v1/drills", "POST /login"] {
            assert_eq!(status(what, &[&token, &origin]).await, 403, "{what} from {origin}");
        }
    }
    assert_eq!(status("GET /api/v1/runs", &[&token, &format!("Origin: {own}")]).await, 200);
    assert_eq!(status("POST /login", &["Sec-Fetch-Site: cross-site"]).await, 403);
    let preflight = served.ask("OPTIONS /api/v1/runs", &["Origin: http://evil.example"], "").await;
    assert!(preflight.header("access-control-allow-origin").is_none() && preflight.status == 403);
}

#[tokio::test]
async fn each_role_does_its_own_and_no_more() {
    let served = served().await;
    let cancel = json!({"order": "cancel", "failovers": false});
    for token in [VIEWER, APPROVER] {
        let answer = served.order(token, &cancel).await;
        assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (403, json!("role")), "{token}");
        let answer = served.ask("POST /api/v1/drills", &[&bearer(token)], r#"{"plan": "erp"}"#).await;
        assert_eq!(answer.status, 403);
    }
    assert!(served.letters().is_empty());
    assert_eq!(served.order(OPERATOR, &cancel).await.status, 202);
    let answer = served.ask("POST /api/v1/drills", &[&bearer(OPERATOR)], r#"{"plan": "erp"}"#).await;
    assert_eq!((answer.status, answer.json()["by"].clone()), (202, json!("operator")));
    let strange = r#"{"plan": "erp", "command": ["rm"]}"#;
    assert_eq!(served.ask("POST /api/v1/drills", &[&bearer(OPERATOR)], strange).await.status, 400);
}

#[tokio::test]
async fn no_path_leads_out() {
    let served = served().await;
    let paths = [
        "/assets/../../../etc/passwd",
        "/assets/..%2f..%2f..%2fetc%2fpasswd",
        "/assets/%2e%2e%2fapp.css",
        "/assets/%2Fetc%2Fpasswd",
        "/runs/..%2F..%2F..%2Fetc",
        "/runs/..%2F..%2F..%2Fetc/report/content",
        "/api/v1/runs/%2e%2e%2f%2e%2e%2fstate/events",
        "/api/v1/runs/r1%00/events",
        "/api/v1/runs/latest",
        "/plans/..%2F..%2Fetc%2Fpasswd",
        "//etc/passwd",
        "/nothing",
    ];
    for path in paths {
        let answer = served.get(path, VIEWER).await;
        assert!(matches!(answer.status, 400 | 404), "{path}: {answer:?}");
        assert!(!answer.body.contains("root:"), "{path}");
    }
    assert_eq!(served.get("/assets/app.css", VIEWER).await.status, 200);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_read() {
    let served = served().await;
    let head =
        format!("POST /api/v1/drills HTTP/1.1\r\nHost: {}\r\n{}\r\n", served.address, bearer(OPERATOR));
    let told = served.raw(&format!("{head}Content-Length: 100000000\r\nConnection: close\r\n\r\nx")).await;
    assert_eq!(told.status, 413, "it is refused by what it says of itself");
    let mut stream = served.connect().await;
    stream
        .write_all(format!("{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n").as_bytes())
        .await
        .expect("sent");
    let chunk = format!("{:x}\r\n{}\r\n", 16 * 1024, "x".repeat(16 * 1024));
    for _ in 0..6 {
        // The server may have had enough before.
        let _ = stream.write_all(chunk.as_bytes()).await;
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer));
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(100_000));
    assert!(matches!(served.raw(&long).await.status, 414 | 431));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_slow_is_given_up() {
    let served = served().await;
    let began = tokio::time::Instant::now();
    let head = served.raw("GET / HTTP/1.1\r\nHost: ").await;
    assert!(matches!(head.status, 0 | 408), "{head:?}");
    let mut body = served.connect().await;
    let text =
        format!("POST /login HTTP/1.1\r\nHost: {}\r\nContent-Length: 100\r\n\r\ntoken=", served.address);
    body.write_all(text.as_bytes()).await.expect("sent");
    let mut answer = [0; 12];
    body.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 408");
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

#[tokio::test]
async fn every_answer_keeps_strange_scripts_and_frames_away_and_no_page_holds_a_secret() {
    let served = served().await;
    let (cookie, csrf) = served.sign_in(OPERATOR).await;
    let session = cookie.split('=').nth(1).expect("a value");
    for path in [
        "/",
        "/login",
        "/runs",
        "/runs/r1",
        "/runs/r1/report",
        "/plans/erp",
        "/findings",
        "/drills",
        "/nothing",
    ] {
        let answer = served.ask(&format!("GET {path}"), &[&cookie], "").await;
        let policy = answer.header("content-security-policy").expect("one");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert!(!answer.body.contains(session) && !answer.body.contains(OPERATOR), "{path}");
        assert!(!answer.body.contains("erp <script>"), "{path}: names are escaped");
        assert!(answer.body.len() < 2_000_000, "{path}");
        assert_eq!(
            answer.body.contains(csrf.split(' ').nth(1).expect("a value")),
            !path.is_empty(),
            "{path}"
        );
    }
    let report = served.ask("GET /runs/r1/report/content", &[&cookie], "").await;
    let policy = report.header("content-security-policy").expect("one");
    assert!(policy.starts_with("sandbox;") && policy.contains("default-src 'none'"), "{policy}");
    assert!(!policy.contains("script-src"), "no script of a report runs");
}
