//! Which objects a vCenter has, and what they are called: the same reference for the same thing in every answer.

use std::collections::HashMap;
use std::collections::HashSet;

use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::identity;
use crate::provider::emulator::http::soap::content;
use crate::provider::emulator::http::soap::envelope::Call;
use crate::provider::emulator::http::soap::ground;
use crate::provider::emulator::http::soap::state::Session;
use crate::provider::emulator::http::soap::value::Reference;
use crate::provider::emulator::http::soap::value::Value;
use crate::provider::emulator::http::soap::vm;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::item::Item;
use crate::provider::emulator::item::is_true;
use crate::syntax::inventory::Appliance;
use crate::syntax::inventory::Datastore;
use crate::syntax::inventory::Host;
use crate::syntax::inventory::Inventory;
use crate::syntax::inventory::MasterTarget;
use crate::syntax::inventory::Placement;
use crate::syntax::plan::Form;
use crate::syntax::plan::Hypervisor;
use crate::syntax::scalar::Nullable;

pub(super) const ROOT: &str = "group-d1";
pub(super) const DATACENTER: &str = "datacenter-2";
pub(super) const VM_FOLDER: &str = "group-v3";
pub(super) const HOST_FOLDER: &str = "group-h4";
pub(super) const DATASTORE_FOLDER: &str = "group-s5";
pub(super) const NETWORK_FOLDER: &str = "group-n6";
pub(super) const CLUSTER: &str = "domain-c7";
pub(super) const POOL: &str = "resgroup-8";

/// Returns the names of the vCenters; one is made up where the inventory knows none.
pub(super) fn vcenters(facts: &Inventory) -> Vec<String> {
    let mut names: Vec<String> = facts.vcenters.iter().flatten().map(|one| one.id.value.clone()).collect();
    for host in facts.hosts.iter().flatten() {
        if let Nullable::Some(name) = &host.vcenter
            && !names.contains(&name.value)
        {
            names.push(name.value.clone());
        }
    }
    if names.is_empty() {
        names.push("vcenter".into());
    }
    names
}

/// What a virtual machine is in the world.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role<'v> {
    /// The on-premises copy of a machine.
    Machine(&'v Item),
    /// A master target.
    MasterTarget(&'v MasterTarget),
    /// An appliance.
    Appliance(&'v Appliance),
    /// One of which nothing but its name is known.
    Other,
}

/// A virtual machine.
#[derive(Clone, Debug)]
pub(super) struct Vm<'v> {
    pub(super) name: &'v str,
    pub(super) uuid: String,
    pub(super) host: Option<&'v str>,
    pub(super) role: Role<'v>,
}

impl Vm<'_> {
    pub(super) fn reference(&self) -> Reference {
        let hash = guid::long("virtual machine", &self.uuid);
        let number = u64::from_str_radix(&hash[..10], 16).unwrap_or_default();
        Reference::new("VirtualMachine", format!("vm-{number}"))
    }
}

/// What a vCenter has.
pub(super) struct Estate<'v> {
    pub(super) visit: &'v Visit<'v>,
    pub(super) vcenter: &'v str,
    pub(super) session: Option<&'v Session>,
    pub(super) hosts: Vec<&'v Host>,
    pub(super) datastores: Vec<&'v Datastore>,
    pub(super) vms: Vec<Vm<'v>>,
    places: HashMap<String, usize>,
}

