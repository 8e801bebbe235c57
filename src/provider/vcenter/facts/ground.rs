//! Hosts and datastores.

use crate::provider::vcenter::facts::Told;
use crate::provider::vcenter::facts::known;
use crate::provider::vcenter::seen::Seen;
use crate::provider::vcenter::seen::SeenDatastore;
use crate::provider::vcenter::seen::SeenHost;
use crate::source::Spanned;
use crate::syntax::inventory::Access;
use crate::syntax::inventory::Datastore;
use crate::syntax::inventory::Host;
use crate::syntax::inventory::Inventory;
use crate::syntax::nullable::Nullable;
use crate::syntax::plan::Hypervisor;
use crate::syntax::value::Named;

/// Adds the hosts.
pub(super) fn hosts(seen: &[Seen], base: &Inventory, told: &mut Told) {
    let mut hosts: Vec<Host> = Vec::new();
    for one in seen {
        for host in &one.hosts {
            if hosts.iter().any(|known| known.name.value == host.name) {
                told.gap(
                    &one.vcenter,
                    &host.name,
                    "hosts",
                    "another vCenter has a host of the same name, which was taken",
                );
                continue;
            }
            if !one.about.is_vcenter && host.managed == Some(true) {
                let why = "it says that a vCenter manages it: which one is not known";
                told.gap(&one.vcenter, &host.name, "hosts", why);
            }
            told.origin("hosts", &host.name, one);
            hosts.push(self::host(one, host));
        }
    }
    for host in base.hosts.iter().flatten().filter(|host| host.vcenter == Nullable::None) {
        if !hosts.iter().any(|known| known.name.value == host.name.value) {
            let why = "no vCenter manages it, and it was not asked itself: it stays as it is written";
            told.gap("", &host.name.value, "hosts", why);
            hosts.push(host.clone());
        }
    }
    told.inventory.hosts = Some(hosts);
}

fn host(seen: &Seen, host: &SeenHost) -> Host {
    Host {
        name: Spanned::bare(host.name.clone()),
        vcenter: match vcenter_of(seen) {
            Nullable::Unknown if host.managed == Some(false) => Nullable::None,
            vcenter => vcenter,
        },
        hypervisor: known(Hypervisor::Esxi),
        discovered: None,
        license: None,
        version: host.version.clone().map(Spanned::bare),
        free_memory_gb: host.free_memory.map(Spanned::bare),
        vms: host.vms.as_ref().map(|vms| vms.iter().cloned().map(Spanned::bare).collect()),
    }
}

/// Returns the vCenter; a host that is asked itself doesn't say which manages it.
fn vcenter_of(seen: &Seen) -> Nullable<Spanned<String>> {
    if seen.about.is_vcenter {
        Nullable::Some(Spanned::bare(seen.vcenter.clone()))
    } else {
        Nullable::Unknown
    }
}

/// Adds the datastores.
pub(super) fn datastores(seen: &[Seen], base: &Inventory, told: &mut Told) {
    let mut found: Vec<(&Seen, &SeenDatastore)> = Vec::new();
    let mut unclear: Vec<String> = Vec::new();
    let mut shared: Vec<(&Seen, &SeenDatastore)> = Vec::new();
    for one in seen {
        for datastore in &one.datastores {
            match found.iter().find(|(_, known)| known.name == datastore.name) {
                None => found.push((one, datastore)),
                // One that several vCenters have is the same datastore if its address is.
                Some((_, known)) if known.url.is_some() && known.url == datastore.url => {
                    shared.push((one, datastore));
                }
                Some(_) => {
                    let why = "several datastores have this name: which is meant can't be told";
                    told.gap(&one.vcenter, &datastore.name, "datastores", why);
                    unclear.push(datastore.name.clone());
                }
            }
        }
    }
    let mut datastores = Vec::with_capacity(found.len());
    for (one, datastore) in found {
        told.origin("datastores", &datastore.name, one);
        let others: Vec<&SeenDatastore> = shared
            .iter()
            .filter(|(_, other)| other.name == datastore.name)
            .map(|(_, other)| *other)
            .collect();
        datastores.push(if unclear.contains(&datastore.name) {
            unknown(&datastore.name)
        } else {
            Datastore {
                kind: datastore.kind.map(Spanned::bare),
                vcenter: vcenter_of(one),
                free_gb: datastore.free.map(Spanned::bare),
                accessible: datastore.accessible.map(Spanned::bare),
                access: access(seen, datastore, &others, base),
                ..unknown(&datastore.name)
            }
        });
    }
    told.inventory.datastores = Some(datastores);
}

fn unknown(name: &str) -> Datastore {
    Datastore {
        name: Spanned::bare(name.to_owned()),
        kind: None,
        vcenter: Nullable::Unknown,
        free_gb: None,
        accessible: None,
        access: None,
    }
}

/// Returns who uses a datastore: the hosts of every vCenter that has it, and those hosts of `base` that no vCenter manages.
fn access(
    seen: &[Seen],
    datastore: &SeenDatastore,
    others: &[&SeenDatastore],
    base: &Inventory,
) -> Option<Named<Spanned<Access>>> {
    let mut all: Vec<(String, Access)> = datastore.access.clone()?;
    for other in others {
        all.extend(other.access.clone()?);
    }
    let seen_host = |name: &str| seen.iter().any(|seen| seen.hosts.iter().any(|host| host.name == name));
    let alone = |name: &str| {
        let host = base.hosts.iter().flatten().find(|host| host.name.value == name);
        host.is_some_and(|host| host.vcenter == Nullable::None) && !seen_host(name)
    };
    let before = base.datastores.iter().flatten().find(|before| before.name.value == datastore.name);
    for (name, access) in
        before.and_then(|before| before.access.as_ref()).map(|access| &access.0).into_iter().flatten()
    {
        if alone(&name.value) {
            all.push((name.value.clone(), access.value));
        }
    }
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all.dedup_by(|(one, _), (other, _)| one == other);
    Some(Named(all.into_iter().map(|(name, access)| (Spanned::bare(name), Spanned::bare(access))).collect()))
}
