//! Modernized items that replicate to Azure.

use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::identity;
use crate::provider::emulator::http::item;
use crate::provider::emulator::http::item::common;
use crate::provider::emulator::http::item::disk;
use crate::provider::emulator::http::item::extend;
use crate::provider::emulator::http::item::history::History;
use crate::provider::emulator::http::item::in_mage_azure_v2 as classic;
use crate::provider::emulator::http::job::shown::stamp;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::http::words;
use crate::provider::emulator::item::Item;
use crate::provider::emulator::item::is_true;
use crate::provider::request::ForwardTarget;
use crate::syntax::machine::Firmware;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::State;
use crate::syntax::machine::ToolsState;

/// Returns what the provider says of an item.
pub(super) fn details(visit: &Visit<'_>, machine: usize, history: &History, thin: bool) -> Value {
    let (identity, item) = (visit.identity(), &visit.world().items[machine]);
    let (name, facts) = (item.name.as_str(), &item.facts);
    let (appliance, storage) = match &history.forward {
        Some(ForwardTarget::Modernized { appliance, cache_storage_account }) => {
            (Some(appliance.clone()), Some(cache_storage_account.clone()))
        }
        Some(ForwardTarget::Classic { .. }) | None => (first_appliance(visit), None),
    };
    let in_azure = matches!(item.settled, State::FailedOver | State::FailedOverCommitted);
    let family = facts.os.as_ref().and_then(|os| os.family.as_deref());
    let firmware = facts.boot.as_ref().and_then(|boot| boot.firmware.as_deref());
    let firmware = firmware.map(|firmware| match firmware {
        Firmware::Bios => ("BIOS", "V1"),
        Firmware::Uefi => ("UEFI", "V2"),
    });
    let registered = match item.settled {
        State::FailedOver | State::FailedOverCommitted => json!(item.azure_agent),
        _ => Value::Null,
    };
    let mut details = json!({
        "instanceType": "InMageRcm", "internalIdentifier": item::machine_id(visit, machine),
        "fabricDiscoveryMachineId": discovered_id(visit, item), "multiVmGroupName": item.group,
        "discoveryType": classic::discovery(facts, "VCenter"),
        "processServerId": appliance.as_deref().map(|name| identity.appliance_id(name)),
        "processorCoreCount": 2, "allocatedMemoryInMB": megabytes(facts),
        "processServerName": appliance,
        "runAsAccountId": appliance.as_deref().map(|name| run_as(visit, name)),
        "osType": family.map(|family| words::os_word(*family)), "osName": classic::os_text(facts),
        "firmwareType": firmware.map(|(word, _)| word),
        "primaryNicIpAddress": words::address(name), "targetGeneration": firmware.map(|(_, word)| word),
        "licenseType": "NotSpecified", "storageAccountId": null, "targetVmName": name,
        "targetVmSize": "Standard_D2s_v3", "targetResourceGroupId": classic::failover_group(visit, item),
        "targetLocation": identity.location,
        "lastRecoveryPointReceived": stamp(visit.now), "lastRpoInSeconds": 120,
        "lastRpoCalculatedTime": stamp(visit.now), "protectedDisks": [],
        "agentUpgradeState": "Commit", "lastAgentUpgradeType": "AutoUpgrade",
        "isLastUpgradeSuccessful": "true", "isAgentRegistrationSuccessfulAfterFailover": registered,
        "lastAgentUpgradeErrorDetails": [], "agentUpgradeBlockingErrorDetails": [], "vmNics": [],
        "discoveredVmDetails": discovered(visit, item),
    });
    let version = classic::agent_version(facts);
    details["mobilityAgentDetails"] = json!({
        "version": version, "latestVersion": version, "latestAgentReleaseDate": "2025-01-01T00:00:00Z",
        "driverVersion": version, "latestUpgradableVersionWithoutReboot": "",
        "lastHeartbeatUtc": classic::heartbeat(visit, item, in_azure),
        "reasonsBlockingUpgrade": ["AlreadyOnLatestVersion"], "isUpgradeable": "false",
    });
    extend(&mut details, progress(visit, machine));
    if thin {
        return details;
    }
    let log = storage.map(|account| identity.storage_account_id(&account));
    let disks: Vec<Value> = disk::disks(visit, machine)
        .iter()
        .map(|each| {
            let mut value = disk::modernized(visit, machine, each);
            let group = classic::failover_group(visit, item).unwrap_or_default();
            let target = format!("{group}/providers/Microsoft.Compute/disks/{name}-{}", each.name);
            extend(
                &mut value,
                json!({
                    "logStorageAccountId": log, "diskEncryptionSetId": null,
                    "seedManagedDiskId": format!("{group}/providers/Microsoft.Compute/disks/asrseeddisk-{name}-{}", each.name),
                    "seedBlobUri": null, "targetManagedDiskId": target, "targetBlobUri": null,
                    "diskType": "Standard_LRS",
                }),
            );
            value
        })
        .collect();
    let network = classic::network_id(visit, item);
    let fixed = facts.network.as_ref().and_then(|network| network.static_ip.as_deref()) == Some(&true);
    let point = common::point_of_failover(visit, machine);
    extend(
        &mut details,
        json!({
            "protectedDisks": disks, "targetAvailabilitySetId": "", "targetAvailabilityZone": "",
            "targetProximityPlacementGroupId": "", "targetBootDiagnosticsStorageAccountId": log,
            "targetNetworkId": network, "testNetworkId": network, "failoverRecoveryPointId": point,
            "lastRecoveryPointId": point, "agentUpgradeJobId": null, "agentUpgradeAttemptToVersion": null,
            "vmNics": [{
                "nicId": classic::mac(name).to_lowercase(), "isPrimaryNic": "true",
                "isSelectedForFailover": "true", "sourceIPAddress": words::address(name),
                "sourceIPAddressType": if fixed { "Static" } else { "Dynamic" },
                "sourceNetworkId": "VM Network", "sourceSubnetName": null, "targetIPAddress": "",
                "targetIPAddressType": "Dynamic", "targetSubnetName": "default", "testSubnetName": "default",
                "testIPAddress": null, "testIPAddressType": "Dynamic",
            }],
        }),
    );
    details
}

