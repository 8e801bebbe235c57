//! Actions and probes: what a plan does and asks outside of Site Recovery.

mod address;
mod allowed;
mod command;
mod group;
mod leftover;
mod mask;
mod read_only;
mod real;
mod runbook;
mod tail;
pub(crate) mod web;

use async_trait::async_trait;

use crate::id::IdempotencyKey;
use crate::syntax::action::Action;
use crate::syntax::action::Probe;

pub use allowed::Allowed;
pub use allowed::is_allowed;
pub use read_only::ReadOnlyHooks;
pub use real::RealHooks;
pub use runbook::RunbookHooks;

/// Runs actions and probes.
#[async_trait]
pub trait Hooks: Send + Sync {
    /// Runs an action to its end; returns what is to be remembered of it.
    ///
    /// # Errors
    ///
    /// What went wrong, in words.
    async fn action(&self, action: &Action, variables: &Variables) -> Result<String, String>;

    /// Returns what is left of an action whose process ended.
    fn leftover(&self, _action: &Action) -> Left {
        Left::Nothing
    }

    /// Waits until nothing runs any more that an action of a process that ended left running.
    async fn leftover_ends(&self, _action: &Action) {}

    /// Runs a probe once; returns what was seen.
    ///
    /// # Errors
    ///
    /// What was seen instead of health, in words.
    async fn probe(&self, probe: &Probe) -> Result<String, String>;
}

/// What is left of an action whose process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing that could be found: how it ended is not known.
    Nothing,
    /// Something of it still runs, in words.
    Runs(String),
    /// What was begun is found by its key: running the action again with that key begins nothing a second time.
    Findable,
}

/// What an action is run with.
#[derive(Clone, Debug)]
pub struct Variables {
    /// What this attempt is called: the same after a crash, another one for each attempt.
    pub key: IdempotencyKey,
    /// `plan.name`.
    pub plan: String,
    /// `run.id`.
    pub run: String,
    /// `run.outcome`: `running` until everything else has ended, then `success`, `failure` or `cancelled`.
    pub outcome: String,
}

/// Hooks that do nothing and say so: what the emulator and rehearsals use unless they are told otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Simulated;

#[async_trait]
impl Hooks for Simulated {
    async fn action(&self, _action: &Action, _variables: &Variables) -> Result<String, String> {
        Ok("simulated".into())
    }

    async fn probe(&self, _probe: &Probe) -> Result<String, String> {
        Ok("simulated".into())
    }
}
