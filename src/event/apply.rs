//! What each event changes in the state of a run.

use std::sync::Arc;

use jiff::Timestamp;

use crate::event::Begun;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::event::RunStatus;
use crate::event::legal::Legal;
use crate::event::state::signed_as;
use crate::event::step::Answer;
use crate::event::step::PUT_OFF;
use crate::event::step::StepStatus;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::id::IdempotencyKey;
use crate::id::OperationId;
use crate::model::Machine;
use crate::provider::Request;

impl RunState {
    /// Takes an event that [`RunState::check`] allowed in this very state, and keeps what it can of it instead of a copy.
    pub fn take(&mut self, event: RunEvent, legal: Legal) {
        let (seq, at) = (event.seq, event.at);
        self.seq = seq;
        self.last_at = Some(at);
        let Some(index) = legal.step else { return self.apply(&event, legal) };
        match event.kind {
            RunEventKind::IntentRecorded { attempt, key, request, .. } => {
                self.intend(index, attempt, key, request, at);
            }
            RunEventKind::OperationAccepted { operation, .. } => self.accepts(index, operation),
            RunEventKind::StepWaiting { reason, .. } => self.waits(index, reason),
            RunEventKind::ApprovalAsked { prompt, roles, deadline, .. } => {
                self.asks(index, (seq, prompt, roles, deadline), at);
            }
            RunEventKind::StepAdopted { because, .. } => {
                self.settle(index, StepStatus::Adopted, Some(because), at);
            }
            RunEventKind::StepSucceeded { note, .. } => self.settle(index, StepStatus::Succeeded, note, at),
            kind => self.apply_to_step(index, seq, &kind, at),
        }
    }

    /// Takes an event that [`RunState::check`] allowed in this very state.
    pub fn apply(&mut self, event: &RunEvent, legal: Legal) {
        self.seq = event.seq;
        self.last_at = Some(event.at);
        match &event.kind {
            RunEventKind::RunStarted { plan_digest, facts_digest, author, ordered_by, people, .. } => {
                self.begun = Some(Arc::new(Begun {
                    run: event.run.clone(),
                    plan_digest: plan_digest.clone(),
                    facts_digest: facts_digest.clone(),
                    author: author.clone(),
                    ordered_by: ordered_by.clone(),
                    people: people.clone(),
                }));
                self.status = RunStatus::Running;
                self.started_at = Some(event.at);
                for index in (0..).take(self.steps.len()) {
                    self.refresh(index, event.at);
                }
            }
            RunEventKind::Resumed { .. } => {
                self.status = RunStatus::Running;
                for index in self.active.iter() {
                    self.steps[index as usize].taken_over_at = Some(event.at);
                }
            }
            RunEventKind::Interrupted { .. } => self.status = RunStatus::Interrupted,
            RunEventKind::RunFinished { outcome } => self.status = RunStatus::Finished(*outcome),
            RunEventKind::OrderTaken { letter, order, signed, refused, withdrawn, .. } => {
                self.last_letter = *letter;
                if *withdrawn {
                    self.withdrawn.insert(*letter);
                }
                if let Some(signed) = signed
                    && (*withdrawn || refused.is_none())
                {
                    self.signed.insert(signed_as(signed, order));
                }
            }
            RunEventKind::MachineTakenOut { machine, by, reason, release_dependents } => {
                let named = self.graph.model().machine_named(machine.as_str()).map(Machine::index);
                if let Some(machine) = named {
                    self.take_out(
                        machine,
                        *release_dependents,
                        &format!("taken out by {by}: {reason}"),
                        event.at,
                    );
                }
            }
            RunEventKind::Cancelling { by, reason, failovers } => {
                let why = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                self.cancel(*failovers, &format!("the run was cancelled by {by}{why}"), event.at);
            }
            kind => {
                if let Some(index) = legal.step {
                    self.apply_to_step(index, event.seq, kind, event.at);
                }
            }
        }
    }

