//! Who answers when a run asks.

use std::sync::Arc;

use async_trait::async_trait;

use crate::event::KnownAs;
use crate::graph::StepKind;
use crate::id::MachineName;
use crate::id::StepId;
use crate::provider::emulator::Deed;
use crate::provider::emulator::Emulator;

/// A question to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The step that asks.
    pub step: StepId,
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
    fn withdraw(&self, _step: &StepId) {}

    /// Returns whether the question is asked at the terminal that the run is shown on, so that displays stand back.
    fn is_at_terminal(&self) -> bool {
        false
    }
}

/// Whoever answers about the emulated site, where nobody else can do by hand what a question asks for: a yes does it.
pub struct AtEmulator {
    /// Who answers.
    pub approver: Arc<dyn Approver>,
    /// The site.
    pub site: Arc<Emulator>,
}

#[async_trait]
impl Approver for AtEmulator {
    async fn ask(&self, question: &Question) -> Reply {
        let reply = self.approver.ask(question).await;
        if let (Reply::Approved { .. }, Some(deed)) = (&reply, deed(&question.step))
            && let Err(error) = self.site.by_hand(&deed)
        {
            // The step looks at the site all the same, and says what it misses.
            tracing::warn!(%error, "what a person does by hand was not done");
        }
        reply
    }

    fn withdraw(&self, step: &StepId) {
        self.approver.withdraw(step);
    }

    fn is_at_terminal(&self) -> bool {
        self.approver.is_at_terminal()
    }
}

/// Returns what a person does before saying yes to the question of a step, if it is more than to look.
pub(crate) fn deed(step: &StepId) -> Option<Deed> {
    let machine = step.as_str().strip_prefix(StepKind::AwaitDeletion.as_str())?.strip_prefix('/')?;
    Some(Deed::DeleteOnpremVm { machine: MachineName::new(machine) })
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
