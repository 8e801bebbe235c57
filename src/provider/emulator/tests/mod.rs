//! Tests of the emulated world, and the hands with which they drive it.

mod catalogue;
mod cycle;
mod determinism;
mod disks;
mod fault;
mod group;
mod halfway;
mod impossible;
mod network;
mod persistence;
mod refusal;
mod scale;
mod since;
mod walk;

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::id::IdempotencyKey;
use crate::id::MachineName;
use crate::id::OperationId;
use crate::provider::FailbackPoint;
use crate::provider::Failure;
use crate::provider::ForwardTarget;
use crate::provider::Item;
use crate::provider::OnpremTarget;
use crate::provider::OperationStatus;
use crate::provider::ProviderError;
use crate::provider::Request;
use crate::provider::emulator::Scenario;
use crate::provider::emulator::World;
use crate::source::Sources;
use crate::syntax::Document;
use crate::syntax::inventory::Inventory;
use crate::syntax::machine::Machine;
use crate::syntax::machine::State;

const CLASSIC: &str = include_str!("../../../../tests/worlds/classic.inventory.yaml");
const MODERNIZED: &str = include_str!("../../../../tests/worlds/modernized.inventory.yaml");

/// Reads an inventory.
fn inventory(text: &str) -> Inventory {
    let mut sources = Sources::new();
    let index = sources.add("inventory.yaml", text.to_owned()).unwrap();
    let mut diagnostics = Vec::new();
    let documents = crate::syntax::parse(sources.get(index), &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    match documents.into_iter().next() {
        Some(Document::Inventory(inventory)) => *inventory,
        other => panic!("no inventory: {other:?}"),
    }
}

/// Returns the classic reference world with `from` replaced by `to`, each of which must be there.
fn classic(changes: &[(&str, &str)]) -> Inventory {
    changed(CLASSIC, changes)
}

/// Returns the modernized reference world with `from` replaced by `to`, each of which must be there.
fn modernized(changes: &[(&str, &str)]) -> Inventory {
    changed(MODERNIZED, changes)
}

fn changed(text: &str, changes: &[(&str, &str)]) -> Inventory {
    let mut text = text.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "`{from}` isn't in the inventory");
        text = text.replace(from, to);
    }
    inventory(&text)
}

