//! Which events can follow which: what a journal must never hold is refused before it takes it.

use crate::event::Outcome;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::event::RunStatus;
use crate::event::StepStatus;
use crate::graph::StepIndex;
use crate::graph::StepSubject;
use crate::provider::Request;

/// An event that can't follow the ones before it.
#[derive(Debug, thiserror::Error)]
#[error("event {seq} can't follow: {reason}")]
pub struct IllegalEvent {
    /// Its place.
    pub seq: u64,
    /// Why not.
    pub reason: String,
}

/// What shows that an event can follow: only [`RunState::check`] gives it, and [`RunState::apply`] asks for it.
#[derive(Debug)]
#[must_use]
pub struct Legal {
    /// The step that the event is about.
    pub(super) step: Option<StepIndex>,
}

impl RunState {
    /// Refuses an event that can't follow the ones before it, before the journal takes it.
    ///
    /// # Errors
    ///
    /// [`IllegalEvent`], which says why.
    pub fn check(&self, event: &RunEvent) -> Result<Legal, IllegalEvent> {
        self.check_about(None, event)
    }

    /// Returns the same where the step that the event names is believed to be known: if it is another one, it is looked for.
    ///
    /// # Errors
    ///
    /// [`IllegalEvent`], which says why.
    pub fn check_about(&self, known: Option<StepIndex>, event: &RunEvent) -> Result<Legal, IllegalEvent> {
        let illegal = |reason: String| Err(IllegalEvent { seq: event.seq, reason });
        if event.seq != self.seq + 1 {
            return illegal(format!("the last event was {}", self.seq));
        }
        let begins = matches!(event.kind, RunEventKind::RunStarted { .. });
        match self.status {
            RunStatus::New if !begins => return illegal("the run has not begun".into()),
            // What failed may be done again by order of a person.
            RunStatus::Finished(Outcome::Failed) if matches!(event.kind, RunEventKind::Resumed { .. }) => {}
            RunStatus::Finished(_) => return illegal("the run has ended".into()),
            RunStatus::Running | RunStatus::Interrupted if begins => {
                return illegal("the run has begun already".into());
            }
            RunStatus::New | RunStatus::Running | RunStatus::Interrupted => {}
        }
        if let Some(reason) = self.objection(&event.kind) {
            return illegal(reason);
        }
        let Some(id) = event.kind.step() else { return Ok(Legal { step: None }) };
        let known = known.filter(|known| self.id(*known) == id);
        let Some(index) = known.or_else(|| self.graph.find(id)) else {
            return illegal(format!("there is no step {id}"));
        };
        let legal = Legal { step: Some(index) };
        let step = &self.steps[index as usize];
        let allowed: &[StepStatus] = match &event.kind {
            RunEventKind::StepStarted { .. } => &[StepStatus::Ready],
            RunEventKind::SlotsTaken { .. } => &[StepStatus::Ready, StepStatus::Running],
            RunEventKind::GuardEvaluated { .. }
            | RunEventKind::PointReported { .. }
            | RunEventKind::IntentRecorded { .. }
            | RunEventKind::OperationAccepted { .. }
            | RunEventKind::AttemptFailed { .. }
            | RunEventKind::MembersDone { .. }
            | RunEventKind::MemberFailed { .. }
            | RunEventKind::HandedOver { .. }
            | RunEventKind::StepWaiting { .. }
            | RunEventKind::ActionStarted { .. }
            | RunEventKind::ApprovalAsked { .. } => &[StepStatus::Running],
            // Disks that were attached again to a server that was moved are where it is seen next.
            RunEventKind::ServerPlaced { .. } if self.is_to_be_placed(index) => {
                &[StepStatus::Running, StepStatus::Succeeded, StepStatus::Adopted]
            }
            RunEventKind::ServerPlaced { .. } => &[StepStatus::Running],
            RunEventKind::ApprovalGiven { .. } | RunEventKind::ApprovalDenied { .. } => &[StepStatus::Asked],
            RunEventKind::SlotsFreed { .. } => return self.check_freed(event, index).map(|()| legal),
            RunEventKind::StepBlocked { .. } => &[StepStatus::Ready, StepStatus::Running, StepStatus::Asked],
            RunEventKind::StepAdopted { .. }
            | RunEventKind::StepSucceeded { .. }
            | RunEventKind::StepFailed { .. } => &[StepStatus::Running, StepStatus::Asked],
            RunEventKind::StepSkipped { .. } => &[
                StepStatus::Waiting,
                StepStatus::Ready,
                StepStatus::Running,
                StepStatus::Asked,
                StepStatus::Failed,
                StepStatus::Blocked,
            ],
            RunEventKind::StepReopened { .. } => &[
                StepStatus::Failed,
                StepStatus::Blocked,
                // A failover that was taken back.
                StepStatus::Succeeded,
                StepStatus::Adopted,
            ],
            RunEventKind::MachineSeen { .. } | RunEventKind::Alarm { .. } => {
                &[StepStatus::Running, StepStatus::Asked]
            }
            RunEventKind::RunStarted { .. }
            | RunEventKind::Resumed { .. }
            | RunEventKind::OrderTaken { .. }
            | RunEventKind::MachineTakenOut { .. }
            | RunEventKind::Cancelling { .. }
            | RunEventKind::Interrupted { .. }
            | RunEventKind::RunFinished { .. } => return Ok(legal),
        };
        if !allowed.contains(&step.status) {
            return illegal(format!("step {id} is {}", step.status.as_str()));
        }
        match &event.kind {
            RunEventKind::IntentRecorded { request: Request::Commit { .. }, .. }
                if self.graph.model().plan.is_taken_back =>
            {
                illegal(format!("{id} would commit, and the failovers of this run are taken back"))
            }
            // What was sent and not answered must be settled before anything is sent again.
            RunEventKind::IntentRecorded { attempt, .. }
                if step.intent.is_some() || *attempt != step.attempts + 1 =>
            {
                illegal(format!("attempt {} of {id} is still open", step.attempts))
            }
            RunEventKind::OperationAccepted { .. } if step.intent.is_none() || step.operation.is_some() => {
                illegal(format!("no request of {id} is open"))
            }
            RunEventKind::AttemptFailed { .. }
            | RunEventKind::MembersDone { .. }
            | RunEventKind::HandedOver { .. }
                if step.intent.is_none() =>
            {
                illegal(format!("no request of {id} is open"))
            }
            // The preflight looks at all machines.
            RunEventKind::MachineSeen { machine, .. }
                if self.graph.step(index).subject == StepSubject::Plan
                    && self.graph.model().machine_named(machine.as_str()).is_some() =>
            {
                Ok(legal)
            }
            RunEventKind::MemberFailed { machine, .. }
            | RunEventKind::PointReported { machine, .. }
            | RunEventKind::MachineSeen { machine, .. } => {
                let mut members = self.machines_of(index).map(|member| self.graph.model().machine(member));
                if members.any(|member| member.name().value == machine.as_str()) {
                    return Ok(legal);
                }
                illegal(format!("{id} is not about {machine}"))
            }
            _ => Ok(legal),
        }
    }

    /// Returns why an event about no step can't follow.
    fn objection(&self, kind: &RunEventKind) -> Option<String> {
        match kind {
            RunEventKind::OrderTaken { letter, .. } if *letter <= self.last_letter => {
                Some(format!("letter {letter} was taken already"))
            }
            RunEventKind::MachineTakenOut { machine, .. } => {
                match self.graph.model().machine_named(machine.as_str()) {
                    None => Some(format!("there is no machine {machine}")),
                    Some(known) if self.is_taken_out(known.index()) => {
                        Some(format!("{machine} is out already"))
                    }
                    Some(_) => None,
                }
            }
            RunEventKind::Cancelling { .. } if self.is_cancelling() => {
                Some("the run is cancelled already".into())
            }
            _ => None,
        }
    }

    fn check_freed(&self, event: &RunEvent, index: StepIndex) -> Result<(), IllegalEvent> {
        if self.slots.of(index).is_some() {
            return Ok(());
        }
        Err(IllegalEvent { seq: event.seq, reason: format!("step {} holds no disks", self.id(index)) })
    }
}
