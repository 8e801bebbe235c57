//! What a step's new status means for the steps after it, and for the disks that are held.

use std::sync::Arc;

use jiff::Timestamp;

use crate::event::RunState;
use crate::event::step::StepStatus;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::id::StepId;
use crate::syntax::action::HookOutcome;
use crate::syntax::inventory::Experience;

impl RunState {
    /// Gives a step its status, and lets the steps after it know.
    pub(super) fn set(&mut self, index: StepIndex, status: StepStatus, at: Timestamp) {
        // A long chain of blocked steps must not overflow the stack.
        let mut work = vec![(index, status)];
        while let Some((index, status)) = work.pop() {
            let step = &mut self.steps[index as usize];
            let was_settled = step.status.is_settled();
            let was_ready = step.status == StepStatus::Ready;
            step.status = status;
            let mutating = self.graph.step(index).kind.is_mutating();
            if !mutating {
                self.ready.remove(&index);
            } else if was_ready {
                self.slots.not_ready(&self.graph, index);
            }
            if self.active.remove(&index) && mutating && !std::mem::take(&mut step.parked) {
                self.changing -= 1;
            }
            match status {
                StepStatus::Ready if mutating => self.slots.ready(&self.graph, index),
                StepStatus::Ready => {
                    self.ready.insert(index);
                }
                StepStatus::Running | StepStatus::Asked => {
                    self.active.insert(index);
                    self.changing += usize::from(mutating);
                }
                StepStatus::Waiting
                | StepStatus::Succeeded
                | StepStatus::Adopted
                | StepStatus::Skipped
                | StepStatus::Failed
                | StepStatus::Blocked => {}
            }
            if !status.is_settled() || was_settled {
                continue;
            }
            step.ended_at = Some(at);
            self.give_back(index, status);
            self.settled += 1;
            self.failed += usize::from(!status.is_good());
            let graph = Arc::clone(&self.graph);
            for next in graph.after(index) {
                self.steps[*next as usize].waiting_for -= 1;
                if let Some(status) = self.next_status(*next, !status.is_good()) {
                    work.push((*next, status));
                }
            }
        }
    }

    /// Notes which disks come free with the end of a step: a failed reprotect's own; in classic those of the machines that
    /// failed over, in modernized those of the machines that committed.
    fn give_back(&mut self, index: StepIndex, status: StepStatus) {
        if !self.slots.are_held() {
            return;
        }
        self.freeable.retain(|step| self.slots.of(*step).is_some());
        let kind = self.graph.step(index).kind;
        if kind == StepKind::Reprotect && status == StepStatus::Failed {
            self.freeable.push(index);
        }
        let frees = match self.graph.experience() {
            Experience::Classic => StepKind::Failover,
            Experience::Modernized => StepKind::Commit,
        };
        if kind == frees && status.is_good() {
            for machine in self.graph.machines_of(index) {
                let holder =
                    StepId::new(format!("{}/{}", StepKind::Reprotect.as_str(), machine.name().value));
                self.freeable.extend(self.graph.find(&holder));
            }
        }
    }

    /// Returns the status that a waiting step takes on, now that something before it was settled.
    fn next_status(&self, index: StepIndex, failed: bool) -> Option<StepStatus> {
        let step = &self.steps[index as usize];
        if step.status != StepStatus::Waiting {
            return None;
        }
        match self.hook(index) {
            // An action after a phase or a run looks at how that ended, once it has.
            Some((on_success, on_failure)) => (step.waiting_for == 0).then(|| {
                let good = self
                    .graph
                    .before(index)
                    .iter()
                    .all(|before| self.steps[*before as usize].status.is_good());
                if if good { on_success } else { on_failure } {
                    StepStatus::Ready
                } else {
                    StepStatus::Skipped
                }
            }),
            None if failed => Some(StepStatus::Blocked),
            None => (step.waiting_for == 0).then_some(StepStatus::Ready),
        }
    }

    /// Returns whether an `after` action runs on success and on failure; `None` for every other step.
    fn hook(&self, index: StepIndex) -> Option<(bool, bool)> {
        let step = self.graph.step(index);
        let (StepKind::Action, StepSubject::Action(action)) = (step.kind, step.subject) else { return None };
        let outcomes = &self.graph.model().plan.actions[action].after.as_ref()?.outcome;
        let has = |outcome| outcomes.iter().any(|given| given.value == outcome);
        Some((outcomes.is_empty() || has(HookOutcome::Success), has(HookOutcome::Failure)))
    }

    pub(super) fn refresh(&mut self, index: StepIndex, at: Timestamp) {
        if let Some(status) = self.next_status(index, false) {
            self.set(index, status, at);
        }
    }
}
