//! Which reading told which facts, and when: an inventory is put together from several, which differ in time.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::provider::azure::site::AzureView;
use crate::provider::azure::site::NO_PANIC;

/// A reading of a service, with the facts that it told.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Reading {
    /// Who was read: `Site Recovery`, `Azure`, `vCenter vc1`.
    pub source: String,
    /// What of it was read.
    pub what: &'static str,
    /// When the reading began, by the service's clock: what happened before is in it.
    pub at: Timestamp,
    /// When the last part of it began, where things are read one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// When each machine's part began, where they are read one by one and not in one moment; by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub each: BTreeMap<String, Timestamp>,
    /// Keys of the facts that it told. A fact is told by the reading that has its key, or the longest that its key is inside.
    pub facts: Vec<&'static str>,
}

const LIST: &[&str] = &["machines", "replication_groups"];
const ITEMS: &[&str] = &[
    "active_site",
    "asr",
    "azure_vm.agent_service",
    "azure_vm.created_by",
    "azure_vm.disks.replicated_from_onprem",
    "azure_vm.failover_resource_group",
    "kind",
    "network.static_ip",
    "onprem_vm.disks.excluded",
    "os",
    "state",
];
const PROTECTABLES: &[&str] = &["asr.agent_registration_ok"];
const SERVERS: &[&str] = &[
    "appliances",
    "configuration_server",
    "hosts.discovered",
    "master_targets",
    "process_servers",
    "vault",
    "vcenters",
];
const MACHINES: &[&str] = &["azure_vm", "process_servers.vnet"];
const AROUND: &[&str] = &[
    "automation_accounts",
    "azure_vm.ip_retained",
    "azure_vm.vnet",
    "network.peered_vnets",
    "storage_accounts",
];
const SITE: &[&str] = &[
    "appliances.attached_disks",
    "appliances.datastore",
    "appliances.host",
    "appliances.vcenter",
    "boot",
    "datastores",
    "hosts",
    "master_targets.attached_disks",
    "master_targets.cpu",
    "master_targets.datastore",
    "master_targets.enable_uuid",
    "master_targets.form",
    "master_targets.host",
    "master_targets.os_disk_gb",
    "master_targets.ram_gb",
    "master_targets.scsi_controllers",
    "master_targets.snapshots",
    "master_targets.uuid",
    "master_targets.vmware_tools_installed",
    "memory_gb",
    "onprem_vm",
    "vcenters.reachable",
    "vcenters.version",
];

const SITE_RECOVERY: &str = "Site Recovery";
const AZURE: &str = "Azure";

