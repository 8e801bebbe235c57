//! What each step of a graph costs: time of its own, data to carry, slots to hold, somebody else's event to wait for.

use jiff::Timestamp;

use crate::forecast::amount;
use crate::forecast::amount::Amount;
use crate::forecast::duration;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::graph::wave;
use crate::graph::wave::SlotUse;
use crate::model::Machine;
use crate::model::PointChoice;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::PointKind;

/// Which of the two lines between the sites carries data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    ToOnprem,
    ToAzure,
}

/// When a machine boots whose agent is waited for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Boot {
    /// At the end of a step.
    Step(StepIndex),
    /// At a moment, in seconds after the start.
    At(f64),
    /// Nobody knows, and the agent is not registered.
    Unknown,
}

/// What a step costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Work {
    /// No time: a joint, a person's answer, or something that is there already.
    Nothing,
    /// A look at the site.
    Look((f64, f64)),
    /// A job of the service: its tasks for each of `members`, side by side.
    Job { tasks: &'static [u32], members: u32, through_plan: bool },
    /// Data, and then the first recovery point.
    Transfer { direction: Direction, amount: Amount },
    /// The registration of an agent.
    Agent(Boot),
    /// A recovery point that is made from now on, one every so many seconds, of a machine or group.
    NewPoint { every: f64, of: u64 },
    /// The first app-consistent point of each machine of a wave that goes to one.
    CommonPoints,
    /// An action, which takes up to so many seconds.
    Action(f64),
}

/// Slots of a server that a machine's disks take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slots {
    /// Number of the server in [`Workload::servers`].
    pub server: u32,
    /// Disks.
    pub disks: u32,
    /// Whether they are attached already, or not any more.
    pub now: SlotUse,
}

/// A server that takes disks.
#[derive(Debug)]
pub(super) struct Server {
    pub name: String,
    /// Disks that it can still take at the start.
    pub free: i64,
}

/// A graph with what each of its steps costs.
#[derive(Debug)]
pub(super) struct Workload<'g> {
    pub graph: &'g Graph,
    pub work: Vec<Work>,
    pub servers: Vec<Server>,
    /// Machines of each replication group.
    groups: Vec<Vec<usize>>,
    /// Every machine's own index, so that one machine is a slice, too.
    alone: Vec<usize>,
    /// Machines of each wave that go to app-consistent points, each with the machine that stands for its group.
    pointed: Vec<Vec<(usize, u64)>>,
    /// Slots of each machine.
    pub slots: Vec<Option<Slots>>,
    /// The step that waits for each machine's protection to on-premises.
    pub protected: Vec<StepIndex>,
    /// The moment since which an adopted protection gives points: the start, or longer ago than anybody asks.
    pub protected_before: Vec<f64>,
    /// Steps whose transfer runs when the plan begins.
    pub running: Vec<StepIndex>,
    /// Bytes a second of the line.
    pub bytes_per_second: f64,
    /// Mutating operations at once.
    pub max_parallel: u32,
}

impl<'g> Workload<'g> {
    /// Returns what the steps of a graph cost when it is begun at `start`.
    pub(super) fn new(graph: &'g Graph, start: Timestamp) -> Self {
        let model = graph.model();
        let count = model.machines().len();
        let network = model.inventory.network.as_ref().and_then(|network| network.bandwidth_mbps);
        let bandwidth = network.map_or(duration::DEFAULT_BANDWIDTH_MBPS, |bandwidth| bandwidth.value);
        let parallel = model.plan.execution.as_ref().and_then(|execution| execution.max_parallel);
        let mut load = Self {
            graph,
            work: Vec::with_capacity(graph.steps().len()),
            servers: Vec::new(),
            groups: model.groups().map(|group| group.members().map(Machine::index).collect()).collect(),
            alone: (0..count).collect(),
            pointed: vec![Vec::new(); usize::from(graph.waves().count) + 1],
            slots: vec![None; count],
            protected: vec![0; count],
            protected_before: vec![f64::NEG_INFINITY; count],
            running: Vec::new(),
            bytes_per_second: bandwidth * duration::BYTES_PER_MBIT,
            max_parallel: parallel.map_or(duration::MAX_PARALLEL, |most| u32::from(most.value.max(1))),
        };
        load.take_slots();
        load.find_pointed();
        let mut failover_of: Vec<StepIndex> = vec![0; count];
        let indexed = || (0..).zip(graph.steps());
        for (at, step) in indexed() {
            match (step.kind, step.subject) {
                (StepKind::AwaitProtected, StepSubject::Machine(machine)) => load.protected[machine] = at,
                (StepKind::Failover, StepSubject::Machine(machine)) => failover_of[machine] = at,
                (StepKind::Failover, StepSubject::Group(_)) => {
                    for machine in load.members(at) {
                        failover_of[*machine] = at;
                    }
                }
                _ => {}
            }
        }
        for machine in model.machines() {
            let adopted = graph.step(load.protected[machine.index()]).adopted;
            let lacks =
                machine.asr().ok().and_then(|asr| asr.recovery_points.as_ref()).is_some_and(|points| {
                    !points
                        .iter()
                        .any(|point| point.kind.is_some_and(|kind| kind.value == PointKind::AppConsistent))
                });
            if adopted && lacks {
                load.protected_before[machine.index()] = 0.0;
            }
        }
        for (at, step) in indexed() {
            let work = if step.adopted { Work::Nothing } else { load.work_of(at, start, &failover_of) };
            // A transfer whose beginning is adopted runs already.
            if let Work::Transfer { .. } = work
                && graph.before(at).iter().any(|before| is_begun(graph, *before))
            {
                load.running.push(at);
            }
            load.work.push(work);
        }
        load
    }

