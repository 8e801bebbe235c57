//! A site that is only looked at: whoever drives it can't be given the words to change it.

use async_trait::async_trait;

use crate::id::IdempotencyKey;
use crate::id::MachineName;
use crate::id::OperationId;
use crate::provider::Freshness;
use crate::provider::Observation;
use crate::provider::Observe;
use crate::provider::Operate;
use crate::provider::OperationStatus;
use crate::provider::ProviderError;
use crate::provider::Request;
use crate::provider::azure::AzureView;

/// A view of a vault that refuses every request.
#[derive(Debug)]
pub(crate) struct ReadOnly {
    view: AzureView,
}

impl ReadOnly {
    /// Returns the site that shows what the view sees.
    pub(crate) const fn new(view: AzureView) -> Self {
        Self { view }
    }
}

#[async_trait]
impl Observe for ReadOnly {
    async fn observe(&self, machines: &[MachineName]) -> Result<Observation, ProviderError> {
        self.view.observe(machines).await
    }

    async fn observe_since(
        &self,
        machines: &[MachineName],
        mark: Option<u64>,
        freshness: Freshness,
    ) -> Result<Observation, ProviderError> {
        self.view.observe_since(machines, mark, freshness).await
    }
}

#[async_trait]
impl Operate for ReadOnly {
    async fn begin(&self, _: &Request, _: &IdempotencyKey) -> Result<OperationId, ProviderError> {
        Err(ProviderError::Refused {
            code: "read-only".into(),
            message: "this run was begun with --read-only; nothing was sent".into(),
        })
    }

    async fn poll(&self, operation: &OperationId) -> Result<OperationStatus, ProviderError> {
        Err(ProviderError::NotFound { what: format!("operation {operation}: nothing was begun") })
    }

    async fn find(&self, _: &IdempotencyKey) -> Result<Option<OperationId>, ProviderError> {
        Ok(None)
    }
}
