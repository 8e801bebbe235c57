//! Replicated items and protectable machines, of the four kinds that come back to VMware; others are known by their kind alone.

use serde::Deserialize;

use crate::provider::azure::wire::scalar::Flag;
use crate::provider::azure::wire::scalar::List;
use crate::provider::azure::wire::scalar::Named;
use crate::provider::azure::wire::scalar::Number;
use crate::provider::azure::wire::scalar::Object;
use crate::provider::azure::wire::scalar::Text;
use crate::provider::azure::wire::scalar::Time;

/// An operation that runs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Scenario {
    pub(in crate::provider::azure) scenario_name: Text,
    pub(in crate::provider::azure) job_id: Text,
}

/// A problem of something's health.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct HealthError {
    pub(in crate::provider::azure) error_code: Text,
}

/// A replicated item.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Item {
    pub(in crate::provider::azure) friendly_name: Text,
    pub(in crate::provider::azure) protectable_item_id: Text,
    pub(in crate::provider::azure) primary_fabric_friendly_name: Text,
    pub(in crate::provider::azure) protection_state: Text,
    pub(in crate::provider::azure) active_location: Text,
    pub(in crate::provider::azure) allowed_operations: List<Text>,
    pub(in crate::provider::azure) replication_health: Text,
    pub(in crate::provider::azure) health_errors: List<HealthError>,
    pub(in crate::provider::azure) policy_id: Text,
    pub(in crate::provider::azure) policy_friendly_name: Text,
    pub(in crate::provider::azure) current_scenario: Object<Scenario>,
    #[serde(deserialize_with = "details")]
    pub(in crate::provider::azure) provider_specific_details: Details,
}

