//! Trouble at the wire: nothing is begun twice, and everything is found again.

use failback::clock::Clock as _;
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
    for (kind, status, seconds) in [
        (WireFaultKind::ResetAfter, None, None),
        (WireFaultKind::ErrorAfter, Some(500), None),
        (WireFaultKind::ErrorAfter, Some(503), Some(5.0)),
    ] {
        let mut fault = WireFault::always(kind).on("reProtect").times(1);
        (fault.status, fault.seconds) = (status, seconds);
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
    // Telling a site whose time stands still how late it is takes a question that no real one is asked.
    let told = vault.wire.handle.counts().get("GET vaults/*").copied().unwrap_or(0);
    let spent = vault.reader.usage().reads - before - told;
    // Two hours: the list each minute, a few servers each ten, virtual machines each twenty.
    assert!(spent <= 400, "{spent} reads: {:#?}", vault.wire.handle.counts());
}

/// Lets time pass as an operation tells, until it has ended; returns how many seconds after its end that was seen.
async fn seen_after(vault: &Vault, request: &Request, key: &str) -> i64 {
    let begun = vault.site.begin(request, &IdempotencyKey::new(key)).await;
    let operation = begun.unwrap_or_else(|error| panic!("{request:?}: {error}"));
    loop {
        let now = vault.reader.pace().now();
        match vault.site.poll(&operation).await.expect("it can be asked") {
            OperationStatus::Running(progress) => {
                let next = progress.expected_end.filter(|end| *end > now);
                vault.pass(next.map_or(30, |end| end.duration_since(now).as_secs().max(1))).await;
            }
            OperationStatus::Succeeded => break,
            other => panic!("{request:?}: {other:?}"),
        }
    }
    let job = vault.wire.get(&format!("{}/replicationJobs/{operation}", vault.wire.vault())).await;
    let end: jiff::Timestamp =
        job["properties"]["endTime"].as_str().expect("it ended").parse().expect("a time");
    vault.reader.pace().now().duration_since(end).as_secs()
}

#[tokio::test]
async fn the_end_of_what_runs_alone_is_seen_soon_once_such_operations_have_ended() {
    let vault = Vault::classic().await;
    vault.done(&Request::Prepare, "prepare").await;
    vault.done(&reprotect(), "w1").await;
    let next = Request::ReprotectToOnprem { machine: MachineName::new("w2"), target: classic_target() };
    let seconds = seen_after(&vault, &next, "w2").await;
    assert!(seconds <= 12, "{seconds} s");
}

#[tokio::test]
async fn one_that_is_waited_for_alone_is_read_by_itself_where_the_list_is_long() {
    let options = ServerOptions { page: 1, ..options() };
    let vault = Vault::of(lab::world(lab::CLASSIC.0, lab::CLASSIC.1), options).await;
    let machines: Vec<MachineName> = ["w1", "w2", "w3", "l1"].into_iter().map(MachineName::new).collect();
    let look = async |machine: &MachineName| {
        let look = vault.site.observe_since(std::slice::from_ref(machine), None, Freshness::Lately).await;
        let facts = look.expect("it can be observed").facts;
        facts.machines.into_iter().flatten().next().and_then(|machine| machine.state.map(|state| state.value))
    };
    let asked = |kind: &str| vault.wire.handle.counts().get(kind).copied().unwrap_or(0);
    let list = "GET replicationProtectedItems";
    let item = "GET replicationFabrics/*/replicationProtectionContainers/*/replicationProtectedItems/*";
    look(&machines[0]).await;
    let (lists, items) = (asked(list), asked(item));
    assert_eq!(lists, 5, "a page for each item, and an empty one");
    for _ in 0..6 {
        vault.pass(60).await;
        look(&machines[0]).await;
        look(&machines[0]).await;
    }
    assert_eq!((asked(list) - lists, asked(item) - items), (0, 6));
    // What somebody does to it shows all the same.
    vault
        .wire
        .done(
            reqwest::Method::POST,
            &format!(
                "{}/replicationProtectedItems/{}/remove",
                vault.wire.container(),
                vault.wire.handle.names().items[0].1
            ),
            None,
        )
        .await;
    vault.pass(60).await;
    let removed = MachineName::new(vault.wire.handle.names().items[0].0.as_str());
    assert_eq!(look(&removed).await, Some(State::ReplicationDisabled));
    // For as many as there are pages the list costs no more.
    let lists = asked(list);
    for machine in &machines {
        vault.pass(10).await;
        look(machine).await;
    }
    vault.pass(300).await;
    look(&machines[1]).await;
    assert!(asked(list) > lists);
}

#[tokio::test]
async fn an_item_that_was_removed_is_not_told_of_as_it_was() {
    let vault = Vault::classic().await;
    assert_eq!(vault.state("w1").await, Some(State::FailedOverCommitted));
    let items = vault.wire.handle.names().items;
    let (_, item) = items.iter().find(|(name, _)| *name == "w1").expect("it is in the vault");
    let path = format!("{}/replicationProtectedItems/{item}/remove", vault.wire.container());
    vault.wire.done(reqwest::Method::POST, &path, None).await;
    assert_eq!(vault.state("w1").await, Some(State::ReplicationDisabled));
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
