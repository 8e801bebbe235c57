//! What failed is done again: by itself, with what it blocked, and with the members of a replication group that it lost.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::event::RunState;
use crate::event::TAKEN_BACK;
use crate::event::step::StepStatus;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;

impl RunState {
    /// Returns the members of a replication group that failed for good inside a step of it, while the others went on.
    pub fn lost_at(&self, step: StepIndex) -> impl Iterator<Item = usize> {
        self.lost.iter().filter(move |(_, at)| **at == step).map(|(machine, _)| *machine)
    }

    /// Returns the step inside which a machine failed for good, while the others of its replication group went on.
    #[must_use]
    pub fn lost_in(&self, machine: usize) -> Option<StepIndex> {
        self.lost.get(&machine).copied()
    }

    /// Lets a settled step begin again, and what it blocked if that is wanted.
    pub(super) fn reopen(&mut self, index: StepIndex, downstream: bool, at: Timestamp) {
        self.stopped = false;
        let mut reopened = BTreeSet::from([index]);
        self.keep_members(index);
        self.unsettle(index, at);
        // A failover that was taken back is verified again.
        if self.graph.kind(index) == StepKind::Failover {
            for verify in self.verifications(index) {
                if self.step(verify).status == StepStatus::Failed {
                    reopened.insert(verify);
                    self.unsettle(verify, at);
                }
            }
        }
        self.take_in_again(index, &mut reopened, at);
        if downstream {
            for next in (0..self.count()).filter(|next| *next != index) {
                let follows = self.graph.before(next).iter().any(|before| reopened.contains(before));
                // What nothing before it holds back was blocked because the run stopped at the failure.
                let was_stopped = self.step(next).status == StepStatus::Blocked;
                if (follows || was_stopped) && self.may_go_on(next) {
                    reopened.insert(next);
                    self.unsettle(next, at);
                }
            }
        } else {
            self.hold_back_on(index);
        }
        self.begin_again(reopened, at);
    }

    /// Notes for which members a step of a replication group was done before it is done again for others.
    fn keep_members(&mut self, index: StepIndex) {
        let is_of_group = matches!(self.graph.step(index).subject, StepSubject::Group(_));
        if !is_of_group || !self.step(index).status.is_good() {
            return;
        }
        let verifications = self.verifications(index).into_iter();
        let back = verifications.filter(|verify| self.step(*verify).code.as_deref() == Some(TAKEN_BACK));
        let back: Vec<usize> = back.flat_map(|verify| self.graph.indexes_of(verify)).collect();
        let done = self.machines_of(index).filter(|machine| !back.contains(machine)).collect();
        self.steps[index as usize].done = done;
    }

    /// Takes the members in again that a step of a replication group lost: their own steps go on after it, and what the group did
    /// without them is done for them, too, with the approvals and actions before it.
    fn take_in_again(&mut self, index: StepIndex, reopened: &mut BTreeSet<StepIndex>, at: Timestamp) {
        let lost: Vec<usize> = self.lost_at(index).collect();
        let StepSubject::Group(group) = self.graph.step(index).subject else { return };
        if lost.is_empty() {
            return;
        }
        let graph = std::sync::Arc::clone(&self.graph);
        let later = graph.steps_about(StepSubject::Group(group)).iter().copied();
        let later = later.filter(|step| {
            *step > index && matches!(graph.kind(*step), StepKind::ApproveCommit | StepKind::Commit)
        });
        let later: Vec<StepIndex> = later.collect();
        let name = &graph.model().group(group).map(|group| &group.name().value);
        let actions = later.iter().flat_map(|step| graph.before(*step)).copied().filter(|step| {
            let StepSubject::Action(action) = graph.step(*step).subject else { return false };
            let before = graph.model().plan.actions[action].before.as_ref();
            let of = before.and_then(|before| before.of.as_ref()).map(|of| &of.value);
            of.is_some() && of == *name && !self.step(*step).left_out && !self.is_never_repeated(*step)
        });
        let again: BTreeSet<StepIndex> = actions.chain(later.iter().copied()).collect();
        for step in again {
            if self.step(step).status.is_settled() && !reopened.contains(&step) {
                self.keep_members(step);
                reopened.insert(step);
                self.unsettle(step, at);
            }
        }
        for machine in lost {
            self.lost.remove(&machine);
            self.out.remove(&machine);
            self.failed -= 1;
            for step in graph.steps_about(StepSubject::Machine(machine)) {
                if self.step(*step).status == StepStatus::Blocked && reopened.insert(*step) {
                    self.unsettle(*step, at);
                }
            }
        }
    }

    /// Notes at what a step blocked that this stays so, now that the step is done again by itself.
    fn hold_back_on(&mut self, index: StepIndex) {
        let note = format!("{} is done again, by itself: retry this when it has succeeded", self.id(index));
        let mut held = BTreeSet::from([index]);
        for next in 0..self.count() {
            if self.step(next).status == StepStatus::Blocked
                && self.graph.before(next).iter().any(|before| held.contains(before))
            {
                held.insert(next);
                self.steps[next as usize].note = Some(note.clone());
            }
        }
    }
}
