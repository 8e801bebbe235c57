//! From which step on a machine can't be left in Azure any more.

use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::syntax::inventory::Experience;

impl Graph {
    /// Returns the step from which on a machine can't go back to Azure as if nothing had happened: the failover in classic,
    /// which nothing cancels, and the commit in modernized, before which a planned failover can be cancelled
    /// (vmware-azure-tutorial-failover-failback-modernized, Cancel planned failover).
    ///
    /// # Panics
    ///
    /// If the model has no such machine.
    #[must_use]
    pub fn point_of_no_return(&self, machine: usize) -> StepIndex {
        self.no_return[machine]
    }

    /// Finds the points of no return of all machines; each machine fails back, alone or in its group.
    pub(super) fn find_no_return(&mut self) {
        let kind = match self.experience() {
            Experience::Classic => StepKind::Failover,
            Experience::Modernized => StepKind::Commit,
        };
        let mut found = vec![0; self.model().machines().len()];
        for (at, _) in (0..).zip(self.steps()).filter(|(_, step)| step.kind == kind) {
            for machine in self.indexes_of(at) {
                found[machine] = at;
            }
        }
        self.no_return = found;
    }
}
