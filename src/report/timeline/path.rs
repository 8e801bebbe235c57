//! The measured critical path: what the end of a run, or of a stretch of it, waited for.

use jiff::Timestamp;

use crate::graph::StepIndex;
use crate::report::seconds_between;
use crate::report::timeline::Recording;
use crate::report::timeline::Spent;

/// Returns the steps that the run's last end waited for, in order: from the last step back through the one among those
/// that it waited for which ended last.
pub(super) fn critical(recording: &Recording) -> Vec<Spent> {
    let ran = |step: &StepIndex| recording.steps[*step as usize].began.is_some();
    let last = (0..).take(recording.steps.len()).filter(ran).max_by_key(|step| end(recording, *step));
    last.map_or(Vec::new(), |last| back_from(recording, last, recording.state.started_at()))
}

/// Returns the step that most of the time from `from` to the end of `last` belongs to.
pub(super) fn longest(recording: &Recording, last: StepIndex, from: Option<Timestamp>) -> Option<Spent> {
    let path = back_from(recording, last, from);
    // Of steps that took equally long, the first.
    path.into_iter().rev().max_by_key(|spent| spent.seconds)
}

/// Returns when a step ended, or the run's last event if it goes on.
fn end(recording: &Recording, step: StepIndex) -> Option<Timestamp> {
    recording.state.step(step).ended_at.or(recording.state.last_at())
}

fn back_from(recording: &Recording, last: StepIndex, from: Option<Timestamp>) -> Vec<Spent> {
    let graph = recording.state.graph();
    let mut path = Vec::new();
    let mut at = Some(last);
    while let Some(step) = at {
        let ended = end(recording, step);
        let before = graph.before(step).iter().copied();
        // Of steps that ended at the same moment, one that took time says more than one that was skipped.
        let cause = before
            .filter(|before| recording.state.step(*before).ended_at.is_some())
            .max_by_key(|before| (end(recording, *before), recording.steps[*before as usize].began));
        let since = cause.and_then(|cause| end(recording, cause)).or(recording.state.started_at()).max(from);
        let seconds = since.zip(ended).map_or(0, |(since, ended)| seconds_between(since, ended).0);
        if recording.steps[step as usize].began.is_some() {
            path.push(Spent { step: graph.step(step).id.clone(), seconds });
        }
        at = cause.filter(|cause| end(recording, *cause) > from);
    }
    path.reverse();
    path
}