/// What the four kinds tell beside that: one structure for all, since none gives another meaning to a key of another.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Details {
    pub(in crate::provider::azure) instance_type: Text,
    pub(in crate::provider::azure) vm_id: Text,
    pub(in crate::provider::azure) infrastructure_vm_id: Text,
    pub(in crate::provider::azure) internal_identifier: Text,
    pub(in crate::provider::azure) fabric_discovery_machine_id: Text,
    pub(in crate::provider::azure) discovered_vm_details: Object<Discovered>,
    pub(in crate::provider::azure) discovery_type: Text,
    pub(in crate::provider::azure) v_center_infrastructure_id: Text,
    #[serde(rename = "targetvCenterId")]
    pub(in crate::provider::azure) target_vcenter_id: Text,
    pub(in crate::provider::azure) os_type: Text,
    pub(in crate::provider::azure) os_name: Text,
    pub(in crate::provider::azure) os_version: Text,
    pub(in crate::provider::azure) os_details: Object<OsDetails>,
    pub(in crate::provider::azure) firmware_type: Text,
    #[serde(rename = "allocatedMemoryInMB")]
    pub(in crate::provider::azure) allocated_memory: Number,
    #[serde(rename = "sourceVmRamSizeInMB", alias = "sourceVmRAMSizeInMB")]
    pub(in crate::provider::azure) source_memory: Number,
    // The copy in Azure.
    pub(in crate::provider::azure) target_vm_id: Text,
    pub(in crate::provider::azure) target_vm_name: Text,
    pub(in crate::provider::azure) target_resource_group_id: Text,
    pub(in crate::provider::azure) target_network_id: Text,
    pub(in crate::provider::azure) azure_virtual_machine_id: Text,
    #[serde(rename = "recoveryAzureVMName")]
    pub(in crate::provider::azure) recovery_azure_vm_name: Text,
    pub(in crate::provider::azure) recovery_azure_resource_group_id: Text,
    pub(in crate::provider::azure) selected_recovery_azure_network_id: Text,
    // Replication groups.
    pub(in crate::provider::azure) multi_vm_group_id: Text,
    pub(in crate::provider::azure) multi_vm_group_name: Text,
    // The agent.
    pub(in crate::provider::azure) agent_version: Text,
    pub(in crate::provider::azure) agent_details: Object<AgentDetails>,
    pub(in crate::provider::azure) mobility_agent_details: Object<MobilityAgent>,
    pub(in crate::provider::azure) is_reboot_after_update_required: Text,
    pub(in crate::provider::azure) reboot_after_update_status: Text,
    pub(in crate::provider::azure) is_agent_registration_successful_after_failover: Flag,
    pub(in crate::provider::azure) last_heartbeat: Time,
    // Servers.
    pub(in crate::provider::azure) master_target_id: Text,
    pub(in crate::provider::azure) run_as_account_id: Text,
    // Progress.
    pub(in crate::provider::azure) initial_replication_progress_percentage: Number,
    pub(in crate::provider::azure) resync_progress_percentage: Number,
    pub(in crate::provider::azure) resync_details: Object<ResyncDetails>,
    pub(in crate::provider::azure) resync_required: Text,
    pub(in crate::provider::azure) resync_state: Text,
    pub(in crate::provider::azure) resync_progress_health: Text,
    pub(in crate::provider::azure) rpo_in_seconds: Number,
    pub(in crate::provider::azure) last_rpo_in_seconds: Number,
    pub(in crate::provider::azure) consistency_points: Named<Time>,
    pub(in crate::provider::azure) protected_disks: List<Disk>,
    #[serde(rename = "azureVMDiskDetails")]
    pub(in crate::provider::azure) azure_disks: List<AzureDisk>,
    pub(in crate::provider::azure) vm_nics: List<Nic>,
    pub(in crate::provider::azure) ip_address: Text,
    pub(in crate::provider::azure) primary_nic_ip_address: Text,
    pub(in crate::provider::azure) last_used_policy_id: Text,
    // The last planned failover.
    pub(in crate::provider::azure) last_planned_failover_start_time: Time,
    pub(in crate::provider::azure) last_planned_failover_status: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Discovered {
    pub(in crate::provider::azure) v_center_id: Text,
    #[serde(rename = "vCenterFqdn", alias = "vCenterFQDN")]
    pub(in crate::provider::azure) v_center_fqdn: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct OsDetails {
    pub(in crate::provider::azure) os_type: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct AgentDetails {
    pub(in crate::provider::azure) agent_version: Text,
    pub(in crate::provider::azure) post_update_reboot_status: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct MobilityAgent {
    pub(in crate::provider::azure) version: Text,
    pub(in crate::provider::azure) last_heartbeat_utc: Time,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct ResyncDetails {
    pub(in crate::provider::azure) initial_replication_progress_percentage: Number,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Disk {
    pub(in crate::provider::azure) disk_name: Text,
    pub(in crate::provider::azure) disk_capacity_in_bytes: Number,
    pub(in crate::provider::azure) capacity_in_bytes: Number,
    pub(in crate::provider::azure) resync_required: Text,
    pub(in crate::provider::azure) resync_progress_percentage: Number,
    pub(in crate::provider::azure) target_managed_disk_id: Text,
    pub(in crate::provider::azure) last_sync_time: Time,
    pub(in crate::provider::azure) ir_details: Object<ReplicationDetails>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct ReplicationDetails {
    pub(in crate::provider::azure) progress_percentage: Number,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct AzureDisk {
    pub(in crate::provider::azure) target_disk_name: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Nic {
    pub(in crate::provider::azure) ip_address_type: Text,
    #[serde(rename = "sourceIPAddressType")]
    pub(in crate::provider::azure) source_ip_address_type: Text,
    pub(in crate::provider::azure) ip_configs: List<IpConfig>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct IpConfig {
    pub(in crate::provider::azure) ip_address_type: Text,
}

/// A machine that can be protected.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Protectable {
    pub(in crate::provider::azure) friendly_name: Text,
    pub(in crate::provider::azure) custom_details: Object<ProtectableDetails>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct ProtectableDetails {
    pub(in crate::provider::azure) agent_installed: Text,
}

/// A recovery point.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Point {
    pub(in crate::provider::azure) recovery_point_time: Time,
    pub(in crate::provider::azure) recovery_point_type: Text,
    pub(in crate::provider::azure) provider_specific_details: Object<PointDetails>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct PointDetails {
    pub(in crate::provider::azure) is_multi_vm_sync_point: Flag,
}

/// Reads the details, which may be null.
fn details<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Details, D::Error> {
    Object::<Details>::deserialize(deserializer).map(Object::into_value)
}
