//! Places of operations that change something, as a run gives them: so many at once in all, and so many under each vCenter.

use std::collections::BTreeSet;

use crate::graph::Graph;
use crate::graph::Rank;
use crate::graph::StepIndex;
use crate::graph::vcenter;
use crate::graph::vcenter::Lane;

/// Places, and the steps that wait for one.
pub(super) struct Places<'g> {
    graph: &'g Graph,
    /// Operations at once; `None`: no limit.
    most: Option<u32>,
    /// Operations at once under one vCenter; `None`: no limit.
    most_per_vcenter: Option<u32>,
    running: u32,
    /// Running operations, by lane.
    busy: Vec<u32>,
    /// Steps that found no place, by lane: those that have to begin inside a window first (`false`), then the most urgent.
    waiting: Vec<BTreeSet<(bool, Rank)>>,
}

impl<'g> Places<'g> {
    pub(super) fn new(graph: &'g Graph, most: Option<u32>, most_per_vcenter: Option<u32>) -> Self {
        Self {
            graph,
            most,
            most_per_vcenter,
            running: 0,
            busy: vec![0; graph.lanes()],
            waiting: vec![BTreeSet::new(); graph.lanes()],
        }
    }

    /// Gives a step a place, or lets it wait: `inside` says that it has to begin inside a window. Returns whether it has one.
    pub(super) fn take(&mut self, step: StepIndex, inside: bool) -> bool {
        let lanes = self.graph.lanes_of(step);
        if self.is_full() || lanes.iter().any(|lane| self.is_lane_full(*lane)) {
            self.waiting[self.graph.lane(step)].insert((!inside, self.graph.rank(step)));
            return false;
        }
        self.running += 1;
        for lane in lanes {
            self.busy[lane] += 1;
        }
        true
    }

    /// Takes a step's place back.
    pub(super) fn give_back(&mut self, step: StepIndex) {
        self.running -= 1;
        for lane in self.graph.lanes_of(step) {
            self.busy[lane] -= 1;
        }
    }

    /// Takes the next step that waits and finds a place out of those that wait.
    pub(super) fn next(&mut self) -> Option<StepIndex> {
        if self.is_full() {
            return None;
        }
        let has_room = |rank: Rank| {
            let lanes = self.graph.lanes_of(self.graph.ranked(rank));
            lanes.iter().all(|lane| !self.is_lane_full(*lane))
        };
        let firsts = (0..self.waiting.len()).filter(|lane| !self.is_lane_full(*lane)).filter_map(|lane| {
            let first = self.waiting[lane].iter().find(|(_, rank)| has_room(*rank))?;
            Some((*first, lane))
        });
        let (first, lane) = firsts.min()?;
        self.waiting[lane].remove(&first);
        Some(self.graph.ranked(first.1))
    }

    fn is_full(&self) -> bool {
        self.most.is_some_and(|most| self.running >= most)
    }

    fn is_lane_full(&self, lane: Lane) -> bool {
        lane != vcenter::FREE && self.most_per_vcenter.is_some_and(|most| self.busy[lane] >= most)
    }
}
