//! Who answers when a run asks.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::event::KnownAs;
use crate::event::RunState;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::id::MachineName;
use crate::id::StepId;
use crate::provider::Request;
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
    /// Place of the event that asked.
    pub number: u64,
    /// Whether a yes takes back what the plan wants, so that only a person can mean it.
    pub is_exception: bool,
    /// What a person does in the portal before saying yes, where the site takes it from no program.
    pub by_hand: Vec<Request>,
    /// When the answer comes too late, and what happens then: `stop` or `proceed`.
    pub until: Option<(Timestamp, String)>,
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

    /// Returns the person who would answer, if one is known before the question is asked.
    fn person(&self) -> Option<String> {
        None
    }

    /// Learns that a person said yes to a question by other means.
    fn approved_elsewhere(&self, _question: &Question) {}

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
        if let Reply::Approved { .. } = reply {
            self.approved_elsewhere(question);
        }
        reply
    }

    fn person(&self) -> Option<String> {
        self.approver.person()
    }

    fn approved_elsewhere(&self, question: &Question) {
        for deed in deeds(question) {
            if let Err(error) = self.site.by_hand(&deed) {
                // The step looks at the site all the same, and says what it misses.
                tracing::warn!(%error, "what a person does by hand was not done");
            }
        }
    }

    fn withdraw(&self, step: &StepId) {
        self.approver.withdraw(step);
    }

    fn is_at_terminal(&self) -> bool {
        self.approver.is_at_terminal()
    }
}

/// Returns why the answer of a person to the question of a step does not count; `None` if it does. A session has roles that its
/// server attests, and whoever signs has those of the settings; nothing proves a role of the system's user, who counts only where
/// the settings name nobody with such a role. A name that is only claimed never counts, and neither does whoever began the run,
/// under whichever name.
#[must_use]
pub fn counts(
    state: &RunState,
    step: StepIndex,
    by: &str,
    known_as: KnownAs,
    attested: &[String],
) -> Option<String> {
    let roles = &state.step(step).roles;
    if roles.is_empty() || known_as == KnownAs::Simulated {
        return None;
    }
    let wanted = roles.join(" or ");
    let begun = state.begun();
    if begun.is_some_and(|begun| begun.is_by(by)) {
        return Some(format!("{by} began the run; the plan wants somebody else to answer: {wanted}"));
    }
    match known_as {
        KnownAs::Simulated => None,
        KnownAs::Session | KnownAs::Signed => (!roles.iter().any(|role| attested.contains(role)))
            .then(|| format!("the plan wants {wanted}, and {by} has no such role")),
        KnownAs::Claimed => Some(format!("the plan wants {wanted}, and nothing shows who {by} is")),
        KnownAs::OsUser => begun.is_some_and(|begun| begun.knows_any_of(roles)).then(|| {
            format!(
                "the plan wants {wanted}, and nothing proves that {by} is one: those whom the settings name sign, or sign in"
            )
        }),
    }
}

/// Returns the roles that a question asked for and that nothing proves whoever answered it to have.
pub(crate) fn unproven(state: &RunState, step: StepIndex, known_as: KnownAs) -> Vec<String> {
    match known_as {
        // An answer of a session, or a signed one, counts only with one of the roles.
        KnownAs::Session | KnownAs::Signed => Vec::new(),
        KnownAs::Claimed | KnownAs::OsUser | KnownAs::Simulated => state.step(step).roles.clone(),
    }
}

/// Returns what a person does before saying yes to a question, if it is more than to look.
pub(crate) fn deeds(question: &Question) -> Vec<Deed> {
    let deletion = question.step.as_str().strip_prefix(StepKind::AwaitDeletion.as_str());
    let deleted = deletion.and_then(|rest| rest.strip_prefix('/'));
    let deleted = deleted.map(|machine| Deed::DeleteOnpremVm { machine: MachineName::new(machine) });
    let sent = question.by_hand.iter().map(|request| Deed::Send { request: request.clone() });
    deleted.into_iter().chain(sent).collect()
}

/// Returns the answer that nobody gives: yes to what the plan wants, no to what takes it back.
pub(crate) fn automatic(question: &Question) -> Reply {
    let (by, known_as) = ("auto-approve".to_owned(), KnownAs::Simulated);
    if question.is_exception { Reply::Refused { by, known_as } } else { Reply::Approved { by, known_as } }
}

/// Says yes to everything that the plan wants, as the emulator may.
#[derive(Clone, Copy, Debug)]
pub struct AutoApprove;

#[async_trait]
impl Approver for AutoApprove {
    async fn ask(&self, question: &Question) -> Reply {
        automatic(question)
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
