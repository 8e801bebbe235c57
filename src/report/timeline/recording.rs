//! Takes the events of a run one by one, and tells at any moment what they come to.

use std::sync::Arc;

use jiff::Timestamp;

use crate::event::IllegalEvent;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::event::RunStatus;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::id::IdMap;
use crate::id::StepId;
use crate::report::phase::Phases;
use crate::report::seconds_between;
use crate::report::timeline::ApprovalTime;
use crate::report::timeline::Begin;
use crate::report::timeline::Fault;
use crate::report::timeline::FaultKind;
use crate::report::timeline::GuardTime;
use crate::report::timeline::OrderTime;
use crate::report::timeline::Pause;
use crate::report::timeline::StepTime;
use crate::report::timeline::Timeline;
use crate::report::timeline::measure;
use crate::report::timeline::path;

/// What is remembered of a step beside its state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traced {
    /// When it first began.
    pub began: Option<Timestamp>,
    /// When its first request was recorded.
    pub sent: Option<Timestamp>,
    /// How often it was begun.
    pub begun: u32,
}

/// Takes the events of a run one by one.
#[derive(Clone, Debug)]
pub struct Recording {
    pub(super) state: RunState,
    pub(super) steps: Vec<Traced>,
    run: Option<crate::id::RunId>,
    begin: Option<Begin>,
    approvals: Vec<ApprovalTime>,
    /// The question of each step that is not answered, by its place.
    open: IdMap<StepId, usize>,
    faults: Vec<Fault>,
    guards: Vec<GuardTime>,
    orders: Vec<OrderTime>,
    pauses: Vec<Pause>,
}

impl Recording {
    /// Returns the recording of a run that has not begun.
    #[must_use]
    pub fn new(graph: &Arc<Graph>) -> Self {
        Self {
            state: RunState::new(Arc::clone(graph)),
            steps: vec![Traced::default(); graph.steps().len()],
            run: None,
            begin: None,
            approvals: Vec::new(),
            open: IdMap::default(),
            faults: Vec::new(),
            guards: Vec::new(),
            orders: Vec::new(),
            pauses: Vec::new(),
        }
    }

    /// Returns the state of the run.
    #[must_use]
    pub const fn state(&self) -> &RunState {
        &self.state
    }

