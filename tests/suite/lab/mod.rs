//! What tests of whole runs need: a world on a clock that jumps, processes that drive runs in it, and the laws of every run.

pub mod laws;
mod mortal;
pub mod site;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering::Relaxed;

use failback::clock::Clock;
use failback::clock::pace::Pace;
use failback::clock::pace::Speed;
use failback::clock::pace::WorldPace;
use failback::event::KnownAs;
use failback::event::Letter;
use failback::event::Order;
use failback::event::Reporter;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::event::RunState;
use failback::graph;
use failback::graph::Graph;
use failback::id::MachineName;
use failback::id::RunId;
use failback::journal::MemoryJournal;
use failback::model::digest;
use failback::model::resolve;
use failback::provider::emulator::Emulator;
use failback::provider::emulator::Scenario;
use failback::provider::emulator::World as EmulatedWorld;
use failback::rules;
use failback::rules::Options;
use failback::rules::OriginFilter;
use failback::run::Driver;
use failback::run::End;
use failback::run::Parts;
use failback::run::Recorder;
use failback::run::SetClock;
use failback::run::Simulation;
use failback::run::approver::Approver;
use failback::run::approver::AutoApprove;
use failback::run::hook::Hooks;
use failback::run::hook::Simulated;
use failback::source::Sources;
use failback::syntax::inventory::Inventory;
use jiff::Timestamp;

use crate::estate;
use crate::estate::Estate;
use crate::lab::laws::assert_lawful;
use crate::lab::mortal::Mortal;
use crate::lab::mortal::Orders;
use crate::lab::mortal::StopAt;
use crate::lab::site::Site;
use crate::lab::site::Watched;

pub const CLASSIC: (&str, &str) =
    (include_str!("../../worlds/classic.plan.yaml"), include_str!("../../worlds/classic.inventory.yaml"));
pub const MODERNIZED: (&str, &str) = (
    include_str!("../../worlds/modernized.plan.yaml"),
    include_str!("../../worlds/modernized.inventory.yaml"),
);

/// A plan, its facts, and what goes wrong.
pub struct World {
    pub graph: Arc<Graph>,
    pub inventory: Inventory,
    pub start: Timestamp,
    pub options: Options,
    pub scenario: Scenario,
}

pub fn world(plan: &str, inventory: &str) -> World {
    let model = estate::model(plan, inventory);
    let inventory = model.inventory.clone();
    let start = model.observed_at().expect("the world says when it is");
    let options = Options { origin: OriginFilter::All, strict: false, now: start };
    let report = rules::check(model, &options);
    let checked = report.checked.unwrap_or_else(|| panic!("refused: {:#?}", report.findings));
    let scenario = Scenario::default();
    World {
        graph: Arc::new(failback::forecast::ranked(graph::compile(&checked))),
        inventory,
        start,
        options,
        scenario,
    }
}

