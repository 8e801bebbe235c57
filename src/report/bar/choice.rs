//! Which of the machines and groups that run have a line of the display.

use std::collections::HashMap;
use std::collections::HashSet;

use crate::event::RunState;
use crate::event::StepStatus;
use crate::graph::StepIndex;
use crate::graph::StepSubject;
use crate::report::eta::Remaining;

/// Machines that are shown at once: what a small terminal has room for, and what a person can follow.
const SLOTS: usize = 12;

/// Why a running step is shown before others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// A person is waited for.
    Asked,
    /// Its last attempt failed.
    Retries,
    /// Its guard is closed.
    HeldBack,
    /// It runs.
    None,
}

/// A step that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Running {
    pub step: StepIndex,
    pub urgency: Urgency,
}

/// What has a line, kept from one look to the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Choice {
    /// Steps whose guard is closed.
    held_back: HashSet<StepIndex>,
    /// What has a line, the most urgent first.
    shown: Vec<StepSubject>,
}

impl Choice {
    /// Takes what a guard said.
    pub fn guard(&mut self, step: StepIndex, passed: bool) {
        if passed {
            self.held_back.remove(&step);
        } else {
            self.held_back.insert(step);
        }
    }

    /// Returns what has a line, the most urgent first.
    pub fn shown(&self) -> impl Iterator<Item = StepSubject> {
        self.shown.iter().copied()
    }

    /// Chooses again, and returns what runs: one step for each subject, the most urgent.
    ///
    /// What has a line keeps it until it ends, so that a person can follow it; only what is urgent takes its place. A free
    /// line goes to what is urgent, then to what has the longest way before it.
    pub fn update(&mut self, state: &RunState, left: &Remaining) -> HashMap<StepSubject, Running> {
        let mut running: HashMap<StepSubject, Running> = HashMap::new();
        for step in state.active() {
            let urgency = self.urgency(step, state);
            let entry = running.entry(state.graph().step(step).subject).or_insert(Running { step, urgency });
            if urgency < entry.urgency {
                *entry = Running { step, urgency };
            }
        }
        self.shown.retain(|subject| running.contains_key(subject));
        let kept: HashSet<StepSubject> = self.shown.iter().copied().collect();
        let mut others: Vec<(Running, StepSubject)> = running
            .iter()
            .filter(|(subject, _)| !kept.contains(subject))
            .map(|(subject, runs)| (*runs, *subject))
            .collect();
        let order = |one: &(Running, StepSubject), other: &(Running, StepSubject)| {
            let (one, other) = (one.0, other.0);
            let by_way = left.way(other.step).total_cmp(&left.way(one.step));
            one.urgency.cmp(&other.urgency).then(by_way).then(one.step.cmp(&other.step))
        };
        if others.len() > SLOTS {
            others.select_nth_unstable_by(SLOTS, order);
            others.truncate(SLOTS);
        }
        others.sort_unstable_by(order);
        for (runs, subject) in others {
            if self.shown.len() >= SLOTS {
                let calm = self.shown.iter().rposition(|shown| running[shown].urgency == Urgency::None);
                let Some(calm) = calm.filter(|_| runs.urgency != Urgency::None) else { break };
                self.shown.remove(calm);
            }
            self.shown.push(subject);
        }
        self.shown.sort_by_key(|subject| running[subject].urgency);
        running
    }

    fn urgency(&self, step: StepIndex, state: &RunState) -> Urgency {
        let step_state = state.step(step);
        if step_state.status == StepStatus::Asked || state.graph().needs_approval(step) {
            Urgency::Asked
        } else if step_state.retry_at.is_some() && step_state.intent.is_none() {
            Urgency::Retries
        } else if self.held_back.contains(&step) {
            Urgency::HeldBack
        } else {
            Urgency::None
        }
    }
}
