//! Traces of runs: what a collector is sent, that ids stay when another process takes a run over, and that nobody waits for it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use failback::event::RunEventKind;
use failback::event::RunState;
use failback::id::RunId;
use failback::trace::Endpoint;
use failback::trace::Exporter;
use failback::trace::Span;
use failback::trace::Tracer;
use failback::trace::request;
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::lab::CLASSIC;
use crate::lab::Ran;
use crate::lab::World;
use crate::lab::world;
use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

const FAILS: &str = "{kind: job_fails, of: w1, phase: reprotect, code: \"78037\"}";

/// Returns the spans of a run, of which another process takes over after some of its events.
fn spans(world: &World, ran: &Ran, taken_over_at: usize) -> Vec<Span> {
    let run = RunId::new("r1");
    let mut state = RunState::new(Arc::clone(&world.graph));
    let mut tracer = Tracer::new(run.clone(), &state);
    let mut spans = Vec::new();
    for (number, event) in ran.events.iter().enumerate() {
        if number == taken_over_at {
            tracer = Tracer::new(run.clone(), &state);
        }
        let legal = state.check(event).expect("the journal is lawful");
        state.apply(event, legal);
        spans.extend(tracer.take(event, &state));
    }
    spans
}

#[test]
fn a_run_is_one_trace_of_machines_steps_and_requests() {
    let world = world(CLASSIC.0, CLASSIC.1);
    let ran = world.simulate();
    let spans = spans(&world, &ran, usize::MAX);
    let by_id: BTreeMap<&str, &Span> = spans.iter().map(|span| (span.id.as_str(), span)).collect();
    assert_eq!(by_id.len(), spans.len(), "no id is there twice");
    let traces: BTreeSet<&str> = spans.iter().map(|span| span.trace.as_str()).collect();
    assert_eq!(traces.len(), 1);
    let roots: Vec<&Span> = spans.iter().filter(|span| span.parent.is_none()).collect();
    let [root] = roots.as_slice() else { panic!("{roots:?}") };
    for span in &spans {
        assert!(span.began <= span.ended, "{span:?}");
        if let Some(parent) = &span.parent {
            let parent = by_id.get(parent.as_str()).unwrap_or_else(|| panic!("{span:?} has no parent"));
            assert!(parent.began <= span.began && span.ended <= parent.ended, "{span:?} in {parent:?}");
        }
        assert!(root.began <= span.began && span.ended <= root.ended, "{span:?}");
    }
    let machines = world.graph.model().machines().len();
    assert_eq!(spans.iter().filter(|span| span.name == "machine").count(), machines);
    let ended = |kind: &RunEventKind| {
        matches!(kind, RunEventKind::StepSucceeded { .. } | RunEventKind::StepAdopted { .. })
    };
    let steps = ran.events.iter().filter(|event| ended(&event.kind)).count();
    let told =
        spans.iter().filter(|span| span.attributes.iter().any(|(key, _)| *key == "failback.status")).count();
    assert_eq!(told, steps);
    let sent =
        ran.events.iter().filter(|event| matches!(event.kind, RunEventKind::IntentRecorded { .. })).count();
    assert_eq!(spans.iter().filter(|span| span.is_request).count(), sent, "each request is told once");
}

#[test]
fn spans_are_the_same_whoever_takes_the_run_over_and_whenever() {
    let world = world(CLASSIC.0, CLASSIC.1).with(&[FAILS]);
    let ran = world.simulate();
    let whole = spans(&world, &ran, usize::MAX);
    assert!(whole.iter().any(|span| span.outcome == Some(Err("78037".into()))), "{whole:?}");
    for at in 0..ran.events.len() {
        assert_eq!(spans(&world, &ran, at), whole, "taken over after {at} events");
    }
}

#[test]
fn what_the_site_said_and_was_told_is_in_no_span() {
    let world = world(CLASSIC.0, CLASSIC.1).with(&[FAILS]);
    let ran = world.simulate();
    let text = request(&spans(&world, &ran, usize::MAX)).to_string();
    let said = ran.events.iter().find_map(|event| match &event.kind {
        RunEventKind::StepFailed { message, .. } => Some(message.clone()),
        _ => None,
    });
    assert!(!text.contains(&said.expect("a step fails")) && !text.contains("vmfs1"), "{text}");
}

/// Takes requests, answers each with the next status, and returns the bodies; with the last status it goes on.
async fn collector(listener: TcpListener, statuses: Vec<u16>, until: usize) -> Vec<Value> {
    let mut bodies = Vec::new();
    while bodies.len() < until {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut bytes = Vec::new();
        let (head, length) = loop {
            let mut more = [0; 4096];
            let count = stream.read(&mut more).await.expect("readable");
            bytes.extend_from_slice(&more[..count]);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, _)) = text.split_once("\r\n\r\n") {
                let length = head
                    .lines()
                    .find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
                let length: usize = length.and_then(|length| length.parse().ok()).expect("a length");
                if bytes.len() >= head.len() + 4 + length || count == 0 {
                    break (head.to_owned(), length);
                }
            }
        };
        assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
        assert!(head.to_lowercase().contains("content-type: application/json"), "{head}");
        let body = &bytes[head.len() + 4..head.len() + 4 + length];
        let status = statuses.get(bodies.len()).or(statuses.last()).copied().unwrap_or(200);
        bodies.push(serde_json::from_slice(body).expect("JSON"));
        let answer = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
        );
        stream.write_all(answer.as_bytes()).await.expect("answered");
    }
    bodies
}

