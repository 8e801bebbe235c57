//! Questions to persons: asked, asked again by the process that takes a run over, taken back, and what happens when nobody answers.

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::event::RunEventKind;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::quantity::Seconds;
use crate::run::approver::Question;
use crate::run::driver::engine::Engine;
use crate::run::driver::inquiry::Inquiry;
use crate::run::recorder::RunError;
use crate::run::step;
use crate::syntax::action::OnTimeout;

/// Pause between two looks of a step that waits for a person.
const GLANCE: SignedDuration = SignedDuration::from_mins(1);

impl Engine<'_> {
    pub(super) fn ask(
        &mut self,
        step: StepIndex,
        prompt: String,
        roles: Vec<String>,
    ) -> Result<(), RunError> {
        let id = self.recorder.state().id(step).clone();
        let now = self.now();
        let deadline =
            self.longest(step).map(|longest| now.saturating_add(longest).unwrap_or(Timestamp::MAX));
        let on_timeout =
            deadline.and_then(|_| self.patience(step)).map(|(_, choice)| choice.as_str().to_owned());
        self.recorder
            .record_of(step, RunEventKind::ApprovalAsked { step: id, prompt, roles, deadline, on_timeout })?;
        self.ask_person(step);
        Ok(())
    }

    /// Returns how long the plan lets a question of a step wait, and what happens then; `None` if it waits as long as it takes.
    fn patience(&self, step: StepIndex) -> Option<(Seconds, OnTimeout)> {
        let plan = &self.graph.model().plan;
        let of = self.graph.step(step);
        if let StepSubject::Action(index) = of.subject {
            let action = &plan.actions[index];
            let manual = action.manual.as_ref()?;
            let choice = manual.on_timeout.as_ref().map_or(OnTimeout::Stop, |choice| choice.value);
            return Some((action.timeout.as_ref()?.value, choice));
        }
        if !matches!(of.kind, StepKind::ApproveFailover | StepKind::ApproveCommit) {
            return None;
        }
        // What can't be taken back is never done because nobody said anything.
        let approvals = plan.execution.as_ref()?.approvals.as_ref()?;
        Some((approvals.timeout.as_ref()?.value, OnTimeout::Stop))
    }

    /// Returns how long a question of a step waits, if that is limited.
    fn longest(&self, step: StepIndex) -> Option<SignedDuration> {
        let (longest, _) = self.patience(step)?;
        // Under a clock that jumps, the person at the terminal would be late for every question.
        if self.manner.immediate && self.manner.at_terminal {
            return None;
        }
        Some(SignedDuration::from_secs(i64::try_from(longest.0).unwrap_or(i64::MAX)))
    }

    /// Returns when the open question of a step stops waiting for its answer, if the plan says how long it may wait.
    pub(super) fn question_ends(&self, step: StepIndex) -> Option<Timestamp> {
        let longest = self.longest(step)?;
        let state = self.recorder.state().step(step);
        let from_begin = || Some(state.started_at?.saturating_add(longest).unwrap_or(Timestamp::MAX));
        state.answer_by.or_else(from_begin)
    }

    /// Nobody answered in time.
    pub(super) fn unanswered(&mut self, step: StepIndex) -> Result<(), RunError> {
        let Some((_, choice)) = self.patience(step) else { return Ok(()) };
        self.withdraw(step);
        match choice {
            OnTimeout::Stop => self.fail(step, "timeout", "nobody answered in time".into()),
            OnTimeout::Proceed => {
                self.succeed(step, Some("nobody answered in time; the plan says to go on".into()))
            }
        }
    }

    /// Returns the question that a step asked last.
    pub(super) fn question(&self, step: StepIndex) -> Question {
        let state = self.recorder.state();
        let until = self.question_ends(step).zip(self.patience(step).map(|(_, choice)| choice));
        let asked = state.step(step);
        Question {
            step: state.id(step).clone(),
            prompt: asked.note.clone().unwrap_or_default(),
            roles: asked.roles.clone(),
            number: asked.question,
            is_exception: self.graph.step(step).kind == StepKind::Verify,
            by_hand: step::left_to_people(&self.context(step, &[])),
            until: until.map(|(end, choice)| (end, choice.as_str().to_owned())),
        }
    }

    fn ask_person(&mut self, step: StepIndex) {
        let question = self.question(step);
        let state = self.recorder.state();
        // Whoever began the run does not answer for those whom the plan names, nor does anybody of whom nothing proves the role that
        // others have: the question waits for an order from outside.
        let counts_not = |person: &String| {
            state.begun().is_some_and(|begun| begun.is_by(person) || begun.knows_any_of(&question.roles))
        };
        let is_for_others = !question.roles.is_empty() && self.manner.person.as_ref().is_some_and(counts_not);
        self.questions.insert(step);
        if let Some(end) = self.question_ends(step) {
            self.wake(step, end);
        }
        self.glance_later(step);
        if is_for_others {
            self.others.insert(step);
        } else {
            self.people.insert(step);
            self.inquiries.push_back((step, Inquiry::Person(Box::new(question))));
        }
    }

    /// Asks what a step that waits for a person asked, unless this process has asked it already.
    pub(super) fn repeat_question(&mut self, step: StepIndex) {
        if self.questions.contains(step) {
            return self.glance_later(step);
        }
        self.ask_person(step);
    }

    /// Has what a person said yes to done once more, where the process that took the yes may have ended before it was: what was done
    /// is seen, and is not done twice.
    pub(super) fn repeat_deed(&mut self, step: StepIndex) {
        let answer = self.recorder.state().step(step).answer.as_ref();
        if answer.is_none_or(|answer| !answer.approved) || !self.questions.insert(step) {
            return;
        }
        let question = self.question(step);
        self.inquiries.push_back((step, Inquiry::Approved(Box::new(question))));
    }

    /// Lets a step that waits for a person look again; a clock that jumps would only jump from look to look.
    pub(super) fn glance_later(&mut self, step: StepIndex) {
        if !self.manner.immediate && step::looks(&self.graph, step) {
            let now = self.now();
            self.glances.insert(step, now.saturating_add(GLANCE).unwrap_or(now));
        }
    }

    /// Lets the others that were left to a person, and that wait for what this step asks, look again.
    pub(super) fn tell_group(&mut self, step: StepIndex) {
        if !self.recorder.state().step(step).handed_over {
            return;
        }
        let state = self.recorder.state();
        let others = state.active().filter(|other| *other != step && state.step(*other).handed_over);
        let others: Vec<StepIndex> = others.collect();
        let now = self.now();
        for other in others {
            self.wake(other, now);
        }
    }

    /// Takes a question back; its answer, if one is being given, is still taken and counts for nothing.
    pub(super) fn withdraw(&mut self, step: StepIndex) {
        self.others.remove(step);
        if self.people.contains(step) {
            let id = self.recorder.state().id(step).clone();
            self.inquiries.push_back((step, Inquiry::Withdraw(id)));
        }
    }
}
