//! Steps that are marked: asked at every turn, so that a bit stands for each.

use crate::graph::StepIndex;

/// Bits of a word.
const WORD: u32 = u64::BITS;

/// Marked steps.
#[derive(Debug)]
pub(super) struct Marks {
    words: Vec<u64>,
    count: usize,
}

const fn place(step: StepIndex) -> (usize, u64) {
    ((step / WORD) as usize, 1 << (step % WORD))
}

impl Marks {
    /// Returns none, for steps below `count`.
    pub(super) fn new(count: usize) -> Self {
        Self { words: vec![0; count.div_ceil(WORD as usize)], count: 0 }
    }

    /// Marks a step, and returns whether it was not marked before.
    pub(super) fn insert(&mut self, step: StepIndex) -> bool {
        let (word, bit) = place(step);
        let is_new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.count += usize::from(is_new);
        is_new
    }

    /// Takes the mark of a step away.
    pub(super) fn remove(&mut self, step: StepIndex) {
        let (word, bit) = place(step);
        self.count -= usize::from(self.words[word] & bit != 0);
        self.words[word] &= !bit;
    }

    /// Returns whether a step is marked.
    pub(super) fn contains(&self, step: StepIndex) -> bool {
        let (word, bit) = place(step);
        self.words[word] & bit != 0
    }

    /// Returns how many steps are marked.
    pub(super) const fn len(&self) -> usize {
        self.count
    }

    /// Returns whether no step is marked.
    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn steps_are_marked_that_were_marked_last() {
        let (mut marks, mut expected) = (Marks::new(130), BTreeSet::new());
        let mut random = fastrand::Rng::with_seed(2017);
        for _ in 0..2_000 {
            let step = random.u32(0..130);
            if random.bool() {
                assert_eq!(marks.insert(step), expected.insert(step));
            } else {
                marks.remove(step);
                expected.remove(&step);
            }
            assert_eq!(marks.contains(step), expected.contains(&step));
            assert_eq!((marks.len(), marks.is_empty()), (expected.len(), expected.is_empty()));
        }
    }
}
