//! What the service looks at before it reprotects or fails over, in the words with which its jobs fail.
//!
//! Codes in figures are the service's own. Words stand where neither a recording nor an article gives a code.

use crate::provider::emulator::item::Item;
use crate::provider::emulator::item::is_false;
use crate::provider::emulator::item::is_true;
use crate::provider::emulator::job::Trouble;
use crate::provider::emulator::latency;
use crate::provider::emulator::place::existing_vm;
use crate::provider::emulator::place::place;
use crate::provider::emulator::site::Site;
use crate::provider::request::ForwardTarget;
use crate::provider::request::OnpremTarget;
use crate::syntax::inventory::Link;
use crate::syntax::inventory::MasterTarget;
use crate::syntax::inventory::Placement;
use crate::syntax::machine::CreatedBy;
use crate::syntax::machine::MachineKind;
use crate::syntax::machine::PowerState;
use crate::syntax::plan::Baseline;
use crate::syntax::plan::Form;

/// Returns the first trouble of several looks, in order.
macro_rules! first_of {
    ($($look:expr),* $(,)?) => { None$(.or_else(|| $look))* };
}
pub(super) use first_of;

pub(super) fn trouble(code: &str, message: impl Into<String>) -> Option<Trouble> {
    Some(Trouble::new(code, message))
}

/// Returns what keeps a machine from being reprotected to on-premises.
pub(super) fn reprotect(
    site: &Site,
    item: &Item,
    target: &OnpremTarget,
    baseline: Baseline,
) -> Option<Trouble> {
    match target {
        OnpremTarget::Classic { master_target, process_server, retention_volume, datastore } => first_of![
            source(site, item),
            site.configuration_server_trouble(),
            configuration_server(site, item),
            azure_vm(site, item),
            private_link(site),
            site.process_server_trouble(process_server),
            master_target_trouble(site, item, master_target, retention_volume),
            place(site, item, master_target, datastore, baseline),
            slots(site, item, master_target),
        ],
        OnpremTarget::Modernized { appliance, log_storage_account, datastore } => first_of![
            source(site, item),
            azure_vm(site, item),
            site.appliance_trouble(appliance),
            (!site.has_storage_account(log_storage_account)).then(|| {
                Trouble::new(
                    "StorageAccountNotFound",
                    format!("The storage account '{log_storage_account}' isn't there."),
                )
            }),
            place(site, item, appliance, datastore, baseline),
            slots(site, item, appliance),
        ],
    }
}

/// Returns what keeps any machine of this origin from coming back.
fn source(site: &Site, item: &Item) -> Option<Trouble> {
    let physical = item.facts.kind.as_deref() == Some(&MachineKind::Physical);
    if physical && !site.classic {
        return trouble("PhysicalNotSupported", "A physical server can't be failed back with an appliance.");
    }
    let os = item.facts.os.as_ref();
    let release = os.and_then(|os| os.release.as_deref()).map(String::as_str);
    let service_pack = os.and_then(|os| os.service_pack.as_deref().copied());
    if physical && release == Some("windows_server_2008_r2") && service_pack != Some(0) {
        return trouble(
            "OperatingSystemNotSupported",
            "A Windows Server 2008 R2 SP1 physical server can't be failed back.",
        );
    }
    let azure = item.facts.azure_vm.as_ref();
    if azure.and_then(|vm| vm.created_by.as_deref()) == Some(&CreatedBy::Manual) {
        return trouble("AzureVmNotFound", "The Azure VM wasn't made by a failover.");
    }
    None
}

