//! What state a run is in, worked out from its events alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::event::Outcome;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::event::slots;
use crate::event::slots::Slots;
use crate::event::step::Answer;
use crate::event::step::StepState;
use crate::event::step::StepStatus;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::id::IdMap;
use crate::id::StepId;
use crate::syntax::action::HookOutcome;
use crate::syntax::inventory::Experience;

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// It did not begin.
    New,
    /// It goes on.
    Running,
    /// Nothing is begun until it is resumed.
    Interrupted,
    /// It ended.
    Finished(Outcome),
}

impl RunStatus {
    /// Returns the word of outputs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Finished(Outcome::Succeeded) => "succeeded",
            Self::Finished(Outcome::Failed) => "failed",
            Self::Finished(Outcome::Cancelled) => "cancelled",
        }
    }
}

/// The state of a run.
#[derive(Clone, Debug)]
pub struct RunState {
    pub(super) graph: Arc<Graph>,
    pub(super) status: RunStatus,
    pub(super) steps: Vec<StepState>,
    pub(super) seq: u64,
    started_at: Option<Timestamp>,
    last_at: Option<Timestamp>,
    /// Steps that hold disks which came free.
    freeable: Vec<StepIndex>,
    /// Steps that may begin and change nothing, as an ordered set: ties go to the earlier step.
    ready: BTreeSet<StepIndex>,
    /// Steps that may begin and ask the site to change something, and the disks that steps hold.
    pub(super) slots: Slots,
    /// How many steps run that ask the site to change something.
    changing: usize,
    /// Steps that run or are asked about.
    active: BTreeSet<StepIndex>,
    settled: usize,
    failed: usize,
    /// Datastore of the server that a reprotect went through, as it was seen then.
    placements: IdMap<StepIndex, String>,
}

impl RunState {
    /// Returns the state before the first event.
    #[must_use]
    pub fn new(graph: Arc<Graph>) -> Self {
        let steps: Vec<StepState> = (0..)
            .zip(graph.steps())
            .map(|(index, _)| StepState {
                status: StepStatus::Waiting,
                waiting_for: u32::try_from(graph.before(index).len()).expect("indexes are 32 bits wide"),
                attempts: 0,
                intent: None,
                operation: None,
                retry_at: None,
                started_at: None,
                first_attempt_at: None,
                ended_at: None,
                parked: false,
                acted: false,
                answer: None,
                note: None,
            })
            .collect();
        Self {
            graph,
            status: RunStatus::New,
            steps,
            seq: 0,
            started_at: None,
            last_at: None,
            freeable: Vec::new(),
            ready: BTreeSet::new(),
            slots: Slots::default(),
            changing: 0,
            active: BTreeSet::new(),
            settled: 0,
            failed: 0,
            placements: IdMap::default(),
        }
    }

    /// Returns the graph that the run executes.
    #[must_use]
    pub const fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// Returns where the run is.
    #[must_use]
    pub const fn status(&self) -> RunStatus {
        self.status
    }

    /// Returns the state of a step.
    ///
    /// # Panics
    ///
    /// If the step is of another graph.
    #[must_use]
    pub fn step(&self, step: StepIndex) -> &StepState {
        &self.steps[step as usize]
    }

    /// Returns the place of the last event; 0 before the first.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// Returns when the run began.
    #[must_use]
    pub const fn started_at(&self) -> Option<Timestamp> {
        self.started_at
    }

    /// Returns the time of the last event.
    #[must_use]
    pub const fn last_at(&self) -> Option<Timestamp> {
        self.last_at
    }

    /// Returns the steps that may begin and change nothing, in the order of the graph.
    pub fn ready(&self) -> impl Iterator<Item = StepIndex> {
        self.ready.iter().copied()
    }

    /// Returns the steps that may begin and ask the site to change something, in the order of the graph; of those that wait
    /// for disks of one server, the first that fits.
    pub fn ready_to_change(&self) -> impl Iterator<Item = StepIndex> {
        self.slots.open()
    }

