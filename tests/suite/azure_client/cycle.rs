//! A whole cycle by direct calls: home, committed, and protected again.

use failback::clock::Clock as _;
use failback::clock::pace::Pace as _;
use failback::id::IdempotencyKey;
use failback::id::MachineName;
use failback::provider::FailbackPoint;
use failback::provider::ForwardTarget;
use failback::provider::Freshness;
use failback::provider::Observe as _;
use failback::provider::OnpremTarget;
use failback::provider::Operate as _;
use failback::provider::OperationStatus;
use failback::provider::ProviderError;
use failback::provider::Request;
use failback::syntax::machine::ActiveSite;
use failback::syntax::machine::PowerState;
use failback::syntax::machine::State;

use crate::azure_client::Vault;

pub fn classic_target() -> OnpremTarget {
    OnpremTarget::Classic {
        master_target: "mtw".into(),
        process_server: "ps-az".into(),
        retention_volume: "R:".into(),
        datastore: "vmfs1".into(),
    }
}

pub fn modernized_target() -> OnpremTarget {
    OnpremTarget::Modernized {
        appliance: "ra1".into(),
        log_storage_account: "sa1".into(),
        datastore: "vmfs1".into(),
    }
}

fn reprotect(machine: &str, target: OnpremTarget) -> Request {
    Request::ReprotectToOnprem { machine: MachineName::new(machine), target }
}

fn failover(machine: &str, point: FailbackPoint) -> Request {
    Request::FailoverToOnprem { machines: vec![MachineName::new(machine)], recovery_plan: None, point }
}

fn commit(machine: &str) -> Request {
    Request::Commit { machines: vec![MachineName::new(machine)], recovery_plan: None }
}

#[tokio::test]
async fn a_classic_machine_comes_home_and_is_protected_again() {
    let vault = Vault::classic().await;
    let facts = vault.facts("w1").await;
    assert_eq!(facts.state.map(|state| state.value), Some(State::FailedOverCommitted));
    assert_eq!(facts.active_site.map(|site| site.value), Some(ActiveSite::Azure));
    let azure = facts.azure_vm.expect("it is in Azure");
    assert_eq!(azure.power_state.map(|power| power.value), Some(PowerState::Running));

    assert_eq!(vault.done(&Request::Prepare, "prepare").await, OperationStatus::Succeeded);
    assert_eq!(vault.done(&reprotect("w1", classic_target()), "reprotect").await, OperationStatus::Succeeded);
    assert_eq!(vault.state("w1").await, Some(State::ReprotectingToOnprem));
    vault.until("w1", State::ProtectedToOnprem).await;
    let facts = vault.facts("w1").await;
    let points = facts.asr.and_then(|asr| asr.recovery_points).unwrap_or_default();
    assert!(!points.is_empty(), "a protected machine has a recovery point");
    assert_eq!(
        vault.done(&failover("w1", FailbackPoint::Latest), "failover").await,
        OperationStatus::Succeeded
    );
    let facts = vault.facts("w1").await;
    assert_eq!(facts.state.map(|state| state.value), Some(State::FailedBack));
    assert_eq!(facts.active_site.map(|site| site.value), Some(ActiveSite::Onprem));
    let azure = facts.azure_vm.expect("it was in Azure");
    assert_ne!(azure.power_state.map(|power| power.value), Some(PowerState::Running));
    assert_eq!(vault.done(&commit("w1"), "commit").await, OperationStatus::Succeeded);
    let facts = vault.facts("w1").await;
    assert_eq!(facts.state.map(|state| state.value), Some(State::FailedBackCommitted));
    assert_eq!(facts.azure_vm.and_then(|vm| vm.exists).map(|exists| exists.value), Some(false));
    // The agent registers within 15 minutes of the boot.
    vault.pass(15 * 60).await;
    let forward = Request::ReprotectToAzure {
        machine: MachineName::new("w1"),
        target: ForwardTarget::Classic { process_server: "ps-on".into() },
    };
    assert_eq!(vault.done(&forward, "forward").await, OperationStatus::Succeeded);
    vault.until("w1", State::ProtectedToAzure).await;
}

