//! What each step of a graph costs: time of its own, data to carry, slots to hold, somebody else's event to wait for.

use jiff::Timestamp;

use crate::forecast::duration;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::graph::wave;
use crate::graph::wave::SlotUse;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::model::PointChoice;
use crate::quantity::GIB;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::PointKind;
use crate::syntax::machine::State;

/// Which of the two lines between the sites carries data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    ToOnprem,
    ToAzure,
}

/// Data that a machine has to carry, in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Amount {
    /// All of it.
    All(f64),
    /// What changed of it, when nothing tells how much.
    Part(f64),
    /// What changed since a moment (seconds after the start, mostly before it), at a known pace, up to a total.
    Since { per_second: f64, moment: f64, total: f64 },
    /// What changed since the end of a step, at a known pace, up to a total.
    SinceStep { per_second: f64, step: StepIndex, total: f64 },
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
    /// A recovery point of machines, every so many seconds. `newer`: than now; else than their protection.
    Point { every: f64, phase: u64, newer: bool },
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

/// Returns the bytes of a machine's disks that are replicated.
#[expect(clippy::cast_precision_loss, reason = "an estimate of bytes")]
pub(super) fn total_bytes(machine: Machine<'_>) -> f64 {
    let size = |known: Option<u64>| known.unwrap_or(duration::UNKNOWN_DISK_GIB * GIB) as f64;
    let azure = machine.azure_vm().ok().and_then(|vm| vm.disks.as_ref());
    let sum: f64 = if let Some(disks) = azure {
        disks
            .iter()
            .filter(|disk| disk.replicated_from_onprem.is_none_or(|from| from.value))
            .filter(|disk| disk.temporary.is_none_or(|temporary| !temporary.value))
            .map(|disk| size(disk.size_gb.map(|size| size.value.0)))
            .sum()
    } else {
        let disks = machine.onprem_disks().unwrap_or_default();
        disks
            .iter()
            .filter(|disk| disk.excluded.is_none_or(|excluded| !excluded.value))
            .map(|disk| size(disk.size_gb.map(|size| size.value.0)))
            .sum()
    };
    if sum > 0.0 { sum } else { size(None) }
}

/// Returns the bytes of a machine that change in a second, if its facts tell.
#[expect(clippy::cast_precision_loss, reason = "a GiB is exact")]
fn churn(machine: Machine<'_>) -> Option<f64> {
    let per_day = machine.facts().ok()?.churn.as_ref()?.gb_per_day?;
    Some(per_day.value * GIB as f64 / 86_400.0)
}

/// Returns what a machine has to carry to on-premises.
pub(super) fn to_onprem(machine: Machine<'_>, start: Timestamp) -> Amount {
    let total = total_bytes(machine);
    let begun = matches!(machine.state(), Ok(State::ReprotectingToOnprem));
    // Of a replication that runs nobody knows how much is left; it is taken to be the changes.
    if !begun && machine.location_mode() != Ok(LocationMode::Original) {
        return Amount::All(total);
    }
    let booted = machine.azure_vm().ok().and_then(|vm| vm.booted_at);
    match (churn(machine), booted) {
        (Some(per_second), Some(booted)) => {
            Amount::Since { per_second, moment: seconds(start, booted.value), total }
        }
        _ => Amount::Part(total),
    }
}