    /// Returns the first step that is ready and asks the site to change something, whether its server has room or not.
    #[must_use]
    pub fn first_to_change(&self) -> Option<StepIndex> {
        self.slots.first()
    }

    /// Returns the server and the number of disks that a step has to be given before it may begin.
    #[must_use]
    pub fn slots_needed(&self, step: StepIndex) -> Option<(&str, u32)> {
        slots::needed(&self.graph, step).filter(|_| self.slots.of(step).is_none())
    }

    /// Returns how many steps run that ask the site to change something.
    #[must_use]
    pub const fn changing(&self) -> usize {
        self.changing
    }

    /// Returns a step whose disks came free and were not given back, with the server and their number.
    #[must_use]
    pub fn freeable(&self) -> Option<(StepIndex, &str, u32)> {
        self.freeable
            .iter()
            .rev()
            .find_map(|step| self.slots.of(*step).map(|(server, disks)| (*step, server, disks)))
    }

    /// Returns the steps that run or are asked about.
    pub fn active(&self) -> impl Iterator<Item = StepIndex> {
        self.active.iter().copied()
    }

    /// Returns how many steps are settled.
    #[must_use]
    pub const fn settled(&self) -> usize {
        self.settled
    }

    /// Returns how many steps failed or are blocked by one that did.
    #[must_use]
    pub const fn failed(&self) -> usize {
        self.failed
    }

    /// Returns how many disks the run holds on a server.
    #[must_use]
    pub fn slots(&self, server: &str) -> u32 {
        self.slots.taken(server)
    }

    /// Returns the reprotects whose server was seen, each with the datastore that the server stood on.
    pub fn placements(&self) -> impl Iterator<Item = (StepIndex, &str)> {
        self.placements.iter().map(|(step, datastore)| (*step, datastore.as_str()))
    }

    /// Returns whether a step holds disks on a server.
    #[must_use]
    pub fn holds_slots(&self, step: StepIndex) -> bool {
        self.slots.of(step).is_some()
    }

    /// Takes an event that [`RunState::check`] allowed.
    pub fn apply(&mut self, event: &RunEvent) {
        self.seq = event.seq;
        self.last_at = Some(event.at);
        match &event.kind {
            RunEventKind::RunStarted { .. } => {
                self.status = RunStatus::Running;
                self.started_at = Some(event.at);
                for index in (0..).take(self.steps.len()) {
                    self.refresh(index, event.at);
                }
            }
            RunEventKind::Resumed { .. } => self.status = RunStatus::Running,
            RunEventKind::Interrupted { .. } => self.status = RunStatus::Interrupted,
            RunEventKind::RunFinished { outcome } => self.status = RunStatus::Finished(*outcome),
            RunEventKind::SlotsTaken { step, server, disks } => {
                if let Some(index) = self.graph.find(step) {
                    let ready = self.steps[index as usize].status == StepStatus::Ready;
                    self.slots.take(&self.graph, index, ready, server, *disks);
                }
            }
            RunEventKind::SlotsFreed { step, .. } => {
                if let Some(index) = self.graph.find(step) {
                    self.slots.free(index);
                }
            }
            kind => {
                if let Some(index) = kind.step().and_then(|step| self.graph.find(step)) {
                    self.apply_to_step(index, kind, event.at);
                }
            }
        }
    }

