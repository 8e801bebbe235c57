//! What tests of whole runs need: a world on a clock that jumps, processes that drive runs in it, and the laws of every run.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use failback::clock::Clock;
use failback::clock::pace::Pace;
use failback::clock::pace::Speed;
use failback::clock::pace::WorldPace;
use failback::event::Journal;
use failback::event::JournalError;
use failback::event::KnownAs;
use failback::event::Letter;
use failback::event::Order;
use failback::event::Outcome;
use failback::event::Reporter;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::event::RunState;
use failback::event::StepProgress;
use failback::graph;
use failback::graph::Graph;
use failback::graph::StepKind;
use failback::id::IdempotencyKey;
use failback::id::MachineName;
use failback::id::OperationId;
use failback::id::RunId;
use failback::id::StepId;
use failback::journal::MemoryJournal;
use failback::model::digest;
use failback::model::resolve;
use failback::provider::Freshness;
use failback::provider::Observation;
use failback::provider::Observe;
use failback::provider::Operate;
use failback::provider::OperationStatus;
use failback::provider::Progress;
use failback::provider::ProviderError;
use failback::provider::Request;
use failback::provider::emulator::Deed;
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
use failback::syntax::machine::Machine;
use failback::syntax::machine::PowerState;
use failback::syntax::machine::State;
use jiff::Timestamp;

use crate::estate;
use crate::estate::Estate;

pub const CLASSIC: (&str, &str) =
    (include_str!("../worlds/classic.plan.yaml"), include_str!("../worlds/classic.inventory.yaml"));
pub const MODERNIZED: (&str, &str) =
    (include_str!("../worlds/modernized.plan.yaml"), include_str!("../worlds/modernized.inventory.yaml"));

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
        Site(Arc::new(Watched { emulator, pace, sent: Mutex::new(Vec::new()), stuck: Mutex::new(None) }))
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
        let clock = Arc::new(SetClock::new(self.start));
        let site = EmulatedWorld::new(self.inventory.clone(), self.scenario.clone(), self.start);
        let memory = MemoryJournal::default();
        let mut journal = memory.clone();
        let state = RunState::new(Arc::clone(&self.graph));
        let mut recorder = Recorder::new(RunId::new("r1"), clock.clone(), &mut journal, Vec::new(), state);
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

/// A journal whose process dies when it syncs once too often; what it took and did not sync is lost.
struct Mortal {
    journal: MemoryJournal,
    syncs: Option<usize>,
    synced: Arc<AtomicUsize>,
}

impl Journal for Mortal {
    fn append(&mut self, event: &RunEvent) -> Result<(), JournalError> {
        self.journal.append(event)
    }

    fn sync(&mut self) -> Result<(), JournalError> {
        if let Some(left) = &mut self.syncs {
            *left = left.checked_sub(1).ok_or(JournalError { message: "killed".into() })?;
        }
        self.synced.fetch_add(1, Relaxed);
        self.journal.sync()
    }
}

struct StopAt {
    when: When,
    stop: tokio::sync::watch::Sender<bool>,
}

impl Reporter for StopAt {
    fn event(&mut self, event: &RunEvent, _: &RunState) -> std::io::Result<()> {
        if (self.when)(event) {
            self.stop.send_replace(true);
        }
        Ok(())
    }

    fn tick(&mut self, _: Timestamp, _: &RunState, _: &[StepProgress]) -> std::io::Result<()> {
        Ok(())
    }
}

/// Sends letters.
struct Orders {
    by: String,
    when: Ordering,
    last: u64,
    letters: tokio::sync::mpsc::UnboundedSender<Letter>,
}

impl Reporter for Orders {
    fn event(&mut self, event: &RunEvent, _: &RunState) -> std::io::Result<()> {
        for order in (self.when)(event) {
            self.last += 1;
            let (id, at, by, known_as) = (self.last, event.at, self.by.clone(), KnownAs::OsUser);
            self.letters
                .send(Letter { id, at, by, known_as, roles: Vec::new(), order, withdrawn_by: None })
                .expect("the driver is there");
        }
        Ok(())
    }

    fn tick(&mut self, _: Timestamp, _: &RunState, _: &[StepProgress]) -> std::io::Result<()> {
        Ok(())
    }
}

/// A request that reached the emulator.
#[derive(Clone, Debug)]
pub struct Sent {
    pub at: Timestamp,
    pub request: Request,
    pub key: IdempotencyKey,
}

/// A site, whoever drives it.
#[derive(Clone)]
pub struct Site(Arc<Watched>);

struct Watched {
    emulator: Emulator,
    pace: Arc<WorldPace>,
    sent: Mutex<Vec<Sent>>,
    /// Operations whose id begins with this word are shown as running until then.
    stuck: Mutex<Option<(&'static str, Timestamp)>>,
}

#[async_trait::async_trait]
impl Observe for Watched {
    async fn observe(&self, machines: &[MachineName]) -> Result<Observation, ProviderError> {
        self.emulator.observe(machines).await
    }