fn all_of(body: &Value) -> Vec<Value> {
    body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().expect("spans").clone()
}

/// Asserts that a request has the shape of OTLP's JSON encoding.
fn assert_shape(body: &Value) {
    let resource = &body["resourceSpans"][0]["resource"]["attributes"][0];
    assert_eq!(
        (&resource["key"], &resource["value"]["stringValue"]),
        (&"service.name".into(), &"failback".into())
    );
    for span in all_of(body) {
        let fields = span.as_object().expect("an object");
        let known = [
            "traceId",
            "spanId",
            "parentSpanId",
            "name",
            "kind",
            "startTimeUnixNano",
            "endTimeUnixNano",
            "attributes",
            "status",
        ];
        assert!(fields.keys().all(|key| known.contains(&key.as_str())), "{span}");
        let text = |key: &str| span[key].as_str().unwrap_or_else(|| panic!("{key} is a text: {span}"));
        let is_hex = |text: &str, digits: usize| {
            text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        assert!(is_hex(text("traceId"), 32) && is_hex(text("spanId"), 16), "{span}");
        let [from, to] =
            ["startTimeUnixNano", "endTimeUnixNano"].map(|key| text(key).parse::<u64>().expect("a number"));
        assert!(from <= to && [1, 3].contains(&span["kind"].as_u64().expect("a number")), "{span}");
    }
}

fn one(number: usize) -> Span {
    let world = world(CLASSIC.0, CLASSIC.1);
    let spans = spans(&world, &world.simulate(), usize::MAX);
    spans.into_iter().nth(number).expect("a run has spans")
}

#[tokio::test(start_paused = true)]
async fn what_a_collector_refuses_for_now_is_sent_again_and_what_it_refuses_is_counted() {
    for (statuses, requests, lost) in [(vec![503, 429, 200], 3, 0), (vec![400], 1, 1), (vec![500], 1, 1)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let exporter = Exporter::begin(Endpoint::of(&format!("http://{address}")).expect("an address"));
        exporter.queue().put(one(0));
        let (bodies, ended) = tokio::join!(collector(listener, statuses.clone(), requests), exporter.end());
        assert_eq!(bodies.len(), requests, "{statuses:?}");
        bodies.iter().for_each(assert_shape);
        assert_eq!(ended.map_or(0, |lost| lost.spans), lost, "{statuses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_collector_that_is_not_there_and_what_finds_no_room_is_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let exporter = Exporter::begin(Endpoint::of(&format!("http://{address}")).expect("an address"));
    let (queue, span) = (exporter.queue(), one(0));
    // No task of the exporter runs in between: what is put returns at once, and the queue has an end.
    for _ in 0..40_000 {
        queue.put(span.clone());
    }
    drop(queue);
    let lost = exporter.end().await.expect("nothing arrived");
    assert_eq!(lost.spans, 40_000, "{}", lost.message);
}

#[test]
fn a_run_is_traced_only_if_somebody_says_so() {
    let folder =
        Folder::with(&[("classic.plan.yaml", CLASSIC_PLAN), ("classic.inventory.yaml", CLASSIC_INVENTORY)]);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let taken = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            listener.set_nonblocking(true).expect("a socket");
            collector(TcpListener::from_std(listener).expect("a socket"), vec![200], 1).await
        })
    });
    let run = ["run", "classic.plan.yaml", "--auto-approve", "--speed", "max"];
    let quiet = folder.run(&run);
    assert_eq!(quiet.exit, 0, "{}", quiet.said());
    assert!(!taken.is_finished(), "nobody asked for traces");
    folder.write(
        "failback.yaml",
        format!("kind: Settings\nversion: 1\ntraces: {{endpoint: \"http://{address}\"}}\n").as_bytes(),
    );
    let traced = folder.run(&[&run[..], &["--settings", "failback.yaml"]].concat());
    assert!(traced.exit == 0 && !traced.err.contains("did not arrive"), "{}", traced.said());
    let bodies = taken.join().expect("it was taken");
    bodies.iter().for_each(assert_shape);
    assert!(all_of(&bodies[0]).iter().any(|span| span["name"] == "run classic"), "{}", bodies[0]);
    for (word, why) in [("env", "is not set"), ("collector:4317", "begins with http://")] {
        let ended = folder.run(&[&run[..], &["--otlp", word]].concat());
        assert!(ended.exit == 2 && ended.err.contains(why), "{}", ended.said());
    }
    let runs = folder.run(&["runs", "--format", "json"]);
    assert_eq!(
        runs.json()["runs"].as_array().map(Vec::len),
        Some(2),
        "what is refused is not entered: {}",
        runs.out
    );
    folder.write("failback.yaml", b"kind: Settings\nversion: 1\ntraces: {}\n");
    let ended = folder.run(&["check", "failback.yaml"]);
    assert!(ended.exit == 1 && ended.said().contains("the traces go nowhere"), "{}", ended.said());
}