    fn apply_to_step(&mut self, index: StepIndex, kind: &RunEventKind, at: Timestamp) {
        let step = &mut self.steps[index as usize];
        match kind {
            RunEventKind::StepStarted { .. } => {
                step.started_at = Some(at);
                self.set(index, StepStatus::Running, at);
            }
            RunEventKind::IntentRecorded { attempt, key, request, .. } => {
                step.attempts = *attempt;
                step.intent = Some((key.clone(), request.clone()));
                step.first_attempt_at.get_or_insert(at);
                step.operation = None;
                step.retry_at = None;
                self.park(index, false);
            }
            RunEventKind::OperationAccepted { operation, .. } => step.operation = Some(operation.clone()),
            RunEventKind::AttemptFailed { code, message, retry_at, .. } => {
                step.intent = None;
                step.operation = None;
                step.retry_at = Some(*retry_at);
                step.note = Some(format!("{message} ({code})"));
            }
            RunEventKind::StepWaiting { reason, .. } => {
                step.note = Some(reason.clone());
                if step.intent.is_none() {
                    self.park(index, true);
                }
            }
            RunEventKind::ActionStarted { .. } => {
                step.acted = true;
                step.answer = None;
            }
            RunEventKind::ServerPlaced { datastore, .. } => {
                self.placements.insert(index, datastore.clone());
            }
            RunEventKind::GuardEvaluated { findings, passed, .. } => {
                if !passed {
                    step.note =
                        findings.first().map(|finding| format!("{}: {}", finding.rule, finding.message));
                }
            }
            RunEventKind::ApprovalAsked { prompt, .. } => {
                step.note = Some(prompt.clone());
                self.set(index, StepStatus::Asked, at);
            }
            RunEventKind::ApprovalGiven { by, .. } => {
                step.answer = Some(Answer { approved: true, by: by.clone() });
                self.set(index, StepStatus::Running, at);
            }
            RunEventKind::ApprovalDenied { by, .. } => {
                step.answer = Some(Answer { approved: false, by: by.clone() });
                self.set(index, StepStatus::Running, at);
            }
            RunEventKind::StepAdopted { because, .. } => {
                self.settle(index, StepStatus::Adopted, Some(because), at)
            }
            RunEventKind::StepSucceeded { note, .. } => {
                self.settle(index, StepStatus::Succeeded, note.as_ref(), at);
            }
            RunEventKind::StepFailed { code, message, .. } => {
                self.settle(index, StepStatus::Failed, Some(&format!("{message} ({code})")), at);
            }
            RunEventKind::StepBlocked { reason, .. } => {
                self.settle(index, StepStatus::Blocked, Some(reason), at);
            }
            RunEventKind::StepSkipped { reason, .. } => {
                self.settle(index, StepStatus::Skipped, Some(reason), at)
            }
            RunEventKind::RunStarted { .. }
            | RunEventKind::Resumed { .. }
            | RunEventKind::SlotsTaken { .. }
            | RunEventKind::SlotsFreed { .. }
            | RunEventKind::Interrupted { .. }
            | RunEventKind::RunFinished { .. } => {}
        }
    }

    fn settle(&mut self, index: StepIndex, status: StepStatus, note: Option<&String>, at: Timestamp) {
        let step = &mut self.steps[index as usize];
        step.intent = None;
        step.note = note.cloned();
        self.set(index, status, at);
    }

    /// Takes a running step that changes something out of their number, or counts it again.
    fn park(&mut self, index: StepIndex, parked: bool) {
        let step = &mut self.steps[index as usize];
        if !self.graph.step(index).kind.is_mutating() || step.parked == parked {
            return;
        }
        step.parked = parked;
        if parked {
            self.changing -= 1;
        } else {
            self.changing += 1;
        }
    }