/// Returns what keeps the configuration server from serving this machine.
fn configuration_server(site: &Site, item: &Item) -> Option<Trouble> {
    let server = site.facts().configuration_server.as_option()?;
    let name = &server.id.value;
    if server.placement.as_deref() == Some(&Placement::Azure) {
        return trouble(
            "ConfigurationServerNotOnprem",
            format!("The Configuration server '{name}' isn't on-premises."),
        );
    }
    let asr = item.facts.asr.as_ref();
    let original = asr.and_then(|asr| asr.configuration_server.as_deref());
    if original.is_some_and(|original| original != name) || site.configuration_server_replaced() {
        return trouble(
            "ConfigurationServerNotOriginal",
            format!("'{}' wasn't protected by '{name}'.", item.name),
        );
    }
    if asr.is_some_and(|asr| is_false(&asr.in_config_server_db)) {
        return trouble(
            "MachineNotInDatabase",
            format!("'{}' isn't in the database of '{name}'.", item.name),
        );
    }
    let moved = server.ip.is_some() && server.original_ip.is_some() && server.ip != server.original_ip;
    if is_true(&server.restored) && moved {
        return trouble("95226", "The Azure VM can't communicate with the configuration server.");
    }
    None
}

/// Returns what is wrong with the copy in Azure.
fn azure_vm(site: &Site, item: &Item) -> Option<Trouble> {
    let name = &item.name;
    if !item.azure_runs() {
        return trouble("78093", format!("The virtual machine '{name}' isn't running, or it hangs."));
    }
    if !item.azure_agent {
        let message = format!("The Mobility service agent of '{name}' isn't installed or isn't registered.");
        // Nobody recorded the number that modernized gives.
        return trouble(if site.classic { "95226" } else { "AgentNotRegistered" }, message);
    }
    None
}

/// Returns what keeps classic replication from reaching the site: it needs a private line.
fn private_link(site: &Site) -> Option<Trouble> {
    let link = site.facts().network.as_ref()?.azure_to_onprem.as_deref()?;
    match link {
        Link::S2sVpn | Link::ExpressroutePrivate => None,
        Link::ExpressrouteMicrosoft | Link::Internet | Link::None => {
            trouble("95226", "The Azure VM can't communicate with the configuration server.")
        }
    }
}

/// Returns what is wrong with a master target for a machine.
fn master_target_trouble(site: &Site, item: &Item, name: &str, retention_volume: &str) -> Option<Trouble> {
    let Some(target) = site.master_target(name) else {
        return trouble("MasterTargetNotFound", format!("The master target '{name}' isn't registered."));
    };
    if is_false(&target.registered) || is_false(&target.discovered) {
        return trouble(
            "MasterTargetNotFound",
            format!("The master target '{name}' isn't registered, or wasn't discovered."),
        );
    }
    if target.form.as_deref() == Some(&Form::Physical) {
        return trouble(
            "MasterTargetNotFound",
            format!("The master target '{name}' isn't a VMware virtual machine."),
        );
    }
    let family = |os: Option<&crate::syntax::machine::Os>| os.and_then(|os| os.family.as_deref().copied());
    let (theirs, ours) = (family(target.os.as_ref()), family(item.facts.os.as_ref()));
    if theirs.is_some() && ours.is_some() && theirs != ours {
        return trouble(
            "MasterTargetOsMismatch",
            format!("The master target '{name}' is of another family of operating systems."),
        );
    }
    first_of![master_target_parts(target), snapshots(target), retention(target, retention_volume)]
}

/// Returns what is wrong with the hardware of a master target.
fn master_target_parts(target: &MasterTarget) -> Option<Trouble> {
    let controllers: Vec<String> =
        target.scsi_controllers.iter().flatten().map(|kind| kind.value.to_ascii_lowercase()).collect();
    if controllers.iter().any(|kind| kind.contains("paravirtual") || kind.contains("pvscsi")) {
        return trouble("78151", "Mastertarget having unsupported SCSI controller type");
    }
    if controllers.windows(2).any(|pair| pair[0] != pair[1]) {
        return trouble("78150", "Mastertarget having different SCSI controller types.");
    }
    if is_false(&target.enable_uuid) {
        return trouble("78152", "VM property Disk enable uuid is not set to True");
    }
    if is_false(&target.vmware_tools_installed) {
        return trouble("MasterTargetTools", "VMware Tools aren't installed on the master target.");
    }
    if is_true(&target.lvm) {
        return trouble("MasterTargetLvm", "The disks of the master target are under LVM.");
    }
    None
}

