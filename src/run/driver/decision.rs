//! Carries out what a step decided.

use crate::event::GuardFinding;
use crate::event::RunEventKind;
use crate::event::StepProgress;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::id::IdempotencyKey;
use crate::id::StepId;
use crate::id::push_number;
use crate::provider::Item;
use crate::provider::Request;
use crate::rules::Guard;
use crate::rules::Options;
use crate::rules::OriginFilter;
use crate::run::driver::engine::Engine;
use crate::run::driver::inquiry::Inquiry;
use crate::run::guard;
use crate::run::guard::Verdict;
use crate::run::machine;
use crate::run::recorder::RunError;
use crate::run::step;
use crate::run::step::Context;
use crate::run::step::Decision;
use crate::run::step::Wait;

/// How long a guard may stay closed before its step fails: long enough for a vCenter to be restarted or a backup's snapshot
/// to be taken away.
const GUARD_PATIENCE: jiff::SignedDuration = jiff::SignedDuration::from_hours(2);

impl Engine<'_> {
    pub(super) fn decide(&self, step: StepIndex, items: &[Item]) -> Decision {
        step::decide(&self.context(step, items))
    }

    pub(super) fn context<'c>(&'c self, step: StepIndex, items: &'c [Item]) -> Context<'c> {
        let state = self.recorder.state();
        let is_of_group = matches!(self.graph.step(step).subject, StepSubject::Group(_));
        let cleanup = is_of_group.then(|| state.sibling(step, StepKind::Cleanup)).flatten();
        Context {
            run: self.recorder.run(),
            graph: &self.graph,
            model: &self.model,
            step,
            state: state.step(step),
            out: state.out(),
            own: state.own_failovers(),
            gate: step::Gate::of(state, step),
            has_recovery_plan: cleanup.is_some_and(|cleanup| !state.step(cleanup).status.is_settled()),
            items,
            now: self.now(),
        }
    }

    pub(super) fn carry_out(&mut self, step: StepIndex, decision: Decision) -> Result<(), RunError> {
        let id = self.recorder.state().id(step).clone();
        if self.graph.kind(step) == StepKind::Verify {
            self.watch_sides(step)?;
        }
        match decision {
            Decision::Send(_) | Decision::Ask { .. } | Decision::Act if !self.may_begin_more(step) => {
                self.end_cancelled(step)?
            }
            Decision::Succeed(note) => {
                // A recheck does nothing but look at its guard; the preflight looks at everything.
                let kind = self.graph.kind(step);
                let open = match kind {
                    // The barrier is the guard of all its machines together.
                    StepKind::Recheck | StepKind::Barrier => self.guard_opens(step, Guard::Failover)?,
                    StepKind::Preflight => self.preflight_passes(step)?,
                    _ => true,
                };
                if open {
                    self.forget(step);
                    self.recorder.record_of(step, RunEventKind::StepSucceeded { step: id, note })?;
                }
            }
            Decision::Adopt(because) => {
                if let Some(Decision::Fail { code, message }) = step::of_others(&self.context(step, &[])) {
                    return self.fail(step, code, message);
                }
                self.remember_placement(step, true)?;
                self.forget(step);
                self.recorder.record_of(step, RunEventKind::StepAdopted { step: id, because })?;
            }
            Decision::Fail { code, message } => self.fail(step, code, message)?,
            Decision::Send(request) => {
                if self.may_be_sent(step, &request)? {
                    self.remember_placement(step, false)?;
                    self.intend(step, request)?;
                }
            }
            Decision::Wait(wait) => {
                self.repeat_deed(step);
                self.look_again(step, wait)?;
            }
            Decision::Await(reason) => {
                self.tell_wait(step, reason, None)?;
                self.glance_later(step);
            }
            Decision::Ask { prompt, roles } => self.ask(step, prompt, roles)?,
            Decision::Probe => self.probe(step),
            Decision::Act => self.begin_action(step)?,
        }
        Ok(())
    }

    /// Evaluates the guard of a request that is about to be sent.
    pub(super) fn may_be_sent(&mut self, step: StepIndex, request: &Request) -> Result<bool, RunError> {
        // What makes a commit dangerous is why its failover is taken back.
        let takes_back = matches!(request, Request::CancelFailover { .. });
        match step::guard_of(self.graph.kind(step)).filter(|_| !takes_back) {
            Some(guard) => self.guard_opens(step, guard),
            None => Ok(true),
        }
    }

    pub(super) fn alarm(&mut self, step: StepIndex, code: &str, message: String) -> Result<(), RunError> {
        let state = self.recorder.state();
        if state.step(step).alarms.iter().any(|known| known == code) {
            return Ok(());
        }
        let id = state.id(step).clone();
        self.recorder.record_of(step, RunEventKind::Alarm { step: id, code: code.to_owned(), message })
    }

    /// Forgets what was kept about a step while it ran.
    pub(super) fn forget(&mut self, step: StepIndex) {
        self.tell_group(step);
        // Most steps have nothing of most of these.
        if !self.progress.is_empty() {
            self.progress.remove(&step);
        }
        if !self.blocked.is_empty() {
            self.blocked.remove(&step);
        }
        if !self.searched_since.is_empty() {
            self.searched_since.remove(&step);
        }
        if !self.resends.is_empty() {
            self.resends.remove(step);
        }
        if !self.put_off.is_empty() {
            self.put_off.remove(&step);
        }
        if !self.unsettled.is_empty() {
            self.unsettled.remove(&step);
        }
        self.gives_up_claim(step);
        if !self.waits.is_empty() {
            self.waits.remove(&step);
        }
    }

    pub(super) fn succeed(&mut self, step: StepIndex, note: Option<String>) -> Result<(), RunError> {
        self.forget(step);
        let id = self.recorder.state().id(step).clone();
        self.recorder.record_of(step, RunEventKind::StepSucceeded { step: id, note })
    }

    pub(super) fn fail(&mut self, step: StepIndex, code: &str, message: String) -> Result<(), RunError> {
        self.forget(step);
        let id = self.recorder.state().id(step).clone();
        self.recorder.record_of(step, RunEventKind::StepFailed { step: id, code: code.to_owned(), message })
    }

    /// Records the intent and has it sent: whoever drives makes it durable before that.
    fn intend(&mut self, step: StepIndex, request: Request) -> Result<(), RunError> {
        // A step that waited gave its place away, and takes one again only when there is one.
        let state = self.recorder.state();
        if state.step(step).parked && (machine::free_places(state) == 0 || !machine::has_room(state, step)) {
            let reason = "as many steps change something as the plan allows".to_owned();
            self.tell_wait(step, reason, None)?;
            self.claim(step);
            return Ok(());
        }
        self.gives_up_claim(step);
        let id = self.recorder.state().id(step).clone();
        let attempt = self.recorder.state().step(step).attempts + 1;
        let key = self.key_of(&id, attempt);
        self.recorder.record_of(step, RunEventKind::IntentRecorded { step: id, attempt, key, request })?;
        let intent = self.recorder.state().step(step).intent.clone();
        self.inquire(step, Inquiry::Begin(intent.expect("it was just recorded")));
        Ok(())
    }

    /// Returns what an attempt of a step is called.
    fn key_of(&mut self, step: &StepId, attempt: u32) -> IdempotencyKey {
        self.text.clear();
        for part in [self.recorder.run().as_str(), "/", step.as_str(), "/"] {
            self.text.push_str(part);
        }
        push_number(&mut self.text, attempt.into());
        IdempotencyKey::new(self.text.as_str())
    }

    /// Records what a step waits for, unless it is what was recorded last.
    pub(super) fn tell_wait(
        &mut self,
        step: StepIndex,
        reason: String,
        deadline: Option<jiff::Timestamp>,
    ) -> Result<(), RunError> {
        if self.waits.get(&step).is_some_and(|known| *known == reason) {
            return Ok(());
        }
        let id = self.recorder.state().id(step).clone();
        self.recorder
            .record_of(step, RunEventKind::StepWaiting { step: id, reason: reason.clone(), deadline })?;
        self.waits.insert(step, reason);
        Ok(())
    }

    pub(super) fn look_again(&mut self, step: StepIndex, wait: Wait) -> Result<(), RunError> {
        self.gives_up_claim(step);
        let deadline = Some(wait.deadline).filter(|deadline| *deadline < jiff::Timestamp::MAX);
        if self.recorder.is_watched() {
            self.show_progress(step, wait.done.unwrap_or(0.0), wait.reason.clone());
        }
        self.tell_wait(step, wait.reason, deadline)?;
        let told = wait.told_until.filter(|_| self.manner.told);
        let until = told.unwrap_or_else(|| self.shown_until(wait.until));
        self.wake(step, until);
        Ok(())
    }

    /// Notes how far a step is, for those who watch.
    pub(super) fn show_progress(&mut self, step: StepIndex, done: f64, text: String) {
        if self.recorder.is_watched() {
            self.progress.insert(step, StepProgress { step, done, text });
        }
    }

    /// A wait that somebody watches is looked at often enough for its bar to move.
    pub(super) fn shown_until(&self, until: jiff::Timestamp) -> jiff::Timestamp {
        if self.manner.immediate {
            return until;
        }
        let soon = self.now().saturating_add(step::LOOK_AGAIN).unwrap_or(until);
        until.min(soon)
    }

    /// Evaluates a guard; a closed one is looked at again until its time is over.
    fn guard_opens(&mut self, step: StepIndex, guard: Guard) -> Result<bool, RunError> {
        // The room of the list serves the next guard.
        let mut machines = std::mem::take(&mut self.machines);
        machines.clear();
        machines.extend(self.recorder.state().machines_of(step));
        let opens = self.guard_opens_for(&mut machines, step, guard);
        self.machines = machines;
        opens
    }

    fn guard_opens_for(
        &mut self,
        machines: &mut Vec<usize>,
        step: StepIndex,
        guard: Guard,
    ) -> Result<bool, RunError> {
        // What is behind a machine concerns it no more.
        match guard {
            Guard::Failover => {
                machines.retain(|index| !step::is_done(StepKind::Failover, self.model.machine(*index)));
            }
            Guard::Commit => {
                machines.retain(|index| !step::is_done(StepKind::Commit, self.model.machine(*index)));
            }
            Guard::Reprotect | Guard::Forward => {}
        }
        if guard == Guard::Failover {
            self.place_again(machines)?;
        }
        let options = self.guard_options();
        let mut verdict = match self.judged.is_clean(&self.model, machines, guard, options.now) {
            true => Verdict::default(),
            false => guard::evaluate(&self.model, machines, guard, &options),
        };
        if verdict.findings.is_empty() {
            self.judged.found_nothing(&self.model, machines, guard, options.now);
        }
        if !self.is_guarded {
            verdict.blocking.clear();
        }
        let passed = verdict.blocking.is_empty();
        let was_closed = self.blocked.contains_key(&step);
        self.record_guard(step, guard, verdict.findings, &verdict.blocking, options.now)?;
        if passed {
            return Ok(true);
        }
        let first = &verdict.blocking[0];
        let began = self.recorder.state().step(step).started_at.unwrap_or(options.now);
        let deadline = began.saturating_add(GUARD_PATIENCE).unwrap_or(jiff::Timestamp::MAX);
        // A process that takes a run over has not looked at every machine yet, and its first look may find old facts.
        if options.now >= deadline && was_closed {
            let (code, message) = (first.rule.clone(), first.message.clone());
            self.fail(step, &code, message)?;
            return Ok(false);
        }
        let soon = options.now.saturating_add(step::LOOK_AGAIN).unwrap_or(jiff::Timestamp::MAX);
        let until = if options.now < deadline { soon.min(deadline) } else { soon };
        let reason = format!("{}: {}", first.rule, first.message);
        self.look_again(step, Wait { until, reason, deadline, done: None, told_until: None })?;
        Ok(false)
    }

    /// Records what a guard found, unless it is what was recorded last.
    fn record_guard(
        &mut self,
        step: StepIndex,
        guard: Guard,
        findings: Vec<GuardFinding>,
        blocking: &[GuardFinding],
        judged_at: jiff::Timestamp,
    ) -> Result<(), RunError> {
        let now: Vec<String> =
            blocking.iter().map(|finding| format!("{} {}", finding.rule, finding.subject)).collect();
        if !now.is_empty() && self.blocked.get(&step) == Some(&now) {
            return Ok(());
        }
        let (facts_digest, judged_at) = match self.recorder.keeps() {
            true => (self.keep_facts(step, guard)?, Some(judged_at)),
            false => (String::new(), None),
        };
        let id = self.recorder.state().id(step).clone();
        let passed = now.is_empty();
        if !passed {
            self.blocked.insert(step, now);
        } else if !self.blocked.is_empty() {
            self.blocked.remove(&step);
        }
        self.recorder.record_of(
            step,
            RunEventKind::GuardEvaluated { step: id, guard, facts_digest, judged_at, findings, passed },
        )
    }

    /// A guard looks at every rule, whatever a check was asked to leave out: what it lets pass can't be taken back.
    pub(super) fn guard_options(&self) -> Options {
        Options { origin: OriginFilter::All, now: self.now(), ..self.options }
    }

    fn preflight_passes(&mut self, step: StepIndex) -> Result<bool, RunError> {
        self.tell_states(step)?;
        if !self.is_guarded {
            return Ok(true);
        }
        let options = self.guard_options();
        let blocking = guard::preflight(&self.model, &self.policies, &options);
        self.record_guard(step, Guard::Reprotect, blocking.clone(), &blocking, options.now)?;
        let Some(first) = blocking.first() else { return Ok(true) };
        let (code, message) = (first.rule.clone(), first.message.clone());
        self.fail(step, &code, message)?;
        Ok(false)
    }
}
