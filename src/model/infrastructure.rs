//! The servers that bring machines back, with the facts about them at hand.

use crate::id::IdMap;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::syntax::inventory::Access;
use crate::syntax::inventory::Appliance as ApplianceFacts;
use crate::syntax::inventory::ConfigurationServer;
use crate::syntax::inventory::Datastore;
use crate::syntax::inventory::Host;
use crate::syntax::inventory::MasterTarget as MasterTargetFacts;
use crate::syntax::inventory::ProcessServer;
use crate::syntax::inventory::Vcenter;
use crate::syntax::nullable::Nullable;
use crate::syntax::plan::Hypervisor;

impl Model {
    /// Returns the configuration server; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory does not say.
    pub fn configuration_server(&self) -> Fact<Option<&ConfigurationServer>> {
        match &self.inventory.configuration_server {
            Nullable::Unknown => Err(Unknown::of("configuration_server", "inventory")),
            Nullable::None => Ok(None),
            Nullable::Some(server) => Ok(Some(server)),
        }
    }

    /// Returns a host.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory has none of this name.
    pub fn host(&self, name: &str) -> Fact<&Host> {
        let found = self.index.hosts.get(name).and_then(|index| self.inventory.hosts.as_ref()?.get(*index));
        found.ok_or_else(|| Unknown::of("hosts", name))
    }

    /// Returns a datastore.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory has none of this name.
    pub fn datastore(&self, name: &str) -> Fact<&Datastore> {
        let found =
            self.index.datastores.get(name).and_then(|index| self.inventory.datastores.as_ref()?.get(*index));
        found.ok_or_else(|| Unknown::of("datastores", name))
    }

    /// Returns a vCenter.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory has none of this name.
    pub fn vcenter(&self, id: &str) -> Fact<&Vcenter> {
        let found =
            self.index.vcenters.get(id).and_then(|index| self.inventory.vcenters.as_ref()?.get(*index));
        found.ok_or_else(|| Unknown::of("vcenters", id))
    }

    /// Returns a process server.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory has none of this name.
    pub fn process_server(&self, name: &str) -> Fact<&ProcessServer> {
        let found = self
            .index
            .process_servers
            .get(name)
            .and_then(|index| self.inventory.process_servers.as_ref()?.get(*index));
        found.ok_or_else(|| Unknown::of("process_servers", name))
    }

    /// Returns the master targets that the inventory has, each with the machines that are assigned to it.
    pub fn master_targets(&self) -> impl Iterator<Item = MasterTarget<'_>> {
        self.inventory.master_targets.iter().flatten().map(|facts| MasterTarget { model: self, facts })
    }

    /// Returns the appliances that the inventory has.
    pub fn appliances(&self) -> impl Iterator<Item = Appliance<'_>> {
        self.inventory.appliances.iter().flatten().map(|facts| Appliance { model: self, facts })
    }

    pub(crate) fn master_target_named(&self, name: &str) -> Option<MasterTarget<'_>> {
        let index = self.index.master_targets.get(name)?;
        Some(MasterTarget { model: self, facts: self.inventory.master_targets.as_ref()?.get(*index)? })
    }

    /// Returns the machines of the plan whose data this process server carries to on-premises.
    pub fn machines_of_process_server(&self, name: &str) -> impl Iterator<Item = Machine<'_>> + use<'_> {
        self.assigned(&self.index.through_process_server, name)
    }

    /// Returns the machines of the plan whose datastore has this name.
    pub(crate) fn machines_to(&self, datastore: &str) -> impl Iterator<Item = Machine<'_>> + use<'_> {
        self.assigned(&self.index.to_datastore, datastore)
    }

    fn assigned<'m>(
        &'m self,
        by_name: &'m IdMap<String, Vec<usize>>,
        name: &str,
    ) -> impl Iterator<Item = Machine<'m>> + use<'m> {
        by_name.get(name).into_iter().flatten().map(|index| self.machine(*index))
    }

    /// Returns the appliance of a name, which is likely to stand at a place.
    pub(crate) fn appliance_at(&self, place: Option<usize>, name: &str) -> Option<Appliance<'_>> {
        let likely = place.and_then(|place| self.inventory.appliances.as_ref()?.get(place));
        match likely.filter(|facts| facts.name.value == name) {
            Some(facts) => Some(Appliance { model: self, facts }),
            None => self.appliance_named(name),
        }
    }

    pub(crate) fn appliance_named(&self, name: &str) -> Option<Appliance<'_>> {
        let index = self.index.appliances.get(name)?;
        Some(Appliance { model: self, facts: self.inventory.appliances.as_ref()?.get(*index)? })
    }
}

/// Returns what runs the machines of a host. vCenter manages ESXi hosts and no others, so one that is under a vCenter is one,
/// whoever leaves that out.
///
/// # Errors
///
/// [`Unknown`] if the inventory neither says so nor names a vCenter of the host.
pub fn hypervisor(host: &Host) -> Fact<Hypervisor> {
    match (&host.hypervisor, &host.vcenter) {
        (Some(said), _) => Ok(said.value),
        (None, Nullable::Some(_)) => Ok(Hypervisor::Esxi),
        (None, Nullable::None | Nullable::Unknown) => {
            Err(Unknown::of("hosts.hypervisor", host.name.value.as_str()))
        }
    }
}

/// Returns how a host may use a datastore; `None` if it has no access. The list of hosts is complete where it is given.
///
/// # Errors
///
/// [`Unknown`] if the inventory does not say which hosts have the datastore.
pub fn access(datastore: &Datastore, host: &str) -> Fact<Option<Access>> {
    let access = datastore.access.fact_of("datastores.access", &datastore.name)?;
    Ok(access.get(host).map(|access| access.value))
}

/// A master target of the classic architecture.
#[derive(Clone, Copy, Debug)]
pub struct MasterTarget<'m> {
    /// The plan and facts it is part of.
    pub model: &'m Model,
    /// The facts about it.
    pub facts: &'m MasterTargetFacts,
}

impl<'m> MasterTarget<'m> {
    /// Returns its name.
    #[must_use]
    pub fn name(self) -> &'m str {
        &self.facts.name.value
    }

    /// Returns the name of the host that runs it.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory does not say.
    pub fn host_name(self) -> Fact<&'m str> {
        Ok(self.facts.host.fact_of("master_targets.host", self.name())?.value.as_str())
    }

    /// Returns the host that runs it.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory does not say, or has no such host.
    pub fn host(self) -> Fact<&'m Host> {
        self.model.host(self.host_name()?)
    }

    /// Returns the machines of the plan that are assigned to it.
    pub fn machines(self) -> impl Iterator<Item = Machine<'m>> {
        self.model.assigned(&self.model.index.through_master_target, self.name())
    }
}

/// A replication appliance of the modernized architecture.
#[derive(Clone, Copy, Debug)]
pub struct Appliance<'m> {
    /// The plan and facts it is part of.
    pub model: &'m Model,
    /// The facts about it.
    pub facts: &'m ApplianceFacts,
}

impl<'m> Appliance<'m> {
    /// Returns its name.
    #[must_use]
    pub fn name(self) -> &'m str {
        &self.facts.name.value
    }

    /// Returns the name of the host that runs it.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory does not say.
    pub fn host_name(self) -> Fact<&'m str> {
        Ok(self.facts.host.fact_of("appliances.host", self.name())?.value.as_str())
    }

    /// Returns the machines of the plan that are assigned to it.
    pub fn machines(self) -> impl Iterator<Item = Machine<'m>> {
        self.model.assigned(&self.model.index.through_appliance, self.name())
    }
}
