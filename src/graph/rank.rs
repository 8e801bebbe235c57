//! Which of several steps that may begin goes first.

use crate::graph::StepIndex;

/// The place of a step among those that want to begin at the same moment: the least goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rank(u32);

impl Rank {
    /// Returns a rank; only ranks that a graph gave stand for its steps.
    #[must_use]
    pub const fn new(rank: u32) -> Self {
        Self(rank)
    }

    /// Returns its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// The ranks of all steps of a graph.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranks {
    of: Vec<Rank>,
    steps: Vec<StepIndex>,
}

impl Ranks {
    /// Returns the ranks of steps of which the one with the longest way to the end of the run goes first; among equals, the
    /// plan's order holds.
    pub(super) fn by_remaining(remaining: &[f64]) -> Self {
        let mut steps: Vec<StepIndex> = (0..).zip(remaining).map(|(step, _)| step).collect();
        steps.sort_by(|one, other| remaining[*other as usize].total_cmp(&remaining[*one as usize]));
        let mut of = vec![Rank(0); steps.len()];
        for (rank, step) in (0..).zip(&steps) {
            of[*step as usize] = Rank(rank);
        }
        Self { of, steps }
    }

    pub(super) fn of(&self, step: StepIndex) -> Rank {
        self.of[step as usize]
    }

    pub(super) fn step(&self, rank: Rank) -> StepIndex {
        self.steps[rank.0 as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_way_goes_first_and_equals_keep_their_order() {
        let ranks = Ranks::by_remaining(&[10.0, 30.0, 10.0, 20.0]);
        let order: Vec<StepIndex> = (0..4).map(|rank| ranks.step(Rank(rank))).collect();
        assert_eq!(order, [1, 3, 0, 2]);
        assert_eq!(ranks.of(3), Rank(1));
    }
}