fn reading(source: &str, what: &'static str, at: Timestamp, facts: &'static [&'static str]) -> Reading {
    Reading { source: source.to_owned(), what, at, until: None, each: BTreeMap::new(), facts: facts.to_vec() }
}

impl AzureView {
    /// Returns the readings that what was last seen comes from, each with its time.
    pub(in crate::provider::azure) async fn readings(&self) -> Vec<Reading> {
        let shared = &self.shared;
        let mut all = Vec::new();
        let mut add = |source, what, at: Option<Timestamp>, facts| {
            all.extend(at.map(|at| reading(source, what, at, facts)));
        };
        add(SITE_RECOVERY, "servers", shared.servers.last().await.map(|seen| seen.began), SERVERS);
        add(SITE_RECOVERY, "the list of items", shared.directory.last().await.map(|seen| seen.began), LIST);
        let protectables = shared.protectables.last().await.map(|seen| seen.began);
        add(SITE_RECOVERY, "the list of machines that can be protected", protectables, PROTECTABLES);
        let machines = shared.machines.last().await.map(|seen| seen.began);
        add(AZURE, "virtual machines", machines, MACHINES);
        add(AZURE, "accounts and networks", shared.accounts.last().await.map(|seen| seen.began), AROUND);
        let names = shared.directory.last().await.map(|seen| seen.value);
        let each: BTreeMap<String, Timestamp> = {
            let full = shared.full.lock().expect(NO_PANIC);
            let shown = |key: &String| {
                let entry = names.as_ref().and_then(|directory| directory.entry(key));
                entry.map_or_else(|| key.clone(), |entry| entry.name.clone())
            };
            full.iter().map(|(key, item)| (shown(key), item.began)).collect()
        };
        if let Some((first, last)) = each.values().min().copied().zip(each.values().max().copied()) {
            let one_by_one = reading(SITE_RECOVERY, "items, one by one", first, ITEMS);
            all.push(if last > first {
                Reading { until: Some(last), each, ..one_by_one }
            } else {
                one_by_one
            });
        }
        let site = shared.onprem_read.lock().expect(NO_PANIC).clone();
        all.extend(
            site.into_iter().map(|(name, at)| reading(&name, "machines, hosts, datastores", at, SITE)),
        );
        // What may not be read was told by nobody.
        let missing = shared.missing.lock().expect(NO_PANIC);
        for reading in &mut all {
            reading.facts.retain(|fact| !missing.iter().any(|(missing, _)| missing == fact));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::fact_source;
    use crate::model::fact_source::FactSource;
    use crate::provider::azure::site::Surroundings;
    use crate::provider::azure::site::read::FullItem;
    use crate::provider::azure::tests::Script;
    use crate::provider::azure::vault::VaultId;
    use crate::provider::azure::wire::item::Item;
    use crate::syntax::inventory::Inventory;

    #[test]
    fn each_fact_that_a_service_tells_is_told_by_a_reading_of_that_service() {
        let readings = [
            (FactSource::SiteRecovery, LIST),
            (FactSource::SiteRecovery, ITEMS),
            (FactSource::SiteRecovery, PROTECTABLES),
            (FactSource::SiteRecovery, SERVERS),
            (FactSource::Azure, MACHINES),
            (FactSource::Azure, AROUND),
            (FactSource::Vcenter, SITE),
        ];
        let told_by = |key: &str| {
            let holds = |outer: &str| {
                key.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            let of =
                readings.iter().flat_map(|(source, facts)| facts.iter().map(move |fact| (fact, *source)));
            of.filter(|(fact, _)| holds(fact)).max_by_key(|(fact, _)| fact.len()).map(|(_, source)| source)
        };
        for (key, source) in fact_source::all().filter(|(_, source)| *source != FactSource::Person) {
            assert_eq!(told_by(key), Some(source), "{key}");
        }
        for fact in readings.iter().flat_map(|(_, facts)| facts.iter()) {
            assert!(fact_source::find(fact).is_some(), "{fact} is no key of an inventory");
        }
    }

    /// Returns the reading of items, one by one, of a view that read these at these seconds.
    async fn read_at(items: &[(&str, i64)]) -> Option<Reading> {
        let vault = VaultId { subscription: "s".into(), resource_group: "g".into(), name: "v".into() };
        let around = Surroundings { base: Inventory::unknown("v"), onprem: None };
        let view = AzureView::new(Script::of([]).await.client(), vault, around);
        for (name, second) in items {
            let item = serde_json::from_value::<Item>(serde_json::json!({})).expect("it can be read");
            let full = FullItem { item: Arc::new(item), points: None, began: second_of(*second) };
            view.shared.full.lock().expect(NO_PANIC).insert((*name).to_owned(), full);
        }
        view.readings().await.into_iter().find(|reading| reading.what == "items, one by one")
    }

    fn second_of(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[tokio::test]
    async fn each_machines_own_moment_is_told_where_they_differ() {
        let reading = read_at(&[("w2", 30), ("w1", 10), ("w3", 20)]).await.expect("they were read");
        assert_eq!((reading.at, reading.until), (second_of(10), Some(second_of(30))));
        let each: Vec<(&str, i64)> =
            reading.each.iter().map(|(name, at)| (name.as_str(), at.as_second())).collect();
        assert_eq!(each, [("w1", 10), ("w2", 30), ("w3", 20)], "by name");
        let text = serde_yaml::to_string(&reading).expect("it has a YAML form");
        assert!(text.contains("each:\n  w1: 1970-01-01T00:00:10Z\n"), "{text}");
    }

    #[tokio::test]
    async fn of_what_was_read_in_one_moment_or_not_at_all_no_moments_are_told() {
        let reading = read_at(&[("w1", 10), ("w2", 10)]).await.expect("they were read");
        assert_eq!((reading.at, reading.until, reading.each.len()), (second_of(10), None, 0));
        let text = serde_yaml::to_string(&reading).expect("it has a YAML form");
        assert!(!text.contains("each") && !text.contains("until"), "{text}");
        assert_eq!(read_at(&[]).await, None);
    }
}