    fn take_slots(&mut self) {
        let model = self.graph.model();
        for machine in model.machines() {
            let Some(name) = wave::slot_server(machine) else { continue };
            let known = self.servers.iter().position(|server| server.name == name);
            let at = known.unwrap_or_else(|| {
                let free = i64::from(wave::free_slots(model, name));
                self.servers.push(Server { name: name.to_owned(), free });
                self.servers.len() - 1
            });
            self.slots[machine.index()] = Some(Slots {
                server: u32::try_from(at).expect("there are few servers"),
                disks: wave::disks(machine),
                now: wave::slot_use(machine),
            });
        }
    }

    fn work_of(&self, at: StepIndex, start: Timestamp, failover_of: &[StepIndex]) -> Work {
        let graph = self.graph;
        let model = graph.model();
        let step = graph.step(at);
        let classic = graph.experience() == Experience::Classic;
        let machine = match step.subject {
            StepSubject::Machine(index) => Some(model.machine(index)),
            StepSubject::Plan
            | StepSubject::Group(_)
            | StepSubject::Wave(_)
            | StepSubject::BootGroup(_)
            | StepSubject::Action(_) => None,
        };
        let grouped = matches!(step.subject, StepSubject::Group(_));
        let job = |tasks, through_plan| {
            let members = if grouped && through_plan { self.members(at).len().max(1) } else { 1 };
            Work::Job { tasks, members: u32::try_from(members).unwrap_or(u32::MAX), through_plan }
        };
        match step.kind {
            StepKind::Preflight => Work::Look(duration::LOOK),
            StepKind::Prepare if grouped => job(duration::RECOVERY_PLAN, false),
            StepKind::Prepare => {
                // A machine that has begun could not have done so without policy and mapping.
                let begun = graph.steps().iter().any(|step| step.kind == StepKind::Reprotect && step.adopted);
                if begun { Work::Look(duration::LOOK) } else { job(duration::PREPARE, false) }
            }
            StepKind::AwaitAzureAgent => machine.map_or(Work::Nothing, |machine| {
                let booted = machine.azure_vm().ok().and_then(|vm| vm.booted_at);
                agent(machine, booted.map(|booted| amount::seconds(start, booted.value)))
            }),
            StepKind::Reprotect => job(duration::REPROTECT, false),
            StepKind::AwaitProtected => machine.map_or(Work::Nothing, |machine| Work::Transfer {
                direction: Direction::ToOnprem,
                amount: amount::to_onprem(machine, start),
            }),
            StepKind::AwaitPoint => self.new_point(at, classic),
            // The barrier is the guard of all failovers of its wave: it waits for their recovery points.
            StepKind::Barrier if !self.pointed(at).is_empty() => Work::CommonPoints,
            StepKind::Recheck => Work::Look(duration::LOOK),
            StepKind::Failover if classic => job(duration::CLASSIC_FAILOVER, grouped),
            StepKind::Failover => job(duration::MODERNIZED_FAILOVER, grouped),
            StepKind::Verify => Work::Look(duration::VERIFY),
            StepKind::Commit => job(duration::COMMIT, grouped),
            StepKind::Cleanup => job(duration::RECOVERY_PLAN, false),
            StepKind::AwaitAgent => machine.map_or(Work::Nothing, |machine| {
                let failover = failover_of[machine.index()];
                if graph.step(failover).adopted {
                    let booted = machine.onprem_vm().ok().and_then(|vm| vm.booted_at);
                    agent(machine, booted.map(|booted| amount::seconds(start, booted.value)))
                } else {
                    Work::Agent(Boot::Step(failover))
                }
            }),
            StepKind::Forward if classic => job(duration::CLASSIC_FORWARD, false),
            StepKind::Forward => job(duration::MODERNIZED_FORWARD, false),
            StepKind::AwaitForward => machine.map_or(Work::Nothing, |machine| Work::Transfer {
                direction: Direction::ToAzure,
                amount: amount::to_azure(graph, machine, start, failover_of[machine.index()]),
            }),
            StepKind::Action => {
                let StepSubject::Action(action) = step.subject else { return Work::Nothing };
                let action = &model.plan.actions[action];
                if action.manual.is_some() {
                    return Work::Nothing;
                }
                #[expect(clippy::cast_precision_loss, reason = "timeouts are short")]
                let timeout =
                    action.timeout.map_or(duration::ACTION_TIMEOUT, |timeout| timeout.value.0 as f64);
                Work::Action(timeout)
            }
            StepKind::AwaitDeletion
            | StepKind::Barrier
            | StepKind::ApproveFailover
            | StepKind::BootGroup
            | StepKind::ApproveCommit => Work::Nothing,
        }
    }

