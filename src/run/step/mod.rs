//! What each kind of step makes of what it sees: pure functions from facts to decisions. One file for each kind.

mod agent;
mod approval;
mod commit;
mod failover;
mod forward;
mod gate;
mod prepare;
mod protection;
mod reprotect;
mod verify;

pub use failover::of_others;
pub use gate::Gate;
pub use prepare::is_recovery_plan_of;
pub use protection::newest;
pub use reprotect::handed_over;
pub use reprotect::left_to_people;
pub use verify::BOTH_SIDES_RUN;
pub use verify::both_sides_run;
pub use verify::not_verified;
pub use verify::probe_deadline;
pub use verify::taken_back;

use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::event::StepState;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::id::RunId;
use crate::model::Machine;
use crate::model::Model;
use crate::provider::Item;
use crate::provider::Request;
use crate::rules::Guard;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::State;

/// What a step knows when it decides.
#[derive(Clone, Copy, Debug)]
pub struct Context<'c> {
    /// The run.
    pub run: &'c RunId,
    /// The graph that it executes.
    pub graph: &'c Graph,
    /// The plan with the facts as they were just observed.
    pub model: &'c Model,
    /// The step.
    pub step: StepIndex,
    /// Its state.
    pub state: &'c StepState,
    /// Machines that failed inside a step of several: nothing more is done about them.
    pub out: &'c BTreeSet<usize>,
    /// Machines whose failover the site took on for this run.
    pub own: &'c BTreeSet<usize>,
    /// Who asks for what was left to a person.
    pub gate: Option<Gate<'c>>,
    /// Whether the recovery plan of the step's replication group is there: it is deleted when its group has ended.
    pub has_recovery_plan: bool,
    /// What the service says about the step's machines.
    pub items: &'c [Item],
    /// The present moment.
    pub now: Timestamp,
}

/// What a step does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// It is done.
    Succeed(Option<String>),
    /// Its result was there already.
    Adopt(String),
    /// It failed for good.
    Fail {
        /// Our code.
        code: &'static str,
        /// What was seen.
        message: String,
    },
    /// It asks the site to change something, if its guard passes.
    Send(Request),
    /// It looks again.
    Wait(Wait),
    /// It asks a person.
    Ask {
        /// What is asked.
        prompt: String,
        /// Roles that may answer.
        roles: Vec<String>,
    },
    /// It waits for the answer to what another step asks, for this reason.
    Await(String),
    /// It runs the probes of its machine, and is done when they pass.
    Probe,
    /// It runs its action.
    Act,
}

/// What a step waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    /// When it looks again.
    pub until: Timestamp,
    /// What it waits for.
    pub reason: String,
    /// When it gives up.
    pub deadline: Timestamp,
    /// Part that is done, if that can be told.
    pub done: Option<f64>,
    /// Moment before which nothing ends it but a change at the site, where a site tells of its changes; `None` if only looking
    /// again shows its end.
    pub told_until: Option<Timestamp>,
}

/// Returns whether a step of this kind only waits for something that the site does by itself.
#[must_use]
pub const fn only_waits(kind: StepKind) -> bool {
    match kind {
        StepKind::AwaitAzureAgent
        | StepKind::AwaitDeletion
        | StepKind::AwaitProtected
        | StepKind::AwaitPoint
        | StepKind::AwaitAgent
        | StepKind::AwaitForward => true,
        StepKind::Preflight
        | StepKind::Prepare
        | StepKind::Reprotect
        | StepKind::Barrier
        | StepKind::ApproveFailover
        | StepKind::Recheck
        | StepKind::Failover
        | StepKind::Verify
        | StepKind::BootGroup
        | StepKind::ApproveCommit
        | StepKind::Commit
        | StepKind::Cleanup
        | StepKind::Forward
        | StepKind::Action => false,
    }
}

/// Returns whether a step of this kind decides by the states and powers of its machines alone, and begins nothing by itself.
#[must_use]
pub const fn goes_by_states(kind: StepKind) -> bool {
    match kind {
        StepKind::ApproveFailover | StepKind::Verify | StepKind::ApproveCommit => true,
        StepKind::Preflight
        | StepKind::Prepare
        | StepKind::AwaitAzureAgent
        | StepKind::AwaitDeletion
        | StepKind::Reprotect
        | StepKind::AwaitProtected
        | StepKind::Barrier
        | StepKind::AwaitPoint
        | StepKind::Recheck
        | StepKind::Failover
        | StepKind::BootGroup
        | StepKind::Commit
        | StepKind::Cleanup
        | StepKind::AwaitAgent
        | StepKind::Forward
        | StepKind::AwaitForward
        | StepKind::Action => false,
    }
}

