//! Steps that have begun and want to change something now, and find no place free.
//!
//! They come before steps that have not begun: the plan's window may be open for them now, and closed when the others are done.

use std::collections::BTreeMap;

use crate::event::RunState;
use crate::graph::Rank;
use crate::graph::StepIndex;
use crate::graph::vcenter::Lane;
use crate::run::machine;

/// Claims, the most urgent first; `true` for those that were called since.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    steps: BTreeMap<Rank, bool>,
}

impl Claims {
    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Notes that a step wants to send when a place is free.
    pub fn add(&mut self, state: &RunState, step: StepIndex) {
        self.steps.insert(state.graph().rank(step), false);
    }

    /// Forgets that a step wants to send, and returns whether it did.
    pub fn remove(&mut self, state: &RunState, step: StepIndex) -> bool {
        !self.is_empty() && self.steps.remove(&state.graph().rank(step)).is_some()
    }

    /// Returns how many places of a lane are kept for claims.
    #[must_use]
    pub fn kept_in(&self, state: &RunState, lane: Lane) -> usize {
        self.steps.keys().filter(|rank| state.graph().lane(state.graph().ranked(**rank)) == lane).count()
    }

    /// Returns how many places are kept for claims in all: in a vCenter's lane, no more than it has room for.
    #[must_use]
    pub fn kept(&self, state: &RunState) -> usize {
        if state.graph().vcenter_limit().is_none() || self.steps.is_empty() {
            return self.steps.len();
        }
        (0..state.graph().lanes()).map(|lane| self.kept_in(state, lane).min(state.room_in(lane))).sum()
    }

    /// Returns the steps that places have come free for since they claimed one, each once.
    pub fn call(&mut self, state: &RunState) -> Vec<StepIndex> {
        if self.steps.is_empty() {
            return Vec::new();
        }
        let graph = state.graph();
        let called = self.steps.values().filter(|called| **called).count();
        let mut free = machine::free_places(state).saturating_sub(called);
        let mut room: Vec<usize> = (0..graph.lanes()).map(|lane| state.room_in(lane)).collect();
        for (rank, _) in self.steps.iter().filter(|(_, called)| **called) {
            let room = &mut room[graph.lane(graph.ranked(*rank))];
            *room = room.saturating_sub(1);
        }
        let mut steps = Vec::new();
        for (rank, called) in self.steps.iter_mut().filter(|(_, called)| !**called) {
            let step = graph.ranked(*rank);
            let room = &mut room[graph.lane(step)];
            if free == 0 {
                break;
            }
            if *room == 0 || !machine::has_room(state, step) {
                continue;
            }
            (free, *room, *called) = (free - 1, *room - 1, true);
            steps.push(step);
        }
        steps
    }
}
