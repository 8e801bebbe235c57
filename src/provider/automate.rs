//! Runbooks that run beside a site's machines, in the engine's own words.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::id::IdempotencyKey;
use crate::provider::error::ProviderError;

/// A runbook that is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunbookOrder {
    /// Name of the Automation account.
    pub account: String,
    /// Name of the runbook.
    pub runbook: String,
    /// Its parameters, as texts.
    pub parameters: Vec<(String, String)>,
}

/// The job of a runbook that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunbookJob {
    /// The account, as the site names it.
    pub account: String,
    /// The name of the job, which follows from the key that it was begun with.
    pub name: String,
}

/// How a runbook's job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunbookStatus {
    /// It waits or runs, in the service's word.
    Running(String),
    /// It came to its end.
    Completed,
    /// It did not, in the service's words.
    Failed {
        /// The service's word: `Failed`, `Stopped`, `Suspended`.
        state: String,
        /// What it threw.
        message: String,
    },
}

/// A job as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunbookSeen {
    /// When it was begun, if the service tells.
    pub created_at: Option<Timestamp>,
    /// How it is.
    pub status: RunbookStatus,
}

/// Runs runbooks.
#[async_trait]
pub trait Automate: Send + Sync {
    /// Begins a runbook. Asking again with the same `key` gives the same job: nothing is begun a second time.
    ///
    /// # Errors
    ///
    /// [`ProviderError`] if it is not taken on, or it is not known whether it was.
    async fn begin(&self, order: &RunbookOrder, key: &IdempotencyKey) -> Result<RunbookJob, ProviderError>;

    /// Returns how a job is; `None` if there is no such job.
    ///
    /// # Errors
    ///
    /// [`ProviderError`] if the service can't be asked.
    async fn status(&self, job: &RunbookJob) -> Result<Option<RunbookSeen>, ProviderError>;

    /// Returns what a job has written, its end if it is long.
    ///
    /// # Errors
    ///
    /// [`ProviderError`] if the service can't be asked.
    async fn output(&self, job: &RunbookJob) -> Result<String, ProviderError>;

    /// Asks a job to stop; it goes on until it is seen to have stopped.
    ///
    /// # Errors
    ///
    /// [`ProviderError`] if that is not taken on.
    async fn stop(&self, job: &RunbookJob) -> Result<(), ProviderError>;
}
