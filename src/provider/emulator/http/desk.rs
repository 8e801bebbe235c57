//! What the service keeps beside the world: jobs that no run asks for, and resources that clients wrote.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;

use jiff::SignedDuration;
use jiff::Timestamp;
use serde_json::Value;

use crate::id::MachineName;
use crate::provider::emulator::Held;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::identity::Identity;
use crate::provider::emulator::http::soap;
use crate::provider::emulator::job::JobKind;
use crate::provider::emulator::job::Trouble;
use crate::provider::emulator::service::ServiceAct;
use crate::provider::emulator::world::World;

/// A task of a job beside the world.
#[derive(Clone, Debug)]
pub struct ServiceTask {
    /// Its id.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The service's words for it.
    pub words: &'static str,
    /// Seconds that it takes; none if it is skipped.
    pub seconds: Option<i64>,
    /// What a person is to do, if it is a person's: it takes until the job is resumed.
    pub manual: Option<Manual>,
}

/// What a person is asked to do while a job waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manual {
    /// What the action is called.
    pub name: String,
    /// What to do.
    pub instructions: String,
}

impl ServiceTask {
    /// Returns a task whose id is its name.
    #[must_use]
    pub const fn new(name: &'static str, words: &'static str, seconds: i64) -> Self {
        Self { id: name, name, words, seconds: Some(seconds), manual: None }
    }

    /// Returns a task that is skipped.
    #[must_use]
    pub const fn skipped(name: &'static str, words: &'static str) -> Self {
        Self { id: name, name, words, seconds: None, manual: None }
    }

    /// Returns a task of a person.
    #[must_use]
    pub const fn of_person(manual: Manual) -> Self {
        let (id, words) = ("ManualActionTask", "Manual action");
        Self { id, name: id, words, seconds: Some(0), manual: Some(manual) }
    }
}

/// What a job is about.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// Its id, which is not a resource id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// `ProtectionEntity`, `RecoveryPlan`, `ProtectionProfile`, `Server`, `VCenter`, …
    pub kind: &'static str,
}

/// What a job does to the resources that clients wrote when it has succeeded.
pub type Effect = Box<dyn FnOnce(&mut BTreeMap<String, Value>) + Send>;

/// What a job does to the desk when it has succeeded, at that moment.
pub type DeskEffect = Box<dyn FnOnce(&mut Desk, Timestamp) + Send>;

/// A job beside the world: what a run never asks for, or what the world refuses and the service takes on to let it fail.
pub struct ServiceJob {
    /// Its name.
    pub name: String,
    /// Its scenario, in the service's word.
    pub scenario: &'static str,
    /// The same for people.
    pub friendly: &'static str,
    /// Its tasks.
    pub tasks: Vec<ServiceTask>,
    /// What it is about.
    pub target: Target,
    /// `customDetails`, as far as the scenario has more than the usual.
    pub details: Value,
    /// What the client called its request.
    pub client_request_id: String,
    /// What the server called it.
    pub correlation_id: String,
    /// When it began.
    pub begun: Timestamp,
    /// When a person cancelled it.
    pub cancelled: Option<Timestamp>,
    /// When a person resumed it, once for each task of a person that was done.
    pub resumed: Vec<Timestamp>,
    /// The resource that it changes.
    pub resource: String,
    /// Whether that resource is gone afterwards.
    pub removes: bool,
    /// The machines that it has for itself.
    pub machines: Vec<usize>,
    /// The task at which it fails, and why.
    pub failure: Option<(usize, Trouble)>,
    /// What it says although it succeeded: code and message.
    pub information: Option<(String, String)>,
    /// What it does to the world when it has succeeded.
    pub acts: Vec<ServiceAct>,
    /// What it does to what clients wrote when it has succeeded.
    pub effect: Option<Effect>,
    /// What it does to the desk when it has succeeded.
    pub desk_effect: Option<DeskEffect>,
    /// Whether what it does was done, or is not to be.
    pub settled: bool,
}