impl<'v> Estate<'v> {
    pub(super) fn new(visit: &'v Visit<'v>, vcenter: &'v str, session: Option<&'v Session>) -> Self {
        let facts = visit.world().site.facts();
        let first = vcenters(facts)[0] == vcenter;
        let ours = |stated: &Nullable<crate::source::Spanned<String>>| match stated {
            Nullable::Some(name) => name.value == vcenter,
            Nullable::Unknown => first,
            Nullable::None => false,
        };
        let is_esxi = |host: &Host| host.hypervisor.as_deref().is_none_or(|kind| *kind == Hypervisor::Esxi);
        let hosts: Vec<&Host> =
            facts.hosts.iter().flatten().filter(|host| ours(&host.vcenter) && is_esxi(host)).collect();
        let datastores = facts.datastores.iter().flatten().filter(|store| ours(&store.vcenter)).collect();
        let mut estate =
            Self { visit, vcenter, session, hosts, datastores, vms: Vec::new(), places: HashMap::new() };
        estate.add_vms(facts, first);
        estate.places = estate.vms.iter().enumerate().map(|(at, vm)| (vm.reference().id, at)).collect();
        estate
    }

    fn add_vms(&mut self, facts: &'v Inventory, first: bool) {
        let managed: HashMap<&str, Option<&str>> = facts
            .hosts
            .iter()
            .flatten()
            .map(|host| {
                (
                    host.name.as_str(),
                    match &host.vcenter {
                        Nullable::Some(name) => Some(name.value.as_str()),
                        Nullable::Unknown => Some(""),
                        Nullable::None => None,
                    },
                )
            })
            .collect();
        let here = |host: Option<&str>| match host.map(|host| managed.get(host)) {
            Some(Some(Some(""))) | Some(None) | None => first,
            Some(Some(Some(name))) => *name == self.vcenter,
            Some(Some(None)) => false,
        };
        let mut vms: Vec<Vm<'v>> = Vec::new();
        for item in &self.visit.world().items {
            let Some(onprem) = item.facts.onprem_vm.as_ref().filter(|vm| is_true(&vm.exists)) else {
                continue;
            };
            let host = onprem.host.as_ref().map(|host| host.as_str());
            let ours = match &onprem.vcenter {
                Nullable::Some(name) => name.value == self.vcenter,
                Nullable::Unknown => here(host),
                Nullable::None => false,
            };
            // A physical server is nothing that a vCenter knows.
            if ours && !item.is_physical_server() {
                let name = onprem.name.as_ref().map_or(item.name.as_str(), |name| name.as_str());
                let uuid = identity::vm_uuid(item).to_ascii_lowercase();
                vms.push(Vm { name, uuid, host, role: Role::Machine(item) });
            }
        }
        let uuid = |stated: Option<&str>, name: &str| {
            stated.map_or_else(|| guid::guid("vm", name), str::to_ascii_lowercase)
        };
        let servers = facts.master_targets.iter().flatten();
        for server in servers.filter(|server| server.form.as_deref() != Some(&Form::Physical)) {
            let host = server.host.as_ref().map(|host| host.as_str());
            if here(host) {
                let uuid = uuid(server.uuid.as_ref().map(|uuid| uuid.as_str()), &server.name.value);
                vms.push(Vm { name: server.name.as_str(), uuid, host, role: Role::MasterTarget(server) });
            }
        }
        for server in facts.appliances.iter().flatten() {
            let host = server.host.as_ref().map(|host| host.as_str());
            let ours = server.vcenter.as_ref().map_or_else(|| here(host), |name| name.value == self.vcenter);
            if ours {
                let uuid = uuid(None, &server.name.value);
                vms.push(Vm { name: server.name.as_str(), uuid, host, role: Role::Appliance(server) });
            }
        }
        let mut taken: HashSet<String> = vms.iter().map(|vm| vm.name.to_lowercase()).collect();
        for host in &self.hosts {
            for name in host.vms.iter().flatten().filter(|name| taken.insert(name.value.to_lowercase())) {
                let (name, host) = (name.as_str(), Some(host.name.as_str()));
                vms.push(Vm { name, uuid: uuid(None, name), host, role: Role::Other });
            }
        }
        let servers = facts.process_servers.iter().flatten();
        for server in
            servers.filter(|server| first && server.placement.as_deref() == Some(&Placement::Onprem))
        {
            let name = server.name.as_str();
            if taken.insert(name.to_lowercase()) {
                vms.push(Vm { name, uuid: uuid(None, name), host: None, role: Role::Other });
            }
        }
        self.vms = vms;
    }

