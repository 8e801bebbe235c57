//! Everything of the emulated world that serves machines: servers, vCenters, hosts, datastores.

mod ground;
mod places;
mod servers;

use std::collections::BTreeSet;

use crate::id::IdMap;
use crate::id::MachineName;
use crate::model::Server;
use crate::provider::emulator::changes::Changes;
use crate::provider::emulator::changes::Section;
use crate::provider::emulator::item::is_false;
use crate::provider::emulator::site::places::Places;
use crate::provider::emulator::site::places::at;
use crate::provider::emulator::site::places::copy;
use crate::source::Spanned;
use crate::syntax::inventory::Appliance;
use crate::syntax::inventory::Datastore;
use crate::syntax::inventory::Experience;
use crate::syntax::inventory::Host;
use crate::syntax::inventory::Inventory;
use crate::syntax::inventory::MasterTarget;
use crate::syntax::inventory::ProcessServer;
use crate::syntax::inventory::ReplicationGroup;
use crate::syntax::machine::Machine;
use crate::syntax::machine::MachineKind;

/// The virtual machines of a host: their names in small letters, because vSphere doesn't tell letters apart, and as written.
type Vms = IdMap<String, String>;

/// The servers of the world and what they stand on.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// The facts, without machines.
    facts: Inventory,
    /// Whether the vault uses the classic architecture.
    pub classic: bool,
    /// Names of the virtual machines of each host.
    vms: IdMap<String, Vms>,
    /// How often each server was moved to another datastore.
    moves: IdMap<String, u32>,
    /// Places of servers and groups in the facts, by name.
    places: Places,
    changes: Changes,
}

/// Returns whether the vault of an inventory uses the classic architecture: as it says, else as its servers tell.
pub(super) fn is_classic(facts: &Inventory) -> bool {
    let stated = facts.vault.as_ref().and_then(|vault| vault.experience.as_deref().copied());
    let has_appliances = facts.appliances.as_ref().is_some_and(|appliances| !appliances.is_empty());
    match stated {
        Some(Experience::Classic) => true,
        Some(Experience::Modernized) => false,
        None => facts.configuration_server.as_option().is_some() || !has_appliances,
    }
}

impl Site {
    /// Returns the site of an inventory, and the inventory's machines.
    pub(super) fn new(mut facts: Inventory) -> (Self, Vec<Machine>) {
        let machines = facts.machines.take().unwrap_or_default();
        let classic = is_classic(&facts);
        let mut vms: IdMap<String, Vms> = IdMap::default();
        for host in facts.hosts.iter().flatten() {
            let seen = host.vms.iter().flatten().map(|vm| (vm.value.to_lowercase(), vm.value.clone()));
            vms.entry(host.name.value.clone()).or_default().extend(seen);
        }
        for machine in &machines {
            let physical = machine.kind.as_deref() == Some(&MachineKind::Physical);
            let vm = machine.onprem_vm.as_ref().filter(|vm| !is_false(&vm.exists) && !physical);
            let Some(vm) = vm else { continue };
            if let Some(host) = &vm.host {
                let name = vm.name.as_ref().unwrap_or(&machine.name).value.clone();
                vms.entry(host.value.clone()).or_default().insert(name.to_lowercase(), name);
            }
        }
        let places = Places::of(&facts);
        let mut site =
            Self { facts, classic, vms, moves: IdMap::default(), places, changes: Changes::default() };
        site.place_servers();
        site.list_vms();
        (site, machines)
    }

    /// Puts each server on a datastore of its host where the inventory does not say: a live vCenter knows it.
    fn place_servers(&mut self) {
        let stands_on = |facts: &Inventory, host: Option<&str>| -> Option<Spanned<String>> {
            let may = |datastore: &&Datastore| {
                datastore
                    .access
                    .as_ref()
                    .is_none_or(|access| host.is_some_and(|host| access.get(host).is_some()))
            };
            let datastore = facts.datastores.iter().flatten().find(may)?;
            Some(Spanned::bare(datastore.name.value.clone()))
        };
        let mut targets = self.facts.master_targets.take();
        for target in targets.iter_mut().flatten().filter(|target| target.datastore.is_none()) {
            target.datastore = stands_on(&self.facts, target.host.as_ref().map(|host| host.as_str()));
        }
        self.facts.master_targets = targets;
        let mut appliances = self.facts.appliances.take();
        for appliance in appliances.iter_mut().flatten().filter(|appliance| appliance.datastore.is_none()) {
            appliance.datastore = stands_on(&self.facts, appliance.host.as_ref().map(|host| host.as_str()));
        }
        self.facts.appliances = appliances;
    }

    /// Lists the virtual machines of each host where the inventory does not say: a live vCenter knows them.
    fn list_vms(&mut self) {
        for host in self.facts.hosts.iter_mut().flatten().filter(|host| host.vms.is_none()) {
            let mut names: Vec<&String> =
                self.vms.get(&host.name.value).into_iter().flat_map(IdMap::values).collect();
            names.sort_unstable();
            host.vms = Some(names.into_iter().cloned().map(Spanned::bare).collect());
        }
    }

    /// Returns the facts, without machines.
    pub(super) const fn facts(&self) -> &Inventory {
        &self.facts
    }

    /// Returns the facts to be changed, anywhere in them.
    pub(super) fn facts_mut(&mut self) -> &mut Inventory {
        self.changes.all();
        &mut self.facts
    }

    /// Returns the mark of the latest change.
    pub(super) const fn mark(&self) -> u64 {
        self.changes.mark()
    }

