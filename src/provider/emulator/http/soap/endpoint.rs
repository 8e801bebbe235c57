//! Who answers below `/sdk`: a vCenter, or a host under none, each with its own names for its parts.

use crate::provider::emulator::http::soap::value::Reference;
use crate::source::Spanned;
use crate::syntax::inventory::Host;
use crate::syntax::inventory::Inventory;
use crate::syntax::nullable::Nullable;
use crate::syntax::plan::Hypervisor;

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::provider::emulator::http) enum Endpoint {
    /// A vCenter, by its name in the inventory.
    Vcenter(String),
    /// A host that no vCenter manages, by its name in the inventory.
    Host(String),
}

impl Endpoint {
    /// Returns the name in the inventory.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Vcenter(name) | Self::Host(name) => name,
        }
    }

    /// Returns what the parts are called here.
    pub(super) const fn parts(&self) -> &'static Parts {
        match self {
            Self::Vcenter(_) => &OF_VCENTER,
            Self::Host(_) => &OF_HOST,
        }
    }

    /// Returns whether what is stated to be of a vCenter, of none, or of nobody knows which, is this one's; `first` is the one
    /// that has what nothing is known about.
    pub(super) fn has(&self, stated: &Nullable<Spanned<String>>, host: Option<&str>, first: bool) -> bool {
        match (self, stated) {
            (Self::Vcenter(name), Nullable::Some(stated)) => stated.value == *name,
            (Self::Vcenter(_), Nullable::Unknown) => first,
            (Self::Host(name), Nullable::None) => host == Some(name),
            (Self::Vcenter(_), Nullable::None) | (Self::Host(_), Nullable::Some(_) | Nullable::Unknown) => {
                false
            }
        }
    }
}

/// Returns everybody who answers, the vCenters first; one is made up where the inventory knows none.
pub(in crate::provider::emulator::http) fn all(facts: &Inventory) -> Vec<Endpoint> {
    let mut names: Vec<&str> = facts.vcenters.iter().flatten().map(|one| one.id.as_str()).collect();
    for host in facts.hosts.iter().flatten() {
        if let Nullable::Some(name) = &host.vcenter
            && !names.contains(&name.as_str())
        {
            names.push(name.as_str());
        }
    }
    if names.is_empty() {
        names.push("vcenter");
    }
    let alone = facts.hosts.iter().flatten().filter(|host| host.vcenter == Nullable::None && is_esxi(host));
    let vcenters = names.into_iter().map(|name| Endpoint::Vcenter(name.to_owned()));
    vcenters.chain(alone.map(|host| Endpoint::Host(host.name.value.clone()))).collect()
}

/// Returns whether a host speaks vSphere's interface.
pub(super) fn is_esxi(host: &Host) -> bool {
    host.hypervisor.as_deref().is_none_or(|kind| *kind == Hypervisor::Esxi)
}

/// What the parts of an inventory and of the service are called.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) root: &'static str,
    pub(super) root_name: &'static str,
    pub(super) datacenter: &'static str,
    pub(super) vm_folder: &'static str,
    pub(super) host_folder: &'static str,
    pub(super) datastore_folder: &'static str,
    pub(super) network_folder: &'static str,
    /// Type and id of what has the hosts.
    compute: (&'static str, &'static str),
    pub(super) pool: &'static str,
    /// The parts of the service, by the property that names them.
    pub(super) services: [(&'static str, &'static str, &'static str); 4],
}

impl Parts {
    pub(super) fn collector(&self) -> Reference {
        let (_, kind, id) = self.services[0];
        Reference::new(kind, id)
    }

    pub(super) fn compute(&self) -> Reference {
        Reference::new(self.compute.0, self.compute.1)
    }
}

const OF_VCENTER: Parts = Parts {
    root: "group-d1",
    root_name: "Datacenters",
    datacenter: "datacenter-2",
    vm_folder: "group-v3",
    host_folder: "group-h4",
    datastore_folder: "group-s5",
    network_folder: "group-n6",
    compute: ("ClusterComputeResource", "domain-c7"),
    pool: "resgroup-8",
    services: [
        ("propertyCollector", "PropertyCollector", "propertyCollector"),
        ("viewManager", "ViewManager", "ViewManager"),
        ("sessionManager", "SessionManager", "SessionManager"),
        ("searchIndex", "SearchIndex", "SearchIndex"),
    ],
};

/// As an ESXi of version 6.5 names them, in the templates that VMware's simulator was given from one.
const OF_HOST: Parts = Parts {
    root: "ha-folder-root",
    root_name: "ha-folder-root",
    datacenter: "ha-datacenter",
    vm_folder: "ha-folder-vm",
    host_folder: "ha-folder-host",
    datastore_folder: "ha-folder-datastore",
    network_folder: "ha-folder-network",
    compute: ("ComputeResource", "ha-compute-res"),
    pool: "ha-root-pool",
    services: [
        ("propertyCollector", "PropertyCollector", "ha-property-collector"),
        ("viewManager", "ViewManager", "ViewManager"),
        ("sessionManager", "SessionManager", "ha-sessionmgr"),
        ("searchIndex", "SearchIndex", "ha-searchindex"),
    ],
};