/// Reads a scenario from its keys after `name`.
fn scenario(keys: &str) -> Scenario {
    let mut sources = Sources::new();
    let text = format!("kind: Scenario\nversion: 1\nname: test\n{keys}");
    let index = sources.add("scenario.yaml", text).unwrap();
    let mut diagnostics = Vec::new();
    let scenario = Scenario::parse(sources.get(index), &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    scenario.unwrap()
}

/// Returns a scenario with one fault.
fn fault(fault: &str) -> Scenario {
    scenario(&format!("durations: fixed\nfaults:\n  - {{{fault}}}\n"))
}

fn name(name: &str) -> MachineName {
    MachineName::new(name)
}

fn begin_of_time() -> Timestamp {
    "2025-06-01T00:00:00Z".parse().unwrap()
}

/// A world, the time in it, and a count of keys.
struct Site {
    world: World,
    now: Timestamp,
    keys: u32,
}

impl Site {
    fn new(inventory: Inventory, scenario: Scenario) -> Self {
        let now = begin_of_time();
        Self { world: World::new(inventory, scenario, now), now, keys: 0 }
    }

    fn wait(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    fn minutes(&self) -> i64 {
        self.now.duration_since(begin_of_time()).as_mins()
    }

    fn begin(&mut self, request: &Request) -> Result<OperationId, ProviderError> {
        self.keys += 1;
        let key = IdempotencyKey::new(format!("key-{}", self.keys));
        self.world.begin(self.now, request, &key)
    }

    /// Goes on until an operation is over.
    fn finish(&mut self, operation: &OperationId) -> OperationStatus {
        loop {
            let status = self.world.poll(self.now, operation).unwrap();
            if !matches!(status, OperationStatus::Running(_)) {
                return status;
            }
            self.now = self.world.next_change().expect("a running operation has an end");
        }
    }

    fn run(&mut self, request: &Request) -> OperationStatus {
        let operation = self.begin(request).unwrap();
        self.finish(&operation)
    }

    /// Runs a request that is to succeed.
    fn done(&mut self, request: &Request) {
        assert_eq!(self.run(request), OperationStatus::Succeeded, "{request:?}");
    }

    /// Runs a request whose job is to fail.
    fn fails(&mut self, request: &Request) -> Failure {
        match self.run(request) {
            OperationStatus::Failed(failure) => failure,
            other => panic!("{request:?}: {other:?}"),
        }
    }

    /// Sends a request that is to be refused, and returns the code.
    fn refused(&mut self, request: &Request) -> String {
        match self.begin(request) {
            Err(ProviderError::Refused { code, .. }) => code,
            other => panic!("{request:?}: {other:?}"),
        }
    }

    fn facts(&mut self, machine: &str) -> Machine {
        self.world.machine_facts(self.now, &name(machine)).unwrap()
    }

    fn item(&mut self, machine: &str) -> Item {
        self.world.item(self.now, &name(machine)).unwrap()
    }

    fn state(&mut self, machine: &str) -> State {
        self.facts(machine).state.unwrap().value
    }

    /// Goes on until a machine is in a state.
    fn until(&mut self, machine: &str, state: State) {
        while self.state(machine) != state {
            self.now = self.world.next_change().unwrap_or_else(|| panic!("{machine} never gets {state}"));
        }
    }

    /// Brings a machine of the classic world to the point where it can fail back.
    fn protect(&mut self, machine: &str) {
        self.done(&Request::Prepare);
        self.done(&reprotect(machine));
        self.until(machine, State::ProtectedToOnprem);
    }

    fn attached(&mut self, server: &str) -> u32 {
        let facts = self.world.infrastructure(self.now).unwrap();
        let targets = facts.master_targets.iter().flatten().filter(|target| target.name.value == server);
        let appliances = facts.appliances.iter().flatten().filter(|target| target.name.value == server);
        targets
            .map(|target| target.attached_disks.unwrap().value)
            .chain(appliances.map(|appliance| appliance.attached_disks.unwrap().value))
            .next()
            .unwrap()
    }
}

fn reprotect(machine: &str) -> Request {
    let (master_target, retention_volume) =
        if machine.starts_with('l') { ("mtl", "/mnt/retention") } else { ("mtw", "R:") };
    Request::ReprotectToOnprem {
        machine: name(machine),
        target: OnpremTarget::Classic {
            master_target: master_target.to_owned(),
            process_server: "ps-az".to_owned(),
            retention_volume: retention_volume.to_owned(),
            datastore: "vmfs1".to_owned(),
        },
    }
}

fn reprotect_modernized(machine: &str) -> Request {
    Request::ReprotectToOnprem {
        machine: name(machine),
        target: OnpremTarget::Modernized {
            appliance: "ra1".to_owned(),
            log_storage_account: "sa1".to_owned(),
            datastore: "vmfs1".to_owned(),
        },
    }
}

fn failover(machine: &str, point: FailbackPoint) -> Request {
    Request::FailoverToOnprem { machines: vec![name(machine)], recovery_plan: None, point }
}

fn latest(machine: &str) -> Request {
    failover(machine, FailbackPoint::Latest)
}

fn commit(machine: &str) -> Request {
    Request::Commit { machines: vec![name(machine)], recovery_plan: None }
}

fn forward(machine: &str) -> Request {
    let target = ForwardTarget::Classic { process_server: "ps-on".to_owned() };
    Request::ReprotectToAzure { machine: name(machine), target }
}

fn forward_modernized(machine: &str) -> Request {
    let target =
        ForwardTarget::Modernized { appliance: "ra1".to_owned(), cache_storage_account: "sa2".to_owned() };
    Request::ReprotectToAzure { machine: name(machine), target }
}

/// Returns the code with which the reprotect of `w1` fails in the classic world with these changes.
fn classic_fails(changes: &[(&str, &str)]) -> String {
    let mut site = Site::new(classic(changes), Scenario::default());
    site.done(&Request::Prepare);
    site.fails(&reprotect("w1")).code
}

fn modernized_fails(changes: &[(&str, &str)]) -> String {
    Site::new(modernized(changes), Scenario::default()).fails(&reprotect_modernized("w1")).code
}

/// Reprotects `w1` in the classic world with these changes, and fails it over.
fn comes_home(changes: &[(&str, &str)]) {
    let mut site = Site::new(classic(changes), Scenario::default());
    site.protect("w1");
    site.done(&latest("w1"));
}
