//! Turns answers from outside into events.

use std::fmt::Write as _;

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::event::RunEventKind;
use crate::event::StepStatus;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::id::OperationId;
use crate::model::PointChoice;
use crate::provider::Failure;
use crate::provider::Item;
use crate::provider::Observation;
use crate::provider::OperationStatus;
use crate::provider::ProviderError;
use crate::run::approver;
use crate::run::approver::Reply;
use crate::run::driver::engine::Engine;
use crate::run::driver::inquiry::Answer;
use crate::run::driver::inquiry::Purpose;
use crate::run::recorder::RunError;
use crate::run::settle;
use crate::run::step;
use crate::run::step::Decision;
use crate::run::step::Wait;
use crate::syntax::inventory::Inventory;

/// Pause between two tries of a probe.
const PROBE_PAUSE: SignedDuration = SignedDuration::from_secs(15);
/// Pause before a site that gave no answer is asked the same question again.
const ASK_AGAIN: SignedDuration = SignedDuration::from_secs(15);
/// How long a site may give no answer until it is told of.
const SILENCE: SignedDuration = SignedDuration::from_mins(10);
/// How long an operation runs until it is told of: the longest that was seen took 28 minutes.
const LONG: SignedDuration = SignedDuration::from_hours(2);

/// Room for what is noted of the recovery point that one machine goes to.
const NOTE: usize = 96;

/// The code under which it is told what a site says of an operation that succeeded.
const INFORMATION: &str = "information";

