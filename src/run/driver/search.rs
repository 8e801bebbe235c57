//! A request whose answer was lost: the site is searched for it before anything is sent again.

use jiff::Timestamp;

use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::id::OperationId;
use crate::provider::Observation;
use crate::provider::ProviderError;
use crate::run::driver::engine::Engine;
use crate::run::driver::inquiry::Inquiry;
use crate::run::driver::inquiry::Purpose;
use crate::run::recorder::RunError;
use crate::run::settle;
use crate::run::step;
use crate::run::step::Decision;
use crate::run::step::Wait;

impl Engine<'_> {
    pub(super) fn found(
        &mut self,
        step: StepIndex,
        result: Result<Option<OperationId>, ProviderError>,
        stopping: bool,
    ) -> Result<(), RunError> {
        let now = self.now();
        match result {
            Ok(Some(operation)) => self.began(step, Ok(operation)),
            Ok(None) => {
                let since = *self.searched_since.entry(step).or_insert(now);
                match settle::judge(self.graph.step(step).kind, since, now) {
                    settle::Search::Again(until) => {
                        let reason = "the site is asked whether it took the request on".into();
                        self.look_again(
                            step,
                            Wait { until, reason, deadline: Timestamp::MAX, done: None, told_until: None },
                        )
                    }
                    settle::Search::Resend | settle::Search::Person if !self.may_begin_more(step) => {
                        self.lost_and_cancelled(step)
                    }
                    settle::Search::Resend => {
                        self.send_again(step, stopping);
                        Ok(())
                    }
                    settle::Search::Person => {
                        if !stopping {
                            self.inquire(step, Inquiry::Look(Purpose::MakeSure));
                        }
                        Ok(())
                    }
                }
            }
            Err(error) => self.ask_again(step, &error),
        }
    }

    /// Nothing is known of a request: its result may be seen all the same, else a person says what to do.
    pub(super) fn looked(
        &mut self,
        step: StepIndex,
        result: Result<Observation, ProviderError>,
        stopping: bool,
    ) -> Result<(), RunError> {
        let observation = match result {
            Ok(observation) => observation,
            Err(error) => return self.ask_again(step, &error),
        };
        self.learn(observation.facts, observation.mark, observation.changes);
        if stopping {
            return Ok(());
        }
        self.made_sure(step)
    }

    pub(super) fn made_sure(&mut self, step: StepIndex) -> Result<(), RunError> {
        match self.decide(step, &[]) {
            decision @ Decision::Adopt(_) => self.carry_out(step, decision),
            // It may be the one that was sent: whichever it is, nothing else is to be begun meanwhile.
            Decision::Wait(wait) if self.is_failing_back(step) => self.look_again(step, wait),
            _ => {
                let id = self.recorder.state().id(step);
                let prompt = format!(
                    "The request of {id} was about to be sent when its answer was lost, and the site knows nothing of it. \
                     Look at the machines. Send it again?"
                );
                self.ask(step, prompt, Vec::new())
            }
        }
    }

    /// A request of which the site knows nothing is given up, since the run is cancelled.
    fn lost_and_cancelled(&mut self, step: StepIndex) -> Result<(), RunError> {
        let message = "the site knows nothing of the request, and the run is cancelled; look at the machines";
        self.fail(step, "outcome-unknown", message.into())
    }

    fn is_failing_back(&self, step: StepIndex) -> bool {
        let mut machines = self.recorder.state().machines_of(step);
        self.graph.step(step).kind == StepKind::Failover
            && machines.any(|machine| step::is_failing_back(self.model.machine(machine)))
    }

    /// A person said to send a request again; it is sent unless the site knows of it by now.
    pub(super) fn confirmed(
        &mut self,
        step: StepIndex,
        result: Result<Option<OperationId>, ProviderError>,
        stopping: bool,
    ) -> Result<(), RunError> {
        match result {
            Ok(Some(operation)) => self.began(step, Ok(operation)),
            Ok(None) => {
                self.send_again(step, stopping);
                Ok(())
            }
            Err(error) => self.ask_again(step, &error),
        }
    }

    /// Sends a request again under its key.
    fn send_again(&mut self, step: StepIndex, stopping: bool) {
        let intent = self.recorder.state().step(step).intent.as_deref().cloned();
        if let Some((key, request)) = intent.filter(|_| !stopping) {
            self.searched_since.remove(&step);
            self.inquire(step, Inquiry::Begin(request, key));
        }
    }
}
