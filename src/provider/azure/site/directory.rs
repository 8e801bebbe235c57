//! What is replicated in a vault: the items by the names of their machines.

use std::collections::BTreeMap;
use std::collections::HashMap;

use crate::provider::azure::client::ReadClient;
use crate::provider::azure::client::SITE_RECOVERY;
use crate::provider::azure::error::AzureError;
use crate::provider::azure::site::state::Kind;
use crate::provider::azure::vault::VaultId;
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
}

impl Directory {
    /// Returns the item of a machine.
    pub(in crate::provider::azure) fn entry(&self, machine: &str) -> Option<&Entry> {
        self.by_name.get(&machine.to_lowercase()).map(|at| &self.entries[*at])
    }

    /// Returns how many items are left alone, by their kinds; `None` if there are none.
    pub(in crate::provider::azure) fn left_alone(&self) -> Option<String> {
        let kinds: Vec<String> =
            self.others.iter().map(|(kind, names)| format!("{} of kind {kind}", names.len())).collect();
        (!kinds.is_empty()).then(|| kinds.join(", "))
    }

    fn of(items: Vec<Resource<Item>>) -> Self {
        let mut directory = Self::default();
        for item in items {
            let name = item.properties.friendly_name.or(&item.name).unwrap_or_default().to_owned();
            let Some(kind) = Kind::of(&item.properties) else {
                let kind = item.properties.provider_specific_details.instance_type.get();
                directory.others.entry(kind.unwrap_or("unknown").to_owned()).or_default().push(name);
                continue;
            };
            let Some(id) = item.id.into_option() else { continue };
            let at = directory.entries.len();
            if directory.by_name.insert(name.to_lowercase(), at).is_some() {
                directory.ambiguous.push(name.clone());
            }
            directory.entries.push(Entry { id, name, kind, item: item.properties });
        }
        for name in &directory.ambiguous {
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
}
