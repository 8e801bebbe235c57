//! When steps look again: one moment for each, the earliest first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use jiff::Timestamp;

use crate::graph::StepIndex;

/// When steps look again.
#[derive(Debug)]
pub(super) struct Wakes {
    /// The moment that counts for each step.
    of: Vec<Option<Timestamp>>,
    /// Moments, also those that count no longer; the first one always counts.
    moments: BinaryHeap<Reverse<(Timestamp, StepIndex)>>,
}

impl Wakes {
    /// Returns none, for steps below `count`.
    pub(super) fn new(count: usize) -> Self {
        Self { of: vec![None; count], moments: BinaryHeap::new() }
    }

    /// Lets a step look again at a moment, and no longer at the one that was set before.
    pub(super) fn set(&mut self, step: StepIndex, at: Timestamp) {
        let before = self.of[step as usize].replace(at);
        if before != Some(at) {
            self.moments.push(Reverse((at, step)));
        }
        if before.is_some() {
            self.settle();
        }
    }

    /// Returns the first moment.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.moments.peek().map(|Reverse((at, _))| *at)
    }

    /// Returns whether no step looks again.
    pub(super) fn is_empty(&self) -> bool {
        self.moments.is_empty()
    }

    /// Takes the first step whose moment has come; of several of one moment, the one that comes first in the graph.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<StepIndex> {
        let Reverse((_, step)) = *self.moments.peek().filter(|Reverse((at, _))| *at <= now)?;
        self.moments.pop();
        self.of[step as usize] = None;
        self.settle();
        Some(step)
    }

    /// Drops moments that count no longer from the front.
    fn settle(&mut self) {
        while let Some(Reverse((at, step))) = self.moments.peek()
            && self.of[*step as usize] != Some(*at)
        {
            self.moments.pop();
        }
    }
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