#[tokio::test]
async fn a_modernized_machine_comes_home_and_is_protected_again() {
    let vault = Vault::modernized().await;
    assert_eq!(vault.state("w1").await, Some(State::FailedOverCommitted));
    assert_eq!(vault.done(&Request::Prepare, "prepare").await, OperationStatus::Succeeded);
    assert_eq!(
        vault.done(&reprotect("w1", modernized_target()), "reprotect").await,
        OperationStatus::Succeeded
    );
    vault.until("w1", State::ProtectedToOnprem).await;
    let point = FailbackPoint::CrashConsistent;
    assert_eq!(vault.done(&failover("w1", point), "failover").await, OperationStatus::Succeeded);
    assert_eq!(vault.state("w1").await, Some(State::FailedBack));
    let cancel = Request::CancelFailover { machine: MachineName::new("w1") };
    assert_eq!(vault.done(&cancel, "cancel").await, OperationStatus::Succeeded);
    assert_eq!(vault.state("w1").await, Some(State::ProtectedToOnprem));
    vault.pass(600).await;
    assert_eq!(vault.done(&failover("w1", point), "failover again").await, OperationStatus::Succeeded);
    assert_eq!(vault.done(&commit("w1"), "commit").await, OperationStatus::Succeeded);
    assert_eq!(vault.state("w1").await, Some(State::FailedBackCommitted));
    let registered = async |freshness| {
        let seen = vault.site.observe_since(&[MachineName::new("w1")], None, freshness).await;
        let machine = seen.expect("it can be observed").facts.machines.into_iter().flatten().next();
        machine.and_then(|machine| machine.asr?.agent_registration_ok).map(|ok| ok.value)
    };
    assert_eq!(registered(Freshness::Now).await, Some(false));
    vault.pass(15 * 60).await;
    // What was read whole before does not hide what the list tells since.
    assert_eq!(registered(Freshness::Lately).await, Some(true));
    let target = ForwardTarget::Modernized { appliance: "ra1".into(), cache_storage_account: "sa2".into() };
    let forward = Request::ReprotectToAzure { machine: MachineName::new("w1"), target };
    assert_eq!(vault.done(&forward, "forward").await, OperationStatus::Succeeded);
    vault.until("w1", State::ProtectedToAzure).await;
}

#[tokio::test]
async fn an_operation_is_followed_by_a_new_process_from_its_id_alone() {
    let vault = Vault::classic().await;
    vault.done(&Request::Prepare, "prepare").await;
    let key = IdempotencyKey::new("reprotect");
    let begun = vault.site.begin(&reprotect("w1", classic_target()), &key).await.expect("it is taken on");
    let (reader, other) = Vault::client(&vault.wire, &vault.world);
    assert!(matches!(other.poll(&begun).await, Ok(OperationStatus::Running(_))));
    // What was sent is found by its key, and not sent again.
    let (_, third) = Vault::client(&vault.wire, &vault.world);
    assert_eq!(third.find(&key).await.expect("it can be asked"), Some(begun.clone()));
    assert_eq!(third.begin(&reprotect("w1", classic_target()), &key).await.expect("it is known"), begun);
    assert_eq!(third.find(&IdempotencyKey::new("another")).await.expect("it can be asked"), None);
    vault.pass(3600).await;
    reader.pace().until(vault.wire.pace.now()).await;
    assert_eq!(other.poll(&begun).await.expect("it can be asked"), OperationStatus::Succeeded);
}

#[tokio::test]
async fn what_is_not_in_the_vault_is_refused_before_anything_is_sent() {
    let vault = Vault::classic().await;
    let begin = |request: Request| {
        let key = IdempotencyKey::new(format!("{request:?}"));
        let site = vault.site.clone();
        async move { site.begin(&request, &key).await }
    };
    let error = begin(commit("nobody")).await.expect_err("there is no such machine");
    assert!(
        matches!(&error, ProviderError::Refused { code, .. } if code == "ArmResourceDoesNotExist"),
        "{error}"
    );
    vault.done(&Request::Prepare, "prepare").await;
    let nowhere = OnpremTarget::Classic {
        master_target: "mt-of-old".into(),
        process_server: "ps-az".into(),
        retention_volume: "R:".into(),
        datastore: "vmfs1".into(),
    };
    let error = begin(reprotect("w1", nowhere)).await.expect_err("there is no such server");
    assert!(error.to_string().contains("no master target `mt-of-old`; it has mtw"), "{error}");
    // A failover of a machine that does not come home would go to Azure.
    let error = begin(failover("w1", FailbackPoint::Latest)).await.expect_err("it goes the other way");
    assert!(error.to_string().contains("does not replicate to on-premises"), "{error}");
    let posts: u64 = vault
        .wire
        .handle
        .counts()
        .iter()
        .filter(|(kind, _)| kind.starts_with("POST"))
        .map(|(_, count)| count)
        .sum();
    assert_eq!(posts, 0, "{:#?}", vault.wire.handle.counts());
}
