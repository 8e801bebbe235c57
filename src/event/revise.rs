//! What a person changes in a run that goes on, or in one that ended with failures: machines that are taken out, steps that are
//! left out or done again, and an early end.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::event::RunState;
use crate::event::step::StepState;
use crate::event::step::StepStatus;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::id::StepId;
use crate::syntax::action::Rerun;
use crate::syntax::inventory::Experience;

impl RunState {
    /// Takes a machine out: its own steps are left out, and what was blocked because of it goes on.
    pub(super) fn take_out(&mut self, machine: usize, release_dependents: bool, why: &str, at: Timestamp) {
        self.stopped = false;
        let was_lost = !self.out.insert(machine);
        self.lost.remove(&machine);
        self.failed -= usize::from(was_lost);
        self.taken_out.insert(machine, release_dependents);
        let group = self.graph.model().machine(machine).group().map(|group| group.index());
        let failover = group.and_then(|group| self.failover_of_group(group));
        let concerned = self.concerned(machine, group);
        for index in concerned.iter().copied() {
            if self.is_only_about(index, machine) {
                self.count_as_left_out(index, why, at);
            }
        }
        // Nothing was sent, so that nothing is attached.
        if let Some(reprotect) = self.reprotect_of(machine)
            && self.step(reprotect).attempts == 0
            && self.holds_slots(reprotect)
        {
            self.freeable.push(reprotect);
        }
        let mut reopened = self.release(concerned, at);
        if let Some(failover) = failover {
            self.make_again(failover, &mut reopened, at);
        }
        self.begin_again(reopened, at);
    }

    /// Has the recovery plan of a replication group changed, if it was made, before the group fails over.
    fn make_again(&mut self, failover: StepIndex, reopened: &mut BTreeSet<StepIndex>, at: Timestamp) {
        let made = self.sibling(failover, StepKind::Prepare);
        // One that stays as it is needs no plan, and nothing would delete it.
        let stays = self.step(failover).status.is_settled() && !reopened.contains(&failover);
        if stays || made.is_none_or(|made| self.step(made).status != StepStatus::Succeeded) {
            return;
        }
        for index in self.way_to(failover) {
            let status = self.step(index).status;
            if status.is_settled() {
                if status.is_good() && status != StepStatus::Skipped && reopened.insert(index) {
                    self.unsettle(index, at);
                }
            } else if status != StepStatus::Waiting {
                self.set(index, StepStatus::Waiting, at);
                reopened.insert(index);
            }
        }
    }

    /// Lets the recovery plan of a group that goes on be made again, now that it is deleted.
    pub(super) fn after_cleanup(&mut self, cleanup: StepIndex, at: Timestamp) {
        let status = self.step(cleanup).status;
        let is_deleted = matches!(status, StepStatus::Succeeded | StepStatus::Adopted | StepStatus::Failed);
        if self.step(cleanup).waiting_for == 0 || !is_deleted {
            return;
        }
        self.unsettle(cleanup, at);
        if let Some(made) = self.sibling(cleanup, StepKind::Prepare) {
            self.refresh(made, at);
        }
    }

    /// Returns the steps that come between a group's recovery plan and its failover, both included.
    fn way_to(&self, failover: StepIndex) -> Vec<StepIndex> {
        let rechecks = self.graph.before(failover).iter().copied();
        let rechecks = rechecks.filter(|step| self.graph.kind(*step) == StepKind::Recheck);
        let first = [StepKind::Prepare, StepKind::AwaitPoint];
        let first = first.into_iter().filter_map(|kind| self.sibling(failover, kind));
        first.chain(rechecks).chain([failover]).collect()
    }

    fn failover_of_group(&self, group: usize) -> Option<StepIndex> {
        let name = &self.graph.model().group(group)?.name().value;
        self.graph.find(&StepId::new(format!("{}/{name}", StepKind::Failover.as_str())))
    }

    /// Leaves a step out, whether it is settled or not.
    pub(super) fn leave_out(&mut self, index: StepIndex, why: &str, at: Timestamp) {
        self.stopped &= self.step(index).status.is_good();
        let held_others = self.step(index).status.is_settled();
        self.count_as_left_out(index, why, at);
        if held_others {
            let reopened = self.release(BTreeSet::from([index]), at);
            self.begin_again(reopened, at);
        }
    }

