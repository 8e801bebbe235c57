//! Facts that are too old: what a service told then is unknown now; what only a person can know stays.

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::model::fact_source::FactSource;
use crate::model::fact_source::find;
use crate::syntax::decode::Decode as _;
use crate::syntax::inventory::Inventory;

/// Returns how old the facts of an inventory are; `None` if it does not say when they were observed.
#[must_use]
pub fn age(inventory: &Inventory, now: Timestamp) -> Option<SignedDuration> {
    inventory.observed_at.as_ref().map(|at| now.duration_since(at.value))
}

/// Forgets every fact that a service told: names stay, and so does what only a person can know.
pub fn forget_services(inventory: &mut Inventory) {
    inventory.replication_groups = None;
    inventory.forget("", &|key| {
        let key = key.strip_prefix("machines.").unwrap_or(key);
        matches!(find(key), Some(FactSource::SiteRecovery | FactSource::Vcenter | FactSource::Azure))
            && !STAYS.contains(&key)
    });
}

/// What says which documents belong together, rather than how a site is.
const STAYS: &[&str] = &["vault.name", "vault.experience", "vault.subscription_id", "vault.resource_group"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;
    use crate::syntax::Document;

    fn read(text: &str) -> Inventory {
        let mut sources = Sources::new();
        let index = sources.add("facts.yaml", text.to_owned()).expect("short");
        let mut diagnostics = Vec::new();
        let documents = crate::syntax::parse(sources.get(index), &mut diagnostics);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        match documents.into_iter().next() {
            Some(Document::Inventory(inventory)) => *inventory,
            other => panic!("an inventory was written: {other:?}"),
        }
    }

    const TEXT: &str = "\
kind: Inventory
version: 1
name: gmh
observed_at: 2026-10-09T11:00:00Z
vault: {name: rsv, experience: modernized}
configuration_server: null
network: {azure_to_onprem: internet, bandwidth_mbps: 500}
vcenters:
  - {id: vc1, connected: true, account: {name: svc-asr, privileges: [failback]}}
datastores:
  - {name: ds1, type: vmfs, access: {esx1: rw}}
machines:
  - name: m1
    kind: vmware_vm
    azure_vm: {exists: true, outbound_urls_reachable: true, disks: [{id: disk0, size_gb: 80}]}
    onprem_vm: {exists: true, template_id: null, tools: disabled}
    asr: {migration_completed: false, resync_required: false}
replication_groups:
  - {name: g, members: [m1]}
";

    #[test]
    fn what_a_service_told_is_forgotten_and_what_a_person_knows_stays() {
        let mut facts = read(TEXT);
        forget_services(&mut facts);
        let left = serde_json::to_value(&facts).expect("documents have a JSON form");
        assert_eq!(
            left,
            serde_json::json!({
                "kind": "Inventory",
                "version": 1,
                "name": "gmh",
                "observed_at": "2026-10-09T11:00:00Z",
                "vault": {"name": "rsv", "experience": "modernized"},
                "network": {"azure_to_onprem": "internet", "bandwidth_mbps": 500.0},
                "vcenters": [{"id": "vc1", "account": {"privileges": ["failback"]}}],
                "datastores": [{"name": "ds1"}],
                "machines": [{
                    "name": "m1",
                    "azure_vm": {"outbound_urls_reachable": true, "disks": [{"id": "disk0"}]},
                    "onprem_vm": {"template_id": null},
                    "asr": {"migration_completed": false},
                }],
            })
        );
    }

    #[test]
    fn facts_that_do_not_say_when_have_no_age() {
        let facts = Inventory::unknown("x");
        assert_eq!(age(&facts, Timestamp::UNIX_EPOCH), None);
    }
}
