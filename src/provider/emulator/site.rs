//! Everything of the emulated world that serves machines: servers, vCenters, hosts, datastores.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;

use crate::id::MachineName;
use crate::provider::emulator::changes::Changes;
use crate::provider::emulator::changes::Section;
use crate::provider::emulator::item::is_false;
use crate::provider::emulator::item::is_true;
use crate::provider::emulator::job::Trouble;
use crate::quantity::Bytes;
use crate::source::Spanned;
use crate::syntax::inventory::Access;
use crate::syntax::inventory::Appliance;
use crate::syntax::inventory::Datastore;
use crate::syntax::inventory::Experience;
use crate::syntax::inventory::Host;
use crate::syntax::inventory::Inventory;
use crate::syntax::inventory::MasterTarget;
use crate::syntax::inventory::ProcessServer;
use crate::syntax::inventory::ReplicationGroup;
use crate::syntax::machine::Health;
use crate::syntax::machine::Machine;
use crate::syntax::machine::MachineKind;
use crate::syntax::plan::Hypervisor;
use crate::syntax::scalar::Nullable;

/// The servers of the world and what they stand on.
#[derive(Debug)]
pub(super) struct Site {
    /// The facts, without machines.
    facts: Inventory,
    /// Whether the vault uses the classic architecture.
    pub classic: bool,
    /// Names of the virtual machines of each host.
    vms: HashMap<String, HashSet<String>>,
    /// How often each server was moved to another datastore.
    moves: HashMap<String, u32>,
    /// Places of servers and groups in the facts, by name.
    places: Places,
    changes: Changes,
}

/// Places in the facts, by name; the emulated site neither gains nor loses a server.
#[derive(Debug, Default)]
struct Places {
    hosts: HashMap<String, usize>,
    datastores: HashMap<String, usize>,
    master_targets: HashMap<String, usize>,
    appliances: HashMap<String, usize>,
    /// Replication groups of each machine.
    groups: HashMap<String, Vec<usize>>,
}

impl Places {
    fn of(facts: &Inventory) -> Self {
        let mut groups: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, group) in facts.replication_groups.iter().flatten().enumerate() {
            for member in &group.members {
                groups.entry(member.value.clone()).or_default().push(at);
            }
        }
        Self {
            hosts: by_name(facts.hosts.as_deref(), |host| &host.name),
            datastores: by_name(facts.datastores.as_deref(), |datastore| &datastore.name),
            master_targets: by_name(facts.master_targets.as_deref(), |server| &server.name),
            appliances: by_name(facts.appliances.as_deref(), |server| &server.name),
            groups,
        }
    }
}

fn by_name<T>(things: Option<&[T]>, name: impl Fn(&T) -> &Spanned<String>) -> HashMap<String, usize> {
    let mut places = HashMap::new();
    for (at, thing) in things.unwrap_or_default().iter().enumerate() {
        places.entry(name(thing).value.clone()).or_insert(at);
    }
    places
}

/// Copies one thing of a section.
fn copy<T: Clone>(into: &mut Option<Vec<T>>, from: &Option<Vec<T>>, place: usize) {
    into.get_or_insert_default().extend(from.as_ref().and_then(|things| things.get(place)).cloned());
}

/// Returns the thing of a name.
fn at<'t, T>(things: &'t Option<Vec<T>>, places: &HashMap<String, usize>, name: &str) -> Option<&'t T> {
    things.as_ref()?.get(*places.get(name)?)
}

