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

/// Part of its estimate after which a step begins to be late rather than slow at first; ours.
const NEARLY: f64 = 0.9;

/// The time that is left of a run, kept so that its memory is used again.
#[derive(Clone, Debug, Default)]
pub struct Remaining {
    /// Seconds from now to the end of the longest way that begins with each step; 0 for settled ones.
    ways: Vec<f64>,
    seconds: f64,
    /// Seconds that each step is expected to wait for room after all that it comes after has ended; none if that is not known.
    waits: Vec<f64>,
}

impl Remaining {
    /// Returns the same, which knows how long each step is expected to wait for a place, a server's disks or the window, in
    /// seconds, in the order of the graph.
    #[must_use]
    pub fn waiting(waits: Vec<f64>) -> Self {
        Self { waits, ..Self::default() }
    }

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
            let expected = Expected {
                takes: weights.get(at).copied().unwrap_or(0.0),
                waits: self.waits.get(at).copied().unwrap_or(0.0),
            };
            let (wait, own) = own(state, step, expected, now, done.get(&step).copied());
            let rest = graph.after(step).iter().map(|next| self.ways[*next as usize]).fold(0.0, f64::max);
            self.ways[at] = wait + own + rest;
            longest = longest.max(wait + own + rest);
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

/// What a step is expected to take, and to wait for room before, in seconds.
#[derive(Clone, Copy, Debug)]
struct Expected {
    takes: f64,
    waits: f64,
}

/// Returns the seconds that a step still waits for room, and that it still takes.
#[expect(clippy::cast_precision_loss, reason = "times in seconds are far below what a float holds exactly")]
fn own(
    state: &RunState,
    step: StepIndex,
    expected: Expected,
    now: Timestamp,
    done: Option<f64>,
) -> (f64, f64) {
    let graph = state.graph();
    let is_mutating = graph.step(step).kind.is_mutating();
    let since = |at: Timestamp| seconds_between(at, now).0 as f64;
    let Expected { takes, waits } = expected;
    let described = state.step(step);
    match described.status {
        StepStatus::Waiting => (waits, takes),
        StepStatus::Ready => {
            let ended = graph.before(step).iter().filter_map(|before| state.step(*before).ended_at).max();
            ((waits - ended.or(state.started_at()).map_or(0.0, since)).max(0.0), takes)
        }
        StepStatus::Running => {
            if let Some(retry_at) = described.retry_at.filter(|retry_at| *retry_at > now) {
                return (0.0, takes + seconds_between(now, retry_at).0 as f64);
            }
            let passed = described.started_at.map_or(0.0, since);
            // It has begun, and waits for room before it asks for anything.
            if is_mutating && waits > 0.0 && described.sent_at.is_none() {
                return ((waits - passed).max(0.0), takes);
            }
            let passed = match described.sent_at.filter(|_| is_mutating) {
                Some(sent) => since(sent),
                None => passed,
            };
            (0.0, left_of(takes, passed, done))
        }
        StepStatus::Asked
        | StepStatus::Succeeded
        | StepStatus::Adopted
        | StepStatus::Skipped
        | StepStatus::Failed
        | StepStatus::Blocked => (0.0, 0.0),
    }
}

/// Returns the seconds that are left of what is expected to take `takes`, has taken `passed`, and is done to a part.
///
/// What shares a line is slow at first and faster when others are done, which the expectation knows and its own pace does not:
/// the pace counts for what is ahead of the expectation, and for what is late.
fn left_of(takes: f64, passed: f64, done: Option<f64>) -> f64 {
    let expected = takes - passed;
    let Some(done) = done.filter(|done| *done > 0.0).map(|done| done.min(1.0)) else {
        return expected.max(takes * LATE);
    };
    let pace = passed * (1.0 - done) / done;
    if pace < expected {
        return f64::midpoint(pace, expected);
    }
    let lateness =
        if takes > 0.0 { ((passed / takes - NEARLY) / (1.0 - NEARLY)).clamp(0.0, 1.0) } else { 1.0 };
    expected.max((1.0 - done) * passed.max(takes * LATE) * lateness)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(left: f64, expected: f64) {
        assert!((left - expected).abs() < 1.0, "{left} is not {expected}");
    }

    #[test]
    fn a_shared_line_that_is_slow_at_first_moves_no_end() {
        // Four machines share a line, and the first that are done leave it to the last: 10 % after half of the time.
        for (passed, done) in [(900.0, 0.02), (1800.0, 0.1), (2700.0, 0.4), (3200.0, 0.8)] {
            close(left_of(3600.0, passed, Some(done)), 3600.0 - passed);
        }
        close(left_of(3600.0, 1800.0, None), 1800.0);
    }

    #[test]
    fn what_is_ahead_and_what_is_late_goes_by_its_own_pace() {
        close(left_of(3600.0, 900.0, Some(0.5)), f64::midpoint(900.0, 2700.0));
        close(left_of(3600.0, 7200.0, Some(0.5)), 3600.0);
        let mut before = left_of(3600.0, 3240.0, Some(0.5));
        for passed in [3300.0, 3400.0, 3500.0, 3600.0, 4000.0] {
            let after = left_of(3600.0, passed, Some(0.5));
            assert!(after >= before - 100.0, "{before} {after}: it does not fall when nothing moves");
            before = after;
        }
        close(left_of(3600.0, 9000.0, None), 3600.0 * LATE);
    }
}
