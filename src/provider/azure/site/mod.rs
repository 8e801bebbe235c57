//! A vault and its site, observed and changed through Azure.

mod azure_vm;
mod begin;
mod compute;
mod directory;
mod duration;
mod infrastructure;
mod jobs;
mod key;
mod look;
mod machine;
mod missing;
mod networks;
mod observe;
mod order;
mod outcome;
mod points;
mod prepare;
mod reached;
mod read;
mod reading;
mod servers;
mod state;
mod tell;

pub use missing::Missing;
pub use reading::Reading;

pub(super) use directory::Directory;
pub(super) use directory::OTHER_VAULT;
pub(super) use directory::read as read_directory;
pub(super) use infrastructure::servers as read_servers;
pub(super) use key::guid;
#[cfg(test)]
pub(super) use state::Kind;

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::id::IdempotencyKey;
use crate::id::MachineName;
use crate::id::OperationId;
use crate::provider::Observe;
use crate::provider::Operate;
use crate::provider::azure::client::ReadClient;
use crate::provider::azure::client::WriteClient;
use crate::provider::azure::error::AzureError;
use crate::provider::azure::onprem::Onprem;
use crate::provider::azure::site::compute::Machines;
use crate::provider::azure::site::infrastructure::Accounts;
use crate::provider::azure::site::infrastructure::Servers;
use crate::provider::azure::site::jobs::Jobs;
use crate::provider::azure::site::look::Demand;
use crate::provider::azure::site::look::Look;
use crate::provider::azure::site::observe::Marked;
use crate::provider::azure::site::prepare::Policies;
use crate::provider::azure::site::read::FullItem;
use crate::provider::azure::site::read::Protectables;
use crate::provider::azure::vault::VaultId;
use crate::provider::error::ProviderError;
use crate::provider::observation::Freshness;
use crate::provider::observation::Observation;
use crate::provider::observation::ReachedPoint;
use crate::provider::operation::OperationStatus;
use crate::provider::request::Request;
use crate::syntax::inventory::Inventory;

/// What is known beside what Azure tells.
#[derive(Clone)]
pub struct Surroundings {
    /// Facts that a person wrote down: what no service tells stays as they have it.
    pub base: Inventory,
    /// Who looks at the site; without, the facts that vCenter would tell are unknown.
    pub onprem: Option<Arc<dyn Onprem>>,
}

impl std::fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings").field("onprem", &self.onprem.is_some()).finish_non_exhaustive()
    }
}

/// What was seen, and is shared by all that ask.
#[derive(Debug, Default)]
struct Shared {
    directory: Look<Directory>,
    servers: Look<Servers>,
    accounts: Look<Accounts>,
    machines: Look<Machines>,
    protectables: Look<Protectables>,
    /// Policies, by fabric in small letters.
    policies: Mutex<HashMap<String, Arc<Look<Policies>>>>,
    jobs: Jobs,
    /// For how many machines something fresh is asked at this moment.
    demand: Demand,
    /// Items as they were last read whole, by machine.
    full: Mutex<HashMap<String, FullItem>>,
    /// Ids of copies in Azure, by machine: an item that comes back does not tell its own.
    vm_ids: Mutex<HashMap<String, String>>,
    /// The servers as they were last told of.
    marked: Mutex<Marked>,
    /// Since when a look at a machine has to be: when the last operation on it was begun, or seen to end if what follows may follow
    /// at once.
    touched: Mutex<HashMap<String, Timestamp>>,
    /// Machines that steps wait for, by name in small letters, with the moment of the last question.
    waiting: Mutex<HashMap<String, Timestamp>>,
    /// When the initial replication of a machine was first seen, and how far it was.
    transfers: Mutex<HashMap<String, (Timestamp, f64)>>,
    /// The points that machines came home to, or are to, by name in small letters.
    reached: Mutex<HashMap<String, ReachedPoint>>,
    /// Who of the site was read last, and when.
    onprem_read: Mutex<Vec<(String, Timestamp)>>,
    /// What could not be observed.
    missing: Mutex<BTreeSet<(String, String)>>,
}

/// A vault that is only looked at.
#[derive(Clone, Debug)]
pub struct AzureView {
    reader: ReadClient,
    vault: VaultId,
    surroundings: Arc<Surroundings>,
    /// Places of the machines that a person wrote down, by name in small letters.
    base_index: Arc<HashMap<String, usize>>,
    shared: Arc<Shared>,
}

