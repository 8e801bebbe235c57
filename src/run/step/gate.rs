//! What the service leaves to a person for a whole replication group: one step asks, the others wait for the answer.

use crate::event::Answer;
use crate::event::RunState;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::id::StepId;

/// The one question about a replication group whose reprotect is left to a person.
#[derive(Clone, Copy, Debug)]
pub struct Gate<'c> {
    /// The step that asks it, for all members.
    pub asked_by: StepIndex,
    /// What a person answered.
    pub answer: Option<&'c Answer>,
}

impl<'c> Gate<'c> {
    /// Returns the gate of a reprotect that was handed over; `None` if it was not.
    #[must_use]
    pub fn of(state: &'c RunState, step: StepIndex) -> Option<Self> {
        let (graph, own) = (state.graph(), state.step(step));
        if !own.handed_over {
            return None;
        }
        let alone = Self { asked_by: step, answer: own.answer.as_ref() };
        let group = graph.machines_of(step).first().and_then(|machine| machine.group());
        let Some(group) = group else { return Some(alone) };
        let mut gate = alone;
        for member in group.members() {
            let id = StepId::new(format!("{}/{}", StepKind::Reprotect.as_str(), member.name().value));
            let Some(other) = graph.find(&id).filter(|other| state.step(*other).handed_over) else {
                continue;
            };
            let at = state.step(other);
            gate.answer = gate.answer.or(at.answer.as_ref());
            if !at.status.is_settled() {
                gate.asked_by = gate.asked_by.min(other);
            }
        }
        Some(gate)
    }
}
