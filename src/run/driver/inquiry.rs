//! What the engine has asked outside, and what comes back.

use std::sync::Arc;

use crate::id::IdempotencyKey;
use crate::id::OperationId;
use crate::id::StepId;
use crate::provider::Observation;
use crate::provider::OperationStatus;
use crate::provider::ProviderError;
use crate::provider::Request;
use crate::run::approver::Question;
use crate::run::approver::Reply;
use crate::run::hook::Left;
use crate::run::hook::Variables;
use crate::syntax::action::Action;
use crate::syntax::action::Probe;

/// Something that has to be asked outside.
pub(super) enum Inquiry {
    /// How the machines of the step are.
    Look(Purpose),
    /// How far an operation is.
    Poll(OperationId),
    /// Which operation was begun with a key.
    Find(IdempotencyKey, Purpose),
    /// To begin what was recorded under a key.
    Begin(Arc<(IdempotencyKey, Request)>),
    /// A person's answer.
    Person(Box<Question>),
    /// That the question of a step, whose time is over, is taken back.
    Withdraw(StepId),
    /// That a question was answered with yes by other means.
    Approved(Box<Question>),
    /// To run an action.
    Act(Box<(Action, Variables)>),
    /// What an action of a process that ended left running.
    Leftover(Box<Action>),
    /// That nothing runs any more of what an action left running.
    LeftoverEnds(Box<Action>),
    /// To run probes.
    Probe(Vec<Probe>),
}

/// Why the site is looked at, or searched for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To decide what the step does next; to learn whether a request arrived.
    Decide,
    /// Because a search found nothing; because a person said to send a request again.
    MakeSure,
}

/// An answer from outside.
pub(super) enum Answer {
    Observed(Box<Result<Observation, ProviderError>>),
    Began(Result<OperationId, ProviderError>),
    Polled(Result<OperationStatus, ProviderError>),
    Found(Result<Option<OperationId>, ProviderError>),
    /// What is seen after a search found nothing.
    Looked(Box<Result<Observation, ProviderError>>),
    /// What a last search found, after a person said to send the request again.
    Confirmed(Result<Option<OperationId>, ProviderError>),
    /// To the question that the event of this place asked.
    Replied(u64, Reply),
    Acted(Result<String, String>),
    /// What is left of an action whose process ended.
    LeftRunning(Left),
    /// Nothing runs any more of what an action left running.
    NothingRuns,
    Probed(Result<String, String>),
}

impl Answer {
    /// Returns whether the site answered what it was asked, whatever it said; who is put off knows as little as who hears nothing.
    pub(super) fn is_there(&self) -> bool {
        let error = match self {
            Self::Observed(result) | Self::Looked(result) => result.as_ref().as_ref().err(),
            Self::Began(result) => result.as_ref().err(),
            Self::Polled(result) => result.as_ref().err(),
            Self::Found(result) | Self::Confirmed(result) => result.as_ref().err(),
            Self::Replied(..)
            | Self::Acted(_)
            | Self::LeftRunning(_)
            | Self::NothingRuns
            | Self::Probed(_) => return false,
        };
        !error.is_some_and(ProviderError::is_transient)
    }
}
