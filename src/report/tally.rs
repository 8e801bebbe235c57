//! What is settled so far, machine by machine, counted event by event.
//!
//! Several events are recorded together and shown one after another, so the state that comes with an event may already
//! hold what the next ones say; and what a failure blocks has no events. Each settled step is therefore counted once: with
//! its own event, or when what it waited for is.

use std::sync::Arc;

use crate::event::RunEventKind;
use crate::event::RunState;
use crate::event::StepStatus;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;

/// Most that is shown while something runs: all but the last hundredth.
pub(super) const ALMOST: f64 = 0.99;

/// How a machine stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Some of its steps are not settled.
    Open,
    /// Everything that the plan wants for it was done.
    Done,
    /// A step of it failed.
    Failed(StepIndex),
    /// It was not brought back, because of something that is not its own.
    Blocked,
    /// A person took it out.
    LeftOut,
}

/// The steps of each machine, in the order of the model; a step of a replication group is one of each member.
pub(super) fn steps_of_machines(graph: &Graph) -> Vec<Vec<StepIndex>> {
    let model = graph.model();
    let mut steps: Vec<Vec<StepIndex>> = vec![Vec::new(); model.machines().len()];
    let groups = members_of_groups(graph);
    for (index, step) in (0..).zip(graph.steps()) {
        for machine in machines(step.subject, &groups) {
            steps[machine].push(index);
        }
    }
    steps
}

fn members_of_groups(graph: &Graph) -> Vec<Vec<usize>> {
    graph.model().groups().map(|group| group.members().map(|machine| machine.index()).collect()).collect()
}

fn machines(subject: StepSubject, groups: &[Vec<usize>]) -> Vec<usize> {
    match subject {
        StepSubject::Machine(machine) => vec![machine],
        StepSubject::Group(group) => groups[group].clone(),
        StepSubject::Plan | StepSubject::Wave(_) | StepSubject::BootGroup(_) | StepSubject::Action(_) => {
            Vec::new()
        }
    }
}

/// Returns how a machine of these steps stands.
pub(super) fn standing(state: &RunState, steps: &[StepIndex]) -> Standing {
    let status = |step: &StepIndex| state.step(*step).status;
    if is_taken_out(state, steps) && steps.iter().all(|step| status(step).is_settled()) {
        return Standing::LeftOut;
    }
    if let Some(failed) = steps.iter().find(|step| status(step) == StepStatus::Failed) {
        return Standing::Failed(*failed);
    }
    if steps.iter().any(|step| !status(step).is_settled()) {
        return Standing::Open;
    }
    if steps.iter().any(|step| status(step) == StepStatus::Blocked) || is_lost(state, steps) {
        return Standing::Blocked;
    }
    if is_back(state, steps) { Standing::Done } else { Standing::LeftOut }
}

/// Returns whether a machine of these steps runs on-premises for good: its failover is committed.
pub(super) fn is_back(state: &RunState, steps: &[StepIndex]) -> bool {
    if is_lost(state, steps) {
        return false;
    }
    let committed = |step: &&StepIndex| state.graph().step(**step).kind == StepKind::Commit;
    steps
        .iter()
        .find(committed)
        .is_some_and(|step| matches!(state.step(*step).status, StepStatus::Succeeded | StepStatus::Adopted))
}

/// Returns whether the machine of these steps failed inside a step of several, or was taken out.
fn is_lost(state: &RunState, steps: &[StepIndex]) -> bool {
    !state.out().is_empty() && machine_of(state, steps).is_some_and(|machine| state.out().contains(&machine))
}

/// Returns whether a person took the machine of these steps out.
fn is_taken_out(state: &RunState, steps: &[StepIndex]) -> bool {
    machine_of(state, steps).is_some_and(|machine| state.is_taken_out(machine))
}

fn machine_of(state: &RunState, steps: &[StepIndex]) -> Option<usize> {
    steps.iter().find_map(|step| match state.graph().step(*step).subject {
        StepSubject::Machine(machine) => Some(machine),
        StepSubject::Plan
        | StepSubject::Group(_)
        | StepSubject::Wave(_)
        | StepSubject::BootGroup(_)
        | StepSubject::Action(_) => None,
    })
}

