//! A set of steps whose first members are asked for at every turn: a bit for each step, and above each word of bits one that tells
//! whether any of them is set.

use crate::graph::StepIndex;

/// Bits of a word.
const WORD: u32 = u64::BITS;

/// Steps, in the order of their indexes.
#[derive(Clone, Debug, Default)]
pub(super) struct StepSet {
    /// Bits of the steps first, then those of the words below.
    levels: Vec<Vec<u64>>,
}

const fn place(at: u32) -> (usize, u64) {
    ((at / WORD) as usize, 1 << (at % WORD))
}

impl StepSet {
    /// Returns an empty set that takes steps below `count`.
    pub(super) fn new(count: usize) -> Self {
        let mut levels = vec![vec![0; count.div_ceil(WORD as usize).max(1)]];
        while let Some(below) = levels.last().map(Vec::len).filter(|below| *below > 1) {
            levels.push(vec![0; below.div_ceil(WORD as usize)]);
        }
        Self { levels }
    }

    pub(super) fn insert(&mut self, step: StepIndex) {
        let mut at = step;
        for level in &mut self.levels {
            let (word, bit) = place(at);
            let before = level[word];
            level[word] |= bit;
            if before != 0 {
                return;
            }
            at /= WORD;
        }
    }

    /// Takes a step out, and returns whether it was in.
    pub(super) fn remove(&mut self, step: StepIndex) -> bool {
        if !self.contains(step) {
            return false;
        }
        let mut at = step;
        for level in &mut self.levels {
            let (word, bit) = place(at);
            level[word] &= !bit;
            if level[word] != 0 {
                break;
            }
            at /= WORD;
        }
        true
    }

    pub(super) fn contains(&self, step: StepIndex) -> bool {
        let (word, bit) = place(step);
        self.levels[0][word] & bit != 0
    }

    /// Returns the steps from the first on.
    pub(super) fn iter(&self) -> impl Iterator<Item = StepIndex> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let step = self.next(from)?;
            from = step + 1;
            Some(step)
        })
    }

    /// Returns the first step that is not before another.
    fn next(&self, from: StepIndex) -> Option<StepIndex> {
        // The highest level is one word: most sets are asked while nothing is in them.
        if self.levels.last().is_none_or(|top| top.iter().all(|word| *word == 0)) {
            return None;
        }
        let mut at = from;
        for (height, level) in self.levels.iter().enumerate() {
            let (word, bit) = place(at);
            let rest = level.get(word)? & !(bit - 1);
            if rest != 0 {
                let found = at / WORD * WORD + rest.trailing_zeros();
                let down = self.levels[..height].iter().rev();
                return Some(down.fold(found, |at, level| at * WORD + level[at as usize].trailing_zeros()));
            }
            at = at / WORD + 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn it_holds_what_an_ordered_set_holds() {
        for count in [1_u32, 63, 64, 65, 4_096, 4_097, 300_000] {
            let (mut set, mut ordered) = (StepSet::new(count as usize), BTreeSet::new());
            let mut random = fastrand::Rng::with_seed(count.into());
            for _ in 0..2_000 {
                let step = random.u32(0..count);
                if random.bool() {
                    set.insert(step);
                    ordered.insert(step);
                } else {
                    assert_eq!(set.remove(step), ordered.remove(&step));
                }
                assert_eq!(set.contains(step), ordered.contains(&step));
                assert_eq!(set.iter().next(), ordered.first().copied());
            }
            assert_eq!(set.iter().collect::<Vec<_>>(), ordered.into_iter().collect::<Vec<_>>(), "{count}");
        }
    }
}
