//! What the dashboard tells of a run that goes on, and what becomes of the orders that it takes.

use std::time::Duration;

use failback::event::KnownAs;
use failback::event::Order;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::lab::CLASSIC;
use crate::lab::World;
use crate::lab::world;
use crate::served::APPROVER;
use crate::served::DBA;
use crate::served::OPERATOR;
use crate::served::RUN;
use crate::served::Served;
use crate::served::VIEWER;
use crate::served::bearer;
use crate::served::serve;

/// Returns a plan that asks a role for an answer, and the events of a run of it.
fn signed() -> (World, Vec<RunEvent>) {
    let action = "actions:\n  - {name: sign, before: {phase: commit, of: w1}, manual: {prompt: Fine, approvers: [dba]}}\n";
    let world = world(&format!("{}{action}", CLASSIC.0), CLASSIC.1);
    let events = world.simulate().events;
    (world, events)
}

fn asks(events: &[RunEvent], step: &str) -> usize {
    let is_it = |event: &RunEvent| match &event.kind {
        RunEventKind::ApprovalAsked { step: asking, .. } => asking.as_str() == step,
        _ => false,
    };
    events.iter().position(is_it).unwrap_or_else(|| panic!("{step} is asked about"))
}

/// What a browser's `EventSource` does.
struct Stream {
    connection: TcpStream,
    read: String,
}

impl Stream {
    async fn of(served: &Served, headers: &str) -> Self {
        let mut connection = served.connect().await;
        let text = format!(
            "GET /api/v1/runs/{RUN}/stream HTTP/1.1\r\nHost: {}\r\n{}\r\n{headers}\r\n",
            served.address,
            bearer(VIEWER)
        );
        connection.write_all(text.as_bytes()).await.expect("sent");
        Self { connection, read: String::new() }
    }

    /// Returns the id and the data of the next event; `None` if the stream ends.
    async fn next(&mut self) -> Option<(u64, Value)> {
        loop {
            if let Some(at) = self.read.find("event: run\ndata: ")
                && let Some(end) = self.read[at..].find("\n\n")
            {
                let line = |mark: &str, text: &str| {
                    let from = text.find(mark).map(|at| at + mark.len())?;
                    Some(text[from..].lines().next().unwrap_or_default().to_owned())
                };
                // The pieces of a chunked answer are cut where the server likes: the data is one line of its own.
                let id = line("id: ", &self.read[..at]).and_then(|id| id.parse().ok()).expect("an id");
                let data = line("data: ", &self.read[at..]).expect("data");
                self.read.drain(..at + end + 2);
                return Some((id, serde_json::from_str(&data).expect("JSON")));
            }
            let mut bytes = vec![0; 64 * 1024];
            match self.connection.read(&mut bytes).await {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.read.push_str(&String::from_utf8_lossy(&bytes[..count])),
            }
        }
    }
}

fn steps(data: &Value) -> usize {
    data["steps"].as_array().expect("steps").len()
}

#[tokio::test]
async fn a_stream_tells_what_happens_and_goes_on_where_a_reader_was() {
    let (world, events) = signed();
    let (first, rest) = events.split_at(events.len() / 2);
    let served = serve(&world, first).await;
    let mut stream = Stream::of(&served, "").await;
    let (id, all) = stream.next().await.expect("how it stands");
    assert_eq!((id, all["state"].clone()), (first.len() as u64, json!("running")));
    assert!(steps(&all) > 3 && !all["log"].as_array().expect("lines").is_empty());

    let (next, last) = rest.split_at(1);
    served.happens(next);
    let (id, news) = stream.next().await.expect("what happened");
    assert_eq!(id, first.len() as u64 + 1);
    assert!(steps(&news) < steps(&all), "only what changed: {news}");

    served.happens(last);
    drop(stream);
    let mut again = Stream::of(&served, &format!("Last-Event-ID: {id}\r\n")).await;
    let (end, missed) = again.next().await.expect("what was missed");
    assert_eq!((end, missed["state"].clone()), (events.len() as u64, json!("succeeded")));
    let seen = |line: &Value| line[0].as_u64().expect("a place") <= id;
    assert!(!missed["log"].as_array().expect("lines").iter().any(seen), "nothing is told twice: {missed}");
    let mut whole = Stream::of(&served, "Last-Event-ID: 999999\r\n").await;
    let (_, all) = whole.next().await.expect("how it stands");
    assert!(steps(&all) > steps(&missed), "whoever saw another run gets all");
}

