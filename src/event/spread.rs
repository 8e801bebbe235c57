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
                self.changing.remove(&self.graph, index);
            }
            match status {
                StepStatus::Ready if mutating => self.slots.ready(&self.graph, index),
                StepStatus::Ready => {
                    self.ready.insert(index);
                }
                StepStatus::Running | StepStatus::Asked => {
                    self.active.insert(index);
                    // What a person does takes no place of the run's own.
                    step.parked = mutating && step.handed_over;
                    if mutating && !step.handed_over {
                        self.changing.add(&self.graph, index);
                    }
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
                let fails = !status.is_good() && !self.goes_on_without(*next, index);
                if let Some(status) = self.next_status(*next, fails) {
                    work.push((*next, status));
                }
            }
        }
    }

    /// Returns whether a step goes on without a machine that failed, of which `lost` is a step: the steps of its replication
    /// group do, and what the plan puts in front of them.
    fn goes_on_without(&self, step: StepIndex, lost: StepIndex) -> bool {
        let StepSubject::Machine(machine) = self.graph.step(lost).subject else { return false };
        if !self.out.contains(&machine) {
            return false;
        }
        let Some(group) = self.graph.model().machine(machine).group() else { return false };
        match self.graph.step(step).subject {
            StepSubject::Group(index) => index == group.index(),
            StepSubject::Action(action) => {
                let before = self.graph.model().plan.actions[action].before.as_ref();
                let of = before.and_then(|before| before.of.as_ref());
                of.is_some_and(|of| of.value == group.name().value)
            }
            StepSubject::Plan
            | StepSubject::Machine(_)
            | StepSubject::Wave(_)
            | StepSubject::BootGroup(_) => false,
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
            // A recovery plan that was made is deleted, however its group ended.
            None if failed && !self.leaves_a_recovery_plan(index) => Some(StepStatus::Blocked),
            None => (step.waiting_for == 0).then_some(StepStatus::Ready),
        }
    }

    /// Returns whether a step deletes a recovery plan that this run made.
    fn leaves_a_recovery_plan(&self, index: StepIndex) -> bool {
        if self.graph.step(index).kind != StepKind::Cleanup {
            return false;
        }
        let group = self.graph.subject_name(index);
        let made = self.graph.find(&StepId::new(format!("{}/{group}", StepKind::Prepare.as_str())));
        made.is_some_and(|made| self.step(made).status == StepStatus::Succeeded)
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
