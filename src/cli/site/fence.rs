//! Changes a site for some machines alone: what a drill does not name is not touched, whatever asks for it.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;

use crate::cli::ready::Ready;
use crate::id::IdempotencyKey;
use crate::id::MachineName;
use crate::id::OperationId;
use crate::model::Model;
use crate::provider::Freshness;
use crate::provider::Observation;
use crate::provider::Observe;
use crate::provider::Operate;
use crate::provider::OperationStatus;
use crate::provider::ProviderError;
use crate::provider::Request;
use crate::run::Site;

/// Returns the site, of which only the machines of a plan's part may be changed, if it is a part.
pub(crate) fn fenced(site: Arc<dyn Site>, plan: &Ready) -> Arc<dyn Site> {
    match plan.part {
        Some(_) => Arc::new(Fenced::new(site, plan.plan.model())),
        None => site,
    }
}

/// A site of which only some machines may be changed.
struct Fenced {
    site: Arc<dyn Site>,
    machines: HashSet<MachineName>,
}

impl Fenced {
    /// Returns the site, of which only the machines of a plan may be changed.
    fn new(site: Arc<dyn Site>, model: &Model) -> Self {
        let machines = model.machines().map(|machine| MachineName::new(machine.name().value.as_str()));
        Self { site, machines: machines.collect() }
    }
}

#[async_trait]
impl Observe for Fenced {
    async fn observe(&self, machines: &[MachineName]) -> Result<Observation, ProviderError> {
        self.site.observe(machines).await
    }

    async fn observe_since(
        &self,
        machines: &[MachineName],
        mark: Option<u64>,
        freshness: Freshness,
    ) -> Result<Observation, ProviderError> {
        self.site.observe_since(machines, mark, freshness).await
    }
}

#[async_trait]
impl Operate for Fenced {
    async fn begin(&self, request: &Request, key: &IdempotencyKey) -> Result<OperationId, ProviderError> {
        if let Some(outside) = request.machines().iter().find(|machine| !self.machines.contains(*machine)) {
            return Err(ProviderError::Refused {
                code: "outside-of-drill".into(),
                message: format!("{outside} is not in the drill; nothing was sent"),
            });
        }
        self.site.begin(request, key).await
    }

    async fn poll(&self, operation: &OperationId) -> Result<OperationStatus, ProviderError> {
        self.site.poll(operation).await
    }

    async fn find(&self, key: &IdempotencyKey) -> Result<Option<OperationId>, ProviderError> {
        self.site.find(key).await
    }
}