    fn apply_to_step(&mut self, index: StepIndex, seq: u64, kind: &RunEventKind, at: Timestamp) {
        let step = &mut self.steps[index as usize];
        match kind {
            RunEventKind::SlotsTaken { server, disks, .. } => {
                let ready = step.status == StepStatus::Ready;
                self.slots.take(&self.graph, index, ready, server, *disks);
            }
            RunEventKind::SlotsFreed { .. } => self.slots.free(&self.graph, index),
            RunEventKind::StepStarted { .. } => {
                step.started_at = Some(at);
                self.set(index, StepStatus::Running, at);
            }
            RunEventKind::IntentRecorded { attempt, key, request, .. } => {
                self.intend(index, *attempt, key.clone(), request.clone(), at);
            }
            RunEventKind::OperationAccepted { operation, .. } => self.accepts(index, operation.clone()),
            RunEventKind::AttemptFailed { code, message, retry_at, .. } => {
                self.comes_to_nothing(index);
                let step = &mut self.steps[index as usize];
                step.intent = None;
                step.operation = None;
                step.retry_at = Some(*retry_at);
                step.note = Some(format!("{message} ({code})"));
                if code == PUT_OFF {
                    step.times_put_off += 1;
                }
            }
            RunEventKind::MembersDone { machines, .. } => {
                step.intent = None;
                step.operation = None;
                step.begins_attempt();
                let model = self.graph.model();
                let machines = machines.iter().filter_map(|machine| model.machine_named(machine.as_str()));
                let done: Vec<usize> = machines.map(Machine::index).collect();
                step.done.extend(done);
            }
            RunEventKind::MemberFailed { machine, code, message, .. } => {
                let named = self.graph.model().machine_named(machine.as_str()).map(Machine::index);
                if let Some(machine) = named {
                    self.lose(machine, index, &format!("{message} ({code})"), at);
                }
            }
            RunEventKind::HandedOver { message, .. } => {
                step.intent = None;
                step.operation = None;
                step.handed_over = true;
                step.note = Some(message.clone());
                self.park(index, true);
            }
            RunEventKind::StepWaiting { reason, .. } => self.waits(index, reason.clone()),
            RunEventKind::ActionStarted { .. } => {
                step.acted = true;
                step.attempts += 1;
                if step.answer.is_some() {
                    step.answer = None;
                }
            }
            RunEventKind::PointReported { machine, point, .. } => {
                let named = self.graph.model().machine_named(machine.as_str()).map(Machine::index);
                if let Some(machine) = named {
                    self.points.insert(machine, point.clone());
                }
            }
            RunEventKind::MachineSeen { machine, seen, .. } => {
                let named = self.graph.model().machine_named(machine.as_str()).map(Machine::index);
                if let Some(machine) = named {
                    self.seen.insert(machine, *seen);
                }
            }
            RunEventKind::ServerPlaced { datastore, .. } => {
                self.attached.remove(&index);
                self.placements.insert(index, datastore.clone());
            }
            RunEventKind::GuardEvaluated { findings, passed, .. } => {
                if !passed {
                    step.note =
                        findings.first().map(|finding| format!("{}: {}", finding.rule, finding.message));
                }
            }
            RunEventKind::ApprovalAsked { prompt, roles, deadline, .. } => {
                self.asks(index, (seq, prompt.clone(), roles.clone(), *deadline), at);
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
                self.settle(index, StepStatus::Adopted, Some(because.clone()), at);
            }
            RunEventKind::StepSucceeded { note, .. } => {
                self.settle(index, StepStatus::Succeeded, note.clone(), at);
            }
            RunEventKind::StepFailed { code, message, .. } => {
                step.code = Some(code.clone());
                self.settle(index, StepStatus::Failed, Some(format!("{message} ({code})")), at);
            }
            RunEventKind::StepBlocked { reason, .. } => {
                self.settle(index, StepStatus::Blocked, Some(reason.clone()), at);
            }
            RunEventKind::StepSkipped { reason, .. } => self.leave_out(index, reason, at),
            RunEventKind::StepReopened { downstream, disks_attached, .. } => {
                if *disks_attached {
                    let attached: Vec<StepIndex> = self.reprotects_behind(index).collect();
                    self.attached.extend(attached);
                }
                self.reopen(index, *downstream, at);
            }
            RunEventKind::Alarm { code, .. } => step.alarms.push(code.clone()),
            RunEventKind::RunStarted { .. }
            | RunEventKind::Resumed { .. }
            | RunEventKind::OrderTaken { .. }
            | RunEventKind::MachineTakenOut { .. }
            | RunEventKind::Cancelling { .. }
            | RunEventKind::Interrupted { .. }
            | RunEventKind::RunFinished { .. } => {}
        }
    }

