//! A built-in site: Azure Site Recovery and vCenter as a deterministic state machine.
//!
//! It enforces the service's rules on its own reading of the documentation, independent of the rules that check plans.

mod accept;
mod boots;
mod chance;
mod changes;
mod checks;
mod deed;
mod effects;
mod fault;
mod halfway;
pub mod http;
mod impossible;
mod item;
mod job;
mod latency;
mod link;
mod open;
mod outage;
mod parameters;
mod place;
mod plans;
mod points;
mod power;
mod privileges;
mod queue;
mod record;
mod replicate;
pub mod scenario;
mod service;
mod shown;
mod sight;
mod site;
mod store;
mod switch;
mod unknown;
mod world;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use async_trait::async_trait;
use jiff::Timestamp;

pub use deed::Deed;
pub use record::TakenOn;
pub use record::Whereabouts;
pub use scenario::Scenario;
pub use service::ServiceAct;
pub use shown::Seen;
pub use world::Told;
pub use world::World;

use crate::clock::Clock;
use crate::id::IdempotencyKey;
use crate::id::MachineName;
use crate::id::OperationId;
use crate::provider::Freshness;
use crate::provider::Observe;
use crate::provider::Operate;
use crate::provider::emulator::store::Call;
use crate::provider::emulator::store::Store;
use crate::provider::error::ProviderError;
use crate::provider::observation::Observation;
use crate::provider::operation::OperationStatus;
use crate::provider::request::Request;
use crate::syntax::inventory::Inventory;
use crate::syntax::machine::Machine;

struct Held {
    world: World,
    store: Option<Store>,
}

/// A [`World`] that takes the time from a clock, and may live in a folder, where a killed run finds it again.
///
/// While no process holds it, its time stands still: what it does next depends on the clock that it is given.
pub struct Emulator {
    held: Mutex<Held>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emulator").finish_non_exhaustive()
    }
}

impl Emulator {
    /// Returns a world that is gone when the process ends.
    #[must_use]
    pub fn in_memory(
        inventory: Inventory,
        scenario: Scenario,
        start: Timestamp,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let world = World::new(inventory, scenario, start);
        Self { held: Mutex::new(Held { world, store: None }), clock }
    }

    /// Returns a world that goes on from where it is, in memory.
    #[must_use]
    pub fn holding(world: World, clock: Arc<dyn Clock>) -> Self {
        Self { held: Mutex::new(Held { world, store: None }), clock }
    }

    /// Returns the world as it is: what it does from here on is the same, whoever holds it.
    #[must_use]
    pub fn fork(&self) -> World {
        self.held().world.clone()
    }

    /// Returns a world that lives in the folder `path`, which is made and must not hold a world yet.
    ///
    /// # Errors
    ///
    /// [`ProviderError::World`] if the folder can't be written, or holds a world.
    pub fn create(
        path: &Path,
        inventory: Inventory,
        scenario: Scenario,
        start: Timestamp,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ProviderError> {
        let store = Store::create(path, &inventory, &scenario, start)?;
        let world = World::new(inventory, scenario, start);
        Ok(Self { held: Mutex::new(Held { world, store: Some(store) }), clock })
    }

    /// Returns whether the folder `path` holds a world.
    #[must_use]
    pub fn lives_in(path: &Path) -> bool {
        Store::is_in(path)
    }

    /// Returns the world that lives in the folder `path`, and the time of the last call that it took: a clock of its
    /// own should go on from there.
    ///
    /// # Errors
    ///
    /// [`ProviderError::World`] if the folder can't be read, or what it holds does not make a world.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<(Self, Timestamp), ProviderError> {
        let dormant = Dormant::of(path)?;
        let last = dormant.last_call();
        Ok((dormant.with_clock(clock), last))
    }

    /// Returns the time of the last call that a world in a folder has seen: its clock goes on no earlier.
    ///
    /// # Errors
    ///
    /// [`ProviderError::World`] if the folder can't be read, or what it holds does not make a world.
    pub fn last_call(path: &Path) -> Result<Timestamp, ProviderError> {
        Dormant::of(path).map(|dormant| dormant.last_call())
    }

    /// Returns when something changes by itself the next time, for a driver that jumps through time.
    #[must_use]
    pub fn next_change(&self) -> Option<Timestamp> {
        self.held().world.next_change()
    }

    /// Does what a person does with other tools than Site Recovery's API.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Refused`] if it can't be done; [`ProviderError::World`] if it can't be recorded.
    pub fn by_hand(&self, deed: &Deed) -> Result<(), ProviderError> {
        let (now, mut held) = (self.clock.now(), self.held());
        held.change(|world| world.by_hand(now, deed), |at, _| Call::by_hand(at, deed))
    }

