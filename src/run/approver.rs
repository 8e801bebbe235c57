//! Who answers when a run asks.

use async_trait::async_trait;

use crate::event::KnownAs;

/// A question to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The step that asks.
    pub step: crate::id::StepId,
    /// What is asked.
    pub prompt: String,
    /// Roles that may answer; empty: anybody.
    pub roles: Vec<String>,
}

/// An answer, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Yes.
    Approved {
        /// Who.
        by: String,
        /// How that is known.
        known_as: KnownAs,
    },
    /// No.
    Refused {
        /// Who.
        by: String,
        /// How that is known.
        known_as: KnownAs,
    },
    /// Nobody is there to answer.
    Nobody,
}

/// Answers questions.
#[async_trait]
pub trait Approver: Send + Sync {
    /// Asks, and returns when there is an answer.
    async fn ask(&self, question: &Question) -> Reply;

    /// Takes the question of a step back, because its time is over: nobody is waited for any more, and the answer that is
    /// being typed counts for nothing.
    fn withdraw(&self, _step: &crate::id::StepId) {}

    /// Returns whether the question is asked at the terminal that the run is shown on, so that displays stand back.
    fn is_at_terminal(&self) -> bool {
        false
    }
}

/// Says yes to everything, as the emulator may.
#[derive(Clone, Copy, Debug)]
pub struct AutoApprove;

#[async_trait]
impl Approver for AutoApprove {
    async fn ask(&self, _question: &Question) -> Reply {
        Reply::Approved { by: "auto-approve".into(), known_as: KnownAs::Simulated }
    }
}

/// Answers nothing.
#[derive(Clone, Copy, Debug)]
pub struct Unattended;

#[async_trait]
impl Approver for Unattended {
    async fn ask(&self, _question: &Question) -> Reply {
        Reply::Nobody
    }
}
