//! What is measured: each in a process of its own, so that its memory is its own.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use failback::clock::pace::Speed;
use failback::clock::pace::WorldPace;
use failback::event::Outcome;
use failback::event::RunEventKind;
use failback::event::RunState;
use failback::forecast;
use failback::graph;
use failback::id::RunId;
use failback::journal::NoJournal;
use failback::model;
use failback::provider::emulator::Emulator;
use failback::provider::emulator::Scenario;
use failback::provider::emulator::World;
use failback::rules;
use failback::rules::CheckedPlan;
use failback::rules::Options;
use failback::rules::OriginFilter;
use failback::run::Driver;
use failback::run::End;
use failback::run::Parts;
use failback::run::Recorder;
use failback::run::SetClock;
use failback::run::Simulation;
use failback::run::approver::AutoApprove;
use failback::run::hook::Simulated;
use failback::source::Sources;
use failback::syntax;
use failback::syntax::Document;
use jiff::Timestamp;

use crate::plain;

/// Figures of a measurement, by name.
pub type Figures = Vec<(&'static str, f64)>;

/// Returns the CPU seconds that this process has used; it has one thread.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").expect("Linux tells it");
    let nanoseconds: f64 =
        text.split(' ').next().and_then(|word| word.parse().ok()).expect("a number comes first");
    nanoseconds / 1e9
}

/// Returns the most memory that this process has had, in MB.
fn peak() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = text.lines().find(|line| line.starts_with("VmHWM:")).expect("Linux tells it");
    let kibibytes: f64 =
        line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number follows");
    kibibytes * 1024.0 / 1e6
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).expect("the parent wrote it")
}

fn start() -> Timestamp {
    "2026-11-01T00:00:00Z".parse().expect("a time")
}

/// Measures one thing on the documents in `folder`.
pub fn measure(what: &str, folder: &Path) -> Figures {
    match what {
        "check" => check(folder).0,
        "serde_yaml" => typed(folder),
        "events" => events(folder),
        "compile" => compile(folder),
        "run" => run(folder),
        "simulate" => simulate(folder),
        other => panic!("nothing is called {other}"),
    }
}

/// Text to findings, as `failback check` does it.
fn check(folder: &Path) -> (Figures, CheckedPlan) {
    let texts = ["plan.yaml", "inventory.yaml"].map(|name| (name, read(folder, name)));
    let began = cpu();
    let mut sources = Sources::new();
    let mut diagnostics = Vec::new();
    let (mut plan, mut inventory) = (None, None);
    for (name, text) in texts {
        let index = sources.add(name, text).expect("smaller than 4 GiB");
        for document in syntax::parse(sources.get(index), &mut diagnostics) {
            match document {
                Document::Plan(read) => plan = Some(*read),
                Document::Inventory(read) => inventory = Some(*read),
                Document::Policy(_) | Document::Settings(_) => {}
            }
        }
    }
    let read = cpu();
    assert!(diagnostics.is_empty(), "{:#?}", diagnostics.first());
    let (plan, inventory) = (plan.expect("a plan"), inventory.expect("an inventory"));
    let model = model::resolve(plan, inventory);
    let resolved = cpu();
    let options = Options { origin: OriginFilter::All, strict: false, now: start() };
    let report = rules::check(model, &options);
    let done = cpu();
    assert!(diagnostics.is_empty(), "{:#?}", diagnostics.first());
    let found = report.findings.len();
    let checked = report.checked.unwrap_or_else(|| panic!("refused: {:#?}", report.findings.kept().first()));
    #[expect(clippy::cast_precision_loss, reason = "a count of findings is small")]
    let figures = vec![
        ("cpu", done - began),
        ("peak", peak()),
        ("read", read - began),
        ("resolve", resolved - read),
        ("rules", done - resolved),
        ("findings", found as f64),
    ];
    (figures, checked)
}

/// The same texts into types without spans.
fn typed(folder: &Path) -> Figures {
    let (plan, inventory) = (read(folder, "plan.yaml"), read(folder, "inventory.yaml"));
    let began = cpu();
    let plan: plain::Plan = serde_yaml::from_str(&plan).expect("the plan fits its type");
    let inventory: plain::Inventory = serde_yaml::from_str(&inventory).expect("the inventory fits its type");
    let done = cpu();
    black_box((&plan, &inventory));
    vec![("cpu", done - began), ("peak", peak())]
}

