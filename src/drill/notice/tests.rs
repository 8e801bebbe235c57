//! Notices against servers of this machine that the tests write themselves.

use std::collections::BTreeMap;
use std::sync::Mutex;

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::io::AsyncBufReadExt as _;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::io::BufReader;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;
use crate::clock::Clock;
use crate::clock::FixedClock;
use crate::source::Sources;
use crate::syntax::Document;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(FixedClock(at("2026-11-23T03:00:00Z")))
}

fn notice() -> Notice {
    Notice {
        version: 1,
        event: NoticeEvent::DrillFailed,
        at: at("2026-11-23T03:00:00Z"),
        plan: "erp".into(),
        message: "drill weekly failed: RTO 5h, objective 4h".into(),
        rehearsal: true,
        run: Some(RunPart { id: "r1".into(), ..RunPart::default() }),
        drill: Some(DrillPart {
            id: "d1".into(),
            name: Some("weekly".into()),
            kind: "rehearsal".into(),
            verdict: Some("failed".into()),
        }),
    }
}

/// Returns those whom settings name.
fn recipients(settings: &str, environment: &[(&str, &str)], folder: &Path) -> Vec<Recipient> {
    let text = format!("kind: Settings\nversion: 1\n{settings}");
    let mut sources = Sources::new();
    let index = sources.add("failback.yaml", text).expect("fits");
    let mut mistakes = Vec::new();
    let documents = crate::syntax::parse(sources.get(index), &mut mistakes);
    let [Document::Settings(settings)] = &documents[..] else { panic!("{mistakes:?}") };
    let environment: BTreeMap<String, String> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    of_settings(settings, folder, &Secrets { folder, environment: &environment }).expect("all can be read")
}

/// What a server of the test was asked.
#[derive(Clone, Debug, Default, PartialEq)]
struct Asked {
    line: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// Answers requests with statuses in turn, and returns what was asked.
async fn web(statuses: Vec<u16>) -> (String, JoinHandle<Vec<Asked>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let url = format!("http://{}/hook?key=s3cret", listener.local_addr().expect("bound"));
    let task = tokio::spawn(async move {
        let mut all = Vec::new();
        for status in statuses {
            let (stream, _) = listener.accept().await.expect("asked");
            let mut stream = BufReader::new(stream);
            let mut asked = Asked::default();
            stream.read_line(&mut asked.line).await.expect("a line");
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).await.expect("a line");
                let Some((name, value)) = line.trim().split_once(": ") else { break };
                asked.headers.insert(name.to_ascii_lowercase(), value.to_owned());
            }
            let length =
                asked.headers.get("content-length").map_or(0, |length| length.parse().expect("a number"));
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.expect("the body");
            asked.body = String::from_utf8(body).expect("text");
            let answer = format!(
                "HTTP/1.1 {status} x\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await.expect("answered");
            all.push(asked);
        }
        all
    });
    (url, task)
}