#[expect(clippy::cast_precision_loss, reason = "megabytes of memory are few")]
fn megabytes(facts: &crate::syntax::machine::Machine) -> f64 {
    classic::memory(facts) as f64
}

/// Returns the id of the first appliance's run-as account.
fn run_as(visit: &Visit<'_>, appliance: &str) -> String {
    visit.identity().off_azure("runasaccounts", &guid::guid("account", appliance))
}

/// Returns the id that the discovery service has for a machine: by its instance UUID.
pub(super) fn discovered_id(visit: &Visit<'_>, item: &Item) -> String {
    let instance = guid::guid("instance uuid", &identity::source_uuid(item).to_lowercase());
    let vcenter = classic::source_vcenter(item).unwrap_or("vcenter");
    visit.identity().off_azure("machines", &format!("{vcenter}_{instance}"))
}

fn first_appliance(visit: &Visit<'_>) -> Option<String> {
    let appliances = visit.world().site.facts().appliances.as_ref()?;
    appliances.first().map(|appliance| appliance.name.value.clone())
}

/// Returns how far an initial replication or a resynchronisation is.
pub(super) fn progress(visit: &Visit<'_>, machine: usize) -> Value {
    let item = &visit.world().items[machine];
    let running = disk::replication(visit, machine);
    let part = running.as_ref().map(|run| disk::percent(run.done));
    let resyncs = item.resyncs();
    json!({
        "initialReplicationProgressPercentage": part,
        "initialReplicationProcessedBytes": part.map(|_| 0), "initialReplicationTransferredBytes": part.map(|_| 0),
        "initialReplicationProgressHealth": if running.is_some() { "InProgress" } else { "None" },
        "resyncProgressPercentage": resyncs.then_some(0), "resyncProcessedBytes": null,
        "resyncTransferredBytes": null, "resyncProgressHealth": if resyncs { "InProgress" } else { "None" },
        "resyncRequired": if item.needs_resync() { "true" } else { "false" },
        "resyncState": if resyncs { "StartedResynchronization" } else { "None" },
    })
}

/// Returns what the discovery service says of the virtual machine on-premises.
pub(super) fn discovered(visit: &Visit<'_>, item: &Item) -> Value {
    let Some(vm) = item.facts.onprem_vm.as_ref().filter(|_| !item.is_physical_server()) else {
        return Value::Null;
    };
    let exists = is_true(&vm.exists);
    let vcenter = vm.vcenter.as_option().map(|vcenter| vcenter.value.as_str());
    let vcenter = vcenter.or_else(|| classic::source_vcenter(item));
    let tools = match vm.tools.as_deref() {
        Some(ToolsState::Running) => "OK",
        Some(ToolsState::Disabled | ToolsState::NotRunning) => "NotRunning",
        Some(ToolsState::Uninstalled) => "NotInstalled",
        None => "Unknown",
    };
    let on = exists && vm.power_state.as_deref() == Some(&PowerState::Running);
    json!({
        "vCenterId": vcenter.map(|vcenter| visit.identity().off_azure("vcenters", vcenter)),
        "vCenterFqdn": vcenter, "datastores": classic::datastores(&item.facts),
        "ipAddresses": [words::address(item.name.as_str())], "vmwareToolsStatus": tools,
        "powerStatus": if on { "ON" } else { "OFF" }, "vmFqdn": item.name.as_str(),
        "osName": classic::os_text(&item.facts), "createdTimestamp": "2021-08-03T23:15:05.7110278+05:30",
        "updatedTimestamp": stamp(visit.now), "isDeleted": !exists,
        "lastDiscoveryTimeInUtc": stamp(visit.now),
    })
}