    /// Ends the run early: what has not begun is not begun, what only waits is given up, and what is under way goes on. What puts
    /// the site in order is still done: recovery plans are deleted, and the actions at the end of the run come.
    pub(super) fn cancel(&mut self, failovers: bool, why: &str, at: Timestamp) {
        self.cancelling = Some(failovers);
        let mut taken_back = Vec::new();
        // Before anything is given up, which would block them.
        for index in (0..self.count()).filter(|_| failovers) {
            let step = self.step(index);
            if self.graph.kind(index) == StepKind::Commit
                && !step.status.is_settled()
                && !step.is_in_flight()
                && self.can_be_taken_back(index)
            {
                self.steps[index as usize].takes_back = true;
                taken_back.push(index);
            }
        }
        for index in 0..self.count() {
            let (step, described) = (self.step(index), self.graph.step(index));
            let runs = step.status == StepStatus::Running && described.kind == StepKind::Action && step.acted;
            if step.status.is_settled()
                || step.is_in_flight()
                || step.takes_back
                || runs
                || self.graph.runs_last(index)
                || self.leaves_a_recovery_plan(index)
            {
                continue;
            }
            self.settle(index, StepStatus::Blocked, Some(why.to_owned()), at);
        }
        for index in taken_back {
            let failover = self.sibling(index, StepKind::Failover);
            if failover.is_none_or(|failover| self.step(failover).status.is_settled()) {
                self.set(index, StepStatus::Ready, at);
            }
        }
    }

    /// Returns whether a commit that was not asked for stands after a planned failover that was, or is under way.
    fn can_be_taken_back(&self, commit: StepIndex) -> bool {
        let failover = self.sibling(commit, StepKind::Failover).map(|failover| self.step(failover));
        self.graph.experience() == Experience::Modernized
            && failover.is_some_and(|failover| {
                let is_done = matches!(failover.status, StepStatus::Succeeded | StepStatus::Adopted);
                failover.is_in_flight()
                    || (is_done || !failover.done.is_empty())
                        && self.graph.indexes_of(commit).any(|machine| self.may_take_back(machine))
            })
    }

    pub(super) fn count(&self) -> StepIndex {
        StepIndex::try_from(self.steps.len()).expect("indexes are 32 bits wide")
    }

    /// Returns whether a step has nothing to do when a machine is out of the run.
    fn is_only_about(&self, index: StepIndex, machine: usize) -> bool {
        let group = self.graph.model().machine(machine).group();
        let is_last =
            group.is_none_or(|group| group.members().all(|member| self.out.contains(&member.index())));
        match self.graph.step(index).subject {
            StepSubject::Machine(other) => other == machine,
            StepSubject::Group(other) => {
                is_last
                    && group.is_some_and(|group| group.index() == other)
                    && !self.leaves_a_recovery_plan(index)
            }
            StepSubject::Action(action) => {
                let model = self.graph.model();
                let action = &model.plan.actions[action];
                let name = &model.machine(machine).name().value;
                let group = group.filter(|_| is_last).map(|group| &group.name().value);
                let hooks = [action.before.as_ref(), action.after.as_ref()];
                let mut of = hooks.into_iter().flatten().filter_map(|hook| hook.of.as_ref());
                of.any(|of| of.value == *name || Some(&of.value) == group)
            }
            StepSubject::Plan | StepSubject::Wave(_) | StepSubject::BootGroup(_) => false,
        }
    }

    /// Settles a step as left out; one that failed or was blocked no longer counts as that.
    fn count_as_left_out(&mut self, index: StepIndex, why: &str, at: Timestamp) {
        let step = &mut self.steps[index as usize];
        match step.status {
            StepStatus::Waiting | StepStatus::Ready | StepStatus::Running | StepStatus::Asked => {
                self.steps[index as usize].left_out = true;
                self.settle(index, StepStatus::Skipped, Some(why.to_owned()), at);
            }
            StepStatus::Failed | StepStatus::Blocked => {
                let before = step.note.take().map(|note| format!(" (before that: {note})"));
                step.note = Some(format!("{why}{}", before.unwrap_or_default()));
                step.status = StepStatus::Skipped;
                step.left_out = true;
                self.failed -= 1;
            }
            StepStatus::Succeeded | StepStatus::Adopted | StepStatus::Skipped => {}
        }
    }

