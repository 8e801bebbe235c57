//! What may be asked of a site, in the engine's own words.
//!
//! Questions change nothing; a request is *begun* and then *polled*, so that a crash between the two can be resumed.

mod automate;
pub mod azure;
pub mod emulator;
mod error;
mod observation;
mod operation;
mod request;
mod seen_plan;
pub mod vcenter;
mod words;

pub use automate::Automate;
pub use automate::RunbookJob;
pub use automate::RunbookOrder;
pub use automate::RunbookSeen;
pub use automate::RunbookStatus;
pub use error::ProviderError;
pub use observation::Freshness;
pub use observation::Item;
pub use observation::Observation;
pub use observation::Operation;
pub use observation::ReachedPoint;
pub use observation::Replication;
pub use operation::Failure;
pub use operation::MemberOutcome;
pub use operation::OperationStatus;
pub use operation::Progress;
pub use request::FailbackPoint;
pub use request::ForwardTarget;
pub use request::OnpremTarget;
pub use request::Request;
pub use seen_plan::SeenAction;
pub use seen_plan::SeenDeed;
pub use seen_plan::SeenGroup;
pub use seen_plan::SeenPlan;

use async_trait::async_trait;

use crate::id::IdempotencyKey;
use crate::id::MachineName;
use crate::id::OperationId;

/// Tells the facts of a site as they are now. Changes nothing.
#[async_trait]
pub trait Observe: Send + Sync {
    /// Returns the facts about `machines` and about everything that serves them, freshly observed.
    ///
    /// # Errors
    ///
    /// [`ProviderError`] if the site can't be asked; a single fact that can't be had is left unknown instead.
    async fn observe(&self, machines: &[MachineName]) -> Result<Observation, ProviderError>;

    /// Returns the same, and may leave out servers that have not changed since an earlier observation had `mark`.
    ///
    /// A site that can't tell what changed returns everything. How fresh the answer has to be is what spares a real site
    /// questions: a step that waits is content with what a look for somebody else has just shown.
    ///
    /// # Errors
    ///
    /// Those of [`Observe::observe`].
    async fn observe_since(
        &self,
        machines: &[MachineName],
        mark: Option<u64>,
        freshness: Freshness,
    ) -> Result<Observation, ProviderError> {
        let _ = (mark, freshness);
        self.observe(machines).await
    }
}

/// Changes a site.
#[async_trait]
pub trait Operate: Send + Sync {
    /// Asks the site to begin, and returns as soon as it takes the work on.
    ///
    /// Asking again with the same `key` gives the same operation: nothing is begun a second time.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Refused`] if the site does not take the work on. What it takes on may still fail later,
    /// as the operation's status tells.
    async fn begin(&self, request: &Request, key: &IdempotencyKey) -> Result<OperationId, ProviderError>;

    /// Returns how far an operation is. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`ProviderError::NotFound`] if the site does not know the operation.
    async fn poll(&self, operation: &OperationId) -> Result<OperationStatus, ProviderError>;

    /// Returns the operation that was begun with `key`, if any was: after a crash, the question before asking again.
    ///
    /// # Errors
    ///
    /// [`ProviderError`] if the site can't be asked.
    async fn find(&self, key: &IdempotencyKey) -> Result<Option<OperationId>, ProviderError>;
}
