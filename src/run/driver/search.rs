//! A request whose answer or operation was lost: the site is searched for it, and its machines are looked at, before anything is
//! sent again; and what is sent again passes what every request passes.

use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::id::OperationId;
use crate::provider::Item;
use crate::provider::Observation;
use crate::provider::ProviderError;
use crate::provider::Request;
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
        match result {
            Ok(Some(operation)) => self.began(step, Ok(operation)),
            Ok(None) => {
                self.search(step, "the site is asked whether it took the request on".into(), stopping)
            }
            Err(error) => self.ask_again(step, &error),
        }
    }

    /// The site does not know an operation that it took on. What it shows late it may lose for a moment, too.
    pub(super) fn is_gone(&mut self, step: StepIndex, error: &ProviderError) -> Result<(), RunError> {
        self.search(step, error.to_string(), false)
    }

    /// Asks the site again about a request of which it knows nothing, until it counts as lost.
    fn search(&mut self, step: StepIndex, reason: String, stopping: bool) -> Result<(), RunError> {
        let now = self.now();
        let since = *self.searched_since.entry(step).or_insert(now);
        if let Some(until) = settle::searches_until(since, now) {
            return self.look_again(step, Wait::to_look(until, reason));
        }
        if !self.may_begin_more(step) {
            return self.lost_and_cancelled(step);
        }
        if step::looks(&self.graph, step) {
            if !stopping {
                self.inquire(step, Inquiry::Look(Purpose::MakeSure));
            }
            return Ok(());
        }
        self.send_again(step, stopping)
    }

    /// Notes that the site knows of a step's request, and takes it.
    pub(super) fn is_known(&mut self, step: StepIndex) {
        if !self.searched_since.is_empty() {
            self.searched_since.remove(&step);
        }
        if !self.put_off.is_empty() {
            self.put_off.remove(&step);
        }
    }

    /// Nothing is known of a request: its result may be seen all the same.
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
        self.made_sure(step, &observation.items)
    }

    /// Goes on with a lost request by what was just seen of its machines: it is sent again only where it would be sent for the
    /// first time, and a failover or a commit only when a person says so.
    pub(super) fn made_sure(&mut self, step: StepIndex, items: &[Item]) -> Result<(), RunError> {
        let decision = self.decide(step, items);
        let needs_person = settle::needs_person(self.graph.kind(step)) && !self.resends.contains(step);
        match decision {
            Decision::Adopt(_) | Decision::Succeed(_) => self.carry_out(step, decision),
            // It may be the one that was sent: whichever it is, nothing else is to be begun meanwhile.
            Decision::Wait(wait) if !needs_person || self.is_under_way(step, items) => {
                self.look_again(step, wait)
            }
            _ if needs_person => self.ask_whether_lost(step),
            Decision::Send(request) if self.is_as_it_was(step, &request) => {
                if self.may_be_sent(step, &request)? {
                    self.send_again(step, false)?;
                }
                Ok(())
            }
            Decision::Fail { .. } => self.carry_out(step, decision),
            Decision::Send(_)
            | Decision::Wait(_)
            | Decision::Ask { .. }
            | Decision::Await(_)
            | Decision::Probe
            | Decision::Act => self.begin_anew(step),
        }
    }

    /// Asks whether a lost failover or commit is sent again: whoever may say yes to the first may say yes to the second.
    fn ask_whether_lost(&mut self, step: StepIndex) -> Result<(), RunError> {
        let state = self.recorder.state();
        let prompt = format!(
            "The request of {} was about to be sent when its answer was lost, and the site knows nothing of it. \
             Look at the machines. Send it again?",
            state.id(step)
        );
        let roles = match state.step(step).takes_back {
            true => Vec::new(),
            false => step::approvers(&self.context(step, &[])),
        };
        self.ask(step, prompt, roles)
    }

    /// Returns whether a request is the open one of a step that the site never took on.
    fn is_as_it_was(&self, step: StepIndex, request: &Request) -> bool {
        let state = self.recorder.state().step(step);
        state.operation.is_none() && state.intent.as_deref().is_some_and(|(_, open)| open == request)
    }

    /// A request of which the site knows nothing is given up, since the run is cancelled.
    fn lost_and_cancelled(&mut self, step: StepIndex) -> Result<(), RunError> {
        let message = "the site knows nothing of the request, and the run is cancelled; look at the machines";
        self.fail(step, "outcome-unknown", message.into())
    }

    /// Returns whether something is seen to be done with a machine of a step.
    fn is_under_way(&self, step: StepIndex, items: &[Item]) -> bool {
        let mut machines = self.recorder.state().machines_of(step);
        items.iter().any(|item| item.running.is_some())
            || (self.graph.kind(step) == StepKind::Failover
                && machines.any(|machine| step::is_failing_back(self.model.machine(machine))))
    }

    /// A person said to send a request again; it is sent unless the site knows of it by now, or something holds it back.
    pub(super) fn confirmed(
        &mut self,
        step: StepIndex,
        result: Result<Option<OperationId>, ProviderError>,
        stopping: bool,
    ) -> Result<(), RunError> {
        match result {
            Ok(Some(operation)) => self.began(step, Ok(operation)),
            Ok(None) => {
                self.resends.insert(step);
                if !stopping {
                    self.inquire(step, Inquiry::Look(Purpose::MakeSure));
                }
                Ok(())
            }
            Err(error) => self.ask_again(step, &error),
        }
    }

    /// Sends a request again under its key.
    fn send_again(&mut self, step: StepIndex, stopping: bool) -> Result<(), RunError> {
        if stopping {
            return Ok(());
        }
        self.resends.remove(step);
        let state = self.recorder.state().step(step);
        match state.intent.clone().filter(|_| state.operation.is_none()) {
            Some(intent) => {
                self.searched_since.remove(&step);
                self.inquire(step, Inquiry::Begin(intent));
                Ok(())
            }
            None => self.begin_anew(step),
        }
    }
}