impl std::fmt::Debug for ServiceJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceJob").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ServiceJob {
    /// Returns a job that changes `resource`; who begins it fills in the rest.
    #[must_use]
    pub fn new(
        scenario: &'static str,
        friendly: &'static str,
        target: Target,
        tasks: Vec<ServiceTask>,
        resource: String,
    ) -> Self {
        Self {
            name: String::new(),
            scenario,
            friendly,
            tasks,
            target,
            details: Value::Null,
            client_request_id: String::new(),
            correlation_id: String::new(),
            begun: Timestamp::UNIX_EPOCH,
            cancelled: None,
            resumed: Vec::new(),
            resource,
            removes: false,
            machines: Vec::new(),
            failure: None,
            information: None,
            acts: Vec::new(),
            effect: None,
            desk_effect: None,
            settled: false,
        }
    }

    /// Returns the job with what it does to the world when it has succeeded.
    #[must_use]
    pub fn acting(mut self, acts: impl IntoIterator<Item = ServiceAct>) -> Self {
        self.acts.extend(acts);
        self
    }

    /// Returns the job with what it does to what clients wrote when it has succeeded.
    #[must_use]
    pub fn then(mut self, effect: impl FnOnce(&mut BTreeMap<String, Value>) + Send + 'static) -> Self {
        self.effect = Some(Box::new(effect));
        self
    }

    /// Returns the job with what it does to the desk when it has succeeded.
    #[must_use]
    pub fn then_at_desk(mut self, effect: impl FnOnce(&mut Desk, Timestamp) + Send + 'static) -> Self {
        self.desk_effect = Some(Box::new(effect));
        self
    }

    /// Returns the job as one that fails at a task.
    #[must_use]
    pub fn failing(mut self, task: usize, code: &str, message: impl Into<String>) -> Self {
        self.failure = Some((task, Trouble::new(code, message)));
        self
    }

    /// Returns when each task begins and ends; a skipped one has neither, nor has one that never comes.
    #[must_use]
    pub fn times(&self) -> Vec<Option<(Timestamp, Timestamp)>> {
        let mut at = self.begun;
        let mut over = false;
        let mut resumed = self.resumed.iter();
        let mut times = Vec::with_capacity(self.tasks.len());
        for (index, task) in self.tasks.iter().enumerate() {
            times.push(task.seconds.filter(|_| !over).map(|seconds| {
                let begin = at;
                at = match task.manual {
                    Some(_) => resumed.next().copied().unwrap_or(Timestamp::MAX),
                    None => at.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX),
                };
                (begin, at)
            }));
            // What a person has not done holds up everything behind it.
            over |= at == Timestamp::MAX;
            over |= self.failure.as_ref().is_some_and(|(failing, _)| *failing == index);
        }
        times
    }

    /// Returns whether it waits for a person at a moment.
    #[must_use]
    pub fn is_suspended(&self, now: Timestamp) -> bool {
        let waits = self.tasks.iter().zip(self.times()).any(|(task, times)| {
            task.manual.is_some() && times.is_some_and(|(begin, end)| begin <= now && end > now)
        });
        waits && self.ends() > now
    }

    /// Returns when it ends.
    #[must_use]
    pub fn ends(&self) -> Timestamp {
        let planned = self.times().into_iter().flatten().map(|(_, end)| end).max().unwrap_or(self.begun);
        self.cancelled.map_or(planned, |cancelled| cancelled.min(planned))
    }
}

/// Where a job is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobRef {
    /// Among those of the world.
    World(usize),
    /// Among those of the desk.
    Service(usize),
    /// A part of one of the world, which is a job of its own.
    Part(usize, usize),
}

/// What is known of a job of the world beyond what the world knows.
#[derive(Clone, Debug)]
pub struct Note {
    /// What the client called its request.
    pub client_request_id: String,
    /// What the server called it.
    pub correlation_id: String,
    /// The resource that it changes.
    pub resource: String,
    /// Whether that resource was there before.
    pub again: bool,
    /// What it says although it succeeded: code and message.
    pub information: Option<(String, String)>,
}

/// A test failover of a machine.
#[derive(Clone, Debug)]
pub struct Test {
    /// Its state.
    pub state: &'static str,
    /// The same for people.
    pub words: &'static str,
    /// When it succeeded.
    pub succeeded: Option<Timestamp>,
}

impl Test {
    /// Returns a test that succeeded and was not cleaned up.
    #[must_use]
    pub const fn stands(succeeded: Option<Timestamp>) -> Self {
        Self { state: "Succeeded", words: "Test failover completed", succeeded }
    }
}

