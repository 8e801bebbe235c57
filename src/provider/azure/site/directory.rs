//! What is replicated in a vault: the items by the names of their machines.

use std::collections::BTreeMap;
use std::collections::HashMap;

use crate::provider::azure::client::ReadClient;
use crate::provider::azure::client::SITE_RECOVERY;
use crate::provider::azure::error::AzureError;
use crate::provider::azure::http::redact;
use crate::provider::azure::site::state::Kind;
use crate::provider::azure::vault::VaultId;
use crate::provider::azure::vault::last_part;
use crate::provider::azure::wire::item::Item;
use crate::provider::azure::wire::page::Resource;

/// What to do about a vault in which nothing replicates with VMware.
pub(in crate::provider::azure) const OTHER_VAULT: &str =
    "name the vault whose machines were failed over from VMware";

/// An item of the vault's list.
#[derive(Clone, Debug)]
pub(in crate::provider::azure) struct Entry {
    pub(in crate::provider::azure) id: String,
    /// The machine.
    pub(in crate::provider::azure) name: String,
    pub(in crate::provider::azure) kind: Kind,
    /// What the list tells; a full item tells more.
    pub(in crate::provider::azure) item: Item,
}

/// The items of a vault.
#[derive(Debug, Default)]
pub(in crate::provider::azure) struct Directory {
    pub(in crate::provider::azure) entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
    /// Names that several items have: none of them is meant.
    pub(in crate::provider::azure) ambiguous: Vec<String>,
    /// Items that are none of VMware machines or physical servers, by their kinds.
    pub(in crate::provider::azure) others: BTreeMap<String, Vec<String>>,
    /// Items that may be of VMware machines and can't be read, by what is said instead of their kind: nothing is known of them.
    pub(in crate::provider::azure) unreadable: BTreeMap<String, Vec<String>>,
}

/// Kinds of items that are known to be none of VMware machines or physical servers.
const OTHERS: &[&str] = &[
    "A2A",
    "A2ACrossClusterMigration",
    "HyperVReplicaAzure",
    "HyperVReplicaAzureReplication",
    "HyperVReplica2012",
    "HyperVReplica2012R2",
    "HyperVReplicaBaseReplicationDetails",
];

impl Directory {
    /// Returns the item of a machine.
    pub(in crate::provider::azure) fn entry(&self, machine: &str) -> Option<&Entry> {
        self.by_name.get(&machine.to_lowercase()).map(|at| &self.entries[*at])
    }

    /// Returns how many items are left alone, by their kinds; `None` if there are none.
    pub(in crate::provider::azure) fn left_alone(&self) -> Option<String> {
        let all = self.others.iter().chain(&self.unreadable);
        let kinds: Vec<String> = all.map(|(kind, names)| format!("{} of kind {kind}", names.len())).collect();
        (!kinds.is_empty()).then(|| kinds.join(", "))
    }

    /// Returns why it can't be told of a machine how it is, or whether it is there at all; `None` if the list tells.
    pub(in crate::provider::azure) fn doubt(&self, machine: &str) -> Option<String> {
        let is_it = |name: &String| name.eq_ignore_ascii_case(machine);
        if let Some((kind, _)) = self.unreadable.iter().find(|(_, names)| names.iter().any(is_it)) {
            return Some(format!(
                "the vault has an item of this name that replicates as {kind}, which this program does not know: look at it in the vault"
            ));
        }
        self.ambiguous.iter().any(is_it).then(|| {
            "several items of the vault have this name, and which of them is meant can't be told: rename or remove the one that is left over".to_owned()
        })
    }

    fn of(items: Vec<Resource<Item>>) -> Self {
        let mut directory = Self::default();
        for item in items {
            let name = item.properties.friendly_name.or(&item.name);
            let name = name.unwrap_or_else(|| last_part(item.id.or_empty())).to_owned();
            let word = item.properties.provider_specific_details.instance_type.get();
            let (kind, id) = match (Kind::of(&item.properties), item.id.get()) {
                (Some(kind), Some(id)) => (kind, id.to_owned()),
                (None, _)
                    if word
                        .is_some_and(|word| OTHERS.iter().any(|other| other.eq_ignore_ascii_case(word))) =>
                {
                    directory.others.entry(word.unwrap_or_default().to_owned()).or_default().push(name);
                    continue;
                }
                // Of one without an id nothing more can be asked.
                (known, _) => {
                    let told = match known {
                        Some(kind) => format!("{} without an id", kind.word()),
                        None => redact::words(word.unwrap_or("unknown")),
                    };
                    directory.unreadable.entry(told).or_default().push(name);
                    continue;
                }
            };
            let at = directory.entries.len();
            if directory.by_name.insert(name.to_lowercase(), at).is_some() {
                directory.ambiguous.push(name.clone());
            }
            directory.entries.push(Entry { id, name, kind, item: item.properties });
        }
        for name in directory.ambiguous.iter().chain(directory.unreadable.values().flatten()) {
            directory.by_name.remove(&name.to_lowercase());
        }
        directory
    }
}

