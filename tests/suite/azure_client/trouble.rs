//! Trouble at the wire: nothing is begun twice, and everything is found again.

use failback::id::IdempotencyKey;
use failback::id::MachineName;
use failback::provider::Freshness;
use failback::provider::Observe as _;
use failback::provider::Operate as _;
use failback::provider::OperationStatus;
use failback::provider::ProviderError;
use failback::provider::Request;
use failback::provider::emulator::http::ServerOptions;
use failback::provider::emulator::http::WireFault;
use failback::provider::emulator::http::WireFaultKind;
use failback::provider::emulator::http::WireFaults;
use failback::syntax::machine::State;

use crate::azure_client::Vault;
use crate::azure_client::cycle::classic_target;
use crate::lab;
use crate::wire_lab::options;

async fn classic_with(faults: Vec<WireFault>) -> Vault {
    let options = ServerOptions { wire_faults: WireFaults { seed: 3, faults }, ..options() };
    Vault::of(lab::world(lab::CLASSIC.0, lab::CLASSIC.1), options).await
}

fn reprotect() -> Request {
    Request::ReprotectToOnprem { machine: MachineName::new("w1"), target: classic_target() }
}

fn sent(vault: &Vault, verb: &str) -> u64 {
    let counts = vault.wire.handle.counts();
    counts
        .iter()
        .filter(|(kind, _)| kind.starts_with("POST") && kind.contains(verb))
        .map(|(_, count)| count)
        .sum()
}

#[tokio::test]
async fn an_order_whose_answer_was_lost_is_found_and_not_sent_again() {
    for kind in [WireFaultKind::ResetAfter, WireFaultKind::ErrorAfter] {
        let mut fault = WireFault::always(kind).on("reProtect").times(1);
        fault.status = Some(500);
        let vault = classic_with(vec![fault]).await;
        vault.done(&Request::Prepare, "prepare").await;
        let key = IdempotencyKey::new("reprotect");
        let error = vault.site.begin(&reprotect(), &key).await.expect_err("its answer is lost");
        assert!(matches!(error, ProviderError::NoAnswer { .. }), "{kind:?}: {error}");
        let found = vault.site.find(&key).await.expect("it can be asked");
        assert!(found.is_some(), "{kind:?}");
        let (_, other) = Vault::client(&vault.wire, &vault.world);
        assert_eq!(other.find(&key).await.expect("it can be asked"), found, "{kind:?}");
        assert_eq!(vault.site.begin(&reprotect(), &key).await.ok(), found, "{kind:?}");
        assert_eq!(
            sent(&vault, "reprotect") + sent(&vault, "reProtect"),
            1,
            "{kind:?}: {:?}",
            vault.wire.handle.counts()
        );
    }
}

#[tokio::test]
async fn an_order_that_never_arrived_is_not_found() {
    let fault = WireFault::always(WireFaultKind::ResetBefore).on("reProtect").times(1);
    let vault = classic_with(vec![fault]).await;
    vault.done(&Request::Prepare, "prepare").await;
    let key = IdempotencyKey::new("reprotect");
    let error = vault.site.begin(&reprotect(), &key).await.expect_err("it is lost");
    assert!(matches!(error, ProviderError::NoAnswer { .. }), "{error}");
    assert_eq!(vault.site.find(&key).await.expect("it can be asked"), None);
    assert_eq!(vault.done(&reprotect(), "reprotect").await, OperationStatus::Succeeded);
    assert_eq!(vault.state("w1").await, Some(State::ReprotectingToOnprem));
}

#[tokio::test]
async fn a_service_that_asks_to_come_back_was_asked_for_nothing() {
    let fault = WireFault::always(WireFaultKind::Busy).on("reProtect").times(1).of_seconds(17.0);
    let vault = classic_with(vec![fault]).await;
    vault.done(&Request::Prepare, "prepare").await;
    let key = IdempotencyKey::new("reprotect");
    let error = vault.site.begin(&reprotect(), &key).await.expect_err("it is busy");
    assert!(matches!(error, ProviderError::Busy { .. }), "{error}");
    assert_eq!(error.retry_after().map(|after| after.as_secs()), Some(17));
    vault.pass(20).await;
    assert_eq!(vault.done(&reprotect(), "reprotect").await, OperationStatus::Succeeded);
}

