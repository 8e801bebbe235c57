//! The emulated world: what it holds, how its time goes on, and what can be seen of it.

use std::collections::HashMap;

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::id::IdMap;
use crate::id::IdempotencyKey;
use crate::id::MachineName;
use crate::id::OperationId;
use crate::provider::emulator::item::Item;
use crate::provider::emulator::item::is_true;
use crate::provider::emulator::job::Job;
use crate::provider::emulator::latency;
use crate::provider::emulator::link::Link;
use crate::provider::emulator::queue::Event;
use crate::provider::emulator::queue::Queue;
use crate::provider::emulator::scenario::FaultPhase;
use crate::provider::emulator::scenario::Scenario;
use crate::provider::emulator::site::Site;
use crate::provider::error::ProviderError;
use crate::provider::operation::OperationStatus;
use crate::syntax::inventory::Inventory;
use crate::syntax::machine::ActiveSite;
use crate::syntax::machine::State;

/// Bytes a second of one Mbit/s.
const BYTES_PER_MBIT: f64 = 125_000.0;

/// The emulated world. It has no clock: each call says what time it is, and the world first goes on to that time.
///
/// What it does depends on the inventory, the scenario, the start and the requests with their times, and on nothing
/// else: looking at it never changes it. Time that goes backwards counts as standing still.
#[derive(Clone, Debug)]
pub struct World {
    pub(super) scenario: Scenario,
    pub(super) start: Timestamp,
    pub(super) now: Timestamp,
    pub(super) site: Site,
    pub(super) items: Vec<Item>,
    pub(super) index: IdMap<MachineName, usize>,
    pub(super) jobs: Vec<Job>,
    pub(super) operations: IdMap<OperationId, usize>,
    pub(super) keys: IdMap<IdempotencyKey, usize>,
    pub(super) queue: Queue,
    pub(super) to_onprem: Link,
    pub(super) to_azure: Link,
    pub(super) plans: HashMap<String, Vec<usize>>,
    pub(super) policy_mapped: bool,
    pub(super) calls: [u32; 6],
    pub(super) job_counts: [u32; 6],
    pub(super) revision: u64,
    /// Faults that stand, each with the machine that it hit, for a fault of machines that came with a request.
    pub(super) standing: Vec<(usize, Option<usize>)>,
    /// What changed by itself, if anybody wants to be told.
    pub(super) told: Option<Told>,
}

/// What changed by itself in a stretch of time.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Places of the machines that changed.
    pub machines: Vec<usize>,
    /// Operations that ended.
    pub operations: Vec<OperationId>,
    /// Whether something changed that any machine may depend on.
    pub servers: bool,
}

/// Returns `seconds` after `at`.
pub(super) fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// Returns the place of a phase in the counters.
pub(super) const fn phase_index(phase: FaultPhase) -> usize {
    match phase {
        FaultPhase::Prepare => 0,
        FaultPhase::Reprotect => 1,
        FaultPhase::Failover => 2,
        FaultPhase::Cancel => 3,
        FaultPhase::Commit => 4,
        FaultPhase::Forward => 5,
    }
}

impl World {
    /// Returns the world that `inventory` describes, at `start`, in which goes wrong what `scenario` says.
    #[must_use]
    pub fn new(inventory: Inventory, scenario: Scenario, start: Timestamp) -> Self {
        let seed = scenario.seed();
        let bandwidth =
            inventory.network.as_ref().and_then(|network| network.bandwidth_mbps.as_deref().copied());
        let bandwidth = bandwidth.unwrap_or(latency::DEFAULT_BANDWIDTH_MBPS) * BYTES_PER_MBIT;
        let (site, machines) = Site::new(inventory);
        let mut groups = HashMap::new();
        for group in site.facts().replication_groups.iter().flatten() {
            for member in &group.members {
                groups.insert(member.value.clone(), group.name.value.clone());
            }
        }
        let items: Vec<Item> = machines
            .into_iter()
            .map(|machine| {
                let group = groups.remove(&machine.name.value);
                Item::new(machine, group, site.classic, seed)
            })
            .collect();
        // A machine that comes home is reprotected, failed over, committed and reprotected again.
        let jobs = items.len() * 4;
        let index = items.iter().enumerate().map(|(at, item)| (item.name.clone(), at)).collect();
        let mut world = Self {
            scenario,
            start,
            now: start,
            site,
            items,
            index,
            jobs: Vec::with_capacity(jobs),
            operations: IdMap::with_capacity_and_hasher(jobs, Default::default()),
            keys: IdMap::with_capacity_and_hasher(jobs, Default::default()),
            queue: Queue::default(),
            to_onprem: Link::new(bandwidth, latency::MACHINE_CEILING, start),
            to_azure: Link::new(bandwidth, latency::MACHINE_CEILING, start),
            plans: HashMap::new(),
            policy_mapped: false,
            calls: [0; 6],
            job_counts: [0; 6],
            revision: 0,
            standing: Vec::new(),
            told: None,
        };
        for machine in 0..world.items.len() {
            world.set_up(machine);
        }
        world.arm_faults();
        world
    }