/// How long a look that found nothing new is followed by the next, where the site can't tell when something will change.
pub const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// Longest pause between two looks.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// Returns how long to wait before looking again: an eighth of what the site expects, since what it expects changes when other
/// transfers end and leave their share of the line; half a minute at least, five minutes at most.
fn pause(now: Timestamp, expected: Option<Timestamp>) -> SignedDuration {
    let left = expected.map(|expected| expected.duration_since(now)).filter(|left| left.is_positive());
    match left {
        Some(left) if left <= LOOK_AGAIN => left,
        Some(left) => (left / 8).clamp(LOOK_AGAIN, LONGEST_PAUSE),
        None => LOOK_AGAIN,
    }
}

impl<'c> Context<'c> {
    /// Returns the machines that the step is about and that have not failed, with the facts as they were just observed.
    pub(crate) fn machines(&self) -> impl Iterator<Item = Machine<'c>> + use<'c> {
        let (model, out) = (self.model, self.out);
        let members = self.graph.indexes_of(self.step).filter(|index| !out.contains(index));
        members.map(|index| model.machine(index))
    }

    /// Returns the machine of a step that is about one.
    fn machine(&self) -> Machine<'c> {
        self.machines().next().expect("the step is about a machine")
    }

    fn item(&self, machine: Machine<'_>) -> Option<&'c Item> {
        self.items.iter().find(|item| item.machine.as_str() == machine.name().value)
    }

    /// Returns whether the service shows an operation that runs on a machine.
    fn is_busy(&self, machine: Machine<'_>) -> bool {
        self.item(machine).is_some_and(|item| item.running.is_some())
    }

    fn kind(&self) -> StepKind {
        self.graph.kind(self.step)
    }

    /// Returns the replication group of a step that is about one.
    fn group(&self) -> Option<String> {
        match self.graph.step(self.step).subject {
            StepSubject::Group(_) => Some(self.graph.subject_name(self.step)),
            StepSubject::Plan
            | StepSubject::Machine(_)
            | StepSubject::Wave(_)
            | StepSubject::BootGroup(_)
            | StepSubject::Action(_) => None,
        }
    }

    /// Adopts what is seen to be done, and says so if it was not there at the start and this run never asked for it.
    fn adopt(&self, what: &str) -> Decision {
        let is_own = self.graph.step(self.step).adopted || self.state.attempts > 0;
        let whose = if is_own { "" } else { "; it was not this run that did it" };
        Decision::Adopt(format!("{what}{whose}"))
    }

    /// Returns whether this run may take back the failover of a machine: one that is to end like that takes back its own alone.
    fn may_take_back(&self, machine: Machine<'_>) -> bool {
        !self.model.plan.is_taken_back || self.own.contains(&machine.index())
    }

    /// Returns who has to decide what to do now.
    fn who_decides(&self) -> String {
        match &self.model.plan.owner {
            Some(owner) => format!("{owner} has to decide"),
            None => "a person has to decide".to_owned(),
        }
    }

    fn began(&self) -> Timestamp {
        self.state.started_at.unwrap_or(self.now)
    }

    /// Returns a wait until the site expects a change, else for half a minute, never past `patience` from the step's begin.
    fn wait(&self, reason: String, expected: Option<Timestamp>, patience: SignedDuration) -> Decision {
        self.wait_from(self.began(), reason, expected, patience)
    }

    /// Returns a wait for what others do. It may have begun while no process had the run, so that this time does not count.
    fn wait_for_others(&self, reason: String, patience: SignedDuration) -> Decision {
        let from = self.state.taken_over_at.map_or(self.began(), |taken_over| taken_over.max(self.began()));
        self.wait_from(from, reason, None, patience)
    }

    fn wait_from(
        &self,
        from: Timestamp,
        reason: String,
        expected: Option<Timestamp>,
        patience: SignedDuration,
    ) -> Decision {
        let deadline = from.saturating_add(patience).unwrap_or(Timestamp::MAX);
        if self.now >= deadline {
            return Decision::Fail {
                code: "deadline",
                message: format!("{reason}, after {}; {}", in_words(patience), self.who_decides()),
            };
        }
        let until = self.now.saturating_add(pause(self.now, expected)).unwrap_or(deadline).min(deadline);
        Decision::Wait(Wait { until, reason, deadline, done: None, told_until: Some(deadline) })
    }
}

