//! How long a run still takes: the longest way through the steps that are left.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::event::RunState;
use crate::event::StepStatus;
use crate::graph::StepIndex;
use crate::report::seconds_between;

/// Part of its estimate that a step is thought to need still when it has taken longer than that and nobody knows how
/// far it is; ours.
const LATE: f64 = 0.05;

/// Operations at once if the plan says nothing, as its schema has it.
const MAX_PARALLEL: u16 = 20;

/// The time that is left of a run, kept so that its memory is used again.
#[derive(Clone, Debug, Default)]
pub struct Remaining {
    /// Seconds from now to the end of the longest way that begins with each step; 0 for settled ones.
    ways: Vec<f64>,
    seconds: f64,
}

impl Remaining {
    /// Works out the time that is left, in seconds, in one pass over steps and edges.
    ///
    /// `weights` are the estimates of the steps in seconds, in the order of the graph; a step without one counts as
    /// instant, and so does the answer of a person. `done` is the part that is done of running steps, 0 to 1.
    pub fn update(
        &mut self,
        state: &RunState,
        weights: &[f64],
        now: Timestamp,
        done: &HashMap<StepIndex, f64>,
    ) -> f64 {
        let graph = state.graph();
        let count = graph.steps().len();
        self.ways.clear();
        self.ways.resize(count, 0.0);
        let (mut longest, mut changing) = (0.0_f64, 0.0_f64);
        // Steps come after those that they wait for, so backwards every way's rest is known.
        for at in (0..count).rev() {
            let step = StepIndex::try_from(at).expect("indexes are 32 bits wide");
            if state.step(step).status.is_settled() {
                continue;
            }
            let own =
                own(state, step, weights.get(at).copied().unwrap_or(0.0), now, done.get(&step).copied());
            let rest = graph.after(step).iter().map(|next| self.ways[*next as usize]).fold(0.0, f64::max);
            self.ways[at] = own + rest;
            longest = longest.max(own + rest);
            if graph.step(step).kind.is_mutating() {
                changing += own;
            }
        }
        let execution = graph.model().plan.execution.as_ref();
        let parallel = execution.and_then(|execution| execution.max_parallel).map(|most| most.value);
        // So many operations can't be done sooner than with every place taken all the time.
        self.seconds = longest.max(changing / f64::from(parallel.unwrap_or(MAX_PARALLEL).max(1)));
        self.seconds
    }

    /// Returns the seconds that were left at the last update.
    #[must_use]
    pub const fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Returns the seconds to the end of the longest way that begins with a step, as of the last update.
    #[must_use]
    pub fn way(&self, step: StepIndex) -> f64 {
        self.ways.get(step as usize).copied().unwrap_or(0.0)
    }
}

/// Returns the seconds that a run still takes; see [`Remaining::update`].
#[must_use]
pub fn remaining(state: &RunState, weights: &[f64], now: Timestamp, done: &HashMap<StepIndex, f64>) -> f64 {
    Remaining::default().update(state, weights, now, done)
}

/// Returns the seconds that a step itself still takes.
#[expect(clippy::cast_precision_loss, reason = "times in seconds are far below what a float holds exactly")]
fn own(state: &RunState, step: StepIndex, weight: f64, now: Timestamp, done: Option<f64>) -> f64 {
    let step = state.step(step);
    match step.status {
        StepStatus::Waiting | StepStatus::Ready => weight,
        StepStatus::Running => {
            if let Some(retry_at) = step.retry_at.filter(|retry_at| *retry_at > now) {
                return weight + seconds_between(now, retry_at).0 as f64;
            }
            let passed = step.started_at.map_or(0.0, |began| seconds_between(began, now).0 as f64);
            match done.filter(|done| *done > 0.0) {
                // `weight - passed` are left by its estimate and `passed / done * left` by its own pace; the further it is,
                // the more its pace says, since machines that share a line are slow at first.
                Some(done) => {
                    let left = 1.0 - done.min(1.0);
                    left * weight.max(passed + weight * LATE)
                }
                None => (weight - passed).max(weight * LATE),
            }
        }
        StepStatus::Asked
        | StepStatus::Succeeded
        | StepStatus::Adopted
        | StepStatus::Skipped
        | StepStatus::Failed
        | StepStatus::Blocked => 0.0,
    }
}
