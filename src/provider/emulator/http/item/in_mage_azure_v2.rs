//! Classic items that replicate to Azure.

use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::identity;
use crate::provider::emulator::http::item::common;
use crate::provider::emulator::http::item::disk;
use crate::provider::emulator::http::item::extend;
use crate::provider::emulator::http::item::history::History;
use crate::provider::emulator::http::item::state;
use crate::provider::emulator::http::job::shown::stamp;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::http::words;
use crate::provider::emulator::item::Item;
use crate::provider::request::ForwardTarget;
use crate::quantity::Bytes;
use crate::syntax::machine::Machine;
use crate::syntax::machine::MachineKind;
use crate::syntax::machine::State;

/// Bytes of one MB.
const MIB: u64 = 1 << 20;

/// Returns what the provider says of an item.
pub(super) fn details(visit: &Visit<'_>, machine: usize, history: &History, thin: bool) -> Value {
    let (identity, item) = (visit.identity(), &visit.world().items[machine]);
    let (name, facts) = (item.name.as_str(), &item.facts);
    let uuid = identity::source_uuid(item);
    let process_server = match &history.forward {
        Some(ForwardTarget::Classic { process_server }) => Some(process_server.clone()),
        Some(ForwardTarget::Modernized { .. }) | None => first_process_server(visit),
    };
    let (state, description) = state::protection(item, true);
    let azure = facts.azure_vm.as_ref();
    let in_azure = matches!(item.settled, State::FailedOver | State::FailedOverCommitted);
    let replication = disk::replication(visit, machine);
    let agent = agent_version(facts);
    let os = facts.os.as_ref();
    let mut details = json!({
        "instanceType": "InMageAzureV2", "infrastructureVmId": uuid, "vmId": uuid,
        "vCenterInfrastructureId": source_vcenter(item), "protectionStage": stage(replication.is_some()),
        "vmProtectionState": state, "vmProtectionStateDescription": description,
        "resyncProgressPercentage": replication.as_ref().map_or(0, |run| disk::percent(run.done)),
        "rpoInSeconds": 300, "compressedDataRateInMB": 0.0, "uncompressedDataRateInMB": 0.0,
        "ipAddress": words::address(name), "agentVersion": agent,
        "agentExpiryDate": words::NEVER, "isAgentUpdateRequired": "NotRequired",
        "isRebootAfterUpdateRequired": reboot_required(facts),
        "lastHeartbeat": heartbeat(visit, item, in_azure),
        "processServerId": process_server.as_deref().map(|name| identity.process_server_id(name)),
        "processServerName": process_server,
        "multiVmSyncStatus": if item.group.is_some() { "Enabled" } else { "Disabled" },
        "protectedDisks": [], "diskResized": null, "masterTargetId": null,
        "sourceVmCpuCount": 0, "sourceVmRamSizeInMB": 0,
        "osType": os.and_then(|os| os.family.as_deref()).map(|family| words::os_word(*family)),
        "vhdName": null, "osDiskId": null, "azureVMDiskDetails": null,
    });
    extend(
        &mut details,
        json!({
            "recoveryAzureVMName": name, "recoveryAzureVMSize": "Standard_D2s_v3",
            "recoveryAzureStorageAccount": first_storage_account(visit),
            "recoveryAzureLogStorageAccountId": null,
            "vmNics": [nic(item, network_id(visit, item))],
            "selectedRecoveryAzureNetworkId": network_id(visit, item),
            "selectedTfoAzureNetworkId": null, "selectedSourceNicId": null,
            "discoveryType": discovery(facts, "vCenter"), "enableRdpOnTargetOption": "Never",
            "datastores": datastores(facts),
            "targetVmId": azure.filter(|_| in_azure).map(|_| identity.azure_vm_id(item)),
            "recoveryAzureResourceGroupId": failover_group(visit, item),
            "recoveryAvailabilitySetId": "", "targetAvailabilityZone": null,
            "targetProximityPlacementGroupId": null, "useManagedDisks": "true",
            "licenseType": "NoLicenseType", "validationErrors": [],
            "lastRpoCalculatedTime": stamp(visit.now), "lastUpdateReceivedTime": stamp(visit.now),
            "lastRecoveryPointReceived": null,
            "replicaId": format!("{uuid}_replica_cloud_{}", identity.fabric_guid),
            "osVersion": os_text(facts), "isAdditionalStatsAvailable": false,
            "totalDataTransferred": -1, "totalProgressHealth": "Completed",
        }),
    );
    extend(&mut details, group(visit, item, &uuid));
    if thin {
        return details;
    }
    let disks = disk::disks(visit, machine);
    let shown: Vec<Value> = disks
        .iter()
        .map(|each| {
            let mut value = disk::classic(visit, machine, each, 300);
            extend(
                &mut value,
                json!({ "sourceDataInMegaBytes": 0.0, "psDataInMegaBytes": 0.0, "targetDataInMegaBytes": 0.0 }),
            );
            value
        })
        .collect();
    let in_cloud: Vec<Value> = disks
        .iter()
        .filter(|_| in_azure)
        .map(|each| {
            json!({
                "vhdType": null, "vhdId": each.id(), "diskId": each.id(), "vhdName": null, "maxSizeMB": null,
                "targetDiskLocation": null, "targetDiskName": each.name, "lunId": null,
            })
        })
        .collect();
    extend(
        &mut details,
        json!({
            "protectedDisks": shown, "diskResized": "NotResized",
            "masterTargetId": process_server.as_deref().map(|name| identity.process_server_id(name)),
            "sourceVmCpuCount": 2, "sourceVmRamSizeInMB": memory(facts),
            "vhdName": disks.first().map(|_| "\\\\.\\PHYSICALDRIVE0"),
            "osDiskId": disks.first().map(disk::Disk::id), "azureVMDiskDetails": in_cloud,
        }),
    );
    details["failoverRecoveryPointId"] = common::point_of_failover(visit, machine);
    if details["failoverRecoveryPointId"].is_null()
        && let Some(object) = details.as_object_mut()
    {
        object.remove("failoverRecoveryPointId");
    }
    details
}

