//! Orders from outside: recorded, followed or refused, and what that means for whatever is under way.

use crate::event::Letter;
use crate::event::RunEventKind;
use crate::event::StepStatus;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::run::driver::engine::Engine;
use crate::run::driver::inquiry::Inquiry;
use crate::run::driver::inquiry::Purpose;
use crate::run::order;
use crate::run::order::Verdict;
use crate::run::recorder::RunError;

impl Engine<'_> {
    /// Takes an order, unless it was taken before. The order and what it leads to are kept together.
    pub(super) fn follow(&mut self, letter: Letter) -> Result<(), RunError> {
        if letter.id <= self.recorder.state().last_letter() {
            return Ok(());
        }
        let active: Vec<StepIndex> = self.recorder.state().active().collect();
        let now = self.now();
        let given_at = order::given_at(self.recorder.state(), &letter, now);
        let sent_at = (given_at != now).then_some(given_at);
        let letter = Letter { at: given_at, ..letter };
        let Verdict { effects, refused } = order::judge(self.recorder.state(), &letter);
        let Letter { id, by, known_as, roles, order, signed, withdrawn_by, .. } = letter;
        let withdrawn = withdrawn_by.is_some();
        self.recorder.record(RunEventKind::OrderTaken {
            letter: id,
            by,
            known_as,
            roles,
            order,
            refused,
            sent_at,
            withdrawn,
            signed,
        })?;
        let mut answered = Vec::new();
        for effect in effects {
            if let RunEventKind::ApprovalGiven { step, by, .. }
            | RunEventKind::ApprovalDenied { step, by, .. } = &effect
            {
                let yes = matches!(effect, RunEventKind::ApprovalGiven { .. });
                answered.extend(self.graph.find(step).map(|step| (step, yes, by.clone())));
            }
            self.recorder.record(effect)?;
        }
        for (step, yes, by) in answered {
            self.withdraw(step);
            if yes {
                self.questions.insert(step);
                let question = self.question(step);
                self.inquiries.push_back((step, Inquiry::Approved(Box::new(question))));
            }
            self.answered_by_person(step, yes, &by, false)?;
        }
        for step in active {
            let status = self.recorder.state().step(step).status;
            if !matches!(status, StepStatus::Running | StepStatus::Asked) {
                self.withdraw(step);
                self.forget(step);
            }
        }
        Ok(())
    }

    /// Goes on with a step whose question was answered.
    pub(super) fn answered_by_person(
        &mut self,
        step: StepIndex,
        yes: bool,
        by: &str,
        stopping: bool,
    ) -> Result<(), RunError> {
        // A step that asks while its request is open asks whether to send it again. If this process ends before it does, the
        // next one looks and asks anew.
        let open = self.recorder.state().step(step).intent.as_deref().map(|(key, _)| key.clone());
        self.tell_group(step);
        match open {
            Some(_) if !yes => {
                let message =
                    format!("the site knows nothing of the request, and {by} said not to send it again");
                self.fail(step, "outcome-unknown", message)
            }
            Some(key) if !stopping => {
                self.inquire(step, Inquiry::Find(key, Purpose::MakeSure));
                Ok(())
            }
            Some(_) | None => {
                let now = self.now();
                self.wake(step, now);
                Ok(())
            }
        }
    }

    /// Returns whether a step may ask the site for something: in a run that is cancelled, only what puts it in order does.
    pub(super) fn may_begin_more(&self, step: StepIndex) -> bool {
        let state = self.recorder.state();
        !state.is_cancelling()
            || state.step(step).takes_back
            || self.graph.step(step).kind == StepKind::Cleanup
            || self.graph.runs_last(step)
    }

    /// Ends a step of a run that is cancelled where it would ask for something more.
    pub(super) fn end_cancelled(&mut self, step: StepIndex) -> Result<(), RunError> {
        if self.recorder.state().step(step).acted {
            let message = "the process that ran it ended, and a cancelled run does not run it again: look at what it did";
            return self.fail(step, "outcome-unknown", message.into());
        }
        self.fail(step, "cancelled", "the run is cancelled, and nothing more is begun".into())
    }
}
