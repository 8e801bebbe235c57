//! What the service looks at before it reprotects or fails over, in the words with which its jobs fail.
//!
//! Codes in figures are the service's own. Words stand where neither a recording nor an article gives a code.

mod home;
mod master_target;
mod network;
mod source;

use jiff::Timestamp;

use crate::provider::emulator::item::Item;
use crate::provider::emulator::job::Trouble;
use crate::provider::emulator::latency;
use crate::provider::emulator::place::existing_vm;
use crate::provider::emulator::place::place;
use crate::provider::emulator::site::Site;
use crate::provider::request::OnpremTarget;
use crate::syntax::plan::Baseline;

pub(super) use home::forward;
pub(super) use home::start;
pub(super) use home::switch;
pub(super) use master_target::never_replicates;

/// Returns the first trouble of several looks, in order.
macro_rules! first_of {
    ($($look:expr),* $(,)?) => { None$(.or_else(|| $look))* };
}
pub(super) use first_of;

pub(super) fn trouble(code: &str, message: impl Into<String>) -> Option<Trouble> {
    Some(Trouble::new(code, message))
}

/// One look at a machine and all that serves it.
pub(super) struct Look<'w> {
    /// The servers and what they stand on.
    pub site: &'w Site,
    /// The machine.
    pub item: &'w Item,
    /// The other members of its replication group.
    pub mates: Vec<&'w Item>,
    /// The edition of the documentation that the service keeps to.
    pub baseline: Baseline,
    /// The moment of the look.
    pub now: Timestamp,
}

/// Returns what keeps a machine from being reprotected to on-premises.
pub(super) fn reprotect(look: &Look<'_>, target: &OnpremTarget) -> Option<Trouble> {
    let site = look.site;
    match target {
        OnpremTarget::Classic { master_target, process_server, retention_volume, datastore } => first_of![
            source::origin(look),
            source::mixed_group(look),
            site.configuration_server_trouble(look.now),
            source::configuration_server(look),
            source::azure_vm(look),
            network::private_link(site),
            site.process_server_trouble(process_server),
            master_target::suits(look, master_target, retention_volume),
            network::reachability(look, process_server, master_target),
            place(look, master_target, datastore),
            master_target::no_vmfs(site, master_target),
            slots(site, look.item, master_target),
        ],
        OnpremTarget::Modernized { appliance, log_storage_account, datastore } => first_of![
            source::origin(look),
            source::azure_vm(look),
            site.appliance_trouble(appliance),
            storage_account(site, log_storage_account),
            place(look, appliance, datastore),
            slots(site, look.item, appliance),
        ],
    }
}

fn storage_account(site: &Site, name: &str) -> Option<Trouble> {
    if site.has_storage_account(name) {
        return None;
    }
    trouble("StorageAccountNotFound", format!("The storage account '{name}' isn't there."))
}

/// Returns whether a server has no room for the machine's disks.
pub(super) fn slots(site: &Site, item: &Item, server: &str) -> Option<Trouble> {
    let (disks, _) = item.replicated_disks();
    if site.attached(server).saturating_add(disks) > latency::DISK_SLOTS {
        return trouble(
            "TooManyDisks",
            format!("'{server}' can't take more than {} disks.", latency::DISK_SLOTS),
        );
    }
    None
}

/// Returns what shows once a reprotect job has run for a while, although its prerequisites were given.
pub(super) fn reprotect_still_possible(look: &Look<'_>, target: &OnpremTarget) -> Option<Trouble> {
    let (server, datastore) = match target {
        OnpremTarget::Classic { master_target, datastore, .. } => (master_target, datastore),
        OnpremTarget::Modernized { appliance, datastore, .. } => (appliance, datastore),
    };
    let site = look.site;
    let host = site.host_of(server);
    first_of![
        source::azure_vm(look),
        host.and_then(|host| site.vcenter_of(host)).and_then(|name| site.vcenter_trouble(name)),
        if look.item.is_alternate() {
            site.datastore_trouble(host, datastore)
        } else {
            existing_vm(look, host)
        },
    ]
}
