//! Whole runs on the emulator, on a clock that jumps.

use std::sync::Arc;

use failback::clock::Clock as _;
use failback::event::Outcome;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::event::RunState;
use failback::graph;
use failback::graph::Graph;
use failback::id::RunId;
use failback::journal::MemoryJournal;
use failback::model::digest;
use failback::model::resolve;
use failback::provider::Observe as _;
use failback::provider::emulator::Emulator;
use failback::provider::emulator::Scenario;
use failback::rules;
use failback::rules::Options;
use failback::rules::OriginFilter;
use failback::run::Driver;
use failback::run::End;
use failback::run::Parts;
use failback::run::Recorder;
use failback::run::approver::AutoApprove;
use failback::run::hook::Simulated;
use failback::run::pace::Speed;
use failback::run::pace::WorldPace;
use failback::source::Sources;
use failback::syntax::Document;
use failback::syntax::inventory::Inventory;
use failback::syntax::machine::PowerState;
use failback::syntax::machine::State;
use failback::syntax::parse;
use failback::syntax::plan::RecoveryPlan;
use jiff::Timestamp;

pub const CLASSIC: (&str, &str) =
    (include_str!("../worlds/classic.plan.yaml"), include_str!("../worlds/classic.inventory.yaml"));
pub const MODERNIZED: (&str, &str) =
    (include_str!("../worlds/modernized.plan.yaml"), include_str!("../worlds/modernized.inventory.yaml"));

pub fn documents(plan: &str, inventory: &str) -> (RecoveryPlan, Inventory) {
    let mut sources = Sources::new();
    let mut diagnostics = Vec::new();
    let mut documents = Vec::new();
    for (name, text) in [("plan.yaml", plan), ("inventory.yaml", inventory)] {
        let index = sources.add(name, text.to_owned()).expect("small");
        documents.extend(parse(sources.get(index), &mut diagnostics));
    }
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    let mut documents = documents.into_iter();
    match (documents.next(), documents.next()) {
        (Some(Document::Plan(plan)), Some(Document::Inventory(inventory))) => (*plan, *inventory),
        other => panic!("a plan and an inventory, please: {other:?}"),
    }
}

pub struct World {
    pub graph: Arc<Graph>,
    pub inventory: Inventory,
    pub start: Timestamp,
    pub options: Options,
}

pub fn world(plan: &str, inventory: &str) -> World {
    let (plan, inventory) = documents(plan, inventory);
    let start = inventory.observed_at.expect("the world says when it is").value;
    let options = Options { origin: OriginFilter::All, strict: false, now: start };
    let mut diagnostics = Vec::new();
    let model = resolve(plan, inventory.clone(), &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    let report = rules::check(model, &options);
    let checked = report.checked.unwrap_or_else(|| panic!("refused: {:#?}", report.findings));
    World { graph: Arc::new(graph::compile(&checked)), inventory, start, options }
}

pub struct Ran {
    pub end: End,
    pub events: Vec<RunEvent>,
    pub facts: Inventory,
    pub finished_at: Timestamp,
}

pub fn run(world: &World, scenario: Scenario) -> Ran {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let pace = Arc::new(WorldPace::new(world.start, Speed::Max));
        let emulator =
            Arc::new(Emulator::in_memory(world.inventory.clone(), scenario, world.start, pace.clone()));
        let mut journal = MemoryJournal::default();
        let kept = journal.clone();
        let state = RunState::new(Arc::clone(&world.graph));
        let mut recorder = Recorder::new(RunId::new("r1"), pace.clone(), &mut journal, Vec::new(), state);
        recorder
            .record(RunEventKind::RunStarted {
                plan: world.graph.model().plan.name.value.clone(),
                plan_digest: digest::of(&world.graph.model().plan),
                facts_digest: digest::of(&world.inventory),
                provider: "emulator".into(),
                program: "test".into(),
                machines: 0,
                steps: 0,
                simulated_actions: true,
            })
            .expect("the first event is legal");
        let (_keep, stop) = tokio::sync::watch::channel(false);
        let (plan, inventory) = (world.graph.model().plan.clone(), world.inventory.clone());
        let parts = Parts {
            site: emulator.clone(),
            pace: pace.clone(),
            hooks: Arc::new(Simulated),
            approver: Arc::new(AutoApprove),
            model: resolve(plan, inventory, &mut Vec::new()),
            options: world.options,
            stop,
        };
        let end = Driver::new(recorder, parts).drive().await.expect("the journal is in memory");
        let names: Vec<_> = world
            .graph
            .model()
            .machines()
            .map(|machine| failback::id::MachineName::new(machine.name().value.as_str()))
            .collect();
        let facts = emulator.observe(&names).await.expect("the emulator answers").facts;
        Ran { end, events: kept.events(), facts, finished_at: pace.now() }
    })
}

fn log(events: &[RunEvent]) -> String {
    events
        .iter()
        .filter(|event| {
            !matches!(event.kind, RunEventKind::StepStarted { .. } | RunEventKind::OperationAccepted { .. })
        })
        .map(|event| format!("{} {:?}\n", event.at, event.kind))
        .collect()
}

fn assert_home(ran: &Ran) {
    assert_eq!(ran.end, End::Finished(Outcome::Succeeded), "{}", log(&ran.events));
    for machine in ran.facts.machines.iter().flatten() {
        assert_eq!(machine.state.map(|state| state.value), Some(State::ProtectedToAzure), "{}", machine.name);
        let onprem = machine.onprem_vm.as_ref().expect("it is back");
        assert_eq!(onprem.power_state.map(|state| state.value), Some(PowerState::Running));
        let azure = machine.azure_vm.as_ref().expect("what became of it is known");
        assert_eq!(azure.exists.map(|exists| exists.value), Some(false));
    }
}

#[test]
fn a_classic_estate_comes_home() {
    let ran = run(&world(CLASSIC.0, CLASSIC.1), Scenario::default());
    assert_home(&ran);
}

#[test]
fn a_modernized_estate_comes_home() {
    let ran = run(&world(MODERNIZED.0, MODERNIZED.1), Scenario::default());
    assert_home(&ran);
}

#[test]
fn the_same_run_gives_the_same_events() {
    let world = world(CLASSIC.0, CLASSIC.1);
    let (one, other) = (run(&world, Scenario::default()), run(&world, Scenario::default()));
    assert_eq!(one.events, other.events);
    assert_eq!(one.finished_at, other.finished_at);
}

#[test]
fn every_request_was_recorded_before_it_was_accepted() {
    let ran = run(&world(CLASSIC.0, CLASSIC.1), Scenario::default());
    let mut intended = std::collections::HashSet::new();
    for event in &ran.events {
        match &event.kind {
            RunEventKind::IntentRecorded { step, .. } => {
                intended.insert(step.clone());
            }
            RunEventKind::OperationAccepted { step, .. } => assert!(intended.contains(step), "{step}"),
            _ => {}
        }
    }
    assert!(intended.len() >= 16, "{intended:?}");
}