impl Site {
    /// Returns the site of an inventory, and the inventory's machines.
    pub(super) fn new(mut facts: Inventory) -> (Self, Vec<Machine>) {
        let machines = facts.machines.take().unwrap_or_default();
        let stated = facts.vault.as_ref().and_then(|vault| vault.experience.as_deref().copied());
        let has_appliances = facts.appliances.as_ref().is_some_and(|appliances| !appliances.is_empty());
        let classic = match stated {
            Some(Experience::Classic) => true,
            Some(Experience::Modernized) => false,
            None => facts.configuration_server.as_option().is_some() || !has_appliances,
        };
        let mut vms: HashMap<String, HashSet<String>> = HashMap::new();
        for host in facts.hosts.iter().flatten() {
            let seen = host.vms.iter().flatten().map(|vm| vm.value.clone());
            vms.entry(host.name.value.clone()).or_default().extend(seen);
        }
        for machine in &machines {
            let physical = machine.kind.as_deref() == Some(&MachineKind::Physical);
            let vm = machine.onprem_vm.as_ref().filter(|vm| !is_false(&vm.exists) && !physical);
            let Some(vm) = vm else { continue };
            if let Some(host) = &vm.host {
                let name = vm.name.as_ref().unwrap_or(&machine.name).value.clone();
                vms.entry(host.value.clone()).or_default().insert(name);
            }
        }
        let places = Places::of(&facts);
        let mut site =
            Self { facts, classic, vms, moves: HashMap::new(), places, changes: Changes::default() };
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
            let mut names: Vec<&String> = self.vms.get(&host.name.value).into_iter().flatten().collect();
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

    /// Returns the replication groups that machines are in; `None` if nobody knows of any.
    pub(super) fn groups_of(&self, machines: &[MachineName]) -> Option<Vec<ReplicationGroup>> {
        let groups = self.facts.replication_groups.as_ref()?;
        let places = machines.iter().filter_map(|machine| self.places.groups.get(machine.as_str())).flatten();
        let places: BTreeSet<usize> = places.copied().collect();
        Some(places.into_iter().map(|place| groups[place].clone()).collect())
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

    /// Returns the host of a master target or an appliance.
    pub(super) fn host_of(&self, server: &str) -> Option<&str> {
        let master_target = self.master_target(server).and_then(|server| server.host.as_ref());
        let host = master_target.or_else(|| self.appliance(server).and_then(|server| server.host.as_ref()));
        host.map(|host| host.as_str())
    }

    /// Returns the datastore of a master target or an appliance.
    fn datastore_of(&self, server: &str) -> Option<&str> {
        let master_target = self.master_target(server).and_then(|server| server.datastore.as_ref());
        let datastore =
            master_target.or_else(|| self.appliance(server).and_then(|server| server.datastore.as_ref()));
        datastore.map(|datastore| datastore.as_str())
    }

    /// Returns how often a server was moved to another datastore.
    pub(super) fn moves(&self, server: &str) -> u32 {
        self.moves.get(server).copied().unwrap_or(0)
    }

    /// Moves a master target or an appliance to another datastore.
    pub(super) fn move_server(&mut self, server: &str) {
        *self.moves.entry(server.to_owned()).or_default() += 1;
        let here = self.datastore_of(server).map(str::to_owned);
        let other = self
            .facts
            .datastores
            .iter()
            .flatten()
            .map(|datastore| &datastore.name.value)
            .find(|name| Some(*name) != here.as_ref())
            .cloned()
            // A site with one datastore moves the server to one that it had not listed.
            .unwrap_or_else(|| "moved".to_owned());
        if let Some(target) = self.master_target_mut(server) {
            target.datastore = Some(Spanned::bare(other.clone()));
        }
        if let Some(appliance) = self.appliance_mut(server) {
            appliance.datastore = Some(Spanned::bare(other));
        }
    }

    /// Returns the disks attached to a master target or an appliance.
    pub(super) fn attached(&self, server: &str) -> u32 {
        let master_target = self.master_target(server).and_then(|server| server.attached_disks.as_deref());
        let attached = master_target
            .or_else(|| self.appliance(server).and_then(|server| server.attached_disks.as_deref()));
        attached.copied().unwrap_or(0)
    }

    /// Sets the disks attached to a master target or an appliance.
    pub(super) fn set_attached(&mut self, server: &str, disks: u32) {
        if let Some(target) = self.master_target_mut(server) {
            target.attached_disks = Some(Spanned::bare(disks));
        }
        if let Some(appliance) = self.appliance_mut(server) {
            appliance.attached_disks = Some(Spanned::bare(disks));
        }
    }

    /// Returns whether a host may write to a datastore. A datastore whose access is not stated is open to all hosts.
    pub(super) fn may_write(&self, host: &str, datastore: &str) -> bool {
        let Some(datastore) = self.datastore(datastore) else { return false };
        datastore.access.as_ref().is_none_or(|access| {
            access.get(host).is_some_and(|access| match access.value {
                Access::ReadWrite => true,
                Access::ReadOnly => false,
            })
        })
    }

    /// Returns what is wrong with a datastore for a host.
    pub(super) fn datastore_trouble(&self, host: Option<&str>, name: &str) -> Option<Trouble> {
        let unreachable =
            || Trouble::new("8061", format!("The datastore '{name}' isn't accessible from the ESXi host."));
        let Some(datastore) = self.datastore(name) else { return Some(unreachable()) };
        let no_access = host.is_some_and(|host| !self.may_write(host, name));
        (is_false(&datastore.accessible) || no_access).then(unreachable)
    }

    /// Takes space from a datastore (or gives it back, if negative).
    pub(super) fn take_space(&mut self, name: &str, bytes: i128) {
        let Some(at) = self.places.datastores.get(name).copied() else { return };
        self.changes.one(Section::Datastores, at);
        let datastore = self.facts.datastores.as_mut().and_then(|datastores| datastores.get_mut(at));
        if let Some(free) = datastore.and_then(|datastore| datastore.free_gb.as_mut()) {
            let left = (i128::from(free.value.0) - bytes).max(0);
            free.value = Bytes(u64::try_from(left).unwrap_or(u64::MAX));
        }
    }

    /// Takes memory from a host.
    pub(super) fn take_memory(&mut self, name: &str, memory: Bytes) {
        if let Some(free) = self.host_mut(name).and_then(|host| host.free_memory_gb.as_mut()) {
            free.value = Bytes(free.value.0.saturating_sub(memory.0));
        }
    }

    /// Returns what is wrong with a host that is to run a machine.
    pub(super) fn host_trouble(&self, name: &str) -> Option<Trouble> {
        let host = self.host(name)?;
        if host.hypervisor.as_deref().is_some_and(|hypervisor| *hypervisor != Hypervisor::Esxi) {
            return Some(Trouble::new("TargetNotEsxi", format!("'{name}' isn't an ESXi host.")));
        }
        if host.license.as_deref().is_some_and(|license| license == "free") {
            return Some(Trouble::new("HostLicense", format!("'{name}' runs the free edition of ESXi.")));
        }
        if is_false(&host.discovered) {
            return Some(Trouble::new("HostNotDiscovered", format!("'{name}' hasn't been discovered.")));
        }
        None
    }

    /// Returns the vCenter of a host; `None` if none manages it or nobody knows.
    pub(super) fn vcenter_of(&self, host: &str) -> Option<&str> {
        self.host(host).and_then(|host| host.vcenter.as_option()).map(|vcenter| vcenter.as_str())
    }

    /// Returns what is wrong with a vCenter.
    pub(super) fn vcenter_trouble(&self, name: &str) -> Option<Trouble> {
        let vcenter = self.facts.vcenters.iter().flatten().find(|vcenter| vcenter.id.value == name);
        let Some(vcenter) = vcenter else {
            let unknown = self.facts.vcenters.is_some();
            return unknown.then(|| {
                Trouble::new("VcenterNotRegistered", format!("The vCenter '{name}' isn't registered."))
            });
        };
        if is_false(&vcenter.connected) {
            let message = "Last successful discovery time of vCenter has exceeded the threshold.";
            return Some(Trouble::new("811", message));
        }
        None
    }

    /// Returns whether the account on a vCenter may do what a failback needs, as far as the list of privileges tells.
    pub(super) fn lacks_privileges(&self, name: &str) -> bool {
        let vcenter = self.facts.vcenters.iter().flatten().find(|vcenter| vcenter.id.value == name);
        let privileges = vcenter.and_then(|vcenter| vcenter.account.as_ref()?.privileges.as_ref());
        privileges.is_some_and(|privileges| {
            let has = |wanted: &str| privileges.iter().any(|privilege| privilege.value == wanted);
            // Two of the list stand for it: without them no disk is made and no machine is powered off.
            let enough = has("Datastore.AllocateSpace") && has("VirtualMachine.Interact.PowerOff");
            !(has("failback") || enough)
        })
    }

    /// Returns what is wrong with the configuration server.
    pub(super) fn configuration_server_trouble(&self) -> Option<Trouble> {
        let server = match &self.facts.configuration_server {
            Nullable::Some(server) => server,
            Nullable::Unknown => return None,
            Nullable::None => return Some(Trouble::new("583", "There is no Configuration server.")),
        };
        let name = &server.id.value;
        if is_false(&server.connected) {
            return Some(Trouble::new("583", format!("The Configuration server '{name}' isn't connected.")));
        }
        None
    }

    /// Returns what is wrong with a process server.
    pub(super) fn process_server_trouble(&self, name: &str) -> Option<Trouble> {
        let Some(server) = self.process_server(name) else {
            return Some(Trouble::new(
                "ProcessServerNotFound",
                format!("The process server '{name}' isn't registered."),
            ));
        };
        if server.health.as_deref() == Some(&Health::Critical) {
            return Some(Trouble::new("806", "Process server heartbeat is missing."));
        }
        None
    }

    /// Returns what is wrong with an appliance.
    pub(super) fn appliance_trouble(&self, name: &str) -> Option<Trouble> {
        let Some(appliance) = self.appliance(name) else {
            return Some(Trouble::new(
                "ApplianceNotFound",
                format!("The appliance '{name}' isn't registered."),
            ));
        };
        let vault = self.facts.vault.as_ref().and_then(|vault| vault.name.as_ref());
        if appliance.vault.is_some() && vault.is_some() && appliance.vault.as_ref() != vault {
            return Some(Trouble::new(
                "ApplianceNotFound",
                format!("The appliance '{name}' is of another vault."),
            ));
        }
        let critical = |health: Option<&Health>| health == Some(&Health::Critical);
        let part = appliance.components.iter().flatten().find(|part| critical(part.health.as_deref()));
        if critical(appliance.health.as_deref()) || part.is_some() {
            let part = part.map(|part| format!(" ({})", part.name.value)).unwrap_or_default();
            return Some(Trouble::new(
                "ApplianceUnhealthy",
                format!("The appliance '{name}' isn't healthy{part}."),
            ));
        }
        None
    }

    /// Returns whether a host has a virtual machine of this name.
    pub(super) fn has_vm(&self, host: &str, name: &str) -> bool {
        self.vms.get(host).is_some_and(|vms| vms.contains(name))
    }

    /// Adds a virtual machine to a host.
    pub(super) fn add_vm(&mut self, host: &str, name: &str) {
        self.vms.entry(host.to_owned()).or_default().insert(name.to_owned());
        if let Some(vms) = self.host_mut(host).and_then(|host| host.vms.as_mut())
            && !vms.iter().any(|vm| vm.value == name)
        {
            vms.push(Spanned::bare(name.to_owned()));
        }
    }

    /// Removes a virtual machine from a host.
    pub(super) fn remove_vm(&mut self, host: &str, name: &str) {
        if let Some(vms) = self.vms.get_mut(host) {
            vms.remove(name);
        }
        if let Some(vms) = self.host_mut(host).and_then(|host| host.vms.as_mut()) {
            vms.retain(|vm| vm.value != name);
        }
    }

    /// Returns whether a storage account is there, as far as the inventory lists them.
    pub(super) fn has_storage_account(&self, name: &str) -> bool {
        let listed = self.facts.storage_accounts.as_ref();
        listed.is_none_or(|accounts| accounts.iter().any(|account| account.value == name))
    }

    /// Returns whether anything is known to be true of the configuration server that keeps machines from coming back.
    pub(super) fn configuration_server_replaced(&self) -> bool {
        self.facts.configuration_server.as_option().is_some_and(|server| is_true(&server.cloned))
    }
}
