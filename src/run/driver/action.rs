//! Actions and probes: begun, and begun again where the process that ran them ended.

use std::sync::Arc;

use crate::event::RunEventKind;
use crate::graph::StepIndex;
use crate::graph::StepSubject;
use crate::id::IdempotencyKey;
use crate::run::driver::engine::Engine;
use crate::run::driver::inquiry::Inquiry;
use crate::run::hook::Left;
use crate::run::hook::Variables;
use crate::run::recorder::RunError;
use crate::syntax::action::Rerun;

impl Engine<'_> {
    /// Begins an action: a manual one asks, any other one runs.
    pub(super) fn begin_action(&mut self, step: StepIndex) -> Result<(), RunError> {
        let StepSubject::Action(index) = self.graph.step(step).subject else { return Ok(()) };
        let graph = Arc::clone(&self.graph);
        let action = &graph.model().plan.actions[index];
        let state = self.recorder.state().step(step);
        let (acted, answer) = (state.acted, state.answer.clone());
        if let Some(answer) = &answer
            && !answer.approved
        {
            return self.fail(step, "refused", format!("refused by {}", answer.by));
        }
        if let Some(manual) = &action.manual {
            return match answer {
                Some(answer) => self.succeed(step, Some(format!("confirmed by {}", answer.by))),
                None => {
                    let roles = manual.approvers.iter().map(|role| role.value.clone()).collect();
                    self.ask(step, manual.prompt.value.clone(), roles)
                }
            };
        }
        // A process that ended while the action ran left its outcome unknown; an answer says to run it again.
        if acted && answer.is_none() {
            if !self.alone.contains(step) {
                self.inquire(step, Inquiry::Leftover(Box::new(action.clone())));
                return Ok(());
            }
            match action.rerun.map_or(Rerun::Ask, |rerun| rerun.value) {
                Rerun::Always => {}
                Rerun::Never => {
                    return self.succeed(step, Some("its outcome is unknown; taken as done".into()));
                }
                Rerun::Ask => {
                    let prompt = format!(
                        "The action {} was running when the run was interrupted, and its outcome is unknown. Run it again? Yes: it runs once more, from its beginning. No: it counts as failed, and what waits for it is not begun (failback skip leaves it out instead).",
                        action.name
                    );
                    return self.ask(step, prompt, Vec::new());
                }
            }
        }
        let id = self.recorder.state().id(step).clone();
        self.recorder.record_of(step, RunEventKind::ActionStarted { step: id })?;
        self.act(step);
        Ok(())
    }

    /// Tells of what an action left running, and waits until it has ended: nothing is begun beside it.
    pub(super) fn left_running(&mut self, step: StepIndex, left: Left) -> Result<(), RunError> {
        let what = match left {
            Left::Nothing => return self.nothing_runs(step),
            Left::Findable => {
                // Its outcome is not lost: the same attempt is asked for again, under the same key.
                self.act(step);
                return Ok(());
            }
            Left::Runs(what) => what,
        };
        let StepSubject::Action(index) = self.graph.step(step).subject else { return Ok(()) };
        let action = self.graph.model().plan.actions[index].clone();
        let message = format!(
            "the action {} still runs, though the process that began it ended ({what}): it is waited for, and nothing is begun beside it",
            action.name
        );
        self.alarm(step, "action-still-runs", message)?;
        self.inquire(step, Inquiry::LeftoverEnds(Box::new(action)));
        Ok(())
    }

    /// Goes on with an action that nothing runs any more of.
    pub(super) fn nothing_runs(&mut self, step: StepIndex) -> Result<(), RunError> {
        self.alone.insert(step);
        let now = self.now();
        self.wake(step, now);
        Ok(())
    }

    pub(super) fn act(&mut self, step: StepIndex) {
        let StepSubject::Action(index) = self.graph.step(step).subject else { return };
        let action = self.graph.model().plan.actions[index].clone();
        let (state, run) = (self.recorder.state(), self.recorder.run());
        let variables = Variables {
            key: IdempotencyKey::new(format!("{run}/{}/{}", state.id(step), state.step(step).attempts)),
            plan: self.graph.model().plan.name.value.clone(),
            run: run.to_string(),
            outcome: self.outcome_for(step).into(),
        };
        self.inquire(step, Inquiry::Act(Box::new((action, variables))));
    }

    /// Returns how the run stands, as an action is told: how it ends is known to what comes after everything else alone.
    fn outcome_for(&self, step: StepIndex) -> &'static str {
        let state = self.recorder.state();
        match (self.graph.runs_last(step), state.is_cancelling(), state.failed()) {
            (false, _, _) => "running",
            (true, true, _) => "cancelled",
            (true, false, 0) => "success",
            (true, false, _) => "failure",
        }
    }

    pub(super) fn probe(&mut self, step: StepIndex) {
        let StepSubject::Machine(index) = self.graph.step(step).subject else { return };
        let probes = self.graph.model().machine(index).probes().to_vec();
        self.inquire(step, Inquiry::Probe(probes));
    }
}