#[tokio::test]
async fn a_thousand_readers_of_a_run_all_hear_what_happens() {
    let (world, events) = signed();
    let (first, rest) = events.split_at(events.len() - 1);
    let served = serve(&world, first).await;
    let mut streams = Vec::new();
    for _ in 0..1000 {
        streams.push(Stream::of(&served, "").await);
    }
    for stream in &mut streams {
        assert_eq!(stream.next().await.expect("how it stands").0, first.len() as u64);
    }
    let figures = served.get("/metrics", VIEWER).await.body;
    assert!(figures.contains("failback_watchers 1000"), "{figures}");
    served.happens(rest);
    for stream in &mut streams {
        let (id, news) = stream.next().await.expect("what happened");
        assert_eq!((id, news["state"].clone()), (events.len() as u64, json!("succeeded")));
    }
    drop(streams);
    let gone = async {
        while !served.get("/metrics", VIEWER).await.body.contains("failback_watchers 0") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.expect("whoever went away is let go");
}

#[tokio::test]
async fn an_answer_is_sent_with_the_roles_that_count_and_refused_from_anybody_else() {
    let (world, events) = signed();
    let asked = asks(&events, "action/sign");
    let served = serve(&world, &events[..=asked]).await;
    let question = json!({"step": "action/sign", "question": asked + 1});
    let yes = json!({"order": "approve", "questions": [question], "reason": "  balanced  "});
    for token in [VIEWER, OPERATOR, APPROVER] {
        let answer = served.order(token, &yes).await;
        assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (403, json!("role")), "{token}");
    }
    let old = json!({"order": "approve", "questions": [{"step": "action/sign", "question": 1}]});
    let answer = served.order(DBA, &old).await;
    assert_eq!(answer.status, 409, "what was shown is not what is asked: {answer:?}");
    assert!(served.letters().is_empty());

    let answer = served.order(DBA, &yes).await;
    assert_eq!((answer.status, answer.json()["state"].clone()), (202, json!("sent")), "{answer:?}");
    let [letter] = served.letters().try_into().expect("one letter");
    assert_eq!(
        (letter.by.as_str(), letter.known_as, letter.roles),
        ("dba", KnownAs::Session, vec!["dba".to_owned()])
    );
    let Order::Approve { reason, .. } = letter.order else { panic!("{:?}", letter.order) };
    assert_eq!(reason.as_deref(), Some("balanced"));
    let again = served.order(DBA, &yes).await;
    assert_eq!(again.status, 409, "the first answer waits already: {again:?}");
}

#[tokio::test]
async fn an_order_that_says_nothing_is_none() {
    let (world, events) = signed();
    let served = serve(&world, &events[..5]).await;
    let strange = [
        json!({"order": "sing"}),
        json!({"order": "skip_step", "step": "forward/w1", "reason": "  "}),
        json!({"order": "cancel", "failovers": false, "reason": "x".repeat(2000)}),
        json!("cancel"),
    ];
    for order in strange {
        assert_eq!(served.order(OPERATOR, &order).await.status, 400, "{order}");
    }
    let none = served.order(OPERATOR, &json!({"order": "withdraw", "letter": 7})).await;
    assert_eq!(none.status, 409);
    let path = "POST /api/v1/runs/r2/orders";
    let order = json!({"order": "cancel", "failovers": false}).to_string();
    assert_eq!(served.ask(path, &[&bearer(OPERATOR)], &order).await.status, 404);
}

#[tokio::test]
async fn events_are_told_as_the_journal_has_them() {
    let (world, events) = signed();
    let served = serve(&world, &events).await;
    let told = served.get("/api/v1/runs/r1/events?after=3", VIEWER).await.json();
    let read: Vec<RunEvent> = serde_json::from_value(told["events"].clone()).expect("events");
    assert_eq!(read, events[3..]);
    assert_eq!(served.get("/api/v1/runs/r1/events?after=x", VIEWER).await.status, 400);
    assert_eq!(served.get("/api/v1/runs/r2/events", VIEWER).await.status, 404);
}

#[tokio::test]
async fn figures_are_in_the_format_of_prometheus() {
    let (world, events) = signed();
    let served = serve(&world, &events).await;
    let answer = served.get("/metrics", VIEWER).await;
    assert!(answer.header("content-type").expect("one").starts_with("text/plain; version=0.0.4"));
    let text = answer.body.replace("\r\n", "\n");
    let (mut families, mut samples) = (std::collections::BTreeSet::new(), 0);
    for line in text.lines().filter(|line| line.starts_with("failback_") || line.starts_with('#')) {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a kind");
            assert!(["counter", "gauge"].contains(&kind) && families.insert(name.to_owned()), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let name = series.split('{').next().expect("a name");
            assert!(families.contains(name), "{line} is of a family that was told before");
            assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
            if let Some((_, labels)) = series.split_once('{') {
                assert!(labels.ends_with("\"}") && labels.contains("=\""), "{line}");
            }
            samples += 1;
        }
    }
    assert!(samples > 15 && text.contains("failback_plan_coverage_ratio{plan=\"erp\"} 0.5"), "{text}");
}