/// Nobody is asked for a commit in a run whose failovers are taken back, and none is made: it waits until that is ordered.
fn taken_back_instead() -> Decision {
    Decision::Await(
        "nothing is committed: the failovers are taken back when everything is verified".to_owned(),
    )
}

/// Returns a duration in words.
fn in_words(duration: SignedDuration) -> String {
    crate::quantity::Seconds(u64::try_from(duration.as_secs()).unwrap_or(0)).to_string()
}

/// Returns the moment of a run at which rules are evaluated before a kind of step does its work.
#[must_use]
pub const fn guard_of(kind: StepKind) -> Option<Guard> {
    match kind {
        StepKind::Reprotect => Some(Guard::Reprotect),
        StepKind::Recheck | StepKind::Failover => Some(Guard::Failover),
        StepKind::Commit => Some(Guard::Commit),
        StepKind::Forward => Some(Guard::Forward),
        StepKind::Preflight
        | StepKind::Prepare
        | StepKind::AwaitAzureAgent
        | StepKind::AwaitDeletion
        | StepKind::AwaitProtected
        | StepKind::Barrier
        | StepKind::ApproveFailover
        | StepKind::AwaitPoint
        | StepKind::Verify
        | StepKind::BootGroup
        | StepKind::ApproveCommit
        | StepKind::Cleanup
        | StepKind::AwaitAgent
        | StepKind::AwaitForward
        | StepKind::Action => None,
    }
}

/// Returns whether a step has to look at the site before it decides.
#[must_use]
pub fn looks(graph: &Graph, step: StepIndex) -> bool {
    match graph.kind(step) {
        StepKind::BootGroup | StepKind::Action | StepKind::Cleanup => false,
        // Who is in the recovery plan of a replication group depends on how far its members are.
        StepKind::Prepare => matches!(graph.step(step).subject, StepSubject::Group(_)),
        StepKind::Preflight
        | StepKind::AwaitAzureAgent
        | StepKind::AwaitDeletion
        | StepKind::Reprotect
        | StepKind::AwaitProtected
        | StepKind::Barrier
        | StepKind::ApproveFailover
        | StepKind::AwaitPoint
        | StepKind::Recheck
        | StepKind::Failover
        | StepKind::Verify
        | StepKind::ApproveCommit
        | StepKind::Commit
        | StepKind::AwaitAgent
        | StepKind::Forward
        | StepKind::AwaitForward => true,
    }
}

/// Decides what a step does next, from facts that were just observed.
#[must_use]
pub fn decide(context: &Context<'_>) -> Decision {
    let is_of_machines =
        matches!(context.graph.step(context.step).subject, StepSubject::Machine(_) | StepSubject::Group(_));
    if is_of_machines && context.kind() != StepKind::Cleanup && context.machines().next().is_none() {
        let message = "nothing more is done about machines that are out of the run".to_owned();
        return Decision::Fail { code: "out-of-run", message };
    }
    match context.kind() {
        StepKind::Preflight => Decision::Succeed(None),
        StepKind::Prepare => prepare::decide(context),
        StepKind::Cleanup => prepare::clean_up(context),
        StepKind::AwaitAzureAgent => agent::in_azure(context),
        StepKind::AwaitAgent => agent::onprem(context),
        StepKind::AwaitDeletion => approval::deletion(context),
        StepKind::Reprotect => reprotect::decide(context),
        StepKind::AwaitProtected => protection::to_onprem(context),
        StepKind::AwaitForward => protection::to_azure(context),
        StepKind::AwaitPoint => protection::point(context),
        StepKind::Barrier | StepKind::BootGroup | StepKind::Recheck => Decision::Succeed(None),
        StepKind::ApproveFailover => approval::failover(context),
        StepKind::ApproveCommit => approval::commit(context),
        StepKind::Failover => failover::decide(context),
        StepKind::Verify => verify::decide(context),
        StepKind::Commit => commit::decide(context),
        StepKind::Forward => forward::decide(context),
        StepKind::Action => Decision::Act,
    }
}