    async fn observe_since(
        &self,
        machines: &[MachineName],
        mark: Option<u64>,
        freshness: Freshness,
    ) -> Result<Observation, ProviderError> {
        self.emulator.observe_since(machines, mark, freshness).await
    }
}

#[async_trait::async_trait]
impl Operate for Watched {
    async fn begin(&self, request: &Request, key: &IdempotencyKey) -> Result<OperationId, ProviderError> {
        let sent = Sent { at: self.pace.now(), request: request.clone(), key: key.clone() };
        self.sent.lock().expect("no test panics here").push(sent);
        self.emulator.begin(request, key).await
    }

    async fn poll(&self, operation: &OperationId) -> Result<OperationStatus, ProviderError> {
        let stuck = *self.stuck.lock().expect("no test panics here");
        if stuck.is_some_and(|(word, until)| operation.as_str().starts_with(word) && self.pace.now() < until)
        {
            let task = "Start failover".to_owned();
            return Ok(OperationStatus::Running(Progress { done: 0.5, task, expected_end: None }));
        }
        self.emulator.poll(operation).await
    }

    async fn find(&self, key: &IdempotencyKey) -> Result<Option<OperationId>, ProviderError> {
        self.emulator.find(key).await
    }
}

impl Site {
    /// Returns the site's clock.
    pub fn pace(&self) -> Arc<WorldPace> {
        Arc::clone(&self.0.pace)
    }

    /// Returns what was sent, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.0.sent.lock().expect("no test panics here").clone()
    }

    /// Shows operations whose id begins with a word as running until a moment.
    pub fn sticks(&self, word: &'static str, until: Timestamp) {
        *self.0.stuck.lock().expect("no test panics here") = Some((word, until));
    }

    /// Does what a person does to the site.
    pub fn by_hand(&self, deed: &Deed) {
        self.0.emulator.by_hand(deed).expect("a person may do it");
    }

    /// Returns the facts of machines as they are now.
    pub fn facts(&self, machines: &[MachineName]) -> Inventory {
        block(async { self.0.emulator.observe(machines).await.expect("the emulator answers").facts })
    }

    /// Returns the facts of a machine as they are now.
    pub fn machine(&self, name: &MachineName) -> Machine {
        self.0.emulator.machine_facts(name).expect("it is there")
    }

    /// Returns the requests that the emulator took on, once for each operation.
    fn begun(&self) -> Vec<(OperationId, Sent)> {
        let mut begun = BTreeMap::new();
        for sent in self.sent() {
            if let Some(operation) = block(self.0.emulator.find(&sent.key)).expect("the emulator answers") {
                begun.entry(operation.to_string()).or_insert((operation, sent));
            }
        }
        begun.into_values().collect()
    }
}

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

/// Asserts that a run succeeded and that every machine runs on-premises, protected in Azure, its Azure VM gone.
pub fn assert_home(world: &World, site: &Site, ran: &Ran) {
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{}", ran.said());
    assert_machines_home(world, site, |_| true);
}

/// Asserts that these machines are home.
pub fn assert_machines_home(world: &World, site: &Site, which: impl Fn(&str) -> bool) {
    let facts = site.facts(&world.machines());
    for machine in facts.machines.iter().flatten().filter(|machine| which(&machine.name)) {
        assert_eq!(machine.state.map(|state| state.value), Some(State::ProtectedToAzure), "{}", machine.name);
        let onprem = machine.onprem_vm.as_ref().expect("it is back");
        assert_eq!(onprem.power_state.map(|state| state.value), Some(PowerState::Running));
        let azure = machine.azure_vm.as_ref().expect("what became of it is known");
        assert_eq!(azure.exists.map(|exists| exists.value), Some(false));
    }
}

