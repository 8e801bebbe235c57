//! How often facts were replaced: whoever judged some of them tells by that whether they are still the same.

use crate::model::Model;

/// How often the facts about a machine, and about everything that serves machines, were replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision {
    machine: u64,
    others: u64,
}

impl Model {
    /// Returns the revision of the facts about a machine of the plan and about everything that serves machines. What only tells
    /// the moment of an observation has none.
    ///
    /// # Panics
    ///
    /// If the plan has no such machine.
    #[must_use]
    pub fn revision_of(&self, machine: usize) -> Revision {
        Revision { machine: self.machines[machine].revision, others: self.revision }
    }

    /// Notes that the facts about a machine are replaced.
    pub(super) fn revise_machine(&mut self, machine: usize) {
        self.machines[machine].revision += 1;
    }

    /// Notes that any facts are replaced.
    pub(crate) const fn revise(&mut self) {
        self.revision += 1;
    }
}