#[tokio::test]
async fn questions_survive_a_line_that_loses_every_fifth_answer() {
    let fault = |kind| WireFault::always(kind).on("GET").by_chance(0.1);
    let kinds = [
        WireFaultKind::ResetBefore,
        WireFaultKind::Truncated,
        WireFaultKind::Error,
        WireFaultKind::ExpiredToken,
    ];
    let vault = classic_with(kinds.into_iter().map(fault).collect()).await;
    let mut seen = 0;
    for _ in 0..20 {
        let observed = vault.site.observe(&[MachineName::new("w1")]).await;
        seen += u32::from(observed.is_ok());
        vault.pass(60).await;
    }
    assert!(seen >= 15, "{seen} of 20 looks came through");
}

#[tokio::test]
async fn a_right_that_is_missing_leaves_facts_unknown() {
    let fault = WireFault::always(WireFaultKind::Forbidden).on("virtualMachines");
    let vault = classic_with(vec![fault]).await;
    let facts = vault.facts("w1").await;
    assert_eq!(facts.state.map(|state| state.value), Some(State::FailedOverCommitted));
    assert_eq!(facts.azure_vm.and_then(|vm| vm.power_state), None, "nobody could look");
    let missing = vault.site.view().missing();
    assert!(
        missing.iter().any(|missing| missing.facts == "azure_vm" && missing.why.contains("right is missing")),
        "{missing:#?}"
    );
}

#[tokio::test]
async fn waiting_for_hours_costs_a_few_requests_for_all_machines_together() {
    let vault = Vault::classic().await;
    let machines: Vec<MachineName> = ["w1", "l1"].into_iter().map(MachineName::new).collect();
    vault.done(&Request::Prepare, "prepare").await;
    vault.done(&reprotect(), "reprotect").await;
    let before = vault.reader.usage().reads;
    for _ in 0..240 {
        for machine in &machines {
            let look = vault.site.observe_since(std::slice::from_ref(machine), None, Freshness::Lately).await;
            look.expect("it can be observed");
        }
        vault.pass(30).await;
    }
    let spent = vault.reader.usage().reads - before;
    // Two hours: the list each minute, a few servers each ten, virtual machines each twenty.
    assert!(spent <= 400, "{spent} reads: {:#?}", vault.wire.handle.counts());
}

#[tokio::test]
async fn polls_of_many_operations_share_one_list() {
    let vault = Vault::classic().await;
    vault.done(&Request::Prepare, "prepare").await;
    let mut running = Vec::new();
    for machine in vault.world.inventory.machines.iter().flatten().take(4) {
        let name = MachineName::new(machine.name.value.as_str());
        let request = Request::ReprotectToOnprem { machine: name, target: classic_target() };
        let key = IdempotencyKey::new(machine.name.value.as_str());
        if let Ok(operation) = vault.site.begin(&request, &key).await {
            running.push(operation);
        }
    }
    if running.len() < 3 {
        return;
    }
    let before = vault.reader.usage().reads;
    for operation in &running {
        assert!(matches!(vault.site.poll(operation).await, Ok(OperationStatus::Running(_))));
    }
    assert!(vault.reader.usage().reads - before <= 1, "one list is enough for all");
}

#[tokio::test]
async fn what_a_service_says_of_an_operation_that_succeeded_is_told_in_its_words() {
    let fault = WireFault::always(WireFaultKind::Information).on("reProtect").times(1);
    let vault = classic_with(vec![fault]).await;
    vault.done(&Request::Prepare, "prepare").await;
    let OperationStatus::SucceededWith { remark } = vault.done(&reprotect(), "reprotect").await else {
        panic!("it has something to say");
    };
    assert_eq!(remark, "The VM name was modified to avoid name conflicts. (28175)");
    let counts = vault.wire.handle.counts();
    let asked = counts.iter().filter(|(kind, _)| kind.contains("replicationOperationStatus"));
    assert_eq!(
        asked.map(|(_, count)| count).sum::<u64>(),
        1,
        "a job that has nothing to say costs no request"
    );
}