fn seconds(start: Timestamp, at: Timestamp) -> f64 {
    at.duration_since(start).as_secs_f64()
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
            slots: vec![None; count],
            protected: vec![0; count],
            protected_before: vec![f64::NEG_INFINITY; count],
            running: Vec::new(),
            bytes_per_second: bandwidth * duration::BYTES_PER_MBIT,
            max_parallel: parallel.map_or(duration::MAX_PARALLEL, |most| u32::from(most.value.max(1))),
        };
        load.take_slots();
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
            let lacks = machine.asr().ok().and_then(|asr| asr.recovery_points.as_ref()).is_some_and(|points| {
                !points.iter().any(|point| point.kind.is_some_and(|kind| kind.value == PointKind::AppConsistent))
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
                agent(machine, booted.map(|booted| seconds(start, booted.value)))
            }),
            StepKind::Reprotect => job(duration::REPROTECT, false),
            StepKind::AwaitProtected => machine.map_or(Work::Nothing, |machine| Work::Transfer {
                direction: Direction::ToOnprem,
                amount: to_onprem(machine, start),
            }),
            StepKind::AwaitPoint => self.point(at, classic, true),
            StepKind::Recheck => match self.point(at, classic, false) {
                Work::Nothing => Work::Look(duration::LOOK),
                point => point,
            },
            StepKind::Failover if classic => job(duration::CLASSIC_FAILOVER, grouped),
            StepKind::Failover => job(duration::MODERNIZED_FAILOVER, grouped),
            StepKind::Verify => Work::Look(duration::VERIFY),
            StepKind::Commit => job(duration::COMMIT, grouped),
            StepKind::Cleanup => job(duration::RECOVERY_PLAN, false),
            StepKind::AwaitAgent => machine.map_or(Work::Nothing, |machine| {
                let failover = failover_of[machine.index()];
                if graph.step(failover).adopted {
                    let booted = machine.onprem_vm().ok().and_then(|vm| vm.booted_at);
                    agent(machine, booted.map(|booted| seconds(start, booted.value)))
                } else {
                    Work::Agent(Boot::Step(failover))
                }
            }),
            StepKind::Forward if classic => job(duration::CLASSIC_FORWARD, false),
            StepKind::Forward => job(duration::MODERNIZED_FORWARD, false),
            StepKind::AwaitForward => machine.map_or(Work::Nothing, |machine| Work::Transfer {
                direction: Direction::ToAzure,
                amount: self.to_azure(machine, start, failover_of[machine.index()]),
            }),
            StepKind::Action => {
                let StepSubject::Action(action) = step.subject else { return Work::Nothing };
                let action = &model.plan.actions[action];
                if action.manual.is_some() {
                    return Work::Nothing;
                }
                #[expect(clippy::cast_precision_loss, reason = "timeouts are short")]
                let timeout = action.timeout.map_or(duration::ACTION_TIMEOUT, |timeout| timeout.value.0 as f64);
                Work::Action(timeout)
            }
            StepKind::AwaitDeletion
            | StepKind::Barrier
            | StepKind::ApproveFailover
            | StepKind::BootGroup
            | StepKind::ApproveCommit => Work::Nothing,
        }
    }

    fn to_azure(&self, machine: Machine<'_>, start: Timestamp, failover: StepIndex) -> Amount {
        let total = total_bytes(machine);
        let Some(per_second) = churn(machine) else { return Amount::Part(total) };
        if !self.graph.step(failover).adopted {
            return Amount::SinceStep { per_second, step: failover, total };
        }
        let booted = machine.onprem_vm().ok().and_then(|vm| vm.booted_at);
        booted.map_or(Amount::Part(total), |booted| {
            Amount::Since { per_second, moment: seconds(start, booted.value), total }
        })
    }

    /// Returns the wait for a recovery point that a failover needs. Modernized makes its point by itself.
    fn point(&self, at: StepIndex, classic: bool, newer: bool) -> Work {
        let members = self.members_behind(at);
        let Some(first) = members.first().filter(|_| classic) else { return Work::Nothing };
        let first = self.graph.model().machine(*first);
        let app_consistent = first.point_choice() == Ok(Some(PointChoice::AppConsistent));
        let every = match (app_consistent, newer) {
            (true, _) => duration::APP_CONSISTENT_EVERY,
            (false, true) => duration::CRASH_CONSISTENT_EVERY,
            // The barrier saw to it that there is a crash-consistent point.
            (false, false) => return Work::Nothing,
        };
        Work::Point { every, phase: first.index() as u64, newer }
    }

    /// Returns the machines that a step is about, by their indexes.
    pub(super) fn members(&self, at: StepIndex) -> &[usize] {
        match &self.graph.step(at).subject {
            StepSubject::Machine(index) => std::slice::from_ref(index),
            StepSubject::Group(group) => &self.groups[*group],
            StepSubject::Plan | StepSubject::Wave(_) | StepSubject::BootGroup(_) | StepSubject::Action(_) => &[],
        }
    }

    /// Returns the machines whose common recovery point a step waits for, by their indexes.
    pub(super) fn members_behind(&self, at: StepIndex) -> &[usize] {
        let model = self.graph.model();
        match self.members(at) {
            [machine] => model.machine(*machine).group().map_or(self.members(at), |group| &self.groups[group.index()]),
            members => members,
        }
    }
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