/// What one event settled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// Steps that wait for a failed one and are not done.
    pub blocked: Vec<StepIndex>,
    /// Machines of which this was the last open step.
    pub machines: Vec<usize>,
}

/// Counts what is settled.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    graph: Arc<Graph>,
    groups: Vec<Vec<usize>>,
    of_machines: Vec<Vec<StepIndex>>,
    counted: Vec<bool>,
    /// Open steps of each machine.
    open: Vec<usize>,
    weights: Vec<f64>,
    estimated: bool,
    total: f64,
    settled: f64,
    done: usize,
    failed: usize,
    left_out: usize,
}

impl Tally {
    /// Returns the count of a state, with the weight of each step; without weights, all count the same.
    pub fn new(state: &RunState, mut weights: Vec<f64>) -> Self {
        let graph = Arc::clone(state.graph());
        weights.resize(graph.steps().len(), 0.0);
        for weight in &mut weights {
            *weight = if weight.is_finite() { weight.max(0.0) } else { 0.0 };
        }
        let estimated = weights.iter().any(|weight| *weight > 0.0);
        if !estimated {
            weights.fill(1.0);
        }
        let of_machines = steps_of_machines(&graph);
        let mut tally = Self {
            groups: members_of_groups(&graph),
            counted: vec![false; graph.steps().len()],
            open: of_machines.iter().map(Vec::len).collect(),
            total: weights.iter().sum(),
            weights,
            estimated,
            settled: 0.0,
            done: 0,
            failed: 0,
            left_out: 0,
            of_machines,
            graph,
        };
        for step in (0..).take(tally.counted.len()) {
            if state.step(step).status.is_settled() {
                tally.count(step, state, &mut Settled::default());
            }
        }
        tally
    }

    /// Counts what an event settled.
    pub fn take(&mut self, kind: &RunEventKind, state: &RunState) -> Settled {
        let mut settled = Settled::default();
        if self.is_undone_by(kind) {
            return self.recount(state);
        }
        let ends: Vec<StepIndex> = match kind {
            RunEventKind::StepAdopted { step, .. }
            | RunEventKind::StepSucceeded { step, .. }
            | RunEventKind::StepFailed { step, .. }
            | RunEventKind::StepBlocked { step, .. }
            | RunEventKind::StepSkipped { step, .. } => self.graph.find(step).into_iter().collect(),
            RunEventKind::MemberFailed { machine, .. } => self.blocked_of(machine.as_str(), state),
            RunEventKind::RunStarted { .. }
            | RunEventKind::Resumed { .. }
            | RunEventKind::OrderTaken { .. }
            | RunEventKind::MachineTakenOut { .. }
            | RunEventKind::StepReopened { .. }
            | RunEventKind::Cancelling { .. }
            | RunEventKind::Alarm { .. }
            | RunEventKind::StepStarted { .. }
            | RunEventKind::SlotsTaken { .. }
            | RunEventKind::SlotsFreed { .. }
            | RunEventKind::GuardEvaluated { .. }
            | RunEventKind::ServerPlaced { .. }
            | RunEventKind::PointReported { .. }
            | RunEventKind::MachineSeen { .. }
            | RunEventKind::IntentRecorded { .. }
            | RunEventKind::OperationAccepted { .. }
            | RunEventKind::AttemptFailed { .. }
            | RunEventKind::MembersDone { .. }
            | RunEventKind::HandedOver { .. }
            | RunEventKind::StepWaiting { .. }
            | RunEventKind::ActionStarted { .. }
            | RunEventKind::ApprovalAsked { .. }
            | RunEventKind::ApprovalGiven { .. }
            | RunEventKind::ApprovalDenied { .. }
            | RunEventKind::Interrupted { .. }
            | RunEventKind::RunFinished { .. } => return settled,
        };
        for step in ends.iter().copied() {
            if !self.counted[step as usize] {
                if state.step(step).status == StepStatus::Blocked
                    && matches!(kind, RunEventKind::MemberFailed { .. })
                {
                    settled.blocked.push(step);
                }
                self.count(step, state, &mut settled);
            }
        }
        let graph = Arc::clone(&self.graph);
        let mut work = ends;
        while let Some(step) = work.pop() {
            for next in graph.after(step) {
                let status = state.step(*next).status;
                if self.counted[*next as usize]
                    || !matches!(status, StepStatus::Blocked | StepStatus::Skipped)
                {
                    continue;
                }
                if status == StepStatus::Blocked {
                    settled.blocked.push(*next);
                }
                self.count(*next, state, &mut settled);
                work.push(*next);
            }
        }
        settled
    }

