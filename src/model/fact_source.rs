//! Who can know each fact of an inventory: Site Recovery, vCenter, Azure, or only a person.

use std::fmt;

/// Who can know a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FactSource {
    /// Site Recovery.
    SiteRecovery,
    /// vCenter.
    Vcenter,
    /// Azure, outside Site Recovery.
    Azure,
    /// A person: no service tells it.
    Person,
}

impl FactSource {
    /// Returns the words of outputs: where to look.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SiteRecovery => "Site Recovery, in the vault",
            Self::Vcenter => "vCenter",
            Self::Azure => "Azure, outside the vault",
            Self::Person => "a person who knows the site; no service tells it",
        }
    }
}

impl fmt::Display for FactSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Keys of the inventory and who knows them; a key that is not listed is known by who knows the longest listed one that it
/// is inside.
const SOURCES: &[(&str, FactSource)] = &[
    ("active_site", FactSource::SiteRecovery),
    ("appliances", FactSource::SiteRecovery),
    ("appliances.attached_disks", FactSource::Vcenter),
    ("appliances.auto_update", FactSource::Person),
    ("appliances.cloned", FactSource::Person),
    ("appliances.datastore", FactSource::Vcenter),
    ("appliances.host", FactSource::Vcenter),
    ("appliances.storage_vmotion_excluded", FactSource::Person),
    ("appliances.time_in_sync", FactSource::Person),
    ("appliances.vcenter", FactSource::Vcenter),
    ("asr", FactSource::SiteRecovery),
    ("asr.migration_completed", FactSource::Person),
    ("automation_accounts", FactSource::Azure),
    ("azure_vm", FactSource::Azure),
    ("azure_vm.agent_service", FactSource::SiteRecovery),
    ("azure_vm.created_by", FactSource::SiteRecovery),
    ("azure_vm.disks.replicated_from_onprem", FactSource::SiteRecovery),
    ("azure_vm.failover_resource_group", FactSource::SiteRecovery),
    ("azure_vm.outbound_urls_reachable", FactSource::Person),
    ("boot", FactSource::Vcenter),
    ("churn", FactSource::Person),
    ("configuration_server", FactSource::SiteRecovery),
    ("configuration_server.cloned", FactSource::Person),
    ("configuration_server.last_backup_at", FactSource::Person),
    ("configuration_server.nic_count", FactSource::Person),
    ("configuration_server.original_ip", FactSource::Person),
    ("configuration_server.placement", FactSource::Person),
    ("configuration_server.restored", FactSource::Person),
    ("configuration_server.separate_failback_nic", FactSource::Person),
    ("datastores", FactSource::Vcenter),
    ("hosts", FactSource::Vcenter),
    ("hosts.discovered", FactSource::SiteRecovery),
    ("hosts.license", FactSource::Person),
    ("kind", FactSource::SiteRecovery),
    ("machines", FactSource::SiteRecovery),
    ("master_targets", FactSource::SiteRecovery),
    ("master_targets.attached_disks", FactSource::Vcenter),
    ("master_targets.cpu", FactSource::Vcenter),
    ("master_targets.datastore", FactSource::Vcenter),
    ("master_targets.enable_uuid", FactSource::Vcenter),
    ("master_targets.form", FactSource::Vcenter),
    ("master_targets.host", FactSource::Vcenter),
    ("master_targets.kernel_auto_update", FactSource::Person),
    ("master_targets.lvm", FactSource::Person),
    ("master_targets.os_disk_gb", FactSource::Vcenter),
    ("master_targets.ram_gb", FactSource::Vcenter),
    ("master_targets.retention_volumes.fs", FactSource::Person),
    ("master_targets.retention_volumes.in_use", FactSource::Person),
    ("master_targets.retention_volumes.locked", FactSource::Person),
    ("master_targets.scsi_controllers", FactSource::Vcenter),
    ("master_targets.snapshots", FactSource::Vcenter),
    ("master_targets.storage_vmotion_excluded", FactSource::Person),
    ("master_targets.template_id", FactSource::Person),
    ("master_targets.uuid", FactSource::Vcenter),
    ("master_targets.vmware_tools_installed", FactSource::Vcenter),
    ("memory_gb", FactSource::Vcenter),
    ("network", FactSource::Person),
    ("network.peered_vnets", FactSource::Azure),
    ("network.static_ip", FactSource::SiteRecovery),
    ("observed_at", FactSource::Person),
    ("onprem_vm", FactSource::Vcenter),
    ("onprem_vm.disks.excluded", FactSource::SiteRecovery),
    ("onprem_vm.template_id", FactSource::Person),
    ("os", FactSource::SiteRecovery),
    ("os.service_pack", FactSource::Person),
    ("process_servers", FactSource::SiteRecovery),
    ("process_servers.temporary", FactSource::Person),
    ("process_servers.vnet", FactSource::Azure),
    ("replication_groups", FactSource::SiteRecovery),
    ("state", FactSource::SiteRecovery),
    ("storage_accounts", FactSource::Azure),
    ("vault", FactSource::SiteRecovery),
    ("vcenters", FactSource::SiteRecovery),
    ("vcenters.account.privileges", FactSource::Person),
    ("vcenters.reachable", FactSource::Vcenter),
    ("vcenters.version", FactSource::Vcenter),
];

/// Returns who can know a fact, by its key in the inventory; a key that no table has is left to a person.
#[must_use]
pub fn source_of(field: &str) -> FactSource {
    find(field).unwrap_or(FactSource::Person)
}

/// Returns who can know a fact; `None` for what is no key of an inventory.
#[must_use]
pub fn find(field: &str) -> Option<FactSource> {
    let mut field = field;
    loop {
        if let Ok(at) = SOURCES.binary_search_by_key(&field, |(key, _)| key) {
            return Some(SOURCES[at].1);
        }
        field = &field[..field.rfind('.')?];
    }
}

/// Returns the keys that the table has, with who knows them.
pub fn all() -> impl Iterator<Item = (&'static str, FactSource)> {
    SOURCES.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_for_its_search() {
        assert!(SOURCES.is_sorted_by_key(|(key, _)| *key));
    }

    #[test]
    fn a_key_inside_another_is_known_by_who_knows_the_outer_one() {
        assert_eq!(find("onprem_vm.disks.size_gb"), Some(FactSource::Vcenter));
        assert_eq!(find("onprem_vm.disks.excluded"), Some(FactSource::SiteRecovery));
        assert_eq!(find("asr.migration_completed"), Some(FactSource::Person));
        assert_eq!(find("weather"), None);
    }
}
