//! What is pulled from a vault is what the world was seeded with, but for what no service tells.

use std::sync::Arc;

use failback::clock::pace::Pace;
use failback::provider::azure::CheckResult;
use failback::provider::azure::Onprem;
use failback::provider::azure::diagnose;
use failback::provider::azure::pull;
use failback::provider::azure::recovery_plans;
use failback::provider::emulator::http::WireFault;
use failback::provider::emulator::http::WireFaultKind;
use failback::provider::emulator::http::WireFaults;
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
async fn networks_of_copies_and_servers_are_told_by_azure_and_not_by_the_file() {
    let (plan, inventory) = crate::lab::CLASSIC;
    let line = "bandwidth_mbps: 1000}";
    let peered = inventory.replacen(line, "bandwidth_mbps: 1000, peered_vnets: [[vnet-dr, vnet-hub]]}", 1);
    assert_ne!(peered, inventory);
    let vault = Vault::of(crate::lab::world(plan, &peered), crate::wire_lab::options()).await;
    let mut base = vault.world.inventory.clone();
    let wrong = |vnet: &mut Option<failback::source::Spanned<String>>| {
        *vnet = Some(failback::source::Spanned::bare("vnet-of-the-file".to_owned()));
    };
    for machine in base.machines.iter_mut().flatten() {
        machine.azure_vm.as_mut().into_iter().for_each(|vm| wrong(&mut vm.vnet));
    }
    base.process_servers.iter_mut().flatten().for_each(|server| wrong(&mut server.vnet));
    let id = Vault::id(&vault.wire);
    let seen = pull(&vault.reader, &id, None, &base).await.expect("the vault can be read").inventory;
    let network = seen.network.expect("it is told");
    assert!(network.azure_to_onprem.is_some(), "a person knows the line");
    let pairs = network.peered_vnets.expect("they are told");
    let pairs: Vec<Vec<&str>> =
        pairs.iter().map(|pair| pair.iter().map(|name| name.value.as_str()).collect()).collect();
    assert_eq!(pairs, [["vnet-dr", "vnet-hub"]]);
    for machine in seen.machines.iter().flatten() {
        let vm = machine.azure_vm.as_ref().expect("it is in Azure");
        assert_eq!(vm.vnet.as_ref().map(|vnet| vnet.value.as_str()), Some("vnet-dr"), "{}", machine.name);
        let known = vault.world.inventory.machines.iter().flatten().find(|known| known.name == machine.name);
        let known = known.and_then(|known| known.azure_vm.as_ref()?.ip_retained.map(|kept| kept.value));
        assert_eq!(vm.ip_retained.map(|kept| kept.value), known, "{}", machine.name);
    }
    let of = |name: &str| {
        let server = seen.process_servers.iter().flatten().find(|server| server.name.value == name);
        server.and_then(|server| server.vnet.as_ref().map(|vnet| vnet.value.clone()))
    };
    assert_eq!((of("ps-az").as_deref(), of("ps-on")), (Some("vnet-dr"), None));
}

#[tokio::test]
async fn networks_that_may_not_be_read_are_unknown_and_the_right_is_named() {
    let fault = |on: &str| WireFault::always(WireFaultKind::Forbidden).on(on);
    let faults = vec![fault("networkInterfaces"), fault("virtualNetworks")];
    let options = failback::provider::emulator::http::ServerOptions {
        wire_faults: WireFaults { seed: 1, faults },
        ..crate::wire_lab::options()
    };
    let (plan, inventory) = crate::lab::CLASSIC;
    let vault = Vault::of(crate::lab::world(plan, inventory), options).await;
    let pulled = pull(&vault.reader, &Vault::id(&vault.wire), None, &vault.world.inventory).await;
    let pulled = pulled.expect("the vault can be read");
    for fact in ["azure_vm.vnet", "network.peered_vnets"] {
        assert!(pulled.missing.iter().any(|missing| missing.facts == fact), "{fact}: {:?}", pulled.missing);
    }
    let servers = pulled.inventory.process_servers.expect("they are told");
    assert!(servers.iter().all(|server| server.vnet.is_none()), "{servers:?}");
}

#[tokio::test]
async fn a_host_is_not_called_undiscovered_because_nobody_may_see_which_vcenters_there_are() {
    for ((plan, inventory), on) in [
        (crate::lab::CLASSIC, "GET replicationvCenters"),
        (crate::lab::MODERNIZED, "GET VMwareSites/*/vcenters"),
    ] {
        let faults = vec![WireFault::always(WireFaultKind::Forbidden).on(on)];
        let options = failback::provider::emulator::http::ServerOptions {
            wire_faults: WireFaults { seed: 1, faults },
            ..crate::wire_lab::options()
        };
        let vault = Vault::of(crate::lab::world(plan, inventory), options).await;
        let seen = pulled(&vault).await;
        let hosts = seen.hosts.expect("vCenter tells of them");
        assert!(!hosts.is_empty(), "{on}");
        assert!(hosts.iter().all(|host| host.discovered.is_none()), "{on}: {hosts:?}");
        let connected = seen.vcenters.iter().flatten().map(|vcenter| vcenter.connected);
        assert!(connected.into_iter().all(|connected| connected.is_none()), "{on}");
        let checks = diagnose(&vault.reader, &Vault::id(&vault.wire)).await;
        let servers = checks.iter().find(|check| check.name == "servers").expect("they are checked");
        let is_classic = on == "GET replicationvCenters";
        assert_eq!(servers.result == CheckResult::Warning, is_classic, "{servers:?}");
    }
}

#[tokio::test]
async fn a_run_without_the_right_to_see_jobs_is_foretold() {
    let faults = vec![WireFault::always(WireFaultKind::Forbidden).on("GET replicationJobs")];
    let options = failback::provider::emulator::http::ServerOptions {
        wire_faults: WireFaults { seed: 1, faults },
        ..crate::wire_lab::options()
    };
    let (plan, inventory) = crate::lab::CLASSIC;
    let vault = Vault::of(crate::lab::world(plan, inventory), options).await;
    let checks = diagnose(&vault.reader, &Vault::id(&vault.wire)).await;
    let jobs = checks.iter().find(|check| check.name == "jobs").expect("they are checked");
    assert_eq!(jobs.result, CheckResult::Failed, "{jobs:?}");
    assert!(jobs.what.contains("replicationJobs/read") && jobs.help.is_some(), "{jobs:?}");
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