/// Returns whether a master target has snapshots.
fn snapshots(target: &MasterTarget) -> Option<Trouble> {
    let some = target.snapshots.as_deref().is_some_and(|count| *count > 0);
    if some { trouble("78158", "VM having the snapshots.") } else { None }
}

/// Returns what is wrong with the retention volume.
fn retention(target: &MasterTarget, name: &str) -> Option<Trouble> {
    let volumes = target.retention_volumes.as_ref()?;
    let volume = volumes.iter().find(|volume| volume.name.value == name);
    let good = volume.is_some_and(|volume| !is_true(&volume.in_use) && !is_true(&volume.locked));
    if good {
        None
    } else {
        trouble("RetentionVolume", format!("The retention volume '{name}' can't be used."))
    }
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
pub(super) fn reprotect_still_possible(site: &Site, item: &Item, target: &OnpremTarget) -> Option<Trouble> {
    let (server, datastore) = match target {
        OnpremTarget::Classic { master_target, datastore, .. } => (master_target, datastore),
        OnpremTarget::Modernized { appliance, datastore, .. } => (appliance, datastore),
    };
    let host = site.host_of(server);
    first_of![
        azure_vm(site, item),
        host.and_then(|host| site.vcenter_of(host)).and_then(|name| site.vcenter_trouble(name)),
        if item.is_alternate() {
            site.datastore_trouble(host, datastore)
        } else {
            existing_vm(site, item, host)
        },
    ]
}

/// Returns what keeps a server from giving the disks that it holds to the on-premises VM.
pub(super) fn switch(site: &Site, item: &Item) -> Option<Trouble> {
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
        item.facts
            .onprem_vm
            .iter()
            .flat_map(|vm| vm.disks.iter().flatten())
            .filter_map(|disk| disk.datastore.as_option())
            .find_map(|name| site.datastore_trouble(None, name)),
    ]
}

/// Returns what keeps the on-premises VM from starting.
pub(super) fn start(site: &Site, item: &Item) -> Option<Trouble> {
    let host = item.facts.onprem_vm.as_ref().and_then(|vm| vm.host.as_deref())?;
    let free = site.host(host).and_then(|host| host.free_memory_gb.as_deref())?;
    let memory = item.facts.memory_gb.as_deref()?;
    if memory.0 > free.0 {
        return trouble("8038", format!("The ESXi host '{host}' hasn't enough memory."));
    }
    None
}

/// Returns what keeps a machine from being reprotected to Azure.
pub(super) fn forward(site: &Site, item: &Item, target: &ForwardTarget) -> Option<Trouble> {
    let name = &item.name;
    let vm = item.facts.onprem_vm.as_ref();
    let host = vm.and_then(|vm| vm.host.as_deref()).map(String::as_str);
    let common = || {
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
    };
    match target {
        ForwardTarget::Classic { process_server } => first_of![
            site.configuration_server_trouble(),
            site.process_server_trouble(process_server),
            site.process_server(process_server).and_then(|server| {
                let in_azure = server.placement.as_deref() == Some(&Placement::Azure);
                in_azure.then(|| {
                    let message = format!("The process server '{process_server}' isn't on-premises.");
                    Trouble::new("ProcessServerNotFound", message)
                })
            }),
            common(),
        ],
        ForwardTarget::Modernized { appliance, cache_storage_account } => first_of![
            site.appliance_trouble(appliance),
            (!site.has_storage_account(cache_storage_account)).then(|| {
                Trouble::new(
                    "StorageAccountNotFound",
                    format!("The storage account '{cache_storage_account}' isn't there."),
                )
            }),
            common(),
        ],
    }
}
