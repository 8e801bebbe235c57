//! Questions to persons: asked, asked again by the process that takes a run over, taken back, and what happens when nobody answers.

use jiff::SignedDuration;

use crate::event::RunEventKind;
use crate::graph::StepIndex;
use crate::graph::StepSubject;
use crate::run::approver::Question;
use crate::run::driver::engine::Engine;
use crate::run::driver::engine::Inquiry;
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
        let asked = RunEventKind::ApprovalAsked { step: id, prompt: prompt.clone(), roles: roles.clone() };
        self.recorder.record(asked)?;
        self.recorder.sync()?;
        self.ask_person(step, prompt, roles);
        Ok(())
    }

    /// Returns when a manual action stops waiting for its answer, if the plan says how long it may wait.
    pub(super) fn question_ends(&self, step: StepIndex) -> Option<jiff::Timestamp> {
        let StepSubject::Action(index) = self.graph.step(step).subject else { return None };
        // Under a clock that jumps, the person at the terminal would be late for every question.
        if self.manner.immediate && self.manner.at_terminal {
            return None;
        }
        let action = &self.graph.model().plan.actions[index];
        let longest = action.manual.as_ref().and(action.timeout.as_ref())?.value;
        let longest = jiff::SignedDuration::from_secs(i64::try_from(longest.0).unwrap_or(i64::MAX));
        Some(
            self.recorder
                .state()
                .step(step)
                .started_at?
                .saturating_add(longest)
                .unwrap_or(jiff::Timestamp::MAX),
        )
    }

    /// Nobody answered in time.
    pub(super) fn unanswered(&mut self, step: StepIndex) -> Result<(), RunError> {
        let StepSubject::Action(index) = self.graph.step(step).subject else { return Ok(()) };
        self.withdraw(step);
        let manual = self.graph.model().plan.actions[index].manual.as_ref();
        match manual
            .and_then(|manual| manual.on_timeout.as_ref())
            .map_or(OnTimeout::Stop, |choice| choice.value)
        {
            OnTimeout::Stop => self.fail(step, "timeout", "nobody answered in time".into()),
            OnTimeout::Proceed => {
                self.succeed(step, Some("nobody answered in time; the plan says to go on".into()))
            }
        }
    }

    pub(super) fn ask_person(&mut self, step: StepIndex, prompt: String, roles: Vec<String>) {
        let question = Question { step: self.recorder.state().id(step).clone(), prompt, roles };
        self.people.insert(step);
        self.questions.insert(step);
        if let Some(end) = self.question_ends(step) {
            self.wake(step, end);
        }
        self.glance_later(step);
        self.inquiries.push_back((step, Inquiry::Person(question)));
    }

    /// Asks what a step that waits for a person asked, unless this process has asked it already.
    pub(super) fn repeat_question(&mut self, step: StepIndex) {
        if self.questions.contains(&step) {
            return self.glance_later(step);
        }
        let state = self.recorder.state().step(step);
        let (prompt, roles) = (state.note.clone().unwrap_or_default(), state.roles.clone());
        self.ask_person(step, prompt, roles);
    }

    /// Lets a step that waits for a person look again; a clock that jumps would only jump from look to look.
    fn glance_later(&mut self, step: StepIndex) {
        if !self.manner.immediate && step::looks(&self.graph, step) {
            let now = self.now();
            self.glances.insert(step, now.saturating_add(GLANCE).unwrap_or(now));
        }
    }

    /// Takes a question back; its answer, if one is being given, is still taken and counts for nothing.
    pub(super) fn withdraw(&mut self, step: StepIndex) {
        if self.people.contains(&step) {
            let id = self.recorder.state().id(step).clone();
            self.inquiries.push_back((step, Inquiry::Withdraw(id)));
        }
    }
}
