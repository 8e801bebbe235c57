//! When steps look again: one moment for each, the earliest first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use jiff::Timestamp;

use crate::clock::turn::Turn;
use crate::graph::StepIndex;

/// When steps look again.
#[derive(Debug)]
pub(super) struct Wakes {
    /// The turn that counts for each step.
    of: Vec<Option<Turn>>,
    /// Turns, also those that count no longer; the first one always counts.
    turns: BinaryHeap<Reverse<Turn>>,
}

impl Wakes {
    /// Returns none, for steps below `count`.
    pub(super) fn new(count: usize) -> Self {
        Self { of: vec![None; count], turns: BinaryHeap::new() }
    }

    /// Lets a step look again at a moment, and no longer at the one that was set before.
    pub(super) fn set(&mut self, step: StepIndex, at: Timestamp) {
        let turn = Turn::new(at, step.into());
        let before = self.of[step as usize].replace(turn);
        if before != Some(turn) {
            self.turns.push(Reverse(turn));
        }
        if before.is_some() {
            self.settle();
        }
    }

    /// Returns the first moment.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.turns.peek().map(|Reverse(turn)| turn.at())
    }

    /// Returns whether no step looks again.
    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Takes the first step whose moment has come; of several of one moment, the one that comes first in the graph.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<StepIndex> {
        let last = Turn::new(now, StepIndex::MAX.into());
        let Reverse(turn) = *self.turns.peek().filter(|Reverse(turn)| *turn <= last)?;
        self.turns.pop();
        let step = step_of(turn);
        self.of[step as usize] = None;
        self.settle();
        Some(step)
    }

    /// Drops turns that count no longer from the front.
    fn settle(&mut self) {
        while let Some(Reverse(turn)) = self.turns.peek()
            && self.of[step_of(*turn) as usize] != Some(*turn)
        {
            self.turns.pop();
        }
    }
}

fn step_of(turn: Turn) -> StepIndex {
    StepIndex::try_from(turn.number()).expect("it is the number of a step")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn steps_come_in_the_order_of_their_latest_moments() {
        let (mut wakes, mut expected) = (Wakes::new(50), BTreeMap::new());
        let mut random = fastrand::Rng::with_seed(2017);
        for now in 0..4_000 {
            for _ in 0..random.u8(0..3) {
                let (step, at) = (random.u32(0..50), now + random.i64(0..40));
                wakes.set(step, second(at));
                expected.insert(step, at);
            }
            assert_eq!(wakes.next(), expected.values().min().map(|at| second(*at)));
            assert_eq!(wakes.is_empty(), expected.is_empty());
            let mut due: Vec<(i64, StepIndex)> =
                expected.extract_if(.., |_, at| *at <= now).map(|(step, at)| (at, step)).collect();
            due.sort_unstable();
            let popped: Vec<StepIndex> = std::iter::from_fn(|| wakes.pop(second(now))).collect();
            assert_eq!(popped, due.into_iter().map(|(_, step)| step).collect::<Vec<_>>());
        }
    }
}