/// Returns the world of one of the plans that come with the project.
pub fn example(name: &str) -> World {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("plans");
    let read = |ending: &str| {
        let path = folder.join(format!("{name}.{ending}.yaml"));
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    world(&read("plan"), &read("inventory"))
}

pub fn world_of(estate: &Estate) -> World {
    world(&estate.plan_text(), &estate.inventory_text())
}

/// Reads the faults of a scenario, each a YAML flow mapping.
pub fn scenario(faults: &[&str]) -> Scenario {
    let faults: String = faults.iter().map(|fault| format!("  - {fault}\n")).collect();
    scenario_of(&format!("faults:\n{faults}"))
}

/// Reads a scenario from its keys.
pub fn scenario_of(keys: &str) -> Scenario {
    let text = format!("kind: Scenario\nversion: 1\nname: test\n{keys}");
    let mut sources = Sources::new();
    let index = sources.add("scenario.yaml", text).expect("small");
    let mut diagnostics = Vec::new();
    let scenario = Scenario::parse(sources.get(index), &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    scenario.expect("it has no mistakes")
}

impl World {
    /// Returns the world with faults, each a YAML flow mapping.
    pub fn with(mut self, faults: &[&str]) -> Self {
        self.scenario = scenario(faults);
        self
    }

    /// Returns the site as it is at the beginning.
    pub fn site(&self) -> Site {
        self.site_in(self.scenario.clone())
    }

    /// Returns the site as it is at the beginning of a scenario.
    pub fn site_in(&self, scenario: Scenario) -> Site {
        let pace = Arc::new(WorldPace::new(self.start, Speed::Max));
        let inventory = self.inventory.clone();
        let emulator = Emulator::in_memory(inventory, scenario, self.start, pace.clone());
        Site(Arc::new(Watched {
            emulator,
            pace,
            sent: Mutex::default(),
            looked: Mutex::default(),
            stuck: Mutex::default(),
            hidden: Mutex::default(),
            busy: Mutex::default(),
            halfway: Mutex::default(),
            remaining: Mutex::default(),
            comes_back: Mutex::default(),
        }))
    }

    /// Runs the plan to its end, in one process that says yes to everything.
    pub fn run(&self) -> Ran {
        let ran = self.drive(&self.site(), Process::default());
        assert_lawful(&self.graph, &ran.events);
        ran
    }

    /// Runs the plan at a site to its end, in one process that has a runtime of its own: for a test that has one, too.
    pub fn run_at(&self, site: &Site) -> Ran {
        std::thread::scope(|scope| {
            scope.spawn(|| self.drive(site, Process::default())).join().expect("the run does not panic")
        })
    }

    /// Simulates the plan to its end.
    pub fn simulate(&self) -> Ran {
        self.simulate_told(Vec::new())
    }

    /// Simulates the plan to its end, and tells what happens.
    pub fn simulate_told(&self, reporters: Vec<Box<dyn Reporter>>) -> Ran {
        let clock = Arc::new(SetClock::new(self.start));
        let site = EmulatedWorld::new(self.inventory.clone(), self.scenario.clone(), self.start);
        let memory = MemoryJournal::default();
        let mut journal = memory.clone();
        let state = RunState::new(Arc::clone(&self.graph));
        let mut recorder = Recorder::new(RunId::new("r1"), clock.clone(), &mut journal, reporters, state);
        recorder.record(self.started()).expect("the first event is lawful");
        let (plan, inventory) = (self.graph.model().plan.clone(), self.inventory.clone());
        let model = resolve(plan, inventory);
        let end = Simulation::new(recorder, model, site, clock, self.options).run();
        let ran = Ran { end: end.map_err(|error| error.to_string()), events: memory.events(), synced: 0 };
        assert_lawful(&self.graph, &ran.events);
        ran
    }

    /// Lets one process drive the run as far as it comes.
    pub fn drive(&self, site: &Site, process: Process) -> Ran {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(self.process(site, process))
    }

    /// Returns the first event of a run.
    pub fn started(&self) -> RunEventKind {
        let model = self.graph.model();
        RunEventKind::RunStarted {
            plan: model.plan.name.value.clone(),
            plan_digest: digest::plan(model),
            facts_digest: digest::facts(model),
            provider: "emulator".into(),
            program: "test".into(),
            machines: 0,
            steps: 0,
            simulated_actions: true,
            author: None,
            ordered_by: None,
            people: Vec::new(),
        }
    }

    async fn process(&self, site: &Site, process: Process) -> Ran {
        self.process_at(site.0.clone(), site.0.pace.clone(), process).await
    }

    /// Lets one process drive the run at any site as far as it comes.
    pub async fn process_at(
        &self,
        site: Arc<dyn failback::run::Site>,
        pace: Arc<dyn Pace>,
        process: Process,
    ) -> Ran {
        let Process { before, approver, hooks, stop_at, syncs, orders, waiting } = process;
        let mut state = RunState::new(Arc::clone(&self.graph));
        for event in &before {
            let legal = state.check(event).expect("the journal is lawful");
            state.apply(event, legal);
        }
        let first =
            if before.is_empty() { self.started() } else { RunEventKind::Resumed { program: "test".into() } };
        let memory = MemoryJournal::default();
        let mut journal = Mortal { journal: memory.clone(), syncs, synced: Arc::default() };
        let synced = Arc::clone(&journal.synced);
        let (stop_now, stop) = tokio::sync::watch::channel(false);
        let mut reporters: Vec<Box<dyn Reporter>> = match stop_at {
            Some(when) => vec![Box::new(StopAt { when, stop: stop_now.clone() })],
            None => Vec::new(),
        };
        let (letters, arriving) = tokio::sync::mpsc::unbounded_channel();
        let numbered = (1 + state.last_letter()..).zip(waiting);
        for (id, (by, order)) in numbered {
            let known_as = KnownAs::OsUser;
            letters
                .send(Letter {
                    id,
                    at: self.start,
                    by,
                    known_as,
                    roles: Vec::new(),
                    order,
                    signed: None,
                    withdrawn_by: None,
                })
                .expect("nobody reads it yet");
        }
        if let Some((by, when)) = orders {
            let last = state.last_letter();
            reporters.push(Box::new(Orders { by, when, last, letters: letters.clone() }));
        }
        let clock = Arc::clone(&pace) as Arc<dyn Clock>;
        let mut recorder = Recorder::new(RunId::new("r1"), clock, &mut journal, reporters, state);
        let (plan, inventory) = (self.graph.model().plan.clone(), self.inventory.clone());
        let parts = Parts {
            site,
            pace,
            hooks,
            approver,
            model: resolve(plan, inventory),
            options: self.options,
            stop,
        };
        let end = match recorder.record(first) {
            Ok(()) => Driver::new(recorder, parts).ordered_by(arriving).drive().await,
            Err(error) => Err(error),
        };
        drop((stop_now, letters));
        let events = before.into_iter().chain(memory.events()).collect();
        Ran { end: end.map_err(|error| error.to_string()), events, synced: synced.load(Relaxed) }
    }

    pub fn machines(&self) -> Vec<MachineName> {
        let machines = self.graph.model().machines();
        machines.map(|machine| MachineName::new(machine.name().value.as_str())).collect()
    }
}

/// What a process is given.
pub struct Process {
    /// The journal that it finds.
    pub before: Vec<RunEvent>,
    pub approver: Arc<dyn Approver>,
    pub hooks: Arc<dyn Hooks>,
    /// It is asked to stop when this event comes.
    pub stop_at: Option<When>,
    /// It dies when it syncs its journal for this time.
    pub syncs: Option<usize>,
    /// Orders that are there when it begins, each with who sent it.
    pub waiting: Vec<(String, Order)>,
    /// What somebody orders from outside when an event comes.
    pub orders: Option<(String, Ordering)>,
}

/// Says what is ordered after an event.
pub type Ordering = Box<dyn FnMut(&RunEvent) -> Vec<Order>>;

/// Says whether an event is the one.
pub type When = Box<dyn FnMut(&RunEvent) -> bool>;

impl Default for Process {
    fn default() -> Self {
        let (approver, hooks) = (Arc::new(AutoApprove), Arc::new(Simulated));
        Self {
            before: Vec::new(),
            approver,
            hooks,
            stop_at: None,
            syncs: None,
            orders: None,
            waiting: Vec::new(),
        }
    }
}

impl Process {
    pub fn after(before: &[RunEvent]) -> Self {
        Self { before: before.to_vec(), ..Self::default() }
    }
    pub fn approved_by(mut self, approver: impl Approver + 'static) -> Self {
        self.approver = Arc::new(approver);
        self
    }
    pub fn stopped_at(mut self, when: impl FnMut(&RunEvent) -> bool + 'static) -> Self {
        self.stop_at = Some(Box::new(when));
        self
    }
    pub fn ordered(mut self, by: &str, when: impl FnMut(&RunEvent) -> Vec<Order> + 'static) -> Self {
        self.orders = Some((by.to_owned(), Box::new(when)));
        self
    }
    pub fn killed_at_sync(mut self, syncs: usize) -> Self {
        self.syncs = Some(syncs);
        self
    }
}

/// How far a process came.
pub struct Ran {
    pub end: Result<End, String>,
    pub events: Vec<RunEvent>,
    /// How often the last process synced its journal.
    pub synced: usize,
}

impl Ran {
    pub fn said(&self) -> String {
        self.events.iter().map(|event| format!("{} {} {:?}\n", event.seq, event.at, event.kind)).collect()
    }

    /// Returns whether an event of this kind is there.
    pub fn has(&self, is_it: impl Fn(&RunEventKind) -> bool) -> bool {
        self.events.iter().any(|event| is_it(&event.kind))
    }

    /// Returns how each step was settled.
    pub fn settled(&self) -> BTreeMap<String, &'static str> {
        let words = self.events.iter().filter_map(|event| {
            let word = match &event.kind {
                RunEventKind::StepSucceeded { .. } => "succeeded",
                RunEventKind::StepAdopted { .. } => "adopted",
                RunEventKind::StepFailed { .. } => "failed",
                RunEventKind::StepSkipped { .. } => "skipped",
                RunEventKind::StepBlocked { .. } => "blocked",
                _ => return None,
            };
            Some((event.kind.step()?.to_string(), word))
        });
        words.collect()
    }

    /// Returns the code with which a step failed.
    pub fn failure(&self, id: &str) -> Option<&str> {
        self.events.iter().find_map(|event| match &event.kind {
            RunEventKind::StepFailed { step, code, .. } if step.as_str() == id => Some(code.as_str()),
            _ => None,
        })
    }
}
