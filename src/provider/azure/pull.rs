//! Everything that a vault and its site tell, as one inventory.

use std::sync::Arc;

use crate::id::MachineName;
use crate::provider::azure::client::ReadClient;
use crate::provider::azure::error::AzureError;
use crate::provider::azure::onprem::Onprem;
use crate::provider::azure::site::AzureView;
use crate::provider::azure::site::Missing;
use crate::provider::azure::site::OTHER_VAULT;
use crate::provider::azure::site::Reading;
use crate::provider::azure::site::Surroundings;
use crate::provider::azure::vault::VaultId;
use crate::provider::observation::Freshness;
use crate::syntax::inventory::Inventory;

/// What was pulled.
#[derive(Clone, Debug)]
pub struct Pulled {
    /// The facts, laid over those of the file.
    pub inventory: Inventory,
    /// What could not be observed, and why.
    pub missing: Vec<Missing>,
    /// Which readings the facts come from, and when each was.
    pub readings: Vec<Reading>,
    /// Items of the vault that are none of VMware machines or physical servers, by their kinds: they are left alone.
    pub ignored: Vec<(String, Vec<String>)>,
}

/// Reads everything that is in a vault, at its site and around it. Facts that only a person knows stay as `base` has them; a right
/// that is missing leaves facts unknown, and the rest goes on.
///
/// # Errors
///
/// [`AzureError`] if the vault can't be read at all, or has no machine of VMware and no physical server: it is another one that is
/// meant, and each machine of the file would seem to be gone.
pub async fn pull(
    reader: &ReadClient,
    vault: &VaultId,
    onprem: Option<Arc<dyn Onprem>>,
    base: &Inventory,
) -> Result<Pulled, AzureError> {
    let has_onprem = onprem.is_some();
    let surroundings = Surroundings { base: base.clone(), onprem };
    let view = AzureView::new(reader.clone(), vault.clone(), surroundings);
    reader.settle_clock(vault).await?;
    let directory = view.whole_directory().await?;
    if directory.entries.is_empty() {
        let others =
            directory.left_alone().map(|kinds| format!(" (left alone: {kinds})")).unwrap_or_default();
        let message = format!("it has no VMware machine or physical server{others}; {OTHER_VAULT}");
        return Err(AzureError::Unresolved { message });
    }
    let mut machines: Vec<MachineName> =
        directory.entries.iter().map(|entry| MachineName::new(entry.name.as_str())).collect();
    // Machines that the file has and the vault does not any more are said to be gone.
    let known = base.machines.iter().flatten().map(|machine| &machine.name.value);
    let gone: Vec<MachineName> = known
        .filter(|name| directory.entry(name).is_none())
        .map(|name| MachineName::new(name.as_str()))
        .collect();
    machines.extend(gone);
    // Those that can't be read are looked at too, which lists them as not observed.
    for name in directory.unreadable.values().flatten() {
        if !machines.iter().any(|machine| machine.as_str().eq_ignore_ascii_case(name)) {
            machines.push(MachineName::new(name.as_str()));
        }
    }
    // The servers that vCenter is asked about are known from the first look.
    if has_onprem {
        view.look(&[], None, Freshness::Now).await?;
    }
    let seen = view.look(&machines, None, Freshness::Now).await?;
    let mut inventory = seen.facts;
    inventory.remarks.clone_from(&base.remarks);
    in_order(&mut inventory, base);
    Ok(Pulled {
        inventory,
        missing: view.missing(),
        readings: view.readings().await,
        ignored: directory.others.iter().map(|(kind, names)| (kind.clone(), names.clone())).collect(),
    })
}

/// Puts lists into the order of the file, and what the file does not have behind it, by name.
fn in_order(inventory: &mut Inventory, base: &Inventory) {
    fn sort<T>(list: &mut Option<Vec<T>>, base: Option<&Vec<T>>, name: fn(&T) -> &str) {
        let known: Vec<&str> = base.into_iter().flatten().map(name).collect();
        if let Some(list) = list {
            list.sort_by_cached_key(|one| {
                let at = known.iter().position(|known| *known == name(one)).unwrap_or(usize::MAX);
                (at, name(one).to_owned())
            });
        }
    }
    sort(&mut inventory.vcenters, base.vcenters.as_ref(), |one| &one.id.value);
    sort(&mut inventory.hosts, base.hosts.as_ref(), |one| &one.name.value);
    sort(&mut inventory.datastores, base.datastores.as_ref(), |one| &one.name.value);
    sort(&mut inventory.master_targets, base.master_targets.as_ref(), |one| &one.name.value);
    sort(&mut inventory.process_servers, base.process_servers.as_ref(), |one| &one.name.value);
    sort(&mut inventory.appliances, base.appliances.as_ref(), |one| &one.name.value);
    for appliance in inventory.appliances.iter_mut().flatten() {
        let known = base.appliances.iter().flatten().find(|known| known.name == appliance.name);
        let components = known.and_then(|known| known.components.as_ref());
        sort(&mut appliance.components, components, |one| &one.name.value);
    }
    sort(&mut inventory.storage_accounts, base.storage_accounts.as_ref(), |one| &one.value);
    sort(&mut inventory.automation_accounts, base.automation_accounts.as_ref(), |one| &one.name.value);
    sort(&mut inventory.machines, base.machines.as_ref(), |one| &one.name.value);
    sort(&mut inventory.replication_groups, base.replication_groups.as_ref(), |one| &one.name.value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::azure::tests::Reply;
    use crate::provider::azure::tests::Script;

    #[tokio::test]
    async fn a_vault_in_which_nothing_replicates_with_vmware_is_another_one() {
        let vault = VaultId { subscription: "s".into(), resource_group: "g".into(), name: "v".into() };
        let item = serde_json::json!({"id": "/v/a1", "name": "a1",
            "properties": {"friendlyName": "a1", "providerSpecificDetails": {"instanceType": "A2A"}}});
        for (items, told) in [
            (vec![item], "no VMware machine or physical server (left alone: 1 of kind A2A)"),
            (Vec::new(), "no VMware machine or physical server; name the vault"),
        ] {
            let page = serde_json::json!({ "value": items });
            let script = Script::of([Reply::ok("{}"), Reply::ok(page.to_string())]).await;
            let error = pull(&script.client(), &vault, None, &Inventory::unknown("v")).await;
            let error = error.expect_err("its machines would all seem to be gone").to_string();
            assert!(error.contains(told), "{error}");
            assert_eq!(script.got().len(), 2, "nothing else is asked");
        }
    }
}
