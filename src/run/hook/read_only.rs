//! Hooks of a run that changes nothing: probes are asked, actions are refused.

use std::sync::Arc;

use async_trait::async_trait;

use crate::run::hook::Hooks;
use crate::run::hook::Variables;
use crate::syntax::action::Action;
use crate::syntax::action::Probe;

/// Hooks that look, and refuse to act.
pub struct ReadOnlyHooks {
    inner: Arc<dyn Hooks>,
}

impl ReadOnlyHooks {
    /// Returns hooks that ask the probes of others.
    #[must_use]
    pub fn new(inner: Arc<dyn Hooks>) -> Self {
        Self { inner }
    }
}

#[async_trait]
impl Hooks for ReadOnlyHooks {
    async fn action(&self, _action: &Action, _variables: &Variables) -> Result<String, String> {
        Err("this run was begun with --read-only; nothing was done".into())
    }

    async fn probe(&self, probe: &Probe) -> Result<String, String> {
        self.inner.probe(probe).await
    }
}
