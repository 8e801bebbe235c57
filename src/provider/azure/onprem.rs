//! What the site itself tells of machines and servers: the part of an observation that Azure can't know.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::id::MachineName;
use crate::provider::azure::site::Missing;
use crate::provider::error::ProviderError;
use crate::provider::observation::Freshness;
use crate::syntax::inventory::Inventory;

/// A machine that is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedVm {
    /// Its name in the plan.
    pub machine: MachineName,
    /// UUID of the virtual machine that was protected, if it is known.
    pub uuid: Option<String>,
    /// Name of the virtual machine, if it is another one.
    pub name: Option<String>,
}

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Machines.
    pub machines: Vec<WantedVm>,
    /// Names of servers that are virtual machines of the site: master targets, appliances, process servers.
    pub servers: Vec<String>,
}

/// What was seen at the site.
#[derive(Clone, Debug)]
pub struct OnpremFacts {
    /// Hosts, datastores, and of vCenters, master targets, appliances and machines those facts that vCenter tells; entries are
    /// matched by their names with those that Site Recovery tells of.
    pub facts: Inventory,
    /// Who was read, and when the reading began: `vCenter vc1`.
    pub read: Vec<(String, Timestamp)>,
    /// What could not be seen.
    pub missing: Vec<Missing>,
}

/// Looks at the site.
#[async_trait]
pub trait Onprem: Send + Sync {
    /// Returns what is seen of the machines and servers that are looked for, and of everything that holds them.
    ///
    /// # Errors
    ///
    /// [`ProviderError`] if the site can't be asked; a single fact that can't be had is left unknown instead.
    async fn look(&self, wanted: &Wanted, freshness: Freshness) -> Result<OnpremFacts, ProviderError>;
}
