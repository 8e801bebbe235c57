//! Each block, fact by fact.

use crate::model::overlay::blank::blank_asr;
use crate::model::overlay::blank::blank_azure_vm;
use crate::model::overlay::blank::blank_onprem_vm;
use crate::syntax::decode::Decode;
use crate::syntax::inventory::Appliance;
use crate::syntax::inventory::AutomationAccount;
use crate::syntax::inventory::Component;
use crate::syntax::inventory::ConfigurationServer;
use crate::syntax::inventory::Datastore;
use crate::syntax::inventory::Host;
use crate::syntax::inventory::Inventory;
use crate::syntax::inventory::MasterTarget;
use crate::syntax::inventory::Network;
use crate::syntax::inventory::ProcessServer;
use crate::syntax::inventory::RetentionVolume;
use crate::syntax::inventory::Vault;
use crate::syntax::inventory::Vcenter;
use crate::syntax::inventory::VcenterAccount;
use crate::syntax::machine::Asr;
use crate::syntax::machine::AzureDisk;
use crate::syntax::machine::AzureVm;
use crate::syntax::machine::Boot;
use crate::syntax::machine::FailoverVault;
use crate::syntax::machine::Machine;
use crate::syntax::machine::MachineNetwork;
use crate::syntax::machine::OnpremDisk;
use crate::syntax::machine::OnpremVm;
use crate::syntax::machine::Os;
use crate::syntax::nullable::Nullable;