#[tokio::test]
async fn a_webhook_is_signed_and_says_everything() {
    let (url, server) = web(vec![204]).await;
    let settings = format!(
        "notify: [{{events: [drill_failed], webhook: {{url: \"{url}\", secret_env: HOOK_SECRET}}}}]\n"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let post = Post::begin(recipients(&settings, &[("HOOK_SECRET", "key")], folder.path()), &clock());
    post.tell(&notice(), Some(&Head::new(|| Some("sha256:head".into()))));
    assert_eq!(post.drain().await, []);
    let asked = server.await.expect("no panic").remove(0);
    assert!(asked.line.starts_with("POST /hook?key=s3cret "), "{}", asked.line);
    let time = &asked.headers["x-failback-timestamp"];
    assert_eq!(*time, at("2026-11-23T03:00:00Z").as_second().to_string());
    let signature = sign(&SecretString::from("key"), time, asked.body.as_bytes());
    assert_eq!(asked.headers["x-failback-signature"], signature);
    let body: serde_json::Value = serde_json::from_str(&asked.body).expect("JSON");
    assert_eq!(
        body,
        serde_json::json!({
            "version": 1, "event": "drill_failed", "at": "2026-11-23T03:00:00Z", "plan": "erp",
            "message": "drill weekly failed: RTO 5h, objective 4h", "rehearsal": true,
            "run": {"id": "r1", "head": "sha256:head"},
            "drill": {"id": "d1", "name": "weekly", "kind": "rehearsal", "verdict": "failed"},
        })
    );
}

#[tokio::test]
async fn a_text_of_the_settings_is_filled_in_and_stays_within_its_bounds() {
    let (url, server) = web(vec![200]).await;
    let body = "{text: \"{{ plan.name }}: {{ notice.message }} ({{ drill.verdict }}, {{ run.step }})\"}";
    let settings =
        format!("notify: [{{events: [drill_failed], webhook: {{url: \"{url}\", body: {body}}}}}]\n");
    let folder = tempfile::tempdir().expect("a folder");
    let post = Post::begin(recipients(&settings, &[], folder.path()), &clock());
    let told = Notice { plan: "e\"rp {{ run.id }}".into(), ..notice() };
    post.tell(&told, None);
    assert_eq!(post.drain().await, []);
    let asked = server.await.expect("no panic").remove(0);
    assert!(!asked.headers.contains_key("x-failback-signature"));
    let body: serde_json::Value = serde_json::from_str(&asked.body).expect("JSON");
    let expected = "e\"rp {{ run.id }}: drill weekly failed: RTO 5h, objective 4h (failed, )";
    assert_eq!(body, serde_json::json!({"text": expected}));
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not() {
    let (url, server) = web(vec![503, 200]).await;
    let (other, refusing) = web(vec![302]).await;
    let settings = format!(
        "notify: [{{events: [drill_failed], webhook: {{url: \"{url}\"}}}}, {{events: [drill_failed], webhook: {{url: \"{other}\"}}}}]\n"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let post = Post::begin(recipients(&settings, &[], folder.path()), &clock());
    post.tell(&notice(), None);
    let failures = post.drain().await;
    assert_eq!(server.await.expect("no panic").len(), 2);
    assert_eq!(refusing.await.expect("no panic").len(), 1, "where it leads is not asked");
    let origin = other.split("/hook").next().expect("an origin");
    let expected = Failure { recipient: origin.to_owned(), message: format!("{origin} answered 302") };
    assert_eq!(failures, [expected], "the key in the address is not told");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_takes_is_given_up_and_keeps_nobody_waiting() {
    // Nobody listens there.
    let settings = "notify: [{events: [drill_failed], webhook: {url: \"http://127.0.0.1:1/\"}}]\n";
    let folder = tempfile::tempdir().expect("a folder");
    let post = Post::begin(recipients(settings, &[], folder.path()), &clock());
    let began = tokio::time::Instant::now();
    for _ in 0..200 {
        post.tell(&notice(), None);
    }
    assert_eq!(began.elapsed(), std::time::Duration::ZERO);
    assert_eq!(post.failures().len(), 200 - 64, "what waits is bounded");
    let failures = post.drain().await;
    assert!(began.elapsed() <= std::time::Duration::from_secs(36), "{:?}", began.elapsed());
    assert!(!failures.is_empty() && failures.iter().all(|failure| failure.recipient == "http://127.0.0.1:1"));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_not_told_in_time_is_named_each_with_its_reason() {
    // Each of the two has one that waits behind it, and so nobody is done when the time is over.
    let settings = "notify:\n  - {events: [drill_failed], webhook: {url: \"http://127.0.0.1:1/a\"}}\n  - {events: [drill_failed], webhook: {url: \"http://127.0.0.2:1/b\"}}\n";
    let folder = tempfile::tempdir().expect("a folder");
    let post = Post::begin(recipients(settings, &[], folder.path()), &clock());
    post.tell(&notice(), None);
    post.tell(&notice(), None);
    let mut failures = post.drain().await;
    failures.retain(|failure| failure.message.contains("not told within"));
    failures.sort_by(|one, other| one.recipient.cmp(&other.recipient));
    assert_eq!(failures.len(), 2, "{failures:#?}");
    for (failure, host) in failures.iter().zip(["http://127.0.0.1:1", "http://127.0.0.2:1"]) {
        assert_eq!(failure.recipient, host);
        assert!(
            !failure.message.starts_with(';') && failure.message.ends_with("; not told within 35 s"),
            "{failure:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn only_those_are_told_who_asked_for_it() {
    let settings = "notify:\n  - {events: [failure], webhook: {url: \"http://127.0.0.1:1/\"}}\n  - {events: [drill_failed], plans: [other], webhook: {url: \"http://127.0.0.1:1/\"}}\n";
    let folder = tempfile::tempdir().expect("a folder");
    let post = Post::begin(recipients(settings, &[], folder.path()), &clock());
    post.tell(&notice(), None);
    assert_eq!(post.drain().await, []);
}

/// Speaks SMTP with one client, offers what it is told to, and returns what the client said.
async fn smtp(offers: &'static str) -> (u16, Arc<Mutex<Vec<String>>>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let port = listener.local_addr().expect("bound").port();
    let said = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&said);
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("asked");
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 test ESMTP\r\n").await.expect("said");
        let mut in_data = false;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end().to_owned();
            let answer = match line.as_str() {
                "." if in_data => {
                    in_data = false;
                    "250 taken".to_owned()
                }
                _ if in_data => String::new(),
                "DATA" => {
                    in_data = true;
                    "354 go on".to_owned()
                }
                "QUIT" => "221 bye".to_owned(),
                hello if hello.starts_with("EHLO") => format!("250-test\r\n{offers}250 8BITMIME"),
                auth if auth.starts_with("AUTH") => "235 welcome".to_owned(),
                _ => "250 ok".to_owned(),
            };
            kept.lock().expect("no panic").push(line);
            if !answer.is_empty() {
                stream.write_all(format!("{answer}\r\n").as_bytes()).await.expect("said");
            }
        }
    });
    (port, said, task)
}

#[tokio::test]
async fn a_mail_is_sent_through_a_server_of_this_machine() {
    let (port, said, _server) = smtp("250-AUTH PLAIN\r\n").await;
    let settings = format!(
        "smtp: {{host: 127.0.0.1, port: {port}, tls: none, from: failback@corp.example, username: u, password_file: pass}}\nnotify: [{{events: [drill_failed], email: {{to: [dr@corp.example, ops@corp.example]}}}}]\n"
    );
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("pass"), "hunter2\n").expect("written");
    let post = Post::begin(recipients(&settings, &[], folder.path()), &clock());
    let told = Notice { message: "it failed\nBcc: evil@example".into(), ..notice() };
    post.tell(&told, None);
    assert_eq!(post.drain().await, []);
    let said = said.lock().expect("no panic").clone();
    let has = |wanted: &str| said.iter().any(|line| line.contains(wanted));
    for wanted in
        ["MAIL FROM:<failback@corp.example>", "RCPT TO:<dr@corp.example>", "RCPT TO:<ops@corp.example>"]
    {
        assert!(has(wanted), "{wanted} in {said:#?}");
    }
    assert!(has("Subject: ") && has("verdict"), "{said:#?}");
    assert!(!said.iter().any(|line| line.starts_with("Bcc:")), "a name begins no header: {said:#?}");
}

#[tokio::test]
async fn no_password_is_told_to_a_server_without_starttls() {
    let (port, said, _server) = smtp("250-AUTH PLAIN\r\n").await;
    let settings = format!(
        "smtp: {{host: 127.0.0.1, port: {port}, from: failback@corp.example, username: u, password_env: P}}\nnotify: [{{events: [drill_failed], email: {{to: [dr@corp.example]}}}}]\n"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let [recipient] = &recipients(&settings, &[("P", "hunter2")], folder.path())[..] else { panic!("one") };
    let failed = recipient.tell(&notice(), clock().now()).await.expect_err("it offers no STARTTLS");
    assert!(
        failed.message.starts_with("127.0.0.1 did not take the mail") && !failed.message.contains("hunter2")
    );
    let said = said.lock().expect("no panic").clone();
    assert!(!said.iter().any(|line| line.contains("AUTH") || line.contains("MAIL")), "{said:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_command_is_given_the_notice_and_no_secrets() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings =
        "notify: [{events: [drill_failed], command: [sh, -c, \"cat > told.json; env > env.txt\"]}]\n";
    let environment = [("PATH", "/usr/bin:/bin"), ("ARM_CLIENT_SECRET", "hunter2")];
    let post = Post::begin(recipients(settings, &environment, folder.path()), &clock());
    post.tell(&notice(), None);
    assert_eq!(post.drain().await, []);
    let told = std::fs::read_to_string(folder.path().join("told.json")).expect("written");
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["drill"]["verdict"], "failed");
    let environment = std::fs::read_to_string(folder.path().join("env.txt")).expect("written");
    assert!(!environment.contains("hunter2"), "{environment}");
}

#[test]
fn a_secret_that_is_not_there_is_told_before_anything_happens() {
    let folder = tempfile::tempdir().expect("a folder");
    let environment = BTreeMap::from([(SECRET_FILE_VARIABLE.to_owned(), "none".to_owned())]);
    let secrets = Secrets { folder: folder.path(), environment: &environment };
    assert!(matches!(
        secrets.of_environment(SECRET_VARIABLE, SECRET_FILE_VARIABLE),
        Err(SecretError::File(_))
    ));
    let spanned = crate::source::Spanned::bare("HOOK".to_owned());
    let error = secrets.of(None, Some(&spanned)).expect_err("it is not set");
    assert_eq!(error.to_string(), "the environment variable HOOK is not set");
    std::fs::write(folder.path().join("empty"), "\n").expect("written");
    let spanned = crate::source::Spanned::bare("empty".to_owned());
    assert!(matches!(secrets.of(Some(&spanned), None), Err(SecretError::Empty(_))));
}
