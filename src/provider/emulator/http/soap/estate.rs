//! Which objects a vCenter has, and what they are called: the same reference for the same thing in every answer.

use std::collections::HashMap;
use std::collections::HashSet;

use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::identity;
use crate::provider::emulator::http::soap::content;
use crate::provider::emulator::http::soap::endpoint;
use crate::provider::emulator::http::soap::endpoint::Endpoint;
use crate::provider::emulator::http::soap::endpoint::Parts;
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
use crate::syntax::nullable::Nullable;
use crate::syntax::plan::Form;

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
    reference: Reference,
}

impl<'v> Vm<'v> {
    /// Returns a virtual machine, whose reference begins with `prefix` and follows from its UUID.
    fn new(name: &'v str, uuid: String, host: Option<&'v str>, role: Role<'v>, prefix: &str) -> Self {
        let hash = guid::long("virtual machine", &uuid);
        let number = u64::from_str_radix(&hash[..10], 16).unwrap_or_default();
        let reference = Reference::new("VirtualMachine", format!("{prefix}{number}"));
        Self { name, uuid, host, role, reference }
    }

    pub(super) fn reference(&self) -> Reference {
        self.reference.clone()
    }
}

/// What a vCenter has.
pub(super) struct Estate<'v> {
    pub(super) visit: &'v Visit<'v>,
    pub(super) endpoint: &'v Endpoint,
    pub(super) session: Option<&'v Session>,
    pub(super) hosts: Vec<&'v Host>,
    pub(super) datastores: Vec<&'v Datastore>,
    pub(super) vms: Vec<Vm<'v>>,
    places: HashMap<String, usize>,
}

impl<'v> Estate<'v> {
    pub(super) fn new(visit: &'v Visit<'v>, endpoint: &'v Endpoint, session: Option<&'v Session>) -> Self {
        let facts = visit.world().site.facts();
        let first = endpoint::all(facts)[0] == *endpoint;
        let hosts = facts.hosts.iter().flatten().filter(|host| endpoint::is_esxi(host));
        let hosts: Vec<&Host> =
            hosts.filter(|host| endpoint.has(&host.vcenter, Some(host.name.as_str()), first)).collect();
        let datastores = facts.datastores.iter().flatten().filter(|store| match endpoint {
            Endpoint::Vcenter(_) => endpoint.has(&store.vcenter, None, first),
            // It has what it has mounted, whoever else has it.
            Endpoint::Host(name) => match &store.access {
                Some(access) => access.get(name).is_some(),
                None => store.vcenter == Nullable::None,
            },
        });
        let datastores = datastores.collect();
        let mut estate =
            Self { visit, endpoint, session, hosts, datastores, vms: Vec::new(), places: HashMap::new() };
        estate.add_vms(facts, first);
        estate.places = estate.vms.iter().enumerate().map(|(at, vm)| (vm.reference.id.clone(), at)).collect();
        estate
    }