/// Returns how far a state is in the cycle: 0 in Azure and unprotected, 1 replicating to on-premises, 2 protected there,
/// 3 failed back, 4 committed, 5 replicating to Azure, 6 protected in Azure; `None` if it is out of the cycle.
fn place(state: State) -> Option<u8> {
    match state {
        State::FailedOver | State::FailedOverCommitted => Some(0),
        State::ReprotectingToOnprem => Some(1),
        State::ProtectedToOnprem | State::FailingBack => Some(2),
        State::FailedBack => Some(3),
        State::FailedBackCommitted => Some(4),
        State::ReprotectingToAzure => Some(5),
        State::ProtectedToAzure => Some(6),
        State::Migrated | State::AzureVmDeleted | State::ReplicationDisabled | State::AzureVmMoved => None,
    }
}

/// Returns whether what a kind of step asks for is seen to be done for a machine.
#[must_use]
pub fn is_done(kind: StepKind, machine: Machine<'_>) -> bool {
    let least = match kind {
        StepKind::Reprotect => 1,
        StepKind::Failover => 3,
        StepKind::Commit => 4,
        StepKind::Forward => 5,
        StepKind::Preflight
        | StepKind::Prepare
        | StepKind::AwaitAzureAgent
        | StepKind::AwaitDeletion
        | StepKind::AwaitProtected
        | StepKind::Barrier
        | StepKind::ApproveFailover
        | StepKind::AwaitPoint
        | StepKind::Recheck
        | StepKind::Verify
        | StepKind::BootGroup
        | StepKind::ApproveCommit
        | StepKind::Cleanup
        | StepKind::AwaitAgent
        | StepKind::AwaitForward
        | StepKind::Action => return false,
    };
    machine.state().ok().and_then(place).is_some_and(|place| place >= least)
}

/// Remembers where the servers stand whose disks some machines have already, as the facts tell before the site is asked.
pub fn remember_placements(model: &mut Model) {
    let holds =
        |machine: &Machine<'_>| machine.state().ok().and_then(place).is_some_and(|at| at == 1 || at == 2);
    let server = |machine: Machine<'_>| {
        let datastore = match machine.master_target() {
            Some(server) => &server.facts.datastore,
            None => &machine.appliance()?.facts.datastore,
        };
        Some((machine.name().value.clone(), datastore.as_ref()?.value.clone()))
    };
    let known: Vec<(String, String)> = model.machines().filter(holds).filter_map(server).collect();
    for (machine, datastore) in known {
        model.remember_placement(&machine, &datastore);
    }
}

/// Returns whether the service leaves what a kind of step asks for to a person: no code was recorded for a member of a
/// replication group that can't be reprotected by itself, so this one is ours.
#[must_use]
pub fn is_left_to_people(kind: StepKind, code: &str) -> bool {
    kind == StepKind::Reprotect && code == "ReplicationGroupNeedsPlan"
}

/// Returns whether a failover of a machine is seen to be under way.
#[must_use]
pub fn is_failing_back(machine: Machine<'_>) -> bool {
    machine.state().is_ok_and(|state| state == State::FailingBack)
}

/// Returns whether a machine is seen to be where it was before its failover: protected, running in Azure, and not on-premises.
#[must_use]
pub fn is_unmoved(machine: Machine<'_>) -> bool {
    let runs = |power: &PowerState| *power == PowerState::Running;
    let in_azure = machine.azure_vm().ok().and_then(|vm| vm.power_state.as_deref()).is_some_and(runs);
    let at_home = machine
        .onprem_vm()
        .ok()
        .is_some_and(|vm| vm.exists.as_deref() != Some(&false) && vm.power_state.as_deref().is_none_or(runs));
    let is_protected = machine.state().is_ok_and(|state| state == State::ProtectedToOnprem);
    is_protected && in_azure && !at_home
}

/// Returns the least place of the step's machines in the cycle; a machine out of the cycle, or of unknown state, ends the step.
fn least_place(context: &Context<'_>) -> Result<u8, Decision> {
    let mut least = u8::MAX;
    for machine in context.machines() {
        let name = &machine.name().value;
        let state = machine.state().map_err(|_| Decision::Fail {
            code: "state-unknown",
            message: format!("the state of {name} could not be observed"),
        })?;
        let place = place(state).ok_or_else(|| Decision::Fail {
            code: "out-of-cycle",
            message: format!("{name} is {state}: it can't be failed back any more"),
        })?;
        least = least.min(place);
    }
    Ok(least)
}
