//! Runs tell those whom their plan and the settings name, and are none the slower or worse for it.

use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::sync::mpsc;

use failback::id::RunId;
use failback::journal::Database;
use serde_json::Value;

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

/// Answers every request with 200, and hands on their bodies.
fn listener() -> (u16, mpsc::Receiver<Value>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let mut stream = BufReader::new(stream);
            let mut length = 0;
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).unwrap_or(0) <= 2 {
                    break;
                }
                if let Some(found) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = found.trim().parse().expect("a number");
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).expect("the body comes");
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.get_mut().write_all(answer).expect("the answer goes");
            if tell.send(serde_json::from_slice(&body).expect("JSON")).is_err() {
                return;
            }
        }
    });
    (port, told)
}

fn folder(notify: &str) -> Folder {
    let plan = format!("{CLASSIC_PLAN}\n{notify}");
    Folder::with(&[("classic.plan.yaml", &plan), ("classic.inventory.yaml", CLASSIC_INVENTORY)])
}

const RUN: [&str; 5] = ["run", "classic.plan.yaml", "--speed", "max", "--auto-approve"];

#[test]
fn a_run_tells_whom_plan_and_settings_name_and_carries_the_head_of_its_journal() {
    let (of_plan, told) = listener();
    let (of_settings, more) = listener();
    let folder = folder(&format!(
        "notify:\n  - {{events: [start, approval_needed, success], http: {{url: \"http://127.0.0.1:{of_plan}/\"}}}}\n"
    ));
    let settings = format!(
        "kind: Settings\nversion: 1\nnotify:\n  - {{events: [success], webhook: {{url: \"http://127.0.0.1:{of_settings}/\", body: {{text: \"{{{{ plan.name }}}} {{{{ run.outcome }}}}\"}}}}}}\n"
    );
    folder.write("failback.yaml", settings.as_bytes());
    let ended = folder.run(&[&RUN[..], &["--real-actions", "--settings", "failback.yaml"]].concat());
    assert_eq!(ended.exit, 0, "{}", ended.said());
    assert!(!ended.err.contains("warning"), "{}", ended.said());
    let notices: Vec<Value> = told.try_iter().collect();
    let events: Vec<&str> = notices.iter().filter_map(|notice| notice["event"].as_str()).collect();
    assert_eq!((events.first(), events.last()), (Some(&"start"), Some(&"success")), "{events:?}");
    assert_eq!(more.try_iter().collect::<Vec<_>>(), [serde_json::json!({"text": "classic success"})]);
    let last = notices.last().expect("the end was told");
    let run = RunId::new(last["run"]["id"].as_str().expect("an id"));
    let database = Database::open_to_read(&folder.path().join(".failback/failback.db")).expect("it is there");
    let (_, head) = database.head(&run).expect("the run is kept");
    assert_eq!(last["run"]["head"], head);
}

#[test]
fn a_run_of_the_emulator_tells_nobody() {
    let (port, told) = listener();
    let folder = folder(&format!(
        "notify: [{{events: [start, success], http: {{url: \"http://127.0.0.1:{port}/\"}}}}]\n"
    ));
    assert_eq!(folder.run(&RUN).exit, 0);
    assert_eq!(told.try_iter().count(), 0);
}

#[test]
fn a_notice_that_nobody_takes_is_told_and_changes_no_outcome() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
    let port = listener.local_addr().expect("it is bound").port();
    // It refuses for good, so that the test need not wait for further attempts.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let mut some = [0; 1024];
            let _ = stream.read(&mut some);
            let _ = stream.write_all(b"HTTP/1.1 404 no\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    let folder = folder(&format!(
        "notify: [{{events: [success], http: {{url: \"http://127.0.0.1:{port}/T0/secret\"}}}}]\n"
    ));
    let ended = folder.run(&[&RUN[..], &["--real-actions"]].concat());
    assert_eq!(ended.exit, 0, "{}", ended.said());
    let warning = format!("warning: a notice was not delivered to http://127.0.0.1:{port}: ");
    assert!(ended.err.contains(&warning) && !ended.err.contains("secret"), "{}", ended.said());
}

#[test]
fn settings_that_can_not_be_read_begin_no_run() {
    let folder = folder("");
    let ended = folder.run(&[&RUN[..], &["--real-actions", "--settings", "none.yaml"]].concat());
    assert_eq!(ended.exit, 2, "{}", ended.said());
    let events = folder.run(&["logs", "--events"]);
    assert!(!events.out.contains("run_started"), "{}", events.said());
}