    /// Returns the wait for a point newer than a quiescing action. Modernized makes its point by itself.
    fn new_point(&self, at: StepIndex, classic: bool) -> Work {
        let Some(first) = self.members(at).first().filter(|_| classic) else { return Work::Nothing };
        let app_consistent = goes_to_app_consistent(self.graph.model().machine(*first));
        let every =
            if app_consistent { duration::APP_CONSISTENT_EVERY } else { duration::CRASH_CONSISTENT_EVERY };
        Work::NewPoint { every, of: *first as u64 }
    }

    fn find_pointed(&mut self) {
        let graph = self.graph;
        if graph.experience() != Experience::Classic {
            return;
        }
        for machine in graph.model().machines().filter(|machine| goes_to_app_consistent(*machine)) {
            let of = self.group_of(machine.index()).first().copied().unwrap_or_default() as u64;
            let wave = graph.waves().of_machine[machine.index()];
            self.pointed[usize::from(wave)].push((machine.index(), of));
        }
    }

    /// Returns the machines of a wave that go to app-consistent points, each with who stands for its group.
    pub(super) fn pointed(&self, at: StepIndex) -> &[(usize, u64)] {
        match self.graph.step(at).subject {
            StepSubject::Wave(wave) => &self.pointed[usize::from(wave)],
            StepSubject::Plan
            | StepSubject::Machine(_)
            | StepSubject::Group(_)
            | StepSubject::BootGroup(_)
            | StepSubject::Action(_) => &[],
        }
    }

    /// Returns the machines that a step is about, by their indexes.
    pub(super) fn members(&self, at: StepIndex) -> &[usize] {
        match &self.graph.step(at).subject {
            StepSubject::Machine(index) => std::slice::from_ref(index),
            StepSubject::Group(group) => &self.groups[*group],
            StepSubject::Plan | StepSubject::Wave(_) | StepSubject::BootGroup(_) | StepSubject::Action(_) => {
                &[]
            }
        }
    }

    /// Returns the members of a machine's replication group; without one, the machine alone.
    pub(super) fn group_of(&self, machine: usize) -> &[usize] {
        let group = self.graph.model().machine(machine).group();
        group.map_or(std::slice::from_ref(&self.alone[machine]), |group| &self.groups[group.index()])
    }
}

fn goes_to_app_consistent(machine: Machine<'_>) -> bool {
    machine.point_choice() == Ok(Some(PointChoice::AppConsistent))
}

/// Returns the wait for an agent that boots with its machine; none where it is registered as far as the facts tell.
fn agent(machine: Machine<'_>, booted: Option<f64>) -> Work {
    let missing = || {
        let registered = machine.asr().ok().and_then(|asr| asr.agent_registration_ok);
        registered.is_some_and(|registered| !registered.value)
    };
    match booted {
        Some(booted) => Work::Agent(Boot::At(booted)),
        None if missing() => Work::Agent(Boot::Unknown),
        None => Work::Nothing,
    }
}

/// Returns whether a step is one that begins a transfer, and done before the start.
fn is_begun(graph: &Graph, step: StepIndex) -> bool {
    let step = graph.step(step);
    step.adopted && matches!(step.kind, StepKind::Reprotect | StepKind::Forward)
}