/// Says whether a fact that is left out is taken from the other side, by its key.
pub(super) type Take<'t> = &'t dyn Fn(&'static str) -> bool;

/// Takes those facts of a block that are left out.
macro_rules! facts {
    ($mine:ident, $other:ident, $take:ident, $at:literal: $($field:ident),* $(,)?) => { $(
        one(&mut $mine.$field, &$other.$field, concat!($at, stringify!($field)), $take);
    )* };
}

fn one<T: Decode + Clone>(mine: &mut T, other: &T, field: &'static str, take: Take<'_>) {
    if mine.is_absent() && !other.is_absent() && take(field) {
        mine.clone_from(other);
    }
}

/// Lays a block over one that may be left out.
fn block<T: Clone + PartialEq>(
    mine: &mut Option<T>,
    other: Option<&T>,
    take: Take<'_>,
    blank: impl FnOnce(&T) -> T,
    lay: fn(&mut T, &T, Take<'_>),
) {
    let Some(other) = other else { return };
    if let Some(mine) = mine {
        return lay(mine, other, take);
    }
    let empty = blank(other);
    let mut filled = empty.clone();
    lay(&mut filled, other, take);
    if filled != empty {
        *mine = Some(filled);
    }
}

/// Lays the entries of a list over those of the same name. Entries that are not on the list are not there; a list that is left
/// out is taken whole, or not at all.
fn list<T: Clone>(
    mine: &mut Option<Vec<T>>,
    other: Option<&Vec<T>>,
    field: &'static str,
    take: Take<'_>,
    name: fn(&T) -> &str,
    lay: fn(&mut T, &T, Take<'_>),
) {
    let Some(other) = other else { return };
    match mine {
        Some(mine) => {
            let by_name: std::collections::HashMap<&str, &T> =
                other.iter().map(|one| (name(one), one)).collect();
            for one in mine {
                if let Some(same) = by_name.get(name(one)).copied() {
                    lay(one, same, take);
                }
            }
        }
        None if take(field) => *mine = Some(other.clone()),
        None => {}
    }
}

pub(super) fn lay(mine: &mut Inventory, other: &Inventory, take: Take<'_>) {
    facts!(mine, other, take, "": observed_at, storage_accounts, replication_groups);
    block(
        &mut mine.vault,
        other.vault.as_ref(),
        take,
        |_| Vault { name: None, experience: None, subscription_id: None, resource_group: None },
        vault,
    );
    match (&mut mine.configuration_server, &other.configuration_server) {
        (Nullable::Some(mine), Nullable::Some(other)) if mine.id == other.id => {
            configuration_server(mine, other, take)
        }
        (Nullable::Some(_) | Nullable::None, _) => {}
        (mine @ Nullable::Unknown, other) => one(mine, other, "configuration_server", take),
    }
    list(&mut mine.vcenters, other.vcenters.as_ref(), "vcenters", take, |one| &one.id.value, vcenter);
    list(&mut mine.hosts, other.hosts.as_ref(), "hosts", take, |one| &one.name.value, host);
    list(
        &mut mine.datastores,
        other.datastores.as_ref(),
        "datastores",
        take,
        |one| &one.name.value,
        datastore,
    );
    list(
        &mut mine.master_targets,
        other.master_targets.as_ref(),
        "master_targets",
        take,
        |one| &one.name.value,
        master_target,
    );
    list(
        &mut mine.process_servers,
        other.process_servers.as_ref(),
        "process_servers",
        take,
        |one| &one.name.value,
        process_server,
    );
    list(
        &mut mine.appliances,
        other.appliances.as_ref(),
        "appliances",
        take,
        |one| &one.name.value,
        appliance,
    );
    list(
        &mut mine.automation_accounts,
        other.automation_accounts.as_ref(),
        "automation_accounts",
        take,
        |one| &one.name.value,
        automation_account,
    );
    block(
        &mut mine.network,
        other.network.as_ref(),
        take,
        |_| Network { azure_to_onprem: None, bandwidth_mbps: None, reachable: None, peered_vnets: None },
        network,
    );
    list(&mut mine.machines, other.machines.as_ref(), "machines", take, |one| &one.name.value, machine);
}

fn vault(mine: &mut Vault, other: &Vault, take: Take<'_>) {
    facts!(mine, other, take, "vault.": name, experience, subscription_id, resource_group);
}

fn configuration_server(mine: &mut ConfigurationServer, other: &ConfigurationServer, take: Take<'_>) {
    facts!(mine, other, take, "configuration_server.": placement, ip, original_ip, restored, cloned, connected, version, nic_count,
        separate_failback_nic, last_backup_at, certificate_expires_at);
}

fn vcenter(mine: &mut Vcenter, other: &Vcenter, take: Take<'_>) {
    facts!(mine, other, take, "vcenters.": connected, reachable, version);
    block(
        &mut mine.account,
        other.account.as_ref(),
        take,
        |_| VcenterAccount { name: None, privileges: None },
        |mine, other, take| {
            facts!(mine, other, take, "vcenters.account.": name, privileges);
        },
    );
}

fn host(mine: &mut Host, other: &Host, take: Take<'_>) {
    facts!(mine, other, take, "hosts.": vcenter, hypervisor, discovered, license, version, free_memory_gb, vms);
}

fn datastore(mine: &mut Datastore, other: &Datastore, take: Take<'_>) {
    facts!(mine, other, take, "datastores.": kind, vcenter, free_gb, accessible, access);
}

fn master_target(mine: &mut MasterTarget, other: &MasterTarget, take: Take<'_>) {
    facts!(mine, other, take, "master_targets.": form, host, datastore, registered, discovered, snapshots, scsi_controllers,
        attached_disks, vmware_tools_installed, enable_uuid, version, lvm, uuid, template_id, ram_gb, cpu, os_disk_gb,
        storage_vmotion_excluded, kernel_auto_update);
    block(
        &mut mine.os,
        other.os.as_ref(),
        take,
        |_| NO_OS,
        |mine, other, take| {
            facts!(mine, other, take, "master_targets.os.": family, release, service_pack);
        },
    );
    list(
        &mut mine.retention_volumes,
        other.retention_volumes.as_ref(),
        "master_targets.retention_volumes",
        take,
        |one| &one.name.value,
        retention_volume,
    );
}

fn retention_volume(mine: &mut RetentionVolume, other: &RetentionVolume, take: Take<'_>) {
    facts!(mine, other, take, "master_targets.retention_volumes.": fs, capacity_gb, in_use, locked);
}

fn process_server(mine: &mut ProcessServer, other: &ProcessServer, take: Take<'_>) {
    facts!(mine, other, take, "process_servers.": placement, vnet, health, heartbeat_at, version, temporary);
}

fn appliance(mine: &mut Appliance, other: &Appliance, take: Take<'_>) {
    facts!(mine, other, take, "appliances.": vault, vcenter, host, datastore, health, attached_disks, version, cloned,
        storage_vmotion_excluded, auto_update, time_in_sync);
    list(
        &mut mine.components,
        other.components.as_ref(),
        "appliances.components",
        take,
        |one| &one.name.value,
        |mine: &mut Component, other, take| {
            facts!(mine, other, take, "appliances.components.": health);
        },
    );
}

fn automation_account(mine: &mut AutomationAccount, other: &AutomationAccount, take: Take<'_>) {
    facts!(mine, other, take, "automation_accounts.": subscription_id);
}

fn network(mine: &mut Network, other: &Network, take: Take<'_>) {
    facts!(mine, other, take, "network.": azure_to_onprem, bandwidth_mbps, reachable, peered_vnets);
}

/// An operating system of which nothing is known.
const NO_OS: Os = Os { family: None, release: None, service_pack: None };

pub(super) fn machine(mine: &mut Machine, other: &Machine, take: Take<'_>) {
    facts!(mine, other, take, "": kind, memory_gb, state, active_site, churn);
    block(
        &mut mine.os,
        other.os.as_ref(),
        take,
        |_| NO_OS,
        |mine, other, take| {
            facts!(mine, other, take, "os.": family, release, service_pack);
        },
    );
    block(
        &mut mine.boot,
        other.boot.as_ref(),
        take,
        |_| Boot { firmware: None, secure_boot: None },
        |mine, other, take| {
            facts!(mine, other, take, "boot.": firmware, secure_boot);
        },
    );
    block(
        &mut mine.network,
        other.network.as_ref(),
        take,
        |_| MachineNetwork { static_ip: None },
        |mine, other, take| {
            facts!(mine, other, take, "network.": static_ip);
        },
    );
    block(&mut mine.azure_vm, other.azure_vm.as_ref(), take, |_| blank_azure_vm(), azure_vm);
    block(&mut mine.onprem_vm, other.onprem_vm.as_ref(), take, |_| blank_onprem_vm(), onprem_vm);
    block(&mut mine.asr, other.asr.as_ref(), take, |_| blank_asr(), asr);
}

fn azure_vm(mine: &mut AzureVm, other: &AzureVm, take: Take<'_>) {
    facts!(mine, other, take, "azure_vm.": exists, id, created_by, moved, power_state, resource_group, failover_resource_group,
        subscription_id, vnet, ip_retained, agent_service, outbound_urls_reachable, booted_at);
    list(
        &mut mine.disks,
        other.disks.as_ref(),
        "azure_vm.disks",
        take,
        |one| &one.id.value,
        |mine: &mut AzureDisk, other, take| {
            facts!(mine, other, take, "azure_vm.disks.": size_gb, replicated_from_onprem, temporary);
        },
    );
}

fn onprem_vm(mine: &mut OnpremVm, other: &OnpremVm, take: Take<'_>) {
    facts!(mine, other, take, "onprem_vm.": exists, name, uuid, template_id, vcenter, host, power_state, snapshots, enable_uuid,
        tools, booted_at);
    list(
        &mut mine.disks,
        other.disks.as_ref(),
        "onprem_vm.disks",
        take,
        |one| &one.id.value,
        |mine: &mut OnpremDisk, other, take| {
            facts!(mine, other, take, "onprem_vm.disks.": kind, datastore, exists, attached, size_gb, excluded);
        },
    );
}

fn asr(mine: &mut Asr, other: &Asr, take: Take<'_>) {
    facts!(mine, other, take, "asr.": migration_completed, replication_enabled, configuration_server, source_vcenter,
        source_vm_uuid, in_config_server_db, health, agent_version, agent_version_at_last_reboot, agent_registration_ok,
        recovery_points, rpo_seconds, resync_required, resync_in_progress);
    block(
        &mut mine.failover_vault,
        other.failover_vault.as_ref(),
        take,
        |_| FailoverVault { name: None, experience: None },
        |mine, other, take| {
            facts!(mine, other, take, "asr.failover_vault.": name, experience);
        },
    );
}