    /// Notes the request that a step is about to send.
    fn intend(
        &mut self,
        index: StepIndex,
        attempt: u32,
        key: IdempotencyKey,
        request: Request,
        at: Timestamp,
    ) {
        // How its machines were seen counts no more once something is asked of them.
        if !self.seen.is_empty() {
            for machine in request.machines() {
                let named = self.graph.model().machine_named(machine.as_str()).map(Machine::index);
                if let Some(machine) = named {
                    self.seen.remove(&machine);
                }
            }
        }
        self.sends(&request);
        let step = &mut self.steps[index as usize];
        step.attempts = attempt;
        step.intent = Some(Arc::new((key, request)));
        step.first_attempt_at.get_or_insert(at);
        step.sent_at = Some(at);
        step.operation = None;
        step.begins_attempt();
        self.park(index, false);
    }

    /// Notes what a step waits for.
    fn waits(&mut self, index: StepIndex, reason: String) {
        let step = &mut self.steps[index as usize];
        step.note = Some(reason);
        if step.intent.is_none() {
            self.park(index, true);
        }
    }

    /// Notes the operation that the site took on for a step.
    fn accepts(&mut self, index: StepIndex, operation: OperationId) {
        self.steps[index as usize].operation = Some(operation);
        self.takes_on(index);
    }

    /// Notes what the event of a place asks, whom, and until when.
    fn asks(
        &mut self,
        index: StepIndex,
        (seq, prompt, roles, deadline): (u64, String, Vec<String>, Option<Timestamp>),
        at: Timestamp,
    ) {
        let step = &mut self.steps[index as usize];
        step.note = Some(prompt);
        step.roles = roles;
        step.question = seq;
        step.answer_by = deadline;
        self.set(index, StepStatus::Asked, at);
    }

    /// Takes a machine out of the run: what is still to be done about it is not done.
    fn lose(&mut self, machine: usize, at_step: StepIndex, why: &str, at: Timestamp) {
        self.failed += 1;
        self.stopped = true;
        self.out.insert(machine);
        self.lost.insert(machine, at_step);
        let graph = Arc::clone(&self.graph);
        for index in graph.steps_about(StepSubject::Machine(machine)) {
            if !self.step(*index).status.is_settled() {
                self.settle(*index, StepStatus::Blocked, Some(why.to_owned()), at);
            }
        }
    }

    pub(super) fn settle(
        &mut self,
        index: StepIndex,
        status: StepStatus,
        note: Option<String>,
        at: Timestamp,
    ) {
        let step = &mut self.steps[index as usize];
        step.intent = None;
        step.note = note;
        self.set(index, status, at);
        if self.graph.kind(index) == StepKind::Cleanup {
            self.after_cleanup(index, at);
        }
    }

    /// Takes a running step that changes something out of their number, or counts it again.
    fn park(&mut self, index: StepIndex, parked: bool) {
        let step = &mut self.steps[index as usize];
        if !self.graph.kind(index).is_mutating() || step.parked == parked {
            return;
        }
        step.parked = parked;
        if parked {
            self.changing.remove(&self.graph, index);
        } else {
            self.changing.add(&self.graph, index);
        }
    }
}