    /// Takes an event.
    ///
    /// # Errors
    ///
    /// [`IllegalEvent`] if it can't follow the ones before it.
    pub fn take(&mut self, event: &RunEvent) -> Result<(), IllegalEvent> {
        let legal = self.state.check(event)?;
        let before = (self.state.status(), self.state.last_at());
        self.state.apply(event, legal);
        self.run.get_or_insert_with(|| event.run.clone());
        let at = event.at;
        match &event.kind {
            RunEventKind::RunStarted {
                plan,
                plan_digest,
                facts_digest,
                provider,
                program,
                machines: _,
                steps: _,
                simulated_actions,
                author,
                ordered_by,
                people: _,
            } => {
                self.begin = Some(Begin {
                    plan: plan.clone(),
                    plan_digest: plan_digest.clone(),
                    facts_digest: facts_digest.clone(),
                    provider: provider.clone(),
                    program: program.clone(),
                    simulated_actions: *simulated_actions,
                    author: author.clone(),
                    ordered_by: ordered_by.clone(),
                });
            }
            RunEventKind::Resumed { .. } => self.resumed(before, at),
            RunEventKind::Interrupted { reason } => {
                self.pauses.push(Pause { from: at, to: None, reason: Some(reason.clone()) });
            }
            RunEventKind::StepStarted { step } => {
                if let Some(traced) = self.traced(step) {
                    traced.began.get_or_insert(at);
                    traced.begun += 1;
                }
            }
            RunEventKind::IntentRecorded { step, .. } => {
                if let Some(traced) = self.traced(step) {
                    traced.sent.get_or_insert(at);
                }
            }
            RunEventKind::ApprovalAsked { step, prompt, roles, .. } => {
                self.close(step, at);
                self.open.insert(step.clone(), self.approvals.len());
                self.approvals.push(ApprovalTime {
                    step: step.clone(),
                    prompt: prompt.clone(),
                    roles: roles.clone(),
                    asked: at,
                    answered: None,
                    approved: None,
                    by: None,
                    known_as: None,
                    attested_roles: Vec::new(),
                    unproven_roles: Vec::new(),
                    reason: None,
                    waited_s: 0,
                });
            }
            RunEventKind::ApprovalGiven { step, by, known_as, roles, unproven_roles, reason, .. } => {
                self.answered(step, at, |approval| {
                    approval.approved = Some(true);
                    approval.by = Some(by.clone());
                    approval.known_as = Some(*known_as);
                    approval.attested_roles.clone_from(roles);
                    approval.unproven_roles.clone_from(unproven_roles);
                    approval.reason.clone_from(reason);
                });
            }
            RunEventKind::ApprovalDenied { step, by, known_as, roles, unproven_roles, reason, .. } => {
                self.answered(step, at, |approval| {
                    approval.approved = Some(false);
                    approval.by = Some(by.clone());
                    approval.known_as = Some(*known_as);
                    approval.attested_roles.clone_from(roles);
                    approval.unproven_roles.clone_from(unproven_roles);
                    approval.reason.clone_from(reason);
                });
            }
            RunEventKind::StepSucceeded { step, .. }
            | RunEventKind::StepAdopted { step, .. }
            | RunEventKind::StepBlocked { step, .. }
            | RunEventKind::StepSkipped { step, .. } => self.close(step, at),
            RunEventKind::GuardEvaluated { step, guard, findings, passed, .. } => {
                if !findings.is_empty() {
                    self.guards.push(GuardTime {
                        at,
                        step: step.clone(),
                        guard: *guard,
                        passed: *passed,
                        findings: findings.clone(),
                    });
                }
            }
            RunEventKind::OrderTaken { by, known_as, order, refused, withdrawn, .. } => {
                self.orders.push(OrderTime {
                    at,
                    by: by.clone(),
                    known_as: *known_as,
                    order: order.clone(),
                    refused: refused.clone(),
                    withdrawn: *withdrawn,
                });
            }
            RunEventKind::AttemptFailed { .. }
            | RunEventKind::MemberFailed { .. }
            | RunEventKind::StepFailed { .. }
            | RunEventKind::HandedOver { .. }
            | RunEventKind::Alarm { .. } => self.fault(event),
            RunEventKind::SlotsTaken { .. }
            | RunEventKind::SlotsFreed { .. }
            | RunEventKind::ServerPlaced { .. }
            | RunEventKind::PointReported { .. }
            | RunEventKind::MachineSeen { .. }
            | RunEventKind::OperationAccepted { .. }
            | RunEventKind::MembersDone { .. }
            | RunEventKind::StepWaiting { .. }
            | RunEventKind::ActionStarted { .. }
            | RunEventKind::MachineTakenOut { .. }
            | RunEventKind::StepReopened { .. }
            | RunEventKind::Cancelling { .. }
            | RunEventKind::RunFinished { .. } => {}
        }
        Ok(())
    }

    fn traced(&mut self, step: &StepId) -> Option<&mut Traced> {
        let index = self.state.graph().find(step)?;
        self.steps.get_mut(index as usize)
    }

    fn resumed(&mut self, before: (RunStatus, Option<Timestamp>), at: Timestamp) {
        let (status, last) = before;
        match (status, self.pauses.last_mut()) {
            (RunStatus::Interrupted, Some(pause)) => pause.to = Some(at),
            // A process that was killed says nothing.
            _ => self.pauses.push(Pause { from: last.unwrap_or(at), to: Some(at), reason: None }),
        }
    }

    /// Ends the question of a step that nobody's answer is waited for any more.
    fn close(&mut self, step: &StepId, at: Timestamp) {
        if let Some(place) = self.open.remove(step) {
            let approval = &mut self.approvals[place];
            approval.answered = Some(at);
            approval.waited_s = seconds_between(approval.asked, at).0;
        }
    }

    fn answered(&mut self, step: &StepId, at: Timestamp, answer: impl FnOnce(&mut ApprovalTime)) {
        let Some(place) = self.open.get(step).copied() else { return };
        self.close(step, at);
        answer(&mut self.approvals[place]);
    }