/// Returns the stage of a replication.
pub(super) const fn stage(initial: bool) -> &'static str {
    if initial { "ResyncStepI" } else { "DifferentialSync" }
}

/// Returns the members that say in which replication group an item is; one without a group is in one of its own.
pub(super) fn group(visit: &Visit<'_>, item: &Item, own: &str) -> Value {
    let id = item.group.as_ref().map_or_else(
        || guid::guid("group", own),
        |group| guid::guid("group", &format!("{} {group}", visit.identity().vault)),
    );
    let name = item.group.clone().unwrap_or_else(|| id.clone());
    json!({ "multiVmGroupId": id, "multiVmGroupName": name })
}

/// Returns the vCenter under which a machine was protected.
pub(super) fn source_vcenter(item: &Item) -> Option<&str> {
    let asr = item.facts.asr.as_ref()?;
    asr.source_vcenter.as_option().map(|vcenter| vcenter.value.as_str())
}

/// Returns the version of a machine's agent.
pub(super) fn agent_version(facts: &Machine) -> Option<&str> {
    facts.asr.as_ref().and_then(|asr| words::text_of(&asr.agent_version))
}

/// Returns whether the agent was updated since the machine last booted.
pub(super) fn reboot_required(facts: &Machine) -> &'static str {
    let asr = facts.asr.as_ref();
    let (now, then) = (
        asr.and_then(|asr| words::text_of(&asr.agent_version)),
        asr.and_then(|asr| words::text_of(&asr.agent_version_at_last_reboot)),
    );
    if now.is_some() && then.is_some() && now != then { "Required" } else { "NotRequired" }
}

/// Returns when the agent that matters was heard from.
pub(super) fn heartbeat(visit: &Visit<'_>, item: &Item, in_azure: bool) -> String {
    let registered = if in_azure { item.azure_agent && item.azure_runs() } else { item.onprem_agent };
    words::heartbeat(visit.now, registered)
}