#[tokio::test]
async fn the_description_of_the_api_lists_what_answers() {
    let (world, events) = signed();
    let served = serve(&world, &events).await;
    let document = served.get("/api/v1/openapi.json", VIEWER).await.json();
    let paths = document["paths"].as_object().expect("paths").clone();
    for (path, methods) in paths {
        let path = path.replace("{run}", RUN).replace("{plan}", "erp");
        for method in methods.as_object().expect("methods").keys() {
            if path.ends_with("/stream") {
                continue;
            }
            let what = format!("{} {path}", method.to_uppercase());
            let answer =
                served.ask(&what, &[&bearer(OPERATOR)], if method == "get" { "" } else { "{}" }).await;
            assert!(![401, 403, 404, 405, 500].contains(&answer.status), "{what}: {answer:?}");
            assert!(answer.json()["openapi"].is_string() || answer.json()["version"] == 1, "{what}");
            let other = format!("DELETE {path}");
            let refused = served.ask(&other, &[&bearer(OPERATOR)], "").await;
            assert_eq!(
                (refused.status, refused.json()["error"]["code"].as_str()),
                (405, Some("method")),
                "{other}"
            );
            assert!(refused.header("allow").is_some(), "{other}: {refused:?}");
        }
    }
}

#[tokio::test]
async fn programs_are_told_every_refusal_as_json_and_people_as_a_page() {
    let (world, events) = signed();
    let served = serve(&world, &events).await;
    for (path, status) in [
        ("/api", 404),
        ("/api/", 404),
        ("/api/v1/nothing", 404),
        ("/api/v1/runs/%ff", 400),
        ("/api/v1/plans/none", 404),
    ] {
        let answer = served.get(path, VIEWER).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        let told = answer.json();
        assert!(told["version"] == 1 && told["error"]["message"].is_string(), "{path}: {told}");
    }
    let page = served.get("/runs/%ff", VIEWER).await;
    assert!(page.status == 400 && page.body.contains("<html"), "{page:?}");
}

#[tokio::test]
async fn a_report_is_told_in_the_format_that_is_asked_for_or_not_at_all() {
    let (world, events) = signed();
    let served = serve(&world, &events).await;
    for (format, media) in [
        ("csv", "text/csv; charset=utf-8"),
        ("junit", "application/xml"),
        ("markdown", "text/markdown; charset=utf-8"),
        ("html", "text/html; charset=utf-8"),
    ] {
        let answer = served.get(&format!("/api/v1/runs/r1/report?format={format}"), VIEWER).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(media)), "{answer:?}");
        assert!(answer.body.contains(&format!("as {format}")), "{answer:?}");
    }
    for strange in ["pdf", "", "--help"] {
        let answer = served.get(&format!("/api/v1/runs/r1/report?format={strange}"), VIEWER).await;
        assert_eq!(
            (answer.status, answer.json()["error"]["code"].as_str()),
            (400, Some("invalid")),
            "{strange}"
        );
    }
    assert_eq!(served.get("/api/v1/runs/r1/report", VIEWER).await.json()["version"], 1);
    assert_eq!(served.get("/api/v1/runs/r2/report?format=csv", VIEWER).await.status, 404);
}

#[tokio::test]
async fn the_page_of_a_run_comes_before_the_run_is_read() {
    let (world, events) = signed();
    let served = serve(&world, &events).await;
    served.door.close(true);
    let page = served.get("/runs/r1", VIEWER).await;
    assert!(page.status == 200 && page.body.contains("id=\"run\""), "{page:?}");
    assert!(
        !page.body.contains("<progress id=\"progress\" max"),
        "nothing is known of its steps yet: {page:?}"
    );
    assert_eq!(served.get("/runs/r2", VIEWER).await.status, 404);
    served.door.close(false);
    assert_eq!(served.get("/api/v1/runs/r1/outline", VIEWER).await.json()["version"], 1);
    let page = served.get("/runs/r1", VIEWER).await;
    assert!(page.body.contains("<progress id=\"progress\" max"), "{page:?}");
}