    /// Returns the steps that a machine's leaving the run may change: its own, those of its replication group, and actions.
    fn concerned(&self, machine: usize, group: Option<usize>) -> BTreeSet<StepIndex> {
        let actions = (0..self.graph.model().plan.actions.len()).map(StepSubject::Action);
        let subjects = [StepSubject::Machine(machine)].into_iter().chain(group.map(StepSubject::Group));
        subjects.chain(actions).flat_map(|subject| self.graph.steps_about(subject).iter().copied()).collect()
    }

    /// Makes everything behind some steps wait again that was blocked and that nothing holds back any more, and returns it.
    fn release(&mut self, mut behind: BTreeSet<StepIndex>, at: Timestamp) -> BTreeSet<StepIndex> {
        let graph = std::sync::Arc::clone(&self.graph);
        let own = behind.clone();
        let mut reopened = BTreeSet::new();
        // Each step comes after those before it, so that these are looked at first.
        while let Some(index) = behind.pop_first() {
            let mut changes = own.contains(&index);
            if self.may_go_on(index) {
                reopened.insert(index);
                self.unsettle(index, at);
                changes = true;
            } else if self.step(index).status == StepStatus::Blocked {
                // What it was blocked by may be another thing by now.
                let cause = self.held_back_by(index).map(|before| self.cause(before));
                changes |= self.steps[index as usize].note != cause;
                self.steps[index as usize].note = cause;
            }
            if changes {
                behind.extend(graph.after(index));
            }
        }
        reopened
    }

    /// Returns whether a settled step is to be begun once more: it was blocked and nothing holds it back, or it looks at how
    /// something ended that goes on now.
    pub(super) fn may_go_on(&self, index: StepIndex) -> bool {
        let step = self.step(index);
        let before = self.graph.before(index);
        if let StepSubject::Machine(machine) = self.graph.step(index).subject
            && self.out.contains(&machine)
        {
            return false;
        }
        if self.hook(index).is_some() {
            let goes_on = before.iter().any(|before| !self.step(*before).status.is_settled());
            // What a person left out stays out.
            return step.status.is_settled()
                && !step.left_out
                && goes_on
                && !(step.acted && self.is_never_repeated(index));
        }
        step.status == StepStatus::Blocked && !before.iter().any(|before| self.holds_back(*before, index))
    }

    pub(super) fn is_never_repeated(&self, index: StepIndex) -> bool {
        let StepSubject::Action(action) = self.graph.step(index).subject else { return false };
        let rerun = self.graph.model().plan.actions[action].rerun;
        rerun.is_some_and(|rerun| rerun.value == Rerun::Never)
    }

    /// Makes a settled step wait again; what it was asked and told is forgotten, its attempts are counted on.
    pub(super) fn unsettle(&mut self, index: StepIndex, at: Timestamp) {
        let step = &mut self.steps[index as usize];
        self.settled -= 1;
        self.failed -= usize::from(!step.status.is_good());
        let waiting = StepState::waiting(step.waiting_for);
        let before = std::mem::replace(step, waiting);
        step.attempts = before.attempts;
        step.attempts_before = before.attempts;
        step.question = before.question;
        step.done.clone_from(&before.done);
        self.disowns(index);
        self.freeable.retain(|freeable| *freeable != index);
        let graph = std::sync::Arc::clone(&self.graph);
        for next in graph.after(index) {
            self.steps[*next as usize].waiting_for += 1;
            if self.step(*next).status == StepStatus::Ready {
                self.set(*next, StepStatus::Waiting, at);
            }
        }
    }

    /// Lets steps that wait again begin, as far as they wait for nothing. The failover of a replication group goes through its
    /// recovery plan, which is made again if it was deleted since.
    pub(super) fn begin_again(&mut self, mut reopened: BTreeSet<StepIndex>, at: Timestamp) {
        let failovers: Vec<StepIndex> =
            reopened.iter().copied().filter(|index| self.graph.kind(*index) == StepKind::Failover).collect();
        for failover in failovers {
            let cleanup = self.sibling(failover, StepKind::Cleanup);
            // One that is under way comes first, and is done again, too.
            let is_gone = |cleanup| self.step(cleanup).status.is_settled() || self.active.contains(cleanup);
            if !cleanup.is_some_and(is_gone) {
                continue;
            }
            for index in self.way_to(failover).into_iter().chain(cleanup) {
                let status = self.step(index).status;
                if status.is_settled() && status != StepStatus::Skipped && reopened.insert(index) {
                    self.unsettle(index, at);
                }
            }
        }
        for index in reopened {
            self.refresh(index, at);
        }
    }
}