    /// Returns all facts but those about replication groups, which are many where machines are many.
    pub(super) fn facts_without_groups(&self) -> Inventory {
        let Inventory {
            kind,
            version,
            name,
            observed_at,
            vault,
            configuration_server,
            vcenters,
            hosts,
            datastores,
            master_targets,
            process_servers,
            appliances,
            storage_accounts,
            automation_accounts,
            network,
            machines: _,
            replication_groups: _,
            remarks: _,
        } = &self.facts;
        Inventory {
            kind: *kind,
            version: *version,
            name: name.clone(),
            observed_at: *observed_at,
            vault: vault.clone(),
            configuration_server: configuration_server.clone(),
            vcenters: vcenters.clone(),
            hosts: hosts.clone(),
            datastores: datastores.clone(),
            master_targets: master_targets.clone(),
            process_servers: process_servers.clone(),
            appliances: appliances.clone(),
            storage_accounts: storage_accounts.clone(),
            automation_accounts: automation_accounts.clone(),
            network: network.clone(),
            machines: None,
            replication_groups: None,
            remarks: Vec::new(),
        }
    }

    /// Returns the facts about servers that changed after a mark, and about process servers, which are heard from all the
    /// time; `None` if anything may have changed.
    pub(super) fn facts_since(&self, mark: u64) -> Option<Inventory> {
        let changed = self.changes.since(mark)?;
        let mut facts = Inventory::unknown(&self.facts.name.value);
        facts.process_servers.clone_from(&self.facts.process_servers);
        for (section, place) in changed {
            match section {
                Section::Hosts => copy(&mut facts.hosts, &self.facts.hosts, place),
                Section::Datastores => copy(&mut facts.datastores, &self.facts.datastores, place),
                Section::MasterTargets => copy(&mut facts.master_targets, &self.facts.master_targets, place),
                Section::Appliances => copy(&mut facts.appliances, &self.facts.appliances, place),
            }
        }
        Some(facts)
    }

    /// Returns the servers that changed after a mark; `None` if anything may have changed.
    pub(super) fn changed_since(&self, mark: u64) -> Option<impl Iterator<Item = Server<'_>>> {
        let changed = self.changes.since(mark)?.into_iter();
        Some(changed.filter_map(|(section, place)| {
            let facts = &self.facts;
            Some(match section {
                Section::Hosts => Server::Host(facts.hosts.as_ref()?.get(place)?),
                Section::Datastores => Server::Datastore(facts.datastores.as_ref()?.get(place)?),
                Section::MasterTargets => Server::MasterTarget(facts.master_targets.as_ref()?.get(place)?),
                Section::Appliances => Server::Appliance(facts.appliances.as_ref()?.get(place)?),
            })
        }))
    }

    /// Returns the replication groups that machines are in; `None` if nobody knows of any.
    pub(super) fn groups_of(&self, machines: &[MachineName]) -> Option<Vec<ReplicationGroup>> {
        let groups = self.facts.replication_groups.as_ref()?;
        let places = machines.iter().filter_map(|machine| self.places.groups.get(machine.as_str())).flatten();
        let places: BTreeSet<usize> = places.copied().collect();
        Some(places.into_iter().map(|place| groups[place].clone()).collect())
    }

    /// Returns the names of the machines that are in a replication group with a machine, itself left out.
    pub(super) fn mates<'s>(&'s self, machine: &str) -> impl Iterator<Item = &'s str> {
        let groups = self.facts.replication_groups.as_deref().unwrap_or_default();
        let places = self.places.groups.get(machine).into_iter().flatten();
        let members = places.flat_map(|place| groups.get(*place).map(|group| &group.members)).flatten();
        let name = machine.to_owned();
        members.map(|member| member.value.as_str()).filter(move |member| *member != name)
    }

    fn host_mut(&mut self, name: &str) -> Option<&mut Host> {
        let at = *self.places.hosts.get(name)?;
        self.changes.one(Section::Hosts, at);
        self.facts.hosts.as_mut()?.get_mut(at)
    }

    fn master_target_mut(&mut self, name: &str) -> Option<&mut MasterTarget> {
        let at = *self.places.master_targets.get(name)?;
        self.changes.one(Section::MasterTargets, at);
        self.facts.master_targets.as_mut()?.get_mut(at)
    }

    fn appliance_mut(&mut self, name: &str) -> Option<&mut Appliance> {
        let at = *self.places.appliances.get(name)?;
        self.changes.one(Section::Appliances, at);
        self.facts.appliances.as_mut()?.get_mut(at)
    }

    /// Returns a host.
    pub(super) fn host(&self, name: &str) -> Option<&Host> {
        at(&self.facts.hosts, &self.places.hosts, name)
    }

    /// Returns a datastore.
    pub(super) fn datastore(&self, name: &str) -> Option<&Datastore> {
        at(&self.facts.datastores, &self.places.datastores, name)
    }

    /// Returns a master target.
    pub(super) fn master_target(&self, name: &str) -> Option<&MasterTarget> {
        at(&self.facts.master_targets, &self.places.master_targets, name)
    }

    /// Returns an appliance.
    pub(super) fn appliance(&self, name: &str) -> Option<&Appliance> {
        at(&self.facts.appliances, &self.places.appliances, name)
    }

    /// Returns a process server.
    pub(super) fn process_server(&self, name: &str) -> Option<&ProcessServer> {
        self.facts.process_servers.iter().flatten().find(|server| server.name.value == name)
    }
}
