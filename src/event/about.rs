//! Which step an event is about.

use crate::event::RunEventKind;
use crate::id::StepId;

impl RunEventKind {
    /// Returns the step that the event is about.
    #[must_use]
    pub const fn step(&self) -> Option<&StepId> {
        match self {
            Self::StepStarted { step }
            | Self::SlotsTaken { step, .. }
            | Self::SlotsFreed { step, .. }
            | Self::GuardEvaluated { step, .. }
            | Self::ServerPlaced { step, .. }
            | Self::PointReported { step, .. }
            | Self::MachineSeen { step, .. }
            | Self::IntentRecorded { step, .. }
            | Self::OperationAccepted { step, .. }
            | Self::AttemptFailed { step, .. }
            | Self::MembersDone { step, .. }
            | Self::MemberFailed { step, .. }
            | Self::HandedOver { step, .. }
            | Self::StepWaiting { step, .. }
            | Self::ActionStarted { step }
            | Self::StepReopened { step, .. }
            | Self::Alarm { step, .. }
            | Self::ApprovalAsked { step, .. }
            | Self::ApprovalGiven { step, .. }
            | Self::ApprovalDenied { step, .. }
            | Self::StepAdopted { step, .. }
            | Self::StepSucceeded { step, .. }
            | Self::StepFailed { step, .. }
            | Self::StepBlocked { step, .. }
            | Self::StepSkipped { step, .. } => Some(step),
            Self::RunStarted { .. }
            | Self::Resumed { .. }
            | Self::OrderTaken { .. }
            | Self::MachineTakenOut { .. }
            | Self::Cancelling { .. }
            | Self::Interrupted { .. }
            | Self::RunFinished { .. } => None,
        }
    }
}
