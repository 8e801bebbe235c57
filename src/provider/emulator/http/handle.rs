//! What can be learnt from a server while it runs: where it is, what its world calls things, and what it was asked.

use std::sync::Arc;

use jiff::Timestamp;

use crate::provider::emulator::http::Counts;
use crate::provider::emulator::http::ServerOptions;
use crate::provider::emulator::http::Shared;
use crate::provider::emulator::http::exchange;
use crate::provider::emulator::http::identity::Identity;
use crate::provider::emulator::http::soap;
use crate::provider::emulator::http::soap::Endpoint;
use crate::provider::emulator::world::World;

/// What can be learnt from a server while it runs.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    pub(super) shared: Arc<Shared>,
}

/// The names under which a client finds the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The directory.
    pub tenant: String,
    /// The subscription.
    pub subscription: String,
    /// The vault's resource group.
    pub resource_group: String,
    /// The vault.
    pub vault: String,
    /// The fabric.
    pub fabric: String,
    /// The container.
    pub container: String,
    /// Machines, each with the name of its replicated item.
    pub items: Vec<(String, String)>,
    /// Master targets, process servers, appliances and storage accounts, each with the id by which requests name it.
    pub servers: Vec<(String, String)>,
}

impl ServerHandle {
    /// Returns the vCenters of the world with the addresses that they answer at.
    #[must_use]
    pub fn vcenters(&self) -> Vec<(String, String)> {
        self.endpoints(|endpoint| match endpoint {
            Endpoint::Vcenter(name) => Some(name),
            Endpoint::Host(_) => None,
        })
    }

    /// Returns the hosts that no vCenter manages, with the addresses that they answer at.
    #[must_use]
    pub fn hosts(&self) -> Vec<(String, String)> {
        self.endpoints(|endpoint| match endpoint {
            Endpoint::Host(name) => Some(name),
            Endpoint::Vcenter(_) => None,
        })
    }

    fn endpoints(&self, which: impl Fn(Endpoint) -> Option<String>) -> Vec<(String, String)> {
        let all = soap::all(self.shared.emulator.held().world.site.facts());
        let url = self.url();
        let names = all.into_iter().filter_map(which);
        names.map(|name| (name.clone(), format!("{url}/sdk/{}", exchange::encoded(&name)))).collect()
    }

    /// Returns the server's address as a client writes it.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.shared.secured.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.shared.address)
    }

    /// Returns the certificate of the authority that a client has to trust, as PEM, if the server made its own.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        self.shared.secured.as_ref().and_then(|secured| secured.authority.as_deref())
    }

    /// Returns how the server is set up.
    #[must_use]
    pub fn options(&self) -> &ServerOptions {
        &self.shared.options
    }

    /// Returns the names under which a client finds the world.
    #[must_use]
    pub fn names(&self) -> Names {
        let identity = &self.shared.identity;
        let held = self.shared.emulator.held();
        let items = held.world.items.iter().map(|item| {
            let name = item.name.as_str();
            (name.to_owned(), identity.item_name(name))
        });
        Names {
            tenant: identity.tenant.clone(),
            subscription: identity.subscription.clone(),
            resource_group: identity.resource_group.clone(),
            vault: identity.vault.clone(),
            fabric: identity.fabric.clone(),
            container: identity.container.clone(),
            items: items.collect(),
            servers: servers(&held.world, identity),
        }
    }

    /// Returns the requests that were answered so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.counts()
    }

    /// Returns when something changes by itself the next time, for a driver that jumps through time.
    #[must_use]
    pub fn next_change(&self) -> Option<Timestamp> {
        self.shared.next_change()
    }

    /// Ends the sessions of all clients of vCenter, as a restart of it does.
    pub fn end_vcenter_sessions(&self) {
        self.shared.desk().vcenter.end_all();
    }

    /// Makes every access token that was given one that has expired.
    pub fn expire_tokens(&self) {
        self.shared.tokens.expire_all();
    }
}

fn servers(world: &World, identity: &Identity) -> Vec<(String, String)> {
    let facts = world.site.facts();
    let targets = facts.master_targets.iter().flatten().map(|one| &one.name.value);
    let servers = facts.process_servers.iter().flatten().map(|one| &one.name.value);
    let appliances = facts.appliances.iter().flatten().map(|one| &one.name.value);
    let accounts = facts.storage_accounts.iter().flatten().map(|one| &one.value);
    targets
        .map(|name| (name.clone(), identity.master_target_id(name)))
        .chain(servers.map(|name| (name.clone(), identity.process_server_id(name))))
        .chain(appliances.map(|name| (name.clone(), identity.appliance_id(name))))
        .chain(accounts.map(|name| (name.clone(), identity.storage_account_id(name))))
        .collect()
}
