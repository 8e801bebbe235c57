//! What becomes of a step whose attempt ended: what is seen of its machines decides, whatever the service said.

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::event::LOST;
use crate::event::PUT_OFF;
use crate::event::Parameter;
use crate::event::RunEventKind;
use crate::event::TAKEN_BACK;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::id::MachineName;
use crate::provider::Failure;
use crate::provider::MemberOutcome;
use crate::provider::Request;
use crate::run::driver::engine::Engine;
use crate::run::driver::inquiry::Inquiry;
use crate::run::driver::inquiry::Purpose;
use crate::run::guard;
use crate::run::recorder::RunError;
use crate::run::retry;
use crate::run::step;
use crate::run::step::Decision;

/// A machine for which an attempt failed.
struct Failing {
    machine: usize,
    failure: Failure,
    /// What is said of it.
    said: String,
    verdict: retry::Verdict,
}

impl Engine<'_> {
    /// The operation did what it was asked for; if that was not all of the step, the rest follows.
    pub(super) fn operation_succeeded(&mut self, step: StepIndex) -> Result<(), RunError> {
        if self.takes_back(step) {
            return self.taken_back(step, self.asked_for(step));
        }
        let intent = self.recorder.state().step(step).intent.as_deref();
        let asked = intent.map_or(&[][..], |(_, request)| request.machines());
        if self.is_open_for_others(step, asked) {
            return self.members_done(step, self.asked_for(step));
        }
        if self.graph.kind(step) == StepKind::Commit && !self.last_seen_by(step).is_empty() {
            let outcome = |machine: &MachineName| MemberOutcome { machine: machine.clone(), failure: None };
            self.look_what_became_of(step, asked.iter().map(outcome).collect());
            return Ok(());
        }
        let note = self.recovery_points(step);
        self.succeed(step, note)
    }

    /// An attempt failed as a whole. Where it could have moved a machine, the machines are looked at before anything else.
    pub(super) fn attempt_failed(&mut self, step: StepIndex, failure: Failure) -> Result<(), RunError> {
        let outcome = |machine| MemberOutcome { machine, failure: Some(failure.clone()) };
        let members: Vec<MemberOutcome> = self.asked_for(step).into_iter().map(outcome).collect();
        match self.graph.kind(step) {
            StepKind::Reprotect | StepKind::Failover | StepKind::Commit | StepKind::Forward => {
                self.look_what_became_of(step, members);
                Ok(())
            }
            StepKind::Cleanup if failure.code == NOT_THERE => {
                self.carry_out(step, Decision::Adopt("the recovery plan is gone already".into()))
            }
            StepKind::Preflight
            | StepKind::Prepare
            | StepKind::AwaitAzureAgent
            | StepKind::AwaitDeletion
            | StepKind::AwaitProtected
            | StepKind::Barrier
            | StepKind::ApproveFailover
            | StepKind::AwaitPoint
            | StepKind::Recheck
            | StepKind::Verify
            | StepKind::BootGroup
            | StepKind::ApproveCommit
            | StepKind::Cleanup
            | StepKind::AwaitAgent
            | StepKind::AwaitForward
            | StepKind::Action => {
                let verdict = self.judge(step, &failure.code, None, false);
                let message = in_words(&failure);
                match verdict {
                    retry::Verdict::Again(at) => self.try_again(step, &failure.code, message, at),
                    retry::Verdict::Final => self.fail(step, &failure.code, message),
                }
            }
        }
    }

    /// The site asks to come back later; nothing was changed.
    pub(super) fn put_off(
        &mut self,
        step: StepIndex,
        message: &str,
        retry_after: Option<SignedDuration>,
    ) -> Result<(), RunError> {
        let now = self.now();
        let (since, times) = self.put_off.get(&step).map_or((now, 1), |(since, times)| (*since, times + 1));
        let request = retry::PutOff { times, retry_after, since, now };
        match retry::put_off(&self.policy, &request, self.recorder.state().id(step).as_str()) {
            retry::Verdict::Again(at) => {
                self.put_off.insert(step, (since, times));
                self.try_again(step, PUT_OFF, message.to_owned(), at)
            }
            retry::Verdict::Final => self.fail(step, PUT_OFF, message.to_owned()),
        }
    }

    /// Closes a request that is lost, and lets its step decide again by what is seen then.
    pub(super) fn begin_anew(&mut self, step: StepIndex) -> Result<(), RunError> {
        let now = self.now();
        self.try_again(step, LOST, "the site knows nothing of the request".to_owned(), now)
    }

    /// Looks at the machines of an attempt that failed for some of them.
    pub(super) fn look_what_became_of(&mut self, step: StepIndex, members: Vec<MemberOutcome>) {
        self.unsettled.insert(step, members);
        self.inquire(step, Inquiry::Look(Purpose::Decide));
    }

    /// Settles an attempt that failed for some of its machines by what was just seen of them.
    pub(super) fn settle_attempt(
        &mut self,
        step: StepIndex,
        members: &[MemberOutcome],
    ) -> Result<(), RunError> {
        let failing = self.failing(step, members);
        let Some(first) = failing.first() else { return self.came_through(step, members) };
        if step::is_left_to_people(self.graph.kind(step), &first.failure.code) {
            return self.hand_over(step, &first.failure);
        }
        if self.graph.kind(step) == StepKind::Failover {
            self.warn_of_disabling(step, &failing)?;
        }
        if matches!(self.graph.kind(step), StepKind::Failover | StepKind::Commit) {
            for failing in &failing {
                self.tell_seen(step, failing.machine)?;
            }
        }
        let code = first.failure.code.clone();
        let message = match failing.as_slice() {
            [only] if members.len() == 1 => only.said.clone(),
            several => {
                let told = several.iter().map(|failing| {
                    let name = &self.model.machine(failing.machine).name().value;
                    format!("{name}: {} ({})", failing.said, failing.failure.code)
                });
                told.collect::<Vec<_>>().join("; ")
            }
        };
        let next = failing.iter().filter_map(|failing| match failing.verdict {
            retry::Verdict::Again(at) => Some(at),
            retry::Verdict::Final => None,
        });
        let next: Option<Timestamp> = next.max();
        let through: Vec<MachineName> = members
            .iter()
            .map(|member| member.machine.clone())
            .filter(|name| failing.iter().all(|failing| self.name(failing.machine) != name))
            .collect();
        let mut tried = through.clone();
        tried.extend(failing.iter().map(|failing| self.name(failing.machine).clone()));
        let others = self.is_open_for_others(step, &tried);
        if next.is_none() && through.is_empty() && !others {
            return self.fail(step, &code, message);
        }
        for failing in failing.iter().filter(|failing| failing.verdict == retry::Verdict::Final) {
            let id = self.recorder.state().id(step).clone();
            self.recorder.record_of(
                step,
                RunEventKind::MemberFailed {
                    step: id,
                    machine: self.name(failing.machine).clone(),
                    code: failing.failure.code.clone(),
                    message: failing.said.clone(),
                },
            )?;
        }
        match next {
            Some(at) => self.try_again(step, &code, message, at),
            None if others => self.members_done(step, through),
            None => {
                let note = self.after_look(step)?;
                self.succeed(step, note)
            }
        }
    }

    /// Returns what is said of a step whose machines were just seen to have come through.
    fn after_look(&mut self, step: StepIndex) -> Result<Option<String>, RunError> {
        match self.graph.kind(step) {
            StepKind::Commit => self.remaining_in_azure(step),
            _ => Ok(self.recovery_points(step)),
        }
    }

    /// Tells at once of machines whose planned failover failed and was not taken back: nobody may disable their replication.
    fn warn_of_disabling(&mut self, step: StepIndex, failing: &[Failing]) -> Result<(), RunError> {
        let machines: Vec<usize> = failing.iter().map(|failing| failing.machine).collect();
        let found = guard::disablement(&self.model, &machines);
        let Some(first) = found.first() else { return Ok(()) };
        let told: Vec<&str> = found.iter().map(|finding| finding.message.as_str()).collect();
        self.alarm(step, &first.rule, told.join("; "))
    }

    /// Every machine of an attempt that failed is seen to have come through.
    fn came_through(&mut self, step: StepIndex, members: &[MemberOutcome]) -> Result<(), RunError> {
        let tried: Vec<MachineName> = members.iter().map(|member| member.machine.clone()).collect();
        if self.takes_back(step) {
            return self.taken_back(step, tried);
        }
        if self.is_open_for_others(step, &tried) {
            return self.members_done(step, tried);
        }
        let whole = members.iter().all(|member| member.failure.is_some());
        let failure = members.iter().find_map(|member| member.failure.as_ref()).filter(|_| whole);
        match failure {
            Some(failure) => {
                let (message, code) = (in_words(failure), &failure.code);
                let because = format!("its result is seen, although the request failed: {message} ({code})");
                self.carry_out(step, Decision::Adopt(because))
            }
            None => {
                let note = self.after_look(step)?;
                self.succeed(step, note)
            }
        }
    }

    /// Returns the machines for which an attempt failed and of which its result is not seen, with what is to be done.
    fn failing(&self, step: StepIndex, members: &[MemberOutcome]) -> Vec<Failing> {
        let kind = self.graph.kind(step);
        let concerned: Vec<usize> = self.recorder.state().machines_of(step).collect();
        let failing = members.iter().filter_map(|member| {
            let failure = member.failure.clone()?;
            let machine = self.model.machine_named(member.machine.as_str())?;
            if step::is_done(kind, machine) || !concerned.contains(&machine.index()) {
                return None;
            }
            let unmoved = step::is_unmoved(machine);
            let verdict = self.judge(step, &failure.code, Some(machine.index()), unmoved);
            let mut said = in_words(&failure);
            if kind == StepKind::Failover {
                let sides = step::after_failover(&self.context(step, &[]), machine);
                said = format!("{said}, and seen then: {sides}");
            }
            Some(Failing { machine: machine.index(), failure, said, verdict })
        });
        failing.collect()
    }

    /// Returns whether the open request of a step takes a failover back.
    fn takes_back(&self, step: StepIndex) -> bool {
        let intent = self.recorder.state().step(step).intent.as_deref();
        matches!(intent, Some((_, Request::CancelFailover { .. })))
    }

    /// A planned failover was taken back. A commit goes on with the other machines of its group; a verification ends.
    fn taken_back(&mut self, step: StepIndex, machines: Vec<MachineName>) -> Result<(), RunError> {
        if self.recorder.state().step(step).takes_back {
            return self.members_done(step, machines);
        }
        let names: Vec<&str> = machines.iter().map(MachineName::as_str).collect();
        self.fail(step, TAKEN_BACK, step::taken_back(&names.join(", ")))
    }

    fn name(&self, machine: usize) -> &MachineName {
        self.graph.name_of(machine)
    }

    /// Returns the machines that the open request of a step is about.
    fn asked_for(&self, step: StepIndex) -> Vec<MachineName> {
        let intent = self.recorder.state().step(step).intent.as_deref();
        intent.map_or(Vec::new(), |(_, request)| request.machines().to_vec())
    }

    /// Returns whether a step of several machines has some left besides those that were `tried`.
    fn is_open_for_others(&self, step: StepIndex, tried: &[MachineName]) -> bool {
        let kind = self.graph.kind(step);
        if !matches!(kind, StepKind::Failover | StepKind::Commit) {
            return false;
        }
        let state = self.recorder.state();
        let done = &state.step(step).done;
        state.machines_of(step).any(|machine| {
            !tried.contains(self.name(machine))
                && !done.contains(&machine)
                && !step::is_done(kind, self.model.machine(machine))
        })
    }

    /// Closes a request that was about some of a step's machines; the others follow.
    fn members_done(&mut self, step: StepIndex, machines: Vec<MachineName>) -> Result<(), RunError> {
        let id = self.recorder.state().id(step).clone();
        self.recorder.record_of(step, RunEventKind::MembersDone { step: id, machines })?;
        let now = self.now();
        self.wake(step, now);
        Ok(())
    }

    /// Leaves to a person what the site does not take from a program.
    fn hand_over(&mut self, step: StepIndex, failure: &Failure) -> Result<(), RunError> {
        if !self.may_begin_more(step) {
            return self.end_cancelled(step);
        }
        let id = self.recorder.state().id(step).clone();
        let intent = self.recorder.state().step(step).intent.as_deref();
        let parameters = match intent.map(|(_, request)| request) {
            Some(Request::ReprotectToOnprem { target, .. }) => step::handed_over(target)
                .into_iter()
                .map(|(name, value)| Parameter { name: name.to_owned(), value: value.to_owned() })
                .collect(),
            Some(_) | None => Vec::new(),
        };
        self.recorder.record_of(
            step,
            RunEventKind::HandedOver {
                step: id,
                code: failure.code.clone(),
                message: failure.message.clone(),
                parameters,
            },
        )?;
        let now = self.now();
        self.wake(step, now);
        Ok(())
    }

    fn judge(&self, step: StepIndex, code: &str, machine: Option<usize>, unmoved: bool) -> retry::Verdict {
        let state = self.recorder.state().step(step);
        let now = self.now();
        let kind = self.graph.kind(step);
        let booted = machine.map_or(Timestamp::MIN, |machine| self.booted(machine, kind));
        let attempt = retry::Attempt {
            kind,
            // A person who has it done again gives it all its attempts, and what the site put off was none.
            number: state.attempts - state.attempts_before - state.times_put_off,
            code,
            unmoved,
            window_from: booted.max(state.first_attempt_at.unwrap_or(now)),
            now,
        };
        retry::judge(&self.policy, &attempt, self.recorder.state().id(step).as_str())
    }

    /// Returns when the boot was seen after which a machine's agent has to register.
    fn booted(&self, machine: usize, kind: StepKind) -> Timestamp {
        let machine = self.model.machine(machine);
        let booted = match kind {
            StepKind::Reprotect => machine.azure_vm().ok().and_then(|vm| vm.booted_at),
            _ => machine.onprem_vm().ok().and_then(|vm| vm.booted_at),
        };
        booted.map_or(Timestamp::MIN, |booted| booted.value)
    }

    fn try_again(
        &mut self,
        step: StepIndex,
        code: &str,
        message: String,
        retry_at: Timestamp,
    ) -> Result<(), RunError> {
        if !self.may_begin_more(step) {
            return self.fail(step, code, message);
        }
        let id = self.recorder.state().id(step).clone();
        self.recorder.record_of(
            step,
            RunEventKind::AttemptFailed {
                step: id,
                attempt: self.recorder.state().step(step).attempts,
                code: code.to_owned(),
                message: message.clone(),
                retry_at,
            },
        )?;
        self.show_progress(step, 0.0, message);
        self.wake(step, retry_at);
        Ok(())
    }
}

/// The service's code for something that does not exist.
const NOT_THERE: &str = "ArmResourceDoesNotExist";

/// Returns what the service said, and at which task.
fn in_words(failure: &Failure) -> String {
    if failure.task.is_empty() {
        failure.message.clone()
    } else {
        format!("{} ({})", failure.message, failure.task)
    }
}
