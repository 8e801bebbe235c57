//! Orders of persons, judged again: each leads to what it is said to have led to, and nothing that wants an order came without one.

use std::collections::VecDeque;

use crate::event::Letter;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::evidence::check::finding::Findings;
use crate::evidence::check::finding::Matter;
use crate::run::order;
use crate::run::order::Verdict;

/// Follows the orders that a run took.
#[derive(Debug)]
pub struct Orders {
    /// What the last order leads to and has not come yet.
    expected: VecDeque<RunEventKind>,
    /// Whether the program that ran is this one, so that its judgement is this one.
    same_program: bool,
}

impl Orders {
    /// Returns the orders before the first event.
    #[must_use]
    pub const fn new(same_program: bool) -> Self {
        Self { expected: VecDeque::new(), same_program }
    }

    /// Takes the next event, before the state takes it, and writes what it breaks.
    pub fn take(&mut self, state: &RunState, event: &RunEvent, findings: &mut Findings) {
        if let Some(expected) = self.expected.pop_front() {
            if expected != event.kind {
                self.expected.clear();
                let message = "it is not what the order before it leads to";
                self.contradicts(message.to_owned(), event, findings);
            }
            return;
        }
        match &event.kind {
            RunEventKind::OrderTaken { .. } => self.judge(state, event, findings),
            RunEventKind::StepSkipped { .. }
            | RunEventKind::MachineTakenOut { .. }
            | RunEventKind::StepReopened { .. }
            | RunEventKind::Cancelling { .. } => {
                findings.refuted(Matter::Order, "a person orders that, and nobody did").at(event);
            }
            _ => {}
        }
    }

    /// Writes what is missing when there are no more events.
    pub fn end(&self, findings: &mut Findings) {
        if !self.expected.is_empty() {
            findings.refuted(Matter::Order, "the events end in the middle of an order");
        }
    }

    fn judge(&mut self, state: &RunState, event: &RunEvent, findings: &mut Findings) {
        let RunEventKind::OrderTaken {
            letter,
            by,
            known_as,
            roles,
            order,
            refused,
            sent_at,
            withdrawn,
            signed,
        } = &event.kind
        else {
            return;
        };
        let letter = Letter {
            id: *letter,
            at: sent_at.unwrap_or(event.at),
            by: by.clone(),
            known_as: *known_as,
            roles: roles.clone(),
            order: order.clone(),
            signed: signed.clone(),
            // Who withdrew it stands in words alone.
            withdrawn_by: withdrawn.then(String::new),
        };
        let Verdict { effects, refused: again } = order::judge(state, &letter);
        if again.is_some() != refused.is_some() {
            let message = match &again {
                Some(why) => format!("it is said to have been followed, and is not to be: {why}"),
                None => "it is said to have been refused, and nothing speaks against it".to_owned(),
            };
            self.contradicts(message, event, findings);
        }
        self.expected = effects.into();
    }

    /// Another version of the program may judge otherwise.
    fn contradicts(&self, message: String, event: &RunEvent, findings: &mut Findings) {
        if self.same_program {
            findings.refuted(Matter::Order, message).at(event);
        } else {
            findings.open(Matter::Order, message).at(event);
        }
    }
}
