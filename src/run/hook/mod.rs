//! Actions and probes: what a plan does and asks outside of Site Recovery.

mod address;
mod allowed;
mod command;
mod group;
mod leftover;
mod mask;
mod real;
mod tail;
mod web;

use async_trait::async_trait;

use crate::syntax::action::Action;
use crate::syntax::action::Probe;

pub use allowed::Allowed;
pub use allowed::is_allowed;
pub use real::RealHooks;

/// Runs actions and probes.
#[async_trait]
pub trait Hooks: Send + Sync {
    /// Runs an action to its end; returns what is to be remembered of it.
    ///
    /// # Errors
    ///
    /// What went wrong, in words.
    async fn action(&self, action: &Action, variables: &Variables) -> Result<String, String>;

    /// Returns what an action of a process that ended left running, in words.
    fn leftover(&self, _action: &Action) -> Option<String> {
        None
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

/// What the texts of an action may speak of.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    /// `plan.name`.
    pub plan: String,
    /// `run.id`.
    pub run: String,
    /// `run.outcome`: `success` or `failure`.
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
