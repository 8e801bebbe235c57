//! What people order a run to do while another process drives it: letters, which the owner of the run turns into events.

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::event::JournalError;
use crate::event::KnownAs;
use crate::event::Signed;
use crate::id::MachineName;
use crate::id::StepId;

/// One order to a run, as it was put into its inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its number: later letters of a run have greater ones.
    pub id: u64,
    /// When it was sent, by the sender's clock.
    pub at: Timestamp,
    /// Who sent it.
    pub by: String,
    /// How that is known.
    pub known_as: KnownAs,
    /// Roles that the server of a session attests; none for a person who is known in another way.
    pub roles: Vec<String>,
    /// What is to be done.
    pub order: Order,
    /// Its signature, if the sender is known by that.
    pub signed: Option<Signed>,
    /// Who withdrew it before it was taken.
    pub withdrawn_by: Option<String>,
}

/// A question as it was shown to the person who answers it: an answer to another one, of the same step, counts for nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The step that asks.
    pub step: StepId,
    /// Place of the event that asked.
    pub question: u64,
}

/// What a letter orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// To answer questions with yes.
    Approve {
        /// The questions.
        questions: Vec<Shown>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// To answer questions with no.
    Deny {
        /// The questions.
        questions: Vec<Shown>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// To leave a step out.
    SkipStep {
        /// The step.
        step: StepId,
        /// Why.
        reason: String,
    },
    /// To leave a machine out.
    SkipMachine {
        /// The machine.
        machine: MachineName,
        /// Why.
        reason: String,
        /// Whether what depends on it goes on without it.
        release_dependents: bool,
    },
    /// To do a failed step again.
    Retry {
        /// The step.
        step: StepId,
        /// Whether the steps that it blocked are done, too.
        downstream: bool,
        /// Whether a person attached the disks of its machines to their server again, after that was moved.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        disks_attached: bool,
    },
    /// Not to follow an order that was not taken yet.
    Withdraw {
        /// The number of its letter.
        letter: u64,
    },
    /// To end the run.
    Cancel {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Whether planned failovers that can still be taken back are.
        failovers: bool,
    },
}

impl Order {
    /// Returns what is ordered, in words that follow `orders`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let steps = |questions: &[Shown]| {
            let steps: Vec<&str> = questions.iter().map(|shown| shown.step.as_str()).collect();
            steps.join(", ")
        };
        let because = |reason: &Option<String>| {
            reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default()
        };
        match self {
            Self::Approve { questions, reason } => format!("yes to {}{}", steps(questions), because(reason)),
            Self::Deny { questions, reason } => format!("no to {}{}", steps(questions), because(reason)),
            Self::SkipStep { step, reason } => format!("{step} to be left out ({reason})"),
            Self::SkipMachine { machine, reason, release_dependents } => {
                let others = if *release_dependents { " and what depends on it to go on" } else { "" };
                format!("{machine} to be taken out{others} ({reason})")
            }
            Self::Retry { step, downstream, disks_attached } => {
                let others = if *downstream { " with what it blocked" } else { "" };
                let attached =
                    if *disks_attached { ", its machines' disks being attached again" } else { "" };
                format!("{step} to be done again{others}{attached}")
            }
            Self::Withdraw { letter } => format!("order {letter} to be withdrawn"),
            Self::Cancel { reason, failovers } => {
                let back = if *failovers { " and planned failovers to be taken back" } else { "" };
                format!("the run to be cancelled{back}{}", because(reason))
            }
        }
    }
}

/// Notes at the letters that later ones of the same delivery withdraw who did that.
pub fn withdraw(letters: &mut [Letter]) {
    for at in 0..letters.len() {
        let Order::Withdraw { letter } = letters[at].order else { continue };
        let by = letters[at].by.clone();
        let earlier = letters[..at].iter_mut().find(|earlier| earlier.id == letter);
        if let Some(earlier) = earlier.filter(|earlier| !matches!(earlier.order, Order::Withdraw { .. })) {
            earlier.withdrawn_by.get_or_insert(by);
        }
    }
}

/// Where the letters to one run arrive.
pub trait Inbox {
    /// Returns the letters after the one that has the number `last`, in their order; 0 asks for all.
    ///
    /// # Errors
    ///
    /// [`JournalError`] if they can't be read.
    fn since(&mut self, last: u64) -> Result<Vec<Letter>, JournalError>;
}