    /// Returns what the parts are called here.
    pub(super) const fn parts(&self) -> &'static Parts {
        self.endpoint.parts()
    }

    /// Returns whether a single host answers.
    pub(super) const fn is_host(&self) -> bool {
        matches!(self.endpoint, Endpoint::Host(_))
    }

    fn add_vms(&mut self, facts: &'v Inventory, first: bool) {
        let managed: HashMap<&str, &Host> =
            facts.hosts.iter().flatten().map(|host| (host.name.as_str(), host)).collect();
        let endpoint = self.endpoint;
        let here = |host: Option<&str>| match host.and_then(|host| managed.get(host)) {
            Some(known) => endpoint.has(&known.vcenter, host, first),
            None => first,
        };
        let prefix = if self.is_host() { "" } else { "vm-" };
        let mut vms: Vec<Vm<'v>> = Vec::new();
        for item in &self.visit.world().items {
            let Some(onprem) = item.facts.onprem_vm.as_ref().filter(|vm| is_true(&vm.exists)) else {
                continue;
            };
            let host = onprem.host.as_ref().map(|host| host.as_str());
            let ours = match &onprem.vcenter {
                Nullable::Unknown => here(host),
                stated => endpoint.has(stated, host, first),
            };
            // A physical server is nothing that a vCenter knows.
            if ours && !item.is_physical_server() {
                let name = onprem.name.as_ref().map_or(item.name.as_str(), |name| name.as_str());
                let uuid = identity::vm_uuid(item).to_ascii_lowercase();
                vms.push(Vm::new(name, uuid, host, Role::Machine(item), prefix));
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
                vms.push(Vm::new(server.name.as_str(), uuid, host, Role::MasterTarget(server), prefix));
            }
        }
        for server in facts.appliances.iter().flatten() {
            let host = server.host.as_ref().map(|host| host.as_str());
            let ours = match &server.vcenter {
                Some(name) => *endpoint == Endpoint::Vcenter(name.value.clone()),
                None => here(host),
            };
            if ours {
                let uuid = uuid(None, &server.name.value);
                vms.push(Vm::new(server.name.as_str(), uuid, host, Role::Appliance(server), prefix));
            }
        }
        let mut taken: HashSet<String> = vms.iter().map(|vm| vm.name.to_lowercase()).collect();
        for host in &self.hosts {
            for name in host.vms.iter().flatten().filter(|name| taken.insert(name.value.to_lowercase())) {
                let (name, host) = (name.as_str(), Some(host.name.as_str()));
                vms.push(Vm::new(name, uuid(None, name), host, Role::Other, prefix));
            }
        }
        let servers = facts.process_servers.iter().flatten();
        for server in
            servers.filter(|server| first && server.placement.as_deref() == Some(&Placement::Onprem))
        {
            let name = server.name.as_str();
            if taken.insert(name.to_lowercase()) {
                vms.push(Vm::new(name, uuid(None, name), None, Role::Other, prefix));
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
        self.datastores.iter().find(|store| store.name.value == name).map(|store| self.reference_of(store))
    }

    /// Returns the reference of a datastore: a vCenter numbers them, and a host names them by their volume.
    pub(super) fn reference_of(&self, store: &Datastore) -> Reference {
        let name = &store.name.value;
        let id = match self.endpoint {
            Endpoint::Vcenter(_) => format!("datastore-{}", number("datastore", name)),
            Endpoint::Host(_) => guid::guid("datastore", name),
        };
        Reference::new("Datastore", id)
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
        let datastores = || self.datastores.iter().map(|store| self.reference_of(store));
        let parts = self.parts();
        let compute = parts.compute();
        let cluster = [compute.clone(), Reference::new("ResourcePool", parts.pool)];
        let folders = [parts.vm_folder, parts.host_folder, parts.datastore_folder, parts.network_folder]
            .map(|id| Reference::new("Folder", id));
        let mut all: Vec<Reference> = Vec::new();
        match container.id.as_str() {
            id if id == parts.root || id == parts.datacenter => {
                if id == parts.root {
                    all.push(Reference::new("Datacenter", parts.datacenter));
                }
                all.extend(folders);
                all.extend(cluster);
                all.extend(hosts().chain(datastores()).chain(vms()));
            }
            id if id == parts.vm_folder || id == parts.pool => all.extend(vms()),
            id if id == parts.host_folder => all.extend(cluster.into_iter().chain(hosts())),
            id if id == compute.id => all.extend(cluster.into_iter().skip(1).chain(hosts())),
            id if id == parts.datastore_folder => all.extend(datastores()),
            id if id == parts.network_folder => {}
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
                    self.datastores.iter().find(|store| self.reference_of(store).id == reference.id)?;
                Some(ground::datastore(self, store))
            }
            _ => content::properties(self, reference),
        }
    }
}

/// Returns the reference of a host: it follows from the name. A host that is asked itself has always the same.
pub(super) fn host_reference(host: &Host) -> Reference {
    if host.vcenter == Nullable::None {
        return Reference::new("HostSystem", "ha-host");
    }
    Reference::new("HostSystem", format!("host-{}", number("host", &host.name.value)))
}

fn number(kind: &str, name: &str) -> u64 {
    u64::from_str_radix(&guid::long(kind, name)[..8], 16).unwrap_or_default()
}