/// Reads the items of a vault, and says how many requests that took.
pub(in crate::provider::azure) async fn read(
    reader: &ReadClient,
    vault: &VaultId,
) -> Result<(Directory, usize), AzureError> {
    let path = format!("{}/replicationProtectedItems", vault.path());
    let listed = reader.list::<Resource<Item>>(&path, "", SITE_RECOVERY).await?;
    Ok((Directory::of(listed.values), listed.pages))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::MachineName;
    use crate::model::overlay;
    use crate::provider::azure::site::AzureView;
    use crate::provider::azure::site::Surroundings;
    use crate::provider::azure::tests::Script;
    use crate::syntax::inventory::Inventory;

    #[tokio::test]
    async fn a_name_that_several_items_have_is_said_to_be_nobodys() {
        let item = |id: &str, name: &str| {
            serde_json::from_value::<Resource<Item>>(serde_json::json!({
                "id": format!("/v/replicationProtectedItems/{id}"), "name": id,
                "properties": {"friendlyName": name, "providerSpecificDetails": {"instanceType": "InMage"}},
            }))
            .expect("it can be read")
        };
        let directory = Directory::of(vec![item("1", "w1"), item("2", "W1"), item("3", "w2")]);
        assert!(directory.entry("w1").is_none() && directory.entry("w2").is_some());
        let vault = VaultId { subscription: "s".into(), resource_group: "g".into(), name: "v".into() };
        let around = Surroundings { base: Inventory::unknown("v"), onprem: None };
        let view = AzureView::new(Script::of([]).await.client(), vault, around);
        assert!(view.absent(&MachineName::new("w1"), &directory).is_none(), "it is not said to be gone");
        let missing = view.missing();
        let [one] = missing.as_slice() else { panic!("{missing:?}") };
        assert_eq!(one.facts, "machine w1");
        assert!(one.why.contains("rename or remove"), "{one:?}");
    }

    #[tokio::test]
    async fn an_item_that_cannot_be_read_is_not_said_to_be_gone() {
        let item = |name: &str, properties: serde_json::Value| {
            serde_json::from_value::<Resource<Item>>(serde_json::json!({
                "id": format!("/v/replicationProtectedItems/{name}"), "name": name, "properties": properties,
            }))
            .expect("it can be read")
        };
        let kind = |kind: &str| serde_json::json!({"providerSpecificDetails": {"instanceType": kind}});
        let mut nowhere = item("w4", kind("InMage"));
        nowhere.id = serde_json::from_value(serde_json::Value::Null).expect("it may be missing");
        let directory = Directory::of(vec![
            item("w1", serde_json::json!({"providerSpecificDetails": null})),
            item("w2", kind("InMageQuantum")),
            item("w3", serde_json::json!({})),
            nowhere,
            item("cloud", kind("a2a")),
            item("w5", kind("InMage")),
        ]);
        let base = Inventory {
            machines: Some(["w1", "w2", "w3", "w4", "cloud"].map(overlay::blank_machine).to_vec()),
            ..Inventory::unknown("v")
        };
        let vault = VaultId { subscription: "s".into(), resource_group: "g".into(), name: "v".into() };
        let view = AzureView::new(Script::of([]).await.client(), vault, Surroundings { base, onprem: None });
        for name in ["w1", "W2", "w3", "w4"] {
            assert!(
                view.absent(&MachineName::new(name), &directory).is_none(),
                "{name} is not said to be gone"
            );
        }
        assert!(view.absent(&MachineName::new("cloud"), &directory).is_some(), "that is another machine");
        let missing = view.missing();
        let told: Vec<&str> = missing.iter().map(|missing| missing.facts.as_str()).collect();
        assert_eq!(told, ["machine W2", "machine w1", "machine w3", "machine w4"]);
        assert!(missing[0].why.contains("replicates as InMageQuantum, which"), "{missing:?}");
        assert_eq!(directory.others.len(), 1);
        assert!(directory.entry("w5").is_some());
    }
}