/// Asserts that the emulator took nothing on twice for one machine and phase, except after a failure that the journal saw.
pub fn assert_nothing_begun_twice(site: &Site, ran: &Ran) {
    let mut begun: HashMap<(String, &'static str), usize> = HashMap::new();
    let mut seen_to_fail: HashMap<(String, &'static str), usize> = HashMap::new();
    for (_, sent) in site.begun() {
        for machine in sent.request.machines() {
            *begun.entry((machine.to_string(), word(&sent.request))).or_default() += 1;
        }
    }
    let mut open: HashMap<&StepId, &Request> = HashMap::new();
    // A person may order what changes the members of a recovery plan, or needs it again.
    let orders = ran.events.iter().filter(|event| {
        matches!(event.kind, RunEventKind::StepReopened { .. } | RunEventKind::MachineTakenOut { .. })
    });
    let again = orders.count();
    for event in &ran.events {
        match &event.kind {
            RunEventKind::IntentRecorded { step, request, .. } => drop(open.insert(step, request)),
            RunEventKind::MemberFailed { step, machine, .. } => {
                let Some(request) = open.get(step) else { continue };
                *seen_to_fail.entry((machine.to_string(), word(request))).or_default() += 1;
            }
            RunEventKind::AttemptFailed { step, .. } | RunEventKind::StepFailed { step, .. } => {
                let Some(request) = open.remove(step) else { continue };
                for machine in request.machines() {
                    *seen_to_fail.entry((machine.to_string(), word(request))).or_default() += 1;
                }
            }
            _ => {}
        }
    }
    for (of, count) in begun {
        let failed = seen_to_fail.get(&of).copied().unwrap_or(0);
        let again = if of.1.ends_with("_plan") { again } else { 0 };
        assert!(count <= 1 + failed + again, "{of:?} was begun {count} times\n{}", ran.said());
    }
}

const fn word(request: &Request) -> &'static str {
    match request {
        Request::Prepare => "prepare",
        Request::MakeRecoveryPlan { .. } => "make_recovery_plan",
        Request::DeleteRecoveryPlan { .. } => "delete_recovery_plan",
        Request::ReprotectToOnprem { .. } => "reprotect",
        Request::FailoverToOnprem { .. } => "failover",
        Request::CancelFailover { .. } => "cancel",
        Request::Commit { .. } => "commit",
        Request::ReprotectToAzure { .. } => "forward",
    }
}

/// Asserts what holds in every journal, whatever went wrong:
/// a failover comes after the barrier of its wave and the recheck of its machines, a commit after the verification of all its
/// machines, the way to Azure after the commit; a step begins after the steps before it; a request is sent after its guard
/// passed, and not while an earlier one of the step is open; `CompleteMigration` is never sent.
pub fn assert_lawful(graph: &Arc<Graph>, events: &[RunEvent]) {
    let refuted: Vec<_> = failback::evidence::check::order(graph, events)
        .into_iter()
        .filter(|finding| finding.weight == failback::evidence::check::Weight::Refuted)
        .collect();
    assert!(refuted.is_empty(), "{refuted:#?}\n{events:#?}");
    let mut state = RunState::new(Arc::clone(graph));
    let mut passed: HashSet<StepId> = HashSet::new();
    for event in events {
        let legal = state.check(event).unwrap_or_else(|error| panic!("{error}: {event:?}"));
        let good = |id: &str| {
            let step = graph.find(&StepId::new(id));
            step.is_none_or(|step| state.step(step).status.is_good())
        };
        let assert_each = |machines: &[MachineName], kind: &str| {
            for machine in machines {
                assert!(good(&format!("{kind}/{machine}")), "{kind}/{machine} before {event:?}");
            }
        };
        let text = serde_json::to_string(event).expect("an event has a JSON form").to_lowercase();
        assert!(!text.contains("completemigration") && !text.contains("complete_migration"), "{text}");
        match &event.kind {
            RunEventKind::StepStarted { step } => {
                let step = graph.find(step).expect("it is in the graph");
                let settled = |before: &u32| state.step(*before).status.is_settled();
                let good = |before: &u32| state.step(*before).status.is_good();
                assert!(graph.before(step).iter().all(settled), "{event:?}");
                // Only an action may look at how what it follows ended, a recovery plan is deleted however its group ended, and
                // a group goes on without a member that failed.
                let kind = graph.step(step).kind;
                let action = matches!(kind, StepKind::Action | StepKind::Cleanup)
                    || !state.out().is_empty()
                    || state.step(step).takes_back;
                assert!(action || graph.before(step).iter().all(good), "{event:?}");
            }
            RunEventKind::GuardEvaluated { step, passed: true, .. } => drop(passed.insert(step.clone())),
            RunEventKind::GuardEvaluated { step, passed: false, .. } => drop(passed.remove(step)),
            RunEventKind::IntentRecorded { step: id, request, .. } => {
                match request {
                    Request::ReprotectToOnprem { .. } => assert!(good("preflight"), "{event:?}"),
                    Request::FailoverToOnprem { machines, .. } => {
                        let step = graph.find(id).expect("it is in the graph");
                        assert!(good(&format!("barrier/{}", graph.step(step).wave)), "{event:?}");
                        assert_each(machines, "await_protected");
                        assert_each(machines, "recheck");
                    }
                    Request::Commit { machines, .. } => assert_each(machines, "verify"),
                    Request::ReprotectToAzure { machine, .. } => {
                        let model = graph.model();
                        let commits = (0..).zip(graph.steps()).filter(|(at, step)| {
                            step.kind == StepKind::Commit
                                && graph.machines_of(*at).iter().any(|of| of.name().value == machine.as_str())
                        });
                        let mut commits = commits.map(|(_, step)| step.id.as_str());
                        assert!(commits.all(good), "{event:?} in {}", model.plan.name);
                    }
                    Request::Prepare
                    | Request::MakeRecoveryPlan { .. }
                    | Request::DeleteRecoveryPlan { .. }
                    | Request::CancelFailover { .. } => {}
                }
                let guarded = matches!(
                    request,
                    Request::ReprotectToOnprem { .. }
                        | Request::FailoverToOnprem { .. }
                        | Request::Commit { .. }
                        | Request::ReprotectToAzure { .. }
                );
                assert!(!guarded || passed.remove(id), "{event:?} without a guard");
            }
            _ => {}
        }
        state.apply(event, legal);
    }
}