    /// Goes on to `now`.
    pub(super) fn advance(&mut self, now: Timestamp) {
        while let Some(at) = self.next_change().filter(|at| *at <= now) {
            self.now = self.now.max(at);
            if self.to_onprem.next_end() == Some(at) {
                if let Some(machine) = self.to_onprem.end_next() {
                    self.transfer_ends(machine);
                }
            } else if self.to_azure.next_end() == Some(at) {
                if let Some(machine) = self.to_azure.end_next() {
                    self.transfer_ends(machine);
                }
            } else if let Some(event) = self.queue.pop() {
                self.happen(event);
            }
        }
        self.now = self.now.max(now);
    }

    /// Goes on to `now`, and writes into `told` what changed by itself since it was last told; what that held before is gone.
    ///
    /// The first call begins the telling.
    pub fn tell(&mut self, now: Timestamp, told: &mut Told) {
        self.told.get_or_insert_default();
        self.advance(now);
        told.machines.clear();
        told.operations.clear();
        told.servers = false;
        if let Some(own) = &mut self.told {
            std::mem::swap(own, told);
        }
    }

    /// Notes that a machine changed by itself.
    pub(super) fn touch(&mut self, machine: usize) {
        if let Some(told) = &mut self.told {
            told.machines.push(machine);
        }
    }

    /// Notes what an event changes.
    fn note(&mut self, event: &Event) {
        let Some(told) = &mut self.told else { return };
        match event {
            // The end of its last task tells of a job.
            Event::TaskEnds { .. } => {}
            Event::AgentRegisters { machine, .. }
            | Event::ToolsRun { machine, .. }
            | Event::FirstPoint { machine }
            | Event::BootsAtLast { machine } => told.machines.push(*machine),
            Event::FaultBegins { .. } | Event::FaultEnds { .. } | Event::ByHand { .. } => told.servers = true,
        }
    }

    fn happen(&mut self, event: Event) {
        self.note(&event);
        match event {
            Event::TaskEnds { job, part } => self.task_ends(job, part),
            Event::AgentRegisters { machine, side, boot } => {
                let classic = self.site.classic;
                let item = &mut self.items[machine];
                if item.boots.of(side) == boot {
                    match side {
                        ActiveSite::Azure => item.azure_agent = !item.is_cut_off(classic),
                        ActiveSite::Onprem => item.onprem_agent = true,
                    }
                }
            }
            Event::ToolsRun { machine, boot } => self.tools_run(machine, boot),
            Event::FirstPoint { machine } => self.first_point(machine),
            Event::FaultBegins { fault } => self.fault_begins(fault, None),
            Event::FaultEnds { fault, machine } => self.set_fault(fault, machine, false),
            Event::BootsAtLast { machine } => {
                if self.items[machine].settled == State::FailedBack && !self.items[machine].onprem_runs() {
                    self.boot_onprem(machine);
                }
            }
            Event::ByHand { request } => self.done_by_hand(*request),
        }
    }

    /// Returns when something changes by itself the next time; recovery points, which only age, don't count.
    #[must_use]
    pub fn next_change(&self) -> Option<Timestamp> {
        let first = |one: Option<Timestamp>, other: Option<Timestamp>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        first(self.queue.next(), first(self.to_onprem.next_end(), self.to_azure.next_end()))
    }

    /// Returns the time that the world has reached.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns a number that changes with each call that changed the world.
    pub(super) const fn revision(&self) -> u64 {
        self.revision
    }

    /// Returns how far an operation is.
    ///
    /// # Errors
    ///
    /// [`ProviderError::NotFound`] if there is no such operation, or what a fault of the scenario makes of the call.
    pub fn poll(
        &mut self,
        now: Timestamp,
        operation: &OperationId,
    ) -> Result<OperationStatus, ProviderError> {
        self.advance(now);
        self.outage()?;
        let job = self.operations.get(operation).and_then(|at| self.jobs.get(*at));
        let job = job.ok_or_else(|| ProviderError::NotFound { what: format!("operation {operation}") })?;
        Ok(job.status(&self.items))
    }

    /// Returns the operation that was begun with `key`.
    ///
    /// # Errors
    ///
    /// What a fault of the scenario makes of the call.
    pub fn find(
        &mut self,
        now: Timestamp,
        key: &IdempotencyKey,
    ) -> Result<Option<OperationId>, ProviderError> {
        self.advance(now);
        self.outage()?;
        Ok(self.keys.get(key).and_then(|at| self.jobs.get(*at)).map(|job| job.id.clone()))
    }

    /// Returns the seconds from the last byte to the first recovery point.
    pub(super) fn first_point_takes(&self, item: &Item) -> i64 {
        let (model, seed) = (self.scenario.durations(), self.scenario.seed());
        latency::varied(model, seed, item.name.as_str(), "first-point", latency::FIRST_POINT_AFTER)
    }

    /// Returns whether the failback policy is there and mapped.
    #[must_use]
    pub const fn is_prepared(&self) -> bool {
        self.policy_mapped
    }

    /// Returns whether the copy of a machine in Azure exists.
    pub(super) fn azure_exists(&self, machine: usize) -> bool {
        self.items[machine].facts.azure_vm.as_ref().is_some_and(|vm| is_true(&vm.exists))
    }
}
