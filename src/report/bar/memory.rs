//! Which events are printed above the bars, to be remembered, and in which colour.

use crate::event::RunEventKind;
use crate::report::bar::row::Paint;

/// Returns the colour of an event, and whether it is remembered. What is asked at this very terminal is not said twice.
pub(super) fn remembered(kind: &RunEventKind, asks_here: bool) -> (Paint, bool) {
    match kind {
        RunEventKind::StepFailed { .. } | RunEventKind::MemberFailed { .. } => (Paint::Bad, true),
        // What others have to answer is asked nowhere else.
        RunEventKind::ApprovalAsked { roles, .. } => (Paint::Attention, !asks_here || !roles.is_empty()),
        RunEventKind::HandedOver { .. } | RunEventKind::Interrupted { .. } => (Paint::Attention, true),
        RunEventKind::ApprovalGiven { .. } | RunEventKind::ApprovalDenied { .. } => (Paint::Plain, true),
        RunEventKind::Alarm { .. } => (Paint::Bad, true),
        RunEventKind::StepSkipped { .. }
        | RunEventKind::MachineTakenOut { .. }
        | RunEventKind::StepReopened { .. } => (Paint::Plain, true),
        RunEventKind::OrderTaken { refused, .. } => (Paint::Attention, refused.is_some()),
        RunEventKind::Cancelling { .. } => (Paint::Attention, true),
        RunEventKind::GuardEvaluated { .. } | RunEventKind::AttemptFailed { .. } => (Paint::Attention, false),
        RunEventKind::RunStarted { .. }
        | RunEventKind::Resumed { .. }
        | RunEventKind::StepStarted { .. }
        | RunEventKind::SlotsTaken { .. }
        | RunEventKind::SlotsFreed { .. }
        | RunEventKind::ServerPlaced { .. }
        | RunEventKind::PointReported { .. }
        | RunEventKind::MachineSeen { .. }
        | RunEventKind::IntentRecorded { .. }
        | RunEventKind::OperationAccepted { .. }
        | RunEventKind::MembersDone { .. }
        | RunEventKind::StepWaiting { .. }
        | RunEventKind::ActionStarted { .. }
        | RunEventKind::StepAdopted { .. }
        | RunEventKind::StepSucceeded { .. }
        | RunEventKind::StepBlocked { .. }
        | RunEventKind::RunFinished { .. } => (Paint::Plain, false),
    }
}