impl Engine<'_> {
    /// Takes an answer. While the run stops, answers are recorded and nothing new is begun.
    pub(super) fn take(&mut self, step: StepIndex, answer: Answer, stopping: bool) -> Result<(), RunError> {
        // What nobody waits for any more says nothing: the run stopped at a failure, a question ran out of time, or a person
        // ordered something else.
        if !matches!(self.recorder.state().step(step).status, StepStatus::Running | StepStatus::Asked) {
            return Ok(());
        }
        match answer {
            Answer::Observed(result) => self.observed(step, *result, stopping),
            Answer::Began(result) => self.began(step, result),
            Answer::Polled(result) => self.polled(step, result),
            Answer::Found(result) => self.found(step, result, stopping),
            Answer::Looked(result) => self.looked(step, *result, stopping),
            Answer::Confirmed(result) => self.confirmed(step, result, stopping),
            Answer::Replied(number, reply) => self.replied(step, number, reply, stopping),
            Answer::Acted(Ok(note)) => self.succeed(step, Some(note)),
            Answer::Acted(Err(message)) => self.fail(step, "action-failed", message),
            Answer::LeftRunning(left) => self.left_running(step, left),
            Answer::NothingRuns => self.nothing_runs(step),
            Answer::Probed(Ok(note)) => {
                let note = format!("on-premises VM seen running, Azure VM seen off; {note}");
                self.succeed(step, Some(note))
            }
            Answer::Probed(Err(message)) => self.probe_failed(step, message),
        }
    }

    fn observed(
        &mut self,
        step: StepIndex,
        result: Result<Observation, ProviderError>,
        stopping: bool,
    ) -> Result<(), RunError> {
        match result {
            Ok(observation) => {
                self.learn(observation.facts, observation.mark, observation.changes);
                // What became of an attempt is an answer, and is recorded.
                if stopping && !self.unsettled.contains_key(&step) {
                    return Ok(());
                }
                self.seen(step, &observation.items)
            }
            Err(error) => self.ask_again(step, &error),
        }
    }

    /// Goes on with a step whose machines were looked at.
    fn seen(&mut self, step: StepIndex, items: &[Item]) -> Result<(), RunError> {
        if !self.unsettled.is_empty()
            && let Some(members) = self.unsettled.remove(&step)
        {
            return self.settle_attempt(step, &members);
        }
        self.remember_points(step, items)?;
        let decision = self.decide(step, items);
        if self.recorder.state().step(step).status == StepStatus::Asked {
            match decision {
                Decision::Adopt(_) => self.withdraw(step),
                // A person does it now by other means.
                Decision::Wait(wait) => {
                    self.wake(step, wait.until);
                    return Ok(());
                }
                Decision::Succeed(_)
                | Decision::Fail { .. }
                | Decision::Send(_)
                | Decision::Ask { .. }
                | Decision::Await(_)
                | Decision::Probe
                | Decision::Act => {
                    self.repeat_question(step);
                    return Ok(());
                }
            }
        }
        self.carry_out(step, decision)
    }

    /// Takes a look at facts that were brought up to date in place.
    pub(super) fn seen_in_place(
        &mut self,
        step: StepIndex,
        seen: Result<Vec<Item>, ProviderError>,
        purpose: Purpose,
    ) -> Result<(), RunError> {
        if !matches!(self.recorder.state().step(step).status, StepStatus::Running | StepStatus::Asked) {
            return Ok(());
        }
        match (seen, purpose) {
            (Err(error), _) => self.ask_again(step, &error),
            (Ok(items), Purpose::Decide) => self.seen(step, &items),
            (Ok(items), Purpose::MakeSure) => self.made_sure(step, &items),
        }
    }

    /// Takes observed facts. Answers may overtake each other: servers are never put back to how they were seen earlier.
    pub(super) fn learn(&mut self, facts: Inventory, mark: Option<u64>, changes: bool) {
        // As long as nothing was seen, every look is at all machines.
        self.unseen = false;
        if mark < self.seen {
            return self.model.observe_machines(facts);
        }
        self.seen = mark;
        if changes {
            self.model.observe_changes(facts);
        } else {
            self.model.observe(facts);
        }
    }

    /// The site could not be asked; nothing was changed, so the same question is asked again. What was sent goes on, whether it can
    /// be seen or not: a step fails by a refused look only while no request of it is open.
    pub(super) fn ask_again(&mut self, step: StepIndex, error: &ProviderError) -> Result<(), RunError> {
        let now = self.now();
        if error.is_transient() {
            self.tell_silence(step, error)?;
        } else if matches!(error, ProviderError::Refused { .. })
            && self.recorder.state().step(step).is_in_flight()
        {
            let message = format!(
                "the site does not tell what became of a request that was sent ({error}); it is asked again and again"
            );
            self.alarm(step, "look-refused", message)?;
        } else {
            return self.fail(step, "observation", error.to_string());
        }
        let pause =
            error.retry_after().and_then(|after| SignedDuration::try_from(after).ok()).unwrap_or(ASK_AGAIN);
        let until = now.saturating_add(pause).unwrap_or(Timestamp::MAX);
        // A step whose question stands waits for its answer; it only looks whether that was given by other means. What a process that
        // ended had asked is asked again when the site was seen.
        if self.recorder.state().step(step).status == StepStatus::Asked {
            if self.questions.contains(step) {
                self.glances.insert(step, until);
            } else {
                self.wake(step, until);
            }
            return Ok(());
        }
        self.look_again(step, Wait::to_look(until, error.to_string()))
    }

    /// Tells loudly of a site that has given no answer for a while, or only asks to come back later. It is asked again all the same,
    /// for as long as it takes: what nobody can see, nobody can decide.
    fn tell_silence(&mut self, step: StepIndex, error: &ProviderError) -> Result<(), RunError> {
        let now = self.now();
        let (since, told) = *self.silence.get_or_insert((now, false));
        if told || now.duration_since(since) < SILENCE {
            return Ok(());
        }
        self.silence = Some((since, true));
        let message = format!(
            "the site {} since {since:.0} ({error}); it is asked again and again, and nothing is begun",
            if matches!(error, ProviderError::Busy { .. }) {
                "has put off what it is asked"
            } else {
                "has not answered"
            }
        );
        self.alarm(step, "site-silent", message)
    }

    pub(super) fn began(
        &mut self,
        step: StepIndex,
        result: Result<OperationId, ProviderError>,
    ) -> Result<(), RunError> {
        match result {
            Ok(operation) => {
                let id = self.recorder.state().id(step).clone();
                self.is_known(step);
                self.recorder.record_of(step, RunEventKind::OperationAccepted { step: id, operation })?;
                let now = self.now();
                self.wake(step, now);
                Ok(())
            }
            Err(error @ ProviderError::NoAnswer { .. }) => {
                // Whether the request had an effect is not known: the site is asked before anything is sent again.
                let asked = error.retry_after().and_then(|after| SignedDuration::try_from(after).ok());
                let asked = asked.unwrap_or(SignedDuration::ZERO);
                let now = self.now();
                // The search begins when the site says that it can be asked.
                self.searched_since.entry(step).or_insert(now.saturating_add(asked).unwrap_or(now));
                let until = now.saturating_add(asked.max(settle::PAUSE)).unwrap_or(now);
                self.look_again(step, Wait::to_look(until, error.to_string()))
            }
            Err(error) => {
                let (code, message) = match &error {
                    ProviderError::Refused { code, message } => {
                        (code.clone(), format!("the site refused: {message}"))
                    }
                    ProviderError::Busy { .. } => {
                        let after =
                            error.retry_after().and_then(|after| SignedDuration::try_from(after).ok());
                        return self.put_off(step, &error.to_string(), after);
                    }
                    ProviderError::NoAnswer { .. }
                    | ProviderError::NotFound { .. }
                    | ProviderError::World { .. } => ("refused".to_owned(), error.to_string()),
                };
                self.attempt_failed(step, Failure { code, message, task: String::new() })
            }
        }
    }

    fn polled(
        &mut self,
        step: StepIndex,
        result: Result<OperationStatus, ProviderError>,
    ) -> Result<(), RunError> {
        let soon = |now: Timestamp| (now, now.saturating_add(step::LOOK_AGAIN).unwrap_or(Timestamp::MAX));
        if result.is_ok() {
            self.is_known(step);
        }
        match result {
            Ok(OperationStatus::Running(progress)) => {
                self.tell_if_long(step, &progress.task)?;
                self.show_progress(step, progress.done, progress.task);
                // A site that tells of its changes tells of the end.
                if self.manner.told {
                    return Ok(());
                }
                let (now, soon) = soon(self.now());
                let until = self.shown_until(progress.expected_end.filter(|end| *end > now).unwrap_or(soon));
                self.wake(step, until);
                Ok(())
            }
            Ok(OperationStatus::Unknown { state }) => {
                self.tell_if_long(step, &state)?;
                self.show_progress(step, 0.0, format!("in state {state}"));
                let (_, soon) = soon(self.now());
                self.wake(step, soon);
                Ok(())
            }
            Ok(OperationStatus::Succeeded) => self.operation_succeeded(step),
            Ok(OperationStatus::SucceededWith { remark }) => {
                self.alarm(step, INFORMATION, format!("the site did it, and says: {remark}"))?;
                self.operation_succeeded(step)
            }
            Ok(OperationStatus::PartiallySucceeded { members }) => {
                self.look_what_became_of(step, members);
                Ok(())
            }
            Ok(OperationStatus::Failed(failure)) => self.attempt_failed(step, failure),
            Err(error @ ProviderError::NotFound { .. }) => self.is_gone(step, &error),
            Err(error) => self.ask_again(step, &error),
        }
    }

    /// Tells of an operation that runs far longer than any was seen to. It is waited for all the same: nobody else may begin
    /// another one meanwhile.
    fn tell_if_long(&mut self, step: StepIndex, task: &str) -> Result<(), RunError> {
        let state = self.recorder.state().step(step);
        let Some(began) = state.sent_at else { return Ok(()) };
        if self.now().duration_since(began) < LONG || state.operation.is_none() {
            return Ok(());
        }
        let operation = state.operation.as_ref().map(ToString::to_string).unwrap_or_default();
        let reason = format!("job {operation} has run since {began:.0}, longer than any should: {task}");
        self.tell_wait(step, reason, None)
    }

    /// Returns what is known of the recovery points that a failover went to: the service does not say which it took, so what
    /// was last seen before is remembered, and said to be that.
    pub(super) fn recovery_points(&self, step: StepIndex) -> Option<String> {
        if self.graph.kind(step) != StepKind::Failover {
            return None;
        }
        let mut told = String::with_capacity(NOTE);
        for machine in self.recorder.state().machines_of(step) {
            let machine = self.model.machine(machine);
            let choice = machine.point_choice().ok().flatten();
            if told.is_empty() {
                told.push_str(choice.map_or("recovery", PointChoice::as_str));
                told.push_str(" point, not reported; ");
            } else {
                told.push_str(", ");
            }
            told.push_str(&machine.name().value);
            match step::newest(machine, choice) {
                Some(at) => write!(told, ": newest seen before {at:.0}").expect("a string takes every text"),
                None => told.push_str(": none seen before"),
            }
        }
        Some(told)
    }

    fn replied(
        &mut self,
        step: StepIndex,
        number: u64,
        reply: Reply,
        stopping: bool,
    ) -> Result<(), RunError> {
        let state = self.recorder.state().step(step);
        // The step may ask something else by now.
        if state.status != StepStatus::Asked || state.question != number {
            return Ok(());
        }
        // A process that stood still finds the answer and the end of its question at once.
        if self.question_ends(step).is_some_and(|end| end <= self.now()) {
            return self.unanswered(step);
        }
        let id = self.recorder.state().id(step).clone();
        let (by, known_as, yes) = match reply {
            Reply::Approved { by, known_as } => (by, known_as, true),
            Reply::Refused { by, known_as } => (by, known_as, false),
            Reply::Nobody => return Ok(()),
        };
        if approver::counts(self.recorder.state(), step, &by, known_as, &[]).is_some() {
            return Ok(());
        }
        let unproven_roles = approver::unproven(self.recorder.state(), step, known_as);
        let (who, question, reason, roles) = (by.clone(), Some(number), None, Vec::new());
        self.recorder.record_of(
            step,
            if yes {
                RunEventKind::ApprovalGiven {
                    step: id,
                    by,
                    known_as,
                    roles,
                    unproven_roles,
                    question,
                    reason,
                }
            } else {
                RunEventKind::ApprovalDenied {
                    step: id,
                    by,
                    known_as,
                    roles,
                    unproven_roles,
                    question,
                    reason,
                }
            },
        )?;
        self.answered_by_person(step, yes, &who, stopping)
    }

    fn probe_failed(&mut self, step: StepIndex, message: String) -> Result<(), RunError> {
        let now = self.now();
        let began = self.recorder.state().step(step).started_at.unwrap_or(now);
        let probes =
            self.graph.machines_of(step).first().map_or(Vec::new(), |machine| machine.probes().to_vec());
        let deadline = probes.iter().map(|probe| step::probe_deadline(probe, began)).min().unwrap_or(began);
        if now >= deadline {
            let decision = step::not_verified(&self.context(step, &[]), &message);
            return self.carry_out(step, decision);
        }
        let until = now.saturating_add(PROBE_PAUSE).unwrap_or(deadline).min(deadline);
        self.look_again(step, Wait { until, reason: message, deadline, done: None, told_until: None })
    }
}
