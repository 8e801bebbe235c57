//! Events of a run as notices: a reporter that hands on what somebody wants to know, and waits for nobody.

use std::sync::Arc;

use jiff::Timestamp;

use crate::drill::notice::Notice;
use crate::drill::notice::Post;
use crate::drill::notice::RunPart;
use crate::event::Outcome;
use crate::event::Reporter;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::event::StepProgress;
use crate::id::StepId;
use crate::syntax::action::NoticeEvent;

/// Tells the digest of the newest event of a run's journal.
#[derive(Clone)]
pub struct Head(Arc<dyn Fn() -> Option<String> + Send + Sync>);

impl Head {
    /// Returns what asks `head` at the moment at which a notice is sent.
    pub fn new(head: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(head))
    }

    pub(super) fn now(&self) -> Option<String> {
        (self.0)()
    }
}

/// Hands the events of a run to the post.
pub struct RunNotices {
    post: Arc<Post>,
    plan: String,
    head: Option<Head>,
}

impl RunNotices {
    /// Returns the notices of a run of a plan.
    #[must_use]
    pub const fn new(post: Arc<Post>, plan: String, head: Option<Head>) -> Self {
        Self { post, plan, head }
    }
}

impl Reporter for RunNotices {
    fn event(&mut self, event: &RunEvent, _state: &RunState) -> std::io::Result<()> {
        if let Some(notice) = notice_of(&self.plan, event) {
            self.post.tell(&notice, self.head.as_ref());
        }
        Ok(())
    }

    fn tick(&mut self, _: Timestamp, _: &RunState, _: &[StepProgress]) -> std::io::Result<()> {
        Ok(())
    }
}

/// Returns what is told of an event; `None` if it is nothing that anybody can ask for.
pub(super) fn notice_of(plan: &str, event: &RunEvent) -> Option<Notice> {
    let run = &event.run;
    let step = |step: &StepId| Some(step.as_str().to_owned());
    let (what, message, outcome, step) = match &event.kind {
        RunEventKind::RunStarted { machines, .. } => {
            (NoticeEvent::Start, format!("run {run} begins: {machines} machines"), None, None)
        }
        RunEventKind::RunFinished { outcome: Outcome::Succeeded } => {
            (NoticeEvent::Success, format!("run {run} ended well"), Some("success"), None)
        }
        RunEventKind::RunFinished { outcome: Outcome::Failed } => {
            (NoticeEvent::Failure, format!("run {run} ended with failures"), Some("failure"), None)
        }
        RunEventKind::RunFinished { outcome: Outcome::Cancelled } => {
            (NoticeEvent::Failure, format!("run {run} was cancelled"), Some("failure"), None)
        }
        RunEventKind::StepFailed { step: of, message, .. } => {
            (NoticeEvent::Failure, format!("{of} failed: {message}"), None, step(of))
        }
        RunEventKind::MemberFailed { step: of, machine, message, .. } => {
            (NoticeEvent::Failure, format!("{of} failed for {machine}: {message}"), None, step(of))
        }
        RunEventKind::Alarm { step: of, message, .. } => {
            (NoticeEvent::Failure, format!("{of}: {message}"), None, step(of))
        }
        RunEventKind::ApprovalAsked { step: of, prompt, .. } => {
            (NoticeEvent::ApprovalNeeded, format!("{of} waits for an approval: {prompt}"), None, step(of))
        }
        RunEventKind::HandedOver { step: of, message, .. } => {
            (NoticeEvent::ApprovalNeeded, format!("{of} waits for a person: {message}"), None, step(of))
        }
        RunEventKind::Resumed { .. }
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
        | RunEventKind::StepWaiting { .. }
        | RunEventKind::ActionStarted { .. }
        | RunEventKind::ApprovalGiven { .. }
        | RunEventKind::ApprovalDenied { .. }
        | RunEventKind::StepAdopted { .. }
        | RunEventKind::StepSucceeded { .. }
        | RunEventKind::StepBlocked { .. }
        | RunEventKind::StepSkipped { .. }
        | RunEventKind::OrderTaken { .. }
        | RunEventKind::MachineTakenOut { .. }
        | RunEventKind::StepReopened { .. }
        | RunEventKind::Cancelling { .. }
        | RunEventKind::Interrupted { .. } => return None,
    };
    let outcome = outcome.map(str::to_owned);
    Some(Notice {
        version: 1,
        event: what,
        at: event.at,
        plan: plan.to_owned(),
        message,
        rehearsal: false,
        run: Some(RunPart { id: run.as_str().to_owned(), outcome, step, head: None }),
        drill: None,
    })
}