    /// Returns the reference of a host.
    pub(super) fn host_reference(&self, name: &str) -> Option<Reference> {
        self.hosts.iter().find(|host| host.name.value == name).map(|host| host_reference(host))
    }

    /// Returns the reference of a datastore.
    pub(super) fn datastore_reference(&self, name: &str) -> Option<Reference> {
        self.datastores.iter().find(|store| store.name.value == name).map(|store| datastore_reference(store))
    }

    /// Returns the virtual machine that is asked for by a UUID.
    pub(super) fn find_by_uuid(&self, call: &Call) -> Option<Reference> {
        let uuid = call.argument("uuid")?.text.trim().to_ascii_lowercase();
        let is_true =
            |name| call.argument(name).is_some_and(|node| matches!(node.text.as_str(), "true" | "1"));
        if !is_true("vmSearch") {
            return None;
        }
        let by_instance = is_true("instanceUuid");
        let vm = self
            .vms
            .iter()
            .find(|vm| if by_instance { vm.instance_uuid() == uuid } else { vm.uuid == uuid })?;
        Some(vm.reference())
    }

    /// Returns what is below an object, itself left out.
    pub(super) fn below(&self, container: &Reference) -> Option<Vec<Reference>> {
        let vms = || self.vms.iter().map(Vm::reference);
        let hosts = || self.hosts.iter().map(|host| host_reference(host));
        let datastores = || self.datastores.iter().map(|store| datastore_reference(store));
        let cluster =
            [Reference::new("ClusterComputeResource", CLUSTER), Reference::new("ResourcePool", POOL)];
        let folders =
            [VM_FOLDER, HOST_FOLDER, DATASTORE_FOLDER, NETWORK_FOLDER].map(|id| Reference::new("Folder", id));
        let mut all: Vec<Reference> = Vec::new();
        match container.id.as_str() {
            ROOT | DATACENTER => {
                if container.id == ROOT {
                    all.push(Reference::new("Datacenter", DATACENTER));
                }
                all.extend(folders);
                all.extend(cluster);
                all.extend(hosts().chain(datastores()).chain(vms()));
            }
            VM_FOLDER | POOL => all.extend(vms()),
            HOST_FOLDER => all.extend(cluster.into_iter().chain(hosts())),
            CLUSTER => all.extend(cluster.into_iter().skip(1).chain(hosts())),
            DATASTORE_FOLDER => all.extend(datastores()),
            NETWORK_FOLDER => {}
            _ => return None,
        }
        Some(all)
    }

    /// Returns all properties of an object; `None` if there is no such object.
    pub(super) fn properties(&self, reference: &Reference) -> Option<Value> {
        match reference.kind.as_str() {
            "VirtualMachine" => self.places.get(&reference.id).map(|at| vm::properties(self, &self.vms[*at])),
            "HostSystem" => {
                let host = self.hosts.iter().find(|host| host_reference(host).id == reference.id)?;
                Some(ground::host(self, host))
            }
            "Datastore" => {
                let store =
                    self.datastores.iter().find(|store| datastore_reference(store).id == reference.id)?;
                Some(ground::datastore(self, store))
            }
            _ => content::properties(self, reference),
        }
    }
}

/// Returns the reference of a host: it follows from the name.
pub(super) fn host_reference(host: &Host) -> Reference {
    Reference::new("HostSystem", format!("host-{}", number("host", &host.name.value)))
}

/// Returns the reference of a datastore.
pub(super) fn datastore_reference(store: &Datastore) -> Reference {
    Reference::new("Datastore", format!("datastore-{}", number("datastore", &store.name.value)))
}

fn number(kind: &str, name: &str) -> u64 {
    u64::from_str_radix(&guid::long(kind, name)[..8], 16).unwrap_or_default()
}