    /// Gives a step its status, and lets the steps after it know.
    fn set(&mut self, index: StepIndex, status: StepStatus, at: Timestamp) {
        // A long chain of blocked steps must not overflow the stack.
        let mut work = vec![(index, status)];
        while let Some((index, status)) = work.pop() {
            let step = &mut self.steps[index as usize];
            let was_settled = step.status.is_settled();
            let was_ready = step.status == StepStatus::Ready;
            step.status = status;
            let mutating = self.graph.step(index).kind.is_mutating();
            if !mutating {
                self.ready.remove(&index);
            } else if was_ready {
                self.slots.not_ready(&self.graph, index);
            }
            if self.active.remove(&index) && mutating && !std::mem::take(&mut step.parked) {
                self.changing -= 1;
            }
            match status {
                StepStatus::Ready if mutating => self.slots.ready(&self.graph, index),
                StepStatus::Ready => {
                    self.ready.insert(index);
                }
                StepStatus::Running | StepStatus::Asked => {
                    self.active.insert(index);
                    self.changing += usize::from(mutating);
                }
                StepStatus::Waiting
                | StepStatus::Succeeded
                | StepStatus::Adopted
                | StepStatus::Skipped
                | StepStatus::Failed
                | StepStatus::Blocked => {}
            }
            if !status.is_settled() || was_settled {
                continue;
            }
            step.ended_at = Some(at);
            self.give_back(index, status);
            self.settled += 1;
            self.failed += usize::from(!status.is_good());
            let graph = Arc::clone(&self.graph);
            for next in graph.after(index) {
                self.steps[*next as usize].waiting_for -= 1;
                if let Some(status) = self.next_status(*next, !status.is_good()) {
                    work.push((*next, status));
                }
            }
        }
    }

    /// Notes which disks come free with the end of a step: a failed reprotect's own; in classic those of the machines that
    /// failed over, in modernized those of the machines that committed.
    fn give_back(&mut self, index: StepIndex, status: StepStatus) {
        if !self.slots.are_held() {
            return;
        }
        self.freeable.retain(|step| self.slots.of(*step).is_some());
        let kind = self.graph.step(index).kind;
        if kind == StepKind::Reprotect && status == StepStatus::Failed {
            self.freeable.push(index);
        }
        let frees = match self.graph.experience() {
            Experience::Classic => StepKind::Failover,
            Experience::Modernized => StepKind::Commit,
        };
        if kind == frees && status.is_good() {
            for machine in self.graph.machines_of(index) {
                let holder =
                    StepId::new(format!("{}/{}", StepKind::Reprotect.as_str(), machine.name().value));
                self.freeable.extend(self.graph.find(&holder));
            }
        }
    }

    /// Returns the status that a waiting step takes on, now that something before it was settled.
    fn next_status(&self, index: StepIndex, failed: bool) -> Option<StepStatus> {
        let step = &self.steps[index as usize];
        if step.status != StepStatus::Waiting {
            return None;
        }
        match self.hook(index) {
            // An action after a phase or a run looks at how that ended, once it has.
            Some((on_success, on_failure)) => (step.waiting_for == 0).then(|| {
                let good = self
                    .graph
                    .before(index)
                    .iter()
                    .all(|before| self.steps[*before as usize].status.is_good());
                if if good { on_success } else { on_failure } {
                    StepStatus::Ready
                } else {
                    StepStatus::Skipped
                }
            }),
            None if failed => Some(StepStatus::Blocked),
            None => (step.waiting_for == 0).then_some(StepStatus::Ready),
        }
    }

    /// Returns whether an `after` action runs on success and on failure; `None` for every other step.
    fn hook(&self, index: StepIndex) -> Option<(bool, bool)> {
        let step = self.graph.step(index);
        let (StepKind::Action, StepSubject::Action(action)) = (step.kind, step.subject) else { return None };
        let outcomes = &self.graph.model().plan.actions[action].after.as_ref()?.outcome;
        let has = |outcome| outcomes.iter().any(|given| given.value == outcome);
        Some((outcomes.is_empty() || has(HookOutcome::Success), has(HookOutcome::Failure)))
    }

    fn refresh(&mut self, index: StepIndex, at: Timestamp) {
        if let Some(status) = self.next_status(index, false) {
            self.set(index, status, at);
        }
    }

    /// Returns the id of a step.
    #[must_use]
    pub fn id(&self, step: StepIndex) -> &StepId {
        &self.graph.step(step).id
    }
}