/// Returns the service's word for what a machine was.
pub(super) fn discovery(facts: &Machine, vmware: &'static str) -> &'static str {
    match facts.kind.as_deref() {
        Some(MachineKind::Physical) => "Physical",
        Some(MachineKind::VmwareVm) | None => vmware,
        Some(MachineKind::HypervVm) => "HyperV",
        Some(MachineKind::AzureVm) => "Azure",
        Some(MachineKind::AwsInstance) => "AWS",
    }
}

/// Returns the datastores of a machine's disks.
pub(super) fn datastores(facts: &Machine) -> Vec<&str> {
    let disks = facts.onprem_vm.iter().flat_map(|vm| vm.disks.iter().flatten());
    let mut names: Vec<&str> =
        disks.filter_map(|disk| disk.datastore.as_option().map(|name| name.value.as_str())).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Returns the name of a machine's operating system.
pub(super) fn os_text(facts: &Machine) -> Option<String> {
    let os = facts.os.as_ref()?;
    let release = words::text_of(&os.release)?;
    let text = words::os_text(release);
    Some(match os.service_pack.as_deref() {
        Some(pack) if *pack > 0 => format!("{text} Service Pack {pack}"),
        _ => text,
    })
}

/// Returns a machine's memory in MB.
pub(super) fn memory(facts: &Machine) -> u64 {
    facts.memory_gb.as_deref().map_or(0, |Bytes(bytes)| bytes / MIB)
}

/// Returns the id of the resource group that a failover makes the Azure VM in.
pub(super) fn failover_group(visit: &Visit<'_>, item: &Item) -> Option<String> {
    let vm = item.facts.azure_vm.as_ref()?;
    let group = words::text_of(&vm.failover_resource_group).or_else(|| words::text_of(&vm.resource_group))?;
    let subscription = words::text_of(&vm.subscription_id).unwrap_or(&visit.identity().subscription);
    Some(format!("/subscriptions/{subscription}/resourceGroups/{group}"))
}

/// Returns the id of the network that the Azure VM is in.
pub(super) fn network_id(visit: &Visit<'_>, item: &Item) -> Option<String> {
    let vm = item.facts.azure_vm.as_ref()?;
    let network = words::text_of(&vm.vnet)?;
    let group = failover_group(visit, item).unwrap_or_else(|| {
        let identity = visit.identity();
        identity.group_id(&identity.resource_group)
    });
    Some(format!("{group}/providers/Microsoft.Network/virtualNetworks/{network}"))
}

/// Returns the network interface of a machine.
fn nic(item: &Item, network: Option<String>) -> Value {
    let name = item.name.as_str();
    let fixed = item.facts.network.as_ref().and_then(|network| network.static_ip.as_deref()) == Some(&true);
    let kind = if fixed { "Static" } else { "Dynamic" };
    json!({
        "nicId": mac(name), "replicaNicId": null, "sourceNicArmId": null, "vMNetworkName": "VM Network",
        "recoveryVMNetworkId": network,
        "ipConfigs": [{
            "name": null, "isPrimary": true, "subnetName": "default",
            "staticIPAddress": fixed.then(|| words::address(name)), "ipAddressType": kind,
            "isSeletedForFailover": true, "recoverySubnetName": "default", "recoveryStaticIPAddress": "",
            "recoveryIPAddressType": "Dynamic", "recoveryPublicIPAddressId": null,
            "recoveryLBBackendAddressPoolIds": null, "tfoSubnetName": null, "tfoStaticIPAddress": null,
            "tfoPublicIPAddressId": null, "tfoLBBackendAddressPoolIds": null,
        }],
        "selectionType": "SelectedByUser", "recoveryNetworkSecurityGroupId": null,
        "enableAcceleratedNetworkingOnRecovery": null, "tfoVMNetworkId": null,
        "tfoNetworkSecurityGroupId": null, "enableAcceleratedNetworkingOnTfo": null, "recoveryNicName": null,
        "recoveryNicResourceGroupName": null, "reuseExistingNic": false, "tfoRecoveryNicName": null,
        "tfoRecoveryNicResourceGroupName": null, "tfoReuseExistingNic": false,
    })
}

/// Returns the interface of a classic item, whichever way it replicates.
pub(super) fn nic_of(item: &Item) -> Value {
    nic(item, None)
}

/// Returns the address of a machine's network interface.
pub(super) fn mac(name: &str) -> String {
    let hex = guid::long("mac", name).to_uppercase();
    format!("00:50:56:{}:{}:{}", &hex[..2], &hex[2..4], &hex[4..6])
}

fn first_process_server(visit: &Visit<'_>) -> Option<String> {
    let servers = visit.world().site.facts().process_servers.as_ref()?;
    servers.first().map(|server| server.name.value.clone())
}

fn first_storage_account(visit: &Visit<'_>) -> Option<String> {
    let accounts = visit.world().site.facts().storage_accounts.as_ref()?;
    accounts.first().map(|account| visit.identity().storage_account_id(account))
}
