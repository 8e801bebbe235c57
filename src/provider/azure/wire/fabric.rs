//! Fabrics and what stands in them: configuration servers, process servers, master targets, appliances, vCenters, containers,
//! mappings and policies.

use serde::Deserialize;

use crate::provider::azure::wire::item::HealthError;
use crate::provider::azure::wire::scalar::List;
use crate::provider::azure::wire::scalar::Number;
use crate::provider::azure::wire::scalar::Object;
use crate::provider::azure::wire::scalar::Text;
use crate::provider::azure::wire::scalar::Time;

/// A fabric.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Fabric {
    pub(in crate::provider::azure) friendly_name: Text,
    pub(in crate::provider::azure) custom_details: Object<FabricDetails>,
}

/// What a configuration server or the fabric of the appliances tells.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct FabricDetails {
    pub(in crate::provider::azure) instance_type: Text,
    // The configuration server.
    pub(in crate::provider::azure) ip_address: Text,
    pub(in crate::provider::azure) agent_version: Text,
    pub(in crate::provider::azure) ssl_cert_expiry_date: Time,
    pub(in crate::provider::azure) process_servers: List<Server>,
    pub(in crate::provider::azure) master_target_servers: List<MasterTarget>,
    pub(in crate::provider::azure) run_as_accounts: List<RunAsAccount>,
    // The appliances.
    pub(in crate::provider::azure) vmware_site_id: Text,
    pub(in crate::provider::azure) rcm_proxies: List<Server>,
    pub(in crate::provider::azure) push_installers: List<Server>,
    pub(in crate::provider::azure) replication_agents: List<Server>,
    pub(in crate::provider::azure) reprotect_agents: List<Server>,
    pub(in crate::provider::azure) mars_agents: List<Server>,
    pub(in crate::provider::azure) dras: List<Server>,
}

/// A process server, or a part of an appliance.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Server {
    pub(in crate::provider::azure) id: Text,
    pub(in crate::provider::azure) friendly_name: Text,
    pub(in crate::provider::azure) name: Text,
    pub(in crate::provider::azure) agent_version: Text,
    pub(in crate::provider::azure) version: Text,
    pub(in crate::provider::azure) last_heartbeat: Time,
    pub(in crate::provider::azure) health: Text,
    pub(in crate::provider::azure) vcenter_id: Text,
}

impl Server {
    /// Returns the name of the server.
    pub(in crate::provider::azure) fn title(&self) -> &str {
        self.friendly_name.or(&self.name).unwrap_or_default()
    }
}

/// A master target.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct MasterTarget {
    pub(in crate::provider::azure) id: Text,
    pub(in crate::provider::azure) name: Text,
    pub(in crate::provider::azure) os_type: Text,
    pub(in crate::provider::azure) os_version: Text,
    pub(in crate::provider::azure) agent_version: Text,
    pub(in crate::provider::azure) retention_volumes: List<RetentionVolume>,
    pub(in crate::provider::azure) data_stores: List<DataStore>,
}

/// A volume that keeps recovery points.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct RetentionVolume {
    pub(in crate::provider::azure) volume_name: Text,
    pub(in crate::provider::azure) capacity_in_bytes: Number,
}

/// A datastore that a master target sees.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct DataStore {}

/// An account of the configuration server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct RunAsAccount {
    pub(in crate::provider::azure) account_id: Text,
    pub(in crate::provider::azure) account_name: Text,
}

/// The provider of Site Recovery on a server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Dra {
    pub(in crate::provider::azure) fabric_friendly_name: Text,
    pub(in crate::provider::azure) friendly_name: Text,
    pub(in crate::provider::azure) connection_status: Text,
}

/// A vCenter as it is registered.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Vcenter {
    pub(in crate::provider::azure) friendly_name: Text,
    pub(in crate::provider::azure) internal_id: Text,
    pub(in crate::provider::azure) infrastructure_id: Text,
    pub(in crate::provider::azure) run_as_account_id: Text,
    pub(in crate::provider::azure) discovery_status: Text,
    pub(in crate::provider::azure) health_errors: List<HealthError>,
}

/// A protection container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Container {
    pub(in crate::provider::azure) fabric_friendly_name: Text,
}

/// A policy that is associated with a container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Mapping {
    pub(in crate::provider::azure) policy_id: Text,
    pub(in crate::provider::azure) target_protection_container_id: Text,
    pub(in crate::provider::azure) state: Text,
}

/// A policy.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Policy {
    pub(in crate::provider::azure) friendly_name: Text,
    pub(in crate::provider::azure) provider_specific_details: Object<Kind>,
}

/// The kind of a thing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Kind {
    pub(in crate::provider::azure) instance_type: Text,
}

/// An account of an appliance.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct OffAzureAccount {
    pub(in crate::provider::azure) display_name: Text,
    pub(in crate::provider::azure) credential_type: Text,
    pub(in crate::provider::azure) appliance_name: Text,
}

/// A vCenter that an appliance has discovered.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct OffAzureVcenter {
    pub(in crate::provider::azure) fqdn: Text,
    pub(in crate::provider::azure) friendly_name: Text,
    pub(in crate::provider::azure) version: Text,
    pub(in crate::provider::azure) errors: List<HealthError>,
}
