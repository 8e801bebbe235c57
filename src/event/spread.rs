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
        let mut work = std::mem::take(&mut self.work);
        let mut next = Some((index, status));
        while let Some((index, status)) = next.take().or_else(|| work.pop()) {
            let step = &mut self.steps[index as usize];
            let was_settled = step.status.is_settled();
            let was_ready = step.status == StepStatus::Ready;
            step.status = status;
            let mutating = self.graph.kind(index).is_mutating();
            if !mutating {
                self.ready.remove(index);
            } else if was_ready {
                self.slots.not_ready(&self.graph, index);
            }
            if self.active.remove(index) && mutating && !std::mem::take(&mut step.parked) {
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
            self.stopped |= status == StepStatus::Failed;
            let graph = Arc::clone(&self.graph);
            for next in graph.after(index) {
                self.steps[*next as usize].waiting_for -= 1;
                let fails = self.holds_back(index, *next);
                if let Some(status) = self.next_status(*next, fails) {
                    if status == StepStatus::Blocked {
                        let cause = self.cause(index);
                        self.steps[*next as usize].note = Some(cause);
                    }
                    work.push((*next, status));
                }
            }
            work.extend(self.called_by(index));
        }
        self.work = work;
    }

    /// Returns what the end of a step lets another begin that does not wait for it otherwise.
    fn called_by(&self, index: StepIndex) -> Option<(StepIndex, StepStatus)> {
        let kind = match self.graph.kind(index) {
            // A recovery plan that was being made when its group failed is deleted once it is there.
            StepKind::Prepare if self.failed > 0 || self.is_cancelling() => StepKind::Cleanup,
            StepKind::Failover if self.is_cancelling() => StepKind::Commit,
            _ => return None,
        };
        let other = self.sibling(index, kind)?;
        let step = self.step(other);
        match kind {
            StepKind::Commit => {
                (step.takes_back && step.status == StepStatus::Waiting).then_some((other, StepStatus::Ready))
            }
            _ => self
                .next_status(
                    other,
                    self.graph.before(other).iter().any(|before| self.holds_back(*before, other)),
                )
                .filter(|_| step.waiting_for == 0)
                .map(|status| (other, status)),
        }
    }

    /// Returns the step that keeps another from beginning, if one does.
    #[must_use]
    pub fn held_back_by(&self, index: StepIndex) -> Option<StepIndex> {
        self.graph.before(index).iter().copied().find(|before| self.holds_back(*before, index))
    }

    /// Returns the step of a kind that is about the same.
    #[must_use]
    pub fn sibling(&self, index: StepIndex, kind: StepKind) -> Option<StepIndex> {
        let name = self.graph.subject_name(index);
        let found = self.graph.find(&StepId::new(format!("{}/{name}", kind.as_str())))?;
        (self.graph.step(found).subject == self.graph.step(index).subject).then_some(found)
    }

    /// Returns the verifications of the machines that a step is about.
    pub fn verifications(&self, index: StepIndex) -> Vec<StepIndex> {
        let machines = self.graph.indexes_of(index);
        machines.filter_map(|machine| self.graph.of_machine(machine, StepKind::Verify)).collect()
    }

    /// Returns the failover of a machine that a step is about: its own, or that of its replication group.
    #[must_use]
    pub fn failover_of(&self, index: StepIndex) -> Option<StepIndex> {
        let machine = self.graph.machines_of(index).into_iter().next()?;
        let name = machine.group().map_or(&machine.name().value, |group| &group.name().value);
        self.graph.find(&StepId::new(format!("{}/{name}", StepKind::Failover.as_str())))
    }

    /// Returns why a step that is held back by a settled one is not begun.
    pub(super) fn cause(&self, index: StepIndex) -> String {
        let step = self.step(index);
        match (step.status, &step.note) {
            (StepStatus::Failed, _) | (_, None) => format!("{} {}", self.id(index), step.status.as_str()),
            (StepStatus::Blocked, Some(note)) => note.clone(),
            (_, Some(note)) => format!("{}: {note}", self.graph.subject_name(index)),
        }
    }

    /// Returns whether a settled step keeps one that waits for it from beginning.
    pub(super) fn holds_back(&self, settled: StepIndex, next: StepIndex) -> bool {
        let status = self.step(settled).status;
        if status.is_good() {
            return status == StepStatus::Skipped && self.is_missed_by(settled, next);
        }
        status.is_settled() && !self.goes_on_without(next, settled)
    }

    /// Returns whether a step depends on a machine that a person took out, so that it does not begin without a word from that
    /// person. The machine's wave, its boot group, its replication group and its own actions go on without it.
    fn is_missed_by(&self, verify: StepIndex, next: StepIndex) -> bool {
        let (StepKind::Verify, StepSubject::Machine(machine)) =
            (self.graph.kind(verify), self.graph.step(verify).subject)
        else {
            return false;
        };
        if self.taken_out.get(&machine) != Some(&false) {
            return false;
        }
        let group = self.graph.model().machine(machine).group().map(|group| group.index());
        match self.graph.step(next).subject {
            StepSubject::Machine(other) => other != machine,
            StepSubject::Group(other) => Some(other) != group,
            StepSubject::Action(_) => !self.is_hooked_to(next, machine),
            StepSubject::Plan | StepSubject::Wave(_) | StepSubject::BootGroup(_) => false,
        }
    }

    /// Returns whether an action stands before or after a phase of a machine or of its groups.
    pub(super) fn is_hooked_to(&self, action: StepIndex, machine: usize) -> bool {
        let StepSubject::Action(action) = self.graph.step(action).subject else { return false };
        let model = self.graph.model();
        let machine = model.machine(machine);
        let action = &model.plan.actions[action];
        let boot_group = machine.boot_group().map(|at| &model.plan.boot_groups[at].name.value);
        let names =
            [Some(&machine.name().value), machine.group().map(|group| &group.name().value), boot_group];
        let hooks = [action.before.as_ref(), action.after.as_ref()];
        hooks
            .into_iter()
            .flatten()
            .filter_map(|hook| hook.of.as_ref())
            .any(|of| names.contains(&Some(&of.value)))
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
        let kind = self.graph.kind(index);
        if kind == StepKind::Reprotect && status == StepStatus::Failed {
            self.freeable.push(index);
        }
        let frees = match self.graph.experience() {
            Experience::Classic => StepKind::Failover,
            Experience::Modernized => StepKind::Commit,
        };
        if kind == frees && status.is_good() {
            let machines = self.graph.indexes_of(index);
            let reprotect = |machine| self.graph.of_machine(machine, StepKind::Reprotect);
            self.freeable.extend(machines.filter_map(reprotect));
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
            // Nothing is made final that is to be taken back.
            None if step.takes_back => None,
            // A recovery plan is not made while the one before it is being deleted.
            None if self.is_being_deleted(index) => None,
            // A recovery plan that was made is deleted, however its group ended.
            None if failed && !self.leaves_a_recovery_plan(index) => Some(StepStatus::Blocked),
            None if failed && self.makes_a_recovery_plan(index) => None,
            None => (step.waiting_for == 0).then_some(StepStatus::Ready),
        }
    }

    /// Returns whether a step deletes a recovery plan that this run made, or is making.
    #[must_use]
    pub fn leaves_a_recovery_plan(&self, index: StepIndex) -> bool {
        if self.graph.kind(index) != StepKind::Cleanup {
            return false;
        }
        let made = self.sibling(index, StepKind::Prepare).map(|made| self.step(made));
        made.is_some_and(|made| {
            made.status == StepStatus::Succeeded
                || (made.status == StepStatus::Running && made.is_in_flight())
        })
    }

    /// Returns whether the recovery plan that a step makes is being deleted.
    fn is_being_deleted(&self, index: StepIndex) -> bool {
        self.graph.kind(index) == StepKind::Prepare
            && self.sibling(index, StepKind::Cleanup).is_some_and(|cleanup| self.active.contains(cleanup))
    }

    /// Returns whether the recovery plan that a step deletes is being made.
    fn makes_a_recovery_plan(&self, index: StepIndex) -> bool {
        let made = self.sibling(index, StepKind::Prepare).map(|made| self.step(made));
        made.is_some_and(|made| !made.status.is_settled())
    }

    /// Returns whether an `after` action runs on success and on failure; `None` for every other step.
    pub(super) fn hook(&self, index: StepIndex) -> Option<(bool, bool)> {
        if self.graph.kind(index) != StepKind::Action {
            return None;
        }
        let StepSubject::Action(action) = self.graph.step(index).subject else { return None };
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