/// What the service keeps beside the world.
#[derive(Debug, Default)]
pub struct Desk {
    /// Jobs beside the world.
    pub jobs: Vec<ServiceJob>,
    /// Jobs by their name.
    pub index: HashMap<String, JobRef>,
    /// Jobs of the world that are in the index.
    pub indexed: usize,
    /// Notes on jobs of the world.
    pub notes: HashMap<usize, Note>,
    /// Resources that clients wrote, by their id in small letters.
    pub stored: BTreeMap<String, Value>,
    /// Test failovers that stand, by machine.
    pub tests: HashMap<usize, Test>,
    /// Machines whose item was removed from the vault.
    pub removed: HashSet<usize>,
    /// Policies that clients chose, by machine and whether it replicates to the site.
    pub policies: HashMap<(usize, bool), String>,
    /// Health errors that clients resolved, by machine: their ids.
    pub resolved: BTreeMap<usize, BTreeSet<String>>,
    /// Points that clients chose for a failover to Azure, by machine.
    pub chosen_points: HashMap<usize, String>,
    /// Recovery plans whose job runs, by that job: id and content.
    pub pending_plans: BTreeMap<usize, (String, Value)>,
    /// Keys under which requests were begun, with how often each request id came.
    pub repeats: HashMap<String, u32>,
    /// What vCenters keep for their clients.
    pub(super) vcenter: soap::State,
}

impl Desk {
    /// Takes the jobs that the world has taken on since into the index.
    pub(super) fn index_jobs(&mut self, world: &World, identity: &Identity) {
        for (at, job) in world.jobs.iter().enumerate().skip(self.indexed) {
            let name = identity.job_name(&job.id);
            // A reprotect begins a job of its own, and so does each machine of a recovery plan.
            let children = match job.kind {
                JobKind::Reprotect | JobKind::Forward => 1,
                _ if job.parts.len() > 1 => job.parts.len(),
                JobKind::Prepare
                | JobKind::SavePlan
                | JobKind::DeletePlan
                | JobKind::Failover
                | JobKind::Cancel
                | JobKind::Commit => 0,
            };
            for part in 0..children {
                self.index.insert(guid::guid("child", &format!("{name} {part}")), JobRef::Part(at, part));
            }
            self.index.insert(name, JobRef::World(at));
        }
        self.indexed = world.jobs.len();
    }

    /// Writes the recovery plans whose job has succeeded.
    pub(super) fn write_plans(&mut self, world: &World) {
        let over: Vec<usize> =
            self.pending_plans.keys().copied().filter(|at| world.jobs[*at].open == 0).collect();
        for at in over {
            let failed = world.jobs[at].parts.iter().any(|part| part.failure.is_some());
            if let Some((id, plan)) = self.pending_plans.remove(&at).filter(|_| !failed) {
                self.stored.insert(id, plan);
            }
        }
    }

    /// Returns when the next job beside the world ends.
    #[must_use]
    pub fn next_end(&self) -> Option<Timestamp> {
        let ends = self.jobs.iter().filter(|job| !job.settled).map(ServiceJob::ends);
        ends.filter(|end| *end < Timestamp::MAX).min()
    }

    /// Does what jobs do that ended at `now` or before.
    pub(super) fn settle(&mut self, held: &mut Held, now: Timestamp) {
        while let Some(end) = self.next_end().filter(|end| *end <= now) {
            let (mut acts, mut at_desk) = (Vec::new(), Vec::new());
            for job in self.jobs.iter_mut().filter(|job| !job.settled && job.ends() == end) {
                job.settled = true;
                if !job.machines.is_empty() {
                    let machines = names(&held.world, &job.machines);
                    acts.push(ServiceAct::Occupy { machines, occupied: false });
                }
                let (effect, desk_effect) = (job.effect.take(), job.desk_effect.take());
                if job.failure.is_some() || job.cancelled.is_some() {
                    continue;
                }
                acts.append(&mut job.acts);
                if let Some(effect) = effect {
                    effect(&mut self.stored);
                }
                at_desk.extend(desk_effect);
            }
            for act in acts {
                held.serve(end, act);
            }
            for effect in at_desk {
                effect(self, end);
            }
        }
        held.world.advance(now);
    }
}

/// Returns the names of machines.
pub(super) fn names(world: &World, machines: &[usize]) -> Vec<MachineName> {
    machines.iter().map(|machine| world.items[*machine].name.clone()).collect()
}