    fn fault(&mut self, event: &RunEvent) {
        let (kind, code, message) = match &event.kind {
            RunEventKind::AttemptFailed { code, message, .. } => (FaultKind::AttemptFailed, code, message),
            RunEventKind::MemberFailed { code, message, .. } => (FaultKind::MemberFailed, code, message),
            RunEventKind::StepFailed { code, message, .. } => (FaultKind::StepFailed, code, message),
            RunEventKind::HandedOver { code, message, .. } => (FaultKind::HandedOver, code, message),
            RunEventKind::Alarm { code, message, .. } => (FaultKind::Alarm, code, message),
            _ => return,
        };
        let Some(step) = event.kind.step().cloned() else { return };
        if kind == FaultKind::StepFailed {
            self.close(&step, event.at);
        }
        let mut fault = Fault {
            at: event.at,
            kind,
            step,
            machine: None,
            attempt: None,
            code: code.clone(),
            message: message.clone(),
            retry_at: None,
            parameters: Vec::new(),
        };
        match &event.kind {
            RunEventKind::AttemptFailed { attempt, retry_at, .. } => {
                fault.attempt = Some(*attempt);
                fault.retry_at = Some(*retry_at);
            }
            RunEventKind::MemberFailed { machine, .. } => fault.machine = Some(machine.clone()),
            RunEventKind::HandedOver { parameters, .. } => fault.parameters.clone_from(parameters),
            _ => {}
        }
        self.faults.push(fault);
    }

    /// Returns when everything happened, up to the last event.
    #[must_use]
    pub fn timeline(&self) -> Timeline {
        let (began, last) = (self.state.started_at(), self.state.last_at());
        let critical_path = path::critical(self);
        let mut steps: Vec<StepTime> =
            (0..).take(self.steps.len()).map(|step| self.step_time(step)).collect();
        for step in critical_path.iter().filter_map(|spent| self.state.graph().find(&spent.step)) {
            steps[step as usize].critical = true;
        }
        let mut phases = Phases::default();
        for step in &steps {
            if let (Some(began), Some(ended)) = (step.began, step.ended.or(last)) {
                phases.take(step.kind, &step.step, began, ended);
            }
        }
        let mut approvals = self.approvals.clone();
        for place in self.open.values() {
            let approval = &mut approvals[*place];
            approval.waited_s = last.map_or(0, |last| seconds_between(approval.asked, last).0);
        }
        for approval in &approvals {
            if let Some(step) = self.state.graph().find(&approval.step) {
                steps[step as usize].asked_s += approval.waited_s;
            }
        }
        Timeline {
            run: self.run.clone(),
            begin: self.begin.clone(),
            status: self.state.status().as_str().to_owned(),
            outcome: match self.state.status() {
                RunStatus::Finished(outcome) => Some(outcome),
                RunStatus::New | RunStatus::Running | RunStatus::Interrupted => None,
            },
            began,
            last,
            took_s: began.zip(last).map_or(0, |(began, last)| seconds_between(began, last).0),
            events: self.state.seq(),
            plan: measure::plan(self),
            groups: measure::groups(self),
            machines: measure::machines(self),
            steps,
            phases: phases.times(),
            approvals,
            faults: self.faults.clone(),
            guards: self.guards.clone(),
            orders: self.orders.clone(),
            pauses: self.pauses.clone(),
            critical_path,
        }
    }

    fn step_time(&self, index: StepIndex) -> StepTime {
        let graph = self.state.graph();
        let (step, state, traced) = (graph.step(index), self.state.step(index), self.steps[index as usize]);
        let before = graph.before(index).iter().map(|before| self.state.step(*before).ended_at);
        // Nothing is ready before what it waits for is settled.
        let ready = before.collect::<Option<Vec<Timestamp>>>().map(|ends| ends.into_iter().max());
        let ready = ready.map(|last| last.or(self.state.started_at())).unwrap_or_default();
        let end = state.ended_at.or(self.state.last_at());
        StepTime {
            step: step.id.clone(),
            kind: step.kind,
            subject: graph.subject_name(index),
            wave: step.wave,
            status: state.status,
            ready,
            began: traced.began,
            ended: state.ended_at,
            took_s: traced.began.zip(end).map(|(began, end)| seconds_between(began, end).0),
            queued_s: ready.zip(traced.began).map_or(0, |(ready, began)| seconds_between(ready, began).0),
            asked_s: 0,
            attempts: state.attempts,
            begun: traced.begun,
            irreversible: graph.is_irreversible(index),
            critical: false,
            note: state.note.clone(),
            code: state.code.clone(),
        }
    }
}
