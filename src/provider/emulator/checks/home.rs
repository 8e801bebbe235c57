//! What the service looks at on the last stretch: disks change hands, the VM starts, and it is protected again.

use crate::provider::emulator::checks::Look;
use crate::provider::emulator::checks::first_of;
use crate::provider::emulator::checks::master_target::snapshots;
use crate::provider::emulator::checks::storage_account;
use crate::provider::emulator::checks::trouble;
use crate::provider::emulator::item::Item;
use crate::provider::emulator::item::is_false;
use crate::provider::emulator::item::is_true;
use crate::provider::emulator::job::Trouble;
use crate::provider::emulator::site::Site;
use crate::provider::request::ForwardTarget;
use crate::syntax::inventory::Placement;
use crate::syntax::machine::DiskKind;
use crate::syntax::machine::OnpremDisk;
use crate::syntax::machine::PowerState;

/// Returns the disks that come back.
fn replicated(item: &Item) -> impl Iterator<Item = &OnpremDisk> {
    let disks = item.facts.onprem_vm.iter().flat_map(|vm| vm.disks.iter().flatten());
    disks.filter(|disk| !is_true(&disk.excluded))
}

/// Returns what keeps a server from giving the disks that it holds to the on-premises VM.
pub(in crate::provider::emulator) fn switch(site: &Site, item: &Item) -> Option<Trouble> {
    let holder = item.holder.as_ref()?;
    let host = site.host_of(&holder.server);
    let moved = || site.moves(&holder.server) > holder.moves;
    first_of![
        host.and_then(|host| site.vcenter_of(host)).and_then(|name| site.vcenter_trouble(name)),
        site.master_target(&holder.server).and_then(snapshots),
        if site.appliance(&holder.server).is_some() { site.appliance_trouble(&holder.server) } else { None },
        if moved() {
            trouble(
                "ServerMoved",
                format!("'{}' was moved to another datastore after the reprotect.", holder.server),
            )
        } else {
            None
        },
        replicated(item)
            .filter_map(|disk| disk.datastore.as_option())
            .find_map(|name| site.datastore_trouble(None, name)),
        if site.classic { missing_file(item) } else { None },
    ]
}

/// Returns whether the file of a disk isn't on its datastore any more; what is no file can't be missed.
fn missing_file(item: &Item) -> Option<Trouble> {
    let disk = replicated(item).find(|disk| {
        let is_file = disk.kind.as_deref().is_none_or(|kind| *kind == DiskKind::Vmdk);
        is_file && is_false(&disk.exists)
    })?;
    let message = format!("The failover of the source machine failed: '{}' isn't found.", disk.id.value);
    trouble("78037", message)
}

/// Returns what keeps the on-premises VM from starting.
pub(in crate::provider::emulator) fn start(site: &Site, item: &Item) -> Option<Trouble> {
    let host = item.facts.onprem_vm.as_ref().and_then(|vm| vm.host.as_deref())?;
    let free = site.host(host).and_then(|host| host.free_memory_gb.as_deref())?;
    let memory = item.facts.memory_gb.as_deref()?;
    if memory.0 > free.0 {
        return trouble("8038", format!("The ESXi host '{host}' hasn't enough memory."));
    }
    None
}

/// Returns what keeps a machine from being reprotected to Azure.
pub(in crate::provider::emulator) fn forward(look: &Look<'_>, target: &ForwardTarget) -> Option<Trouble> {
    let site = look.site;
    match target {
        ForwardTarget::Classic { process_server } => first_of![
            site.configuration_server_trouble(look.now),
            site.process_server_trouble(process_server),
            site.process_server(process_server).and_then(|server| {
                let in_azure = server.placement.as_deref() == Some(&Placement::Azure);
                let message = || format!("The process server '{process_server}' isn't on-premises.");
                in_azure.then(|| Trouble::new("ProcessServerNotFound", message()))
            }),
            onprem_vm(look),
        ],
        ForwardTarget::Modernized { appliance, cache_storage_account } => first_of![
            site.appliance_trouble(appliance),
            storage_account(site, cache_storage_account),
            onprem_vm(look),
        ],
    }
}

/// Returns what keeps the VM that came home from replicating.
fn onprem_vm(look: &Look<'_>) -> Option<Trouble> {
    let (site, item) = (look.site, look.item);
    let (name, vm) = (&item.name, item.facts.onprem_vm.as_ref());
    let host = vm.and_then(|vm| vm.host.as_deref()).map(String::as_str);
    let vcenter = host.and_then(|host| site.vcenter_of(host));
    if let Some(trouble) = vcenter.and_then(|name| site.vcenter_trouble(name)) {
        return Some(trouble);
    }
    if vm.and_then(|vm| vm.power_state.as_deref()) != Some(&PowerState::Running) {
        return trouble("78093", format!("The virtual machine '{name}' isn't running, or it hangs."));
    }
    if !item.onprem_agent {
        // The 2017 article: until the agent has registered, reprotect fails with an error that it isn't installed.
        return trouble("95226", format!("The Mobility service agent isn't installed on '{name}'."));
    }
    None
}
