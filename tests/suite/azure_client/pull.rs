//! What is pulled from a vault is what the world was seeded with, but for what no service tells.

use std::sync::Arc;

use failback::clock::pace::Pace;
use failback::provider::azure::CheckResult;
use failback::provider::azure::Onprem;
use failback::provider::azure::diagnose;
use failback::provider::azure::pull;
use failback::provider::azure::recovery_plans;
use failback::provider::vcenter::Limits;
use failback::provider::vcenter::Settings;
use failback::provider::vcenter::Trust;
use failback::provider::vcenter::Vcenters;
use failback::syntax::inventory::Inventory;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::azure_client::Vault;

/// Collects where two documents differ.
fn differences(at: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for key in keys {
                let none = Value::Null;
                let (one, other) = (one.get(key).unwrap_or(&none), other.get(key).unwrap_or(&none));
                differences(&format!("{at}.{key}"), one, other, found);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (one, other) in one.iter().zip(other) {
                let name = ["name", "id"].iter().find_map(|key| one.get(key)?.as_str());
                differences(&format!("{at}[{}]", name.unwrap_or_default()), one, other, found);
            }
        }
        (one, other) if one == other => {}
        (one, other) => found.push(format!("{at}: {one} became {other}")),
    }
}

fn vcenters(vault: &Vault) -> Vec<Settings> {
    let options = vault.wire.handle.options();
    let settings = |id: &str| Settings {
        id: id.to_owned(),
        kind: None,
        url: format!("{}/sdk/{id}", vault.wire.handle.url()),
        user: options.vcenter_user.clone(),
        password: options.vcenter_password.expose_secret().to_owned().into(),
        trust: Trust::System,
        limits: Limits::default(),
    };
    let known = vault.world.inventory.vcenters.as_ref().into_iter().flatten();
    known.map(|vcenter| settings(&vcenter.id.value)).collect()
}

async fn pulled(vault: &Vault) -> Inventory {
    let id = Vault::id(&vault.wire);
    let base = &vault.world.inventory;
    let onprem: Arc<dyn Onprem> =
        Arc::new(Vcenters::new(vcenters(vault), base.clone(), vault.reader.pace() as Arc<dyn Pace>));
    let pulled = pull(&vault.reader, &id, Some(onprem), base).await.expect("the vault can be read");
    pulled.inventory
}

async fn compare(vault: &Vault, known: &[&str]) {
    let seen = pulled(vault).await;
    let (before, after) = (serde_json::to_value(&vault.world.inventory), serde_json::to_value(&seen));
    let mut found = Vec::new();
    differences("", &before.expect("it is JSON"), &after.expect("it is JSON"), &mut found);
    // What is told and was not written down is no difference.
    found.retain(|text| !text.contains(": null became"));
    found.retain(|text| !known.iter().any(|known| text.contains(known)));
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test]
async fn a_classic_vault_is_pulled_as_it_was_seeded() {
    compare(&Vault::classic().await, &[".observed_at"]).await;
}

#[tokio::test]
async fn a_modernized_vault_is_pulled_as_it_was_seeded() {
    compare(&Vault::modernized().await, &[".observed_at"]).await;
}

#[tokio::test]
async fn a_vault_is_diagnosed() {
    let vault = Vault::classic().await;
    let checks = diagnose(&vault.reader, &Vault::id(&vault.wire)).await;
    let failed: Vec<_> = checks.iter().filter(|check| check.result == CheckResult::Failed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(checks.iter().any(|check| check.name == "credentials"), "{checks:#?}");
    assert_eq!(recovery_plans(&vault.reader, &Vault::id(&vault.wire)).await.expect("they can be read"), []);
}
