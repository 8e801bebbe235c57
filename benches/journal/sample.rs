//! A run to measure with: the documents of an estate on disk, and the events of its run, simulated.

use std::path::Path;
use std::sync::Arc;

use failback::event::Outcome;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::event::RunState;
use failback::forecast;
use failback::graph;
use failback::graph::Graph;
use failback::id::RunId;
use failback::journal::MemoryJournal;
use failback::model;
use failback::model::Model;
use failback::provider::emulator::Scenario;
use failback::provider::emulator::World;
use failback::rules;
use failback::rules::Options;
use failback::rules::OriginFilter;
use failback::run::End;
use failback::run::Recorder;
use failback::run::SetClock;
use failback::run::Simulation;
use failback::source::Sources;
use failback::syntax;
use failback::syntax::Document;
use jiff::Timestamp;

use crate::estate;

/// The run of every sample.
pub const RUN: &str = "20261101-000000-0000";

/// Writes the documents of an estate into a folder.
pub fn write(machines: usize, folder: &Path) {
    let estate = estate::of(machines);
    std::fs::create_dir_all(folder).expect("room on the disk");
    std::fs::write(folder.join("plan.yaml"), &estate.plan).expect("room on the disk");
    std::fs::write(folder.join("inventory.yaml"), &estate.inventory).expect("room on the disk");
}

/// Returns the moment at which everything begins.
pub fn start() -> Timestamp {
    "2026-11-01T00:00:00Z".parse().expect("a time")
}

/// Returns how rules are evaluated.
pub fn options() -> Options {
    Options { origin: OriginFilter::All, strict: false, now: start() }
}

/// Reads, checks and compiles the documents of a folder.
pub fn graph(folder: &Path) -> Arc<Graph> {
    let mut sources = Sources::new();
    let mut diagnostics = Vec::new();
    let (mut plan, mut inventory) = (None, None);
    for name in ["plan.yaml", "inventory.yaml"] {
        let text = std::fs::read_to_string(folder.join(name)).expect("the parent wrote it");
        let index = sources.add(name, text).expect("smaller than 4 GiB");
        for document in syntax::parse(sources.get(index), &mut diagnostics) {
            match document {
                Document::Plan(read) => plan = Some(*read),
                Document::Inventory(read) => inventory = Some(*read),
                Document::Policy(_) | Document::Settings(_) => {}
            }
        }
    }
    let model = model::resolve(plan.expect("a plan"), inventory.expect("an inventory"));
    let checked = rules::check(model, &options()).checked.expect("nothing refuses it");
    Arc::new(forecast::ranked(graph::compile(&checked)))
}

/// Returns a model of a run's own.
pub fn model(graph: &Graph) -> Model {
    let planned = graph.model();
    model::resolve(planned.plan.clone(), planned.inventory.clone())
}

/// Returns the events of a run that is simulated from its beginning to its end.
pub fn events(graph: &Arc<Graph>) -> Vec<RunEvent> {
    let world = World::new(graph.model().inventory.clone(), Scenario::default(), start());
    let clock = Arc::new(SetClock::new(start()));
    let memory = MemoryJournal::default();
    let mut journal = memory.clone();
    let state = RunState::new(Arc::clone(graph));
    let mut recorder = Recorder::new(RunId::new(RUN), clock.clone(), &mut journal, Vec::new(), state);
    let started = RunEventKind::RunStarted {
        plan: "scale".into(),
        plan_digest: String::new(),
        facts_digest: String::new(),
        provider: "emulator".into(),
        program: "bench".into(),
        machines: 0,
        steps: 0,
        simulated_actions: true,
        author: None,
        ordered_by: None,
        people: Vec::new(),
    };
    recorder.record(started).expect("the first event is legal");
    let end = Simulation::new(recorder, model(graph), world, clock, options()).run().expect("it is kept");
    assert_eq!(end, End::Finished(Outcome::Succeeded));
    memory.events()
}