/// The same texts into the parser's events, which are dropped.
fn events(folder: &Path) -> Figures {
    let texts = ["plan.yaml", "inventory.yaml"].map(|name| read(folder, name));
    let began = cpu();
    let mut count = 0_u32;
    for text in &texts {
        let mut parser = granit_parser::Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            black_box(&event.expect("the text is YAML"));
            count += 1;
        }
    }
    let done = cpu();
    vec![("cpu", done - began), ("peak", peak()), ("events", f64::from(count))]
}

/// A checked plan to a graph and its forecast.
fn compile(folder: &Path) -> Figures {
    let (_, checked) = check(folder);
    let began = cpu();
    let graph = failback::forecast::ranked(graph::compile(&checked));
    let compiled = cpu();
    black_box(forecast::forecast(&graph, start()));
    let done = cpu();
    #[expect(clippy::cast_precision_loss, reason = "a count of steps is small")]
    let steps = graph.steps().len() as f64;
    vec![
        ("cpu", done - began),
        ("peak", peak()),
        ("compile", compiled - began),
        ("forecast", done - compiled),
        ("steps", steps),
    ]
}

/// A whole run by the simulated driver, without a journal.
fn simulate(folder: &Path) -> Figures {
    let (_, checked) = check(folder);
    let graph = Arc::new(failback::forecast::ranked(graph::compile(&checked)));
    let planned = graph.model();
    let world = World::new(planned.inventory.clone(), Scenario::default(), start());
    let model = model::resolve(planned.plan.clone(), planned.inventory.clone());
    let options = Options { origin: OriginFilter::All, strict: false, now: start() };
    let clock = Arc::new(SetClock::new(start()));
    let mut journal = NoJournal::default();
    let began = cpu();
    let state = RunState::new(Arc::clone(&graph));
    let mut recorder = Recorder::new(RunId::new("r1"), clock.clone(), &mut journal, Vec::new(), state);
    recorder.record(started(&graph)).expect("the first event is legal");
    let mut simulation = Simulation::new(recorder, model, world, clock, options);
    let end = simulation.go_on_until(Timestamp::MAX).expect("nothing is kept");
    let done = cpu();
    // What is known of a run at its end belongs to whoever asked for it: to give it up is no part of the run.
    drop(simulation);
    let end = end.expect("nothing happens after the end of time");
    assert_eq!(end, End::Finished(Outcome::Succeeded));
    figures_of_run(&graph, done - began, journal.events)
}

fn started(graph: &graph::Graph) -> RunEventKind {
    RunEventKind::RunStarted {
        plan: "scale".into(),
        plan_digest: String::new(),
        facts_digest: String::new(),
        provider: "emulator".into(),
        program: "bench".into(),
        machines: 0,
        steps: u32::try_from(graph.steps().len()).expect("indexes of steps are 32 bits wide"),
        simulated_actions: true,
        author: None,
        ordered_by: None,
        people: Vec::new(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of steps and events are small")]
fn figures_of_run(graph: &graph::Graph, cpu: f64, events: u64) -> Figures {
    vec![("cpu", cpu), ("peak", peak()), ("steps", graph.steps().len() as f64), ("events", events as f64)]
}

/// A whole run on the emulator, on a clock that jumps, without a journal.
fn run(folder: &Path) -> Figures {
    let (_, checked) = check(folder);
    let graph = Arc::new(failback::forecast::ranked(graph::compile(&checked)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let planned = graph.model();
        let pace = Arc::new(WorldPace::new(start(), Speed::Max));
        let site = Emulator::in_memory(planned.inventory.clone(), Scenario::default(), start(), pace.clone());
        let mut journal = NoJournal::default();
        let mut parts = Parts {
            site: Arc::new(site),
            pace: pace.clone(),
            hooks: Arc::new(Simulated),
            approver: Arc::new(AutoApprove),
            model: model::resolve(planned.plan.clone(), planned.inventory.clone()),
            options: Options { origin: OriginFilter::All, strict: false, now: start() },
            stop: tokio::sync::watch::channel(false).1,
        };
        let (_keep, stop) = tokio::sync::watch::channel(false);
        parts.stop = stop;
        let began = cpu();
        let state = RunState::new(Arc::clone(&graph));
        let mut recorder = Recorder::new(RunId::new("r1"), pace, &mut journal, Vec::new(), state);
        recorder.record(started(&graph)).expect("the first event is legal");
        let end = Driver::new(recorder, parts).drive().await.expect("the journal takes everything");
        let done = cpu();
        assert_eq!(end, End::Finished(Outcome::Succeeded));
        figures_of_run(&graph, done - began, journal.events)
    })
}
