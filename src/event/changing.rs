//! How many steps ask the site to change something at present: in all, and under each vCenter that the plan limits.

use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::vcenter;
use crate::graph::vcenter::Lane;

/// Steps that run and change something.
#[derive(Clone, Debug, Default)]
pub(super) struct Changing {
    total: usize,
    /// By lane; empty until the first one of a limited vCenter.
    lanes: Vec<u32>,
}

impl Changing {
    pub(super) const fn total(&self) -> usize {
        self.total
    }

    pub(super) fn add(&mut self, graph: &Graph, step: StepIndex) {
        self.total += 1;
        for lane in graph.lanes_of(step) {
            if self.lanes.is_empty() {
                self.lanes = vec![0; graph.lanes()];
            }
            self.lanes[lane] += 1;
        }
    }

    pub(super) fn remove(&mut self, graph: &Graph, step: StepIndex) {
        self.total -= 1;
        for lane in graph.lanes_of(step) {
            self.lanes[lane] -= 1;
        }
    }

    /// Returns how many more steps may begin in a lane, as far as its vCenter goes.
    pub(super) fn room(&self, graph: &Graph, lane: Lane) -> usize {
        let Some(limit) = graph.vcenter_limit().filter(|_| lane != vcenter::FREE) else { return usize::MAX };
        let busy = self.lanes.get(lane).copied().unwrap_or(0);
        usize::try_from(limit.saturating_sub(busy)).unwrap_or(usize::MAX)
    }
}
