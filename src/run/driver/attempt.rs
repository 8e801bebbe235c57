//! What becomes of a step whose attempt failed.

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::event::RunEventKind;
use crate::event::StepProgress;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::provider::Failure;
use crate::run::driver::engine::Engine;
use crate::run::recorder::RunError;
use crate::run::retry;

impl Engine<'_> {
    pub(super) fn operation_failed(&mut self, step: StepIndex, failure: Failure) -> Result<(), RunError> {
        let message = format!("{} ({})", failure.message, failure.task);
        self.attempt_failed(step, &failure.code, message, false, None)
    }

    pub(super) fn attempt_failed(
        &mut self,
        step: StepIndex,
        code: &str,
        message: String,
        transient: bool,
        retry_after: Option<SignedDuration>,
    ) -> Result<(), RunError> {
        let id = self.recorder.state().id(step).clone();
        let state = self.recorder.state().step(step);
        let now = self.now();
        let kind = self.graph.step(step).kind;
        let attempt = retry::Attempt {
            kind,
            number: state.attempts,
            code,
            transient,
            retry_after,
            window_from: self.agent_window(step, kind).max(state.first_attempt_at.unwrap_or(now)),
            now,
        };
        match retry::judge(&self.policy, &attempt, id.as_str()) {
            retry::Verdict::Again(retry_at) => {
                let attempt = attempt.number;
                self.recorder.record(RunEventKind::AttemptFailed {
                    step: id,
                    attempt,
                    code: code.to_owned(),
                    message: message.clone(),
                    retry_at,
                })?;
                self.progress.insert(step, StepProgress { step, done: 0.0, text: message });
                self.wake(step, retry_at);
                Ok(())
            }
            retry::Verdict::Final => self.fail(step, code, message),
        }
    }

    /// Returns when the boot was seen after which the step's agent has to register.
    fn agent_window(&self, step: StepIndex, kind: StepKind) -> Timestamp {
        let machine = self.graph.machines_of(step).first().map(|machine| self.model.machine(machine.index()));
        let booted = machine.and_then(|machine| match kind {
            StepKind::Reprotect => machine.azure_vm().ok()?.booted_at,
            _ => machine.onprem_vm().ok()?.booted_at,
        });
        booted.map_or(Timestamp::MIN, |booted| booted.value)
    }
}