    /// Returns whether an event may take back what was counted, or settles steps that have no events.
    fn is_undone_by(&self, kind: &RunEventKind) -> bool {
        match kind {
            RunEventKind::MachineTakenOut { .. }
            | RunEventKind::StepReopened { .. }
            | RunEventKind::Cancelling { .. } => true,
            RunEventKind::StepSkipped { step, .. } => {
                self.graph.find(step).is_some_and(|step| self.counted[step as usize])
            }
            _ => false,
        }
    }

    /// Counts everything anew.
    fn recount(&mut self, state: &RunState) -> Settled {
        let weights = if self.estimated { self.weights.clone() } else { Vec::new() };
        let before = std::mem::replace(self, Self::new(state, weights));
        let is_new = |step: &StepIndex| {
            self.counted[*step as usize]
                && !before.counted[*step as usize]
                && state.step(*step).status == StepStatus::Blocked
        };
        Settled {
            blocked: (0..).take(self.counted.len()).filter(is_new).collect(),
            machines: (0..self.open.len())
                .filter(|machine| self.open[*machine] == 0 && before.open[*machine] > 0)
                .collect(),
        }
    }

    /// Returns the steps of a machine that are not done since it failed.
    fn blocked_of(&self, machine: &str, state: &RunState) -> Vec<StepIndex> {
        let Some(machine) = self.graph.model().machine_named(machine) else { return Vec::new() };
        let is_blocked = |step: &StepIndex| {
            self.graph.step(*step).subject == StepSubject::Machine(machine.index())
                && state.step(*step).status == StepStatus::Blocked
        };
        self.steps(machine.index()).iter().copied().filter(is_blocked).collect()
    }

    fn count(&mut self, step: StepIndex, state: &RunState, settled: &mut Settled) {
        self.counted[step as usize] = true;
        self.settled += self.weights[step as usize];
        for machine in self.machines_of(step) {
            self.open[machine] -= 1;
            if self.open[machine] == 0 {
                match standing(state, &self.of_machines[machine]) {
                    Standing::Done => self.done += 1,
                    Standing::Failed(_) | Standing::Blocked => self.failed += 1,
                    Standing::LeftOut => self.left_out += 1,
                    // The state is never behind the event that it comes with.
                    Standing::Open => {}
                }
                settled.machines.push(machine);
            }
        }
    }

    /// Returns the steps of a machine.
    pub fn steps(&self, machine: usize) -> &[StepIndex] {
        &self.of_machines[machine]
    }

    /// Returns the machines that a step is about.
    pub fn machines_of(&self, step: StepIndex) -> Vec<usize> {
        machines(self.graph.step(step).subject, &self.groups)
    }

    /// Returns how many machines there are.
    pub fn machines(&self) -> usize {
        self.open.len()
    }

    /// Returns how many machines everything was done for.
    pub const fn done(&self) -> usize {
        self.done
    }

    /// Returns how many machines have no open step and failed or were blocked.
    pub const fn failed(&self) -> usize {
        self.failed
    }

    /// Returns how many machines a person took out.
    pub const fn left_out(&self) -> usize {
        self.left_out
    }

    /// Returns the weights of the steps.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Returns whether the weights are estimates in seconds.
    pub const fn is_estimated(&self) -> bool {
        self.estimated
    }

    /// Returns the part of the work that is done, with `running` seconds of work done in running steps; 0 to 1, and less than 1
    /// while something runs.
    pub fn part(&self, running: f64) -> f64 {
        let most = if running > 0.0 { ALMOST } else { 1.0 };
        if self.total > 0.0 { ((self.settled + running) / self.total).clamp(0.0, most) } else { 0.0 }
    }
}