impl AzureView {
    /// Returns a view of a vault; nothing is asked yet.
    #[must_use]
    pub fn new(reader: ReadClient, vault: VaultId, surroundings: Surroundings) -> Self {
        let names =
            surroundings.base.machines.iter().flatten().map(|machine| machine.name.value.to_lowercase());
        let base_index = Arc::new(names.zip(0..).collect());
        Self { reader, vault, surroundings: Arc::new(surroundings), base_index, shared: Arc::default() }
    }

    /// Returns what could not be observed so far, and why.
    #[must_use]
    pub fn missing(&self) -> Vec<Missing> {
        let missing = self.shared.missing.lock().expect(NO_PANIC);
        missing.iter().map(|(facts, why)| Missing { facts: facts.clone(), why: why.clone() }).collect()
    }

    /// Returns the client that asks.
    #[must_use]
    pub const fn reader(&self) -> &ReadClient {
        &self.reader
    }

    async fn settle_clock(&self) -> Result<(), AzureError> {
        self.reader.settle_clock(&self.vault).await
    }

    fn note(&self, missing: &[Missing]) {
        let mut all = self.shared.missing.lock().expect(NO_PANIC);
        for Missing { facts, why } in missing {
            // A run has nobody to list it to; its log says once why a fact is not known.
            if all.insert((facts.clone(), why.clone())) {
                tracing::warn!(%facts, %why, "not observed");
            }
        }
    }

    fn touch(&self, machines: &[MachineName], at: Timestamp) {
        let mut touched = self.shared.touched.lock().expect(NO_PANIC);
        for machine in machines {
            touched.insert(machine.as_str().to_lowercase(), at);
        }
    }
}

const NO_PANIC: &str = "no thread panics while it holds what was seen";

#[async_trait]
impl Observe for AzureView {
    async fn observe(&self, machines: &[MachineName]) -> Result<Observation, ProviderError> {
        self.look(machines, None, Freshness::Now).await.map_err(AzureError::of_question)
    }

    async fn observe_since(
        &self,
        machines: &[MachineName],
        mark: Option<u64>,
        freshness: Freshness,
    ) -> Result<Observation, ProviderError> {
        self.look(machines, mark, freshness).await.map_err(AzureError::of_question)
    }
}

/// The scenario and the machines of operations.
type Operations = HashMap<OperationId, (String, Vec<MachineName>)>;

/// A vault that may be changed.
#[derive(Clone, Debug)]
pub struct AzureSite {
    view: AzureView,
    writer: WriteClient,
    /// What was sent in this process, by key: what began, or that nothing is known of it.
    sent: Arc<Mutex<HashMap<IdempotencyKey, Option<OperationId>>>>,
    /// The machines of what was sent, by key.
    attempted: Arc<Mutex<HashMap<IdempotencyKey, Vec<MachineName>>>>,
    /// What began: its scenario and its machines.
    machines_of: Arc<Mutex<Operations>>,
}

impl AzureSite {
    /// Returns the site of a view, which the writer may change.
    #[must_use]
    pub fn new(view: AzureView, writer: WriteClient) -> Self {
        Self { view, writer, sent: Arc::default(), attempted: Arc::default(), machines_of: Arc::default() }
    }

    /// Returns the view that observes.
    #[must_use]
    pub const fn view(&self) -> &AzureView {
        &self.view
    }
}

#[async_trait]
impl Observe for AzureSite {
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
impl Operate for AzureSite {
    async fn begin(&self, request: &Request, key: &IdempotencyKey) -> Result<OperationId, ProviderError> {
        self.begin_once(request, key).await
    }

    async fn poll(&self, operation: &OperationId) -> Result<OperationStatus, ProviderError> {
        if order::is_nothing_to_do(operation) {
            return Ok(OperationStatus::Succeeded);
        }
        let view = &self.view;
        view.settle_clock().await.map_err(AzureError::of_question)?;
        let status = view.shared.jobs.status(view, operation).await;
        let status = status.map_err(AzureError::of_question)?;
        self.settle(operation, &status);
        Ok(status)
    }

    async fn find(&self, key: &IdempotencyKey) -> Result<Option<OperationId>, ProviderError> {
        self.find_sent(key).await.map_err(AzureError::of_question)
    }
}