    /// Returns the facts about everything that serves machines, without machines.
    ///
    /// # Errors
    ///
    /// What a fault of the scenario makes of the call.
    pub fn infrastructure(&self) -> Result<Inventory, ProviderError> {
        let (now, mut held) = (self.clock.now(), self.held());
        held.world.infrastructure(now)
    }

    /// Returns what the service says about one machine.
    ///
    /// # Errors
    ///
    /// [`ProviderError::NotFound`] if there is no such machine, or what a fault of the scenario makes of the call.
    pub fn item(&self, machine: &MachineName) -> Result<crate::provider::observation::Item, ProviderError> {
        let (now, mut held) = (self.clock.now(), self.held());
        held.world.item(now, machine)
    }

    /// Returns the facts about one machine.
    ///
    /// # Errors
    ///
    /// [`ProviderError::NotFound`] if there is no such machine, or what a fault of the scenario makes of the call.
    pub fn machine_facts(&self, machine: &MachineName) -> Result<Machine, ProviderError> {
        let (now, mut held) = (self.clock.now(), self.held());
        held.world.machine_facts(now, machine)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // A panic inside the world is a bug that has been reported; the lock does not hide it behind another one.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A world in a folder that nobody has given a clock yet: to read it again takes time where machines are many.
#[derive(Debug)]
pub struct Dormant {
    store: Store,
    world: World,
}

impl Dormant {
    /// Returns the world that lives in the folder `path`.
    ///
    /// # Errors
    ///
    /// [`ProviderError::World`] if the folder can't be read, or what it holds does not make a world.
    pub fn of(path: &Path) -> Result<Self, ProviderError> {
        let (store, world) = Store::open(path)?;
        Ok(Self { store, world })
    }

    /// Returns the time of the last call that it has seen: its clock goes on no earlier.
    #[must_use]
    pub const fn last_call(&self) -> Timestamp {
        self.world.now()
    }

    /// Returns it with a clock, by which its time goes on.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Emulator {
        Emulator { held: Mutex::new(Held { world: self.world, store: Some(self.store) }), clock }
    }
}

impl Held {
    /// Lets the service do what no run asked for. What can't be recorded makes the calls that follow fail.
    fn serve(&mut self, at: Timestamp, act: ServiceAct) {
        let deed = Deed::Service { act };
        drop(self.change(|world| world.by_hand(at, &deed), |at, _| Call::by_hand(at, &deed)));
    }

    /// Changes the world and records the change before anybody learns of it.
    fn change<T>(
        &mut self,
        act: impl FnOnce(&mut World) -> Result<T, ProviderError>,
        record: impl FnOnce(Timestamp, Option<&T>) -> Call,
    ) -> Result<T, ProviderError> {
        if let Some(store) = &self.store {
            store.usable()?;
        }
        let before = self.world.revision();
        let outcome = act(&mut self.world);
        if self.world.revision() != before
            && let Some(store) = &mut self.store
        {
            let call = record(self.world.now(), outcome.as_ref().ok());
            store.append(&call)?;
        }
        outcome
    }
}

#[async_trait]
impl Observe for Emulator {
    async fn observe(&self, machines: &[MachineName]) -> Result<Observation, ProviderError> {
        let (now, mut held) = (self.clock.now(), self.held());
        held.world.observe(now, machines)
    }

    async fn observe_since(
        &self,
        machines: &[MachineName],
        mark: Option<u64>,
        _: Freshness,
    ) -> Result<Observation, ProviderError> {
        let (now, mut held) = (self.clock.now(), self.held());
        held.world.observe_since(now, machines, mark)
    }
}

#[async_trait]
impl Operate for Emulator {
    async fn begin(&self, request: &Request, key: &IdempotencyKey) -> Result<OperationId, ProviderError> {
        let (now, mut held) = (self.clock.now(), self.held());
        held.change(
            |world| world.begin(now, request, key),
            |at, operation| Call::begin(at, request, key, operation),
        )
    }

    async fn poll(&self, operation: &OperationId) -> Result<OperationStatus, ProviderError> {
        let (now, mut held) = (self.clock.now(), self.held());
        held.world.poll(now, operation)
    }

    async fn find(&self, key: &IdempotencyKey) -> Result<Option<OperationId>, ProviderError> {
        let (now, mut held) = (self.clock.now(), self.held());
        held.world.find(now, key)
    }
}
