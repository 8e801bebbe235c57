//! Every fault changes what happens.

use super::*;
use crate::provider::emulator::Deed;
use crate::syntax::machine::Health;
use crate::syntax::machine::PowerState;

fn site(text: &str) -> Site {
    Site::new(classic(&[]), fault(text))
}

fn onprem_power(site: &mut Site) -> PowerState {
    site.facts("w1").onprem_vm.unwrap().power_state.unwrap().value
}

fn azure_power(site: &mut Site) -> PowerState {
    site.facts("w1").azure_vm.unwrap().power_state.unwrap().value
}

#[test]
fn vcenter_disconnects() {
    let mut site = site("kind: vcenter_disconnects, of: vc1, phase: failover, for: 20m");
    site.protect("w1");
    let failure = site.fails(&latest("w1"));
    assert_eq!((failure.code.as_str(), failure.task.as_str()), ("811", "Start failover"));
    // The Azure VM is off already: that is why the connection is looked at before.
    assert_eq!(azure_power(&mut site), PowerState::Deallocated);
    let vcenters = site.world.infrastructure(site.now).unwrap().vcenters.unwrap();
    assert!(!vcenters[0].connected.unwrap().value);
    site.wait(20 * 60);
    site.done(&latest("w1"));
}

#[test]
fn configuration_server_disconnects() {
    let mut site = site("kind: configuration_server_disconnects, at: {after: 10s}, for: 10m");
    site.done(&Request::Prepare);
    assert_eq!(site.fails(&reprotect("w1")).code, "583");
    site.wait(10 * 60);
    site.done(&reprotect("w1"));
}

#[test]
fn master_target_snapshot() {
    let mut site = site("kind: master_target_snapshot, of: mtw, phase: failover");
    site.protect("w1");
    assert_eq!(site.fails(&latest("w1")).code, "78158");
    site.world.by_hand(site.now, &Deed::RemoveSnapshots { master_target: "mtw".to_owned() }).unwrap();
    site.done(&latest("w1"));
}

#[test]
fn storage_vmotion() {
    let mut site = site("kind: storage_vmotion, of: mtw, phase: failover");
    site.protect("w1");
    let datastore = |site: &mut Site| {
        let targets = site.world.infrastructure(site.now).unwrap().master_targets.unwrap();
        targets[0].datastore.clone()
    };
    let before = datastore(&mut site);
    assert_eq!(site.fails(&latest("w1")).code, "ServerMoved");
    assert_ne!(datastore(&mut site), before);
}

#[test]
fn appliance_unhealthy() {
    let scenario = fault("kind: appliance_unhealthy, of: ra1, phase: failover, for: 30m");
    let mut site = Site::new(modernized(&[]), scenario);
    site.done(&reprotect_modernized("w1"));
    site.until("w1", State::ProtectedToOnprem);
    assert_eq!(site.fails(&latest("w1")).code, "ApplianceUnhealthy");
    // The service cancels a planned failover that fails: the Azure VM runs again.
    assert_eq!(azure_power(&mut site), PowerState::Running);
    assert_eq!(site.item("w1").protection_state, "Protected");
    site.wait(30 * 60);
    site.done(&latest("w1"));
}

#[test]
fn process_server_unhealthy() {
    let mut site = site("kind: process_server_unhealthy, of: ps-az");
    let servers = site.world.infrastructure(site.now).unwrap().process_servers.unwrap();
    assert_eq!(servers[0].health.unwrap().value, Health::Critical);
    site.wait(3_600);
    let servers = site.world.infrastructure(site.now).unwrap().process_servers.unwrap();
    assert_eq!(servers[0].heartbeat_at.unwrap().value, begin_of_time());
    assert_eq!(servers[1].heartbeat_at.unwrap().value, site.now);
    site.done(&Request::Prepare);
    assert_eq!(site.fails(&reprotect("w1")).code, "806");
}

#[test]
fn datastore_inaccessible() {
    let mut site = site("kind: datastore_inaccessible, of: vmfs1, at: {after: 2m}, for: 1h");
    site.done(&Request::Prepare);
    let job = site.begin(&reprotect("w1")).unwrap();
    let OperationStatus::Failed(failure) = site.finish(&job) else { panic!() };
    assert_eq!((failure.code.as_str(), failure.task.as_str()), ("8061", "Reprotecting virtual machine"));
    assert_eq!(site.attached("mtw"), 3);
    assert_eq!(site.state("w1"), State::FailedOverCommitted);
}

#[test]
fn link_slow() {
    let minutes = |scenario: Scenario| {
        let mut site = Site::new(classic(&[]), scenario);
        site.protect("w1");
        site.minutes()
    };
    let healthy = minutes(scenario("durations: fixed\n"));
    let slow = minutes(fault("kind: link_slow, factor: 0.02"));
    let for_a_while = minutes(fault("kind: link_slow, factor: 0.02, at: {after: 13m}, for: 20m"));
    assert!(healthy < for_a_while && for_a_while < slow, "{healthy} {for_a_while} {slow}");
}

#[test]
fn agent_late() {
    let mut late = site("kind: agent_late, of: w1, phase: reprotect, for: 25m");
    late.done(&Request::Prepare);
    late.done(&reprotect("w2"));
    assert_eq!(late.fails(&reprotect("w1")).code, "95226");
    late.wait(25 * 60);
    late.done(&reprotect("w1"));

    let mut late = site("kind: agent_late, phase: forward, for: 40m");
    late.protect("w1");
    late.done(&latest("w1"));
    late.done(&commit("w1"));
    late.wait(30 * 60);
    assert_eq!(late.fails(&forward("w1")).code, "95226");
    late.wait(10 * 60);
    late.done(&forward("w1"));
}

#[test]
fn job_fails() {
    let mut site =
        site("kind: job_fails, of: w1, phase: failover, nth: 2, code: \"78037\", task: VmFailover");
    site.protect("w1");
    site.done(&reprotect("w2"));
    site.until("w2", State::ProtectedToOnprem);
    site.done(&latest("w2"));
    site.done(&latest("w1"));

    let mut site = Site::new(classic(&[]), fault("kind: job_fails, phase: reprotect, times: 2"));
    site.done(&Request::Prepare);
    for _ in 0..2 {
        let failure = site.fails(&reprotect("w1"));
        assert_eq!((failure.code.as_str(), failure.task.as_str()), ("539", "Reprotecting virtual machine"));
    }
    site.done(&reprotect("w1"));

    let keys = "kind: job_fails, of: w1, phase: failover, code: \"78037\", task: VmFailover";
    let mut site = Site::new(classic(&[]), fault(keys));
    site.protect("w1");
    let failure = site.fails(&latest("w1"));
    assert_eq!((failure.code.as_str(), failure.task.as_str()), ("78037", "Start failover"));
    assert_eq!(site.state("w1"), State::ProtectedToOnprem);
}

#[test]
fn resync_required() {
    let scenario = fault("kind: resync_required, of: w1, at: {after: 3h}, for: 1h");
    let mut site = Site::new(modernized(&[]), scenario);
    site.done(&reprotect_modernized("w1"));
    site.until("w1", State::ProtectedToOnprem);
    site.now = begin_of_time() + SignedDuration::from_hours(3) + SignedDuration::from_mins(50);
    let asr = site.facts("w1").asr.unwrap();
    assert!(asr.resync_required.unwrap().value);
    assert_eq!(asr.health.unwrap().value, Health::Critical);
    assert!(asr.rpo_seconds.unwrap().value >= 50 * 60);
    assert_eq!(site.fails(&latest("w1")).code, "78024");
    site.wait(3_600);
    assert_eq!(site.facts("w1").asr.unwrap().health.unwrap().value, Health::Ok);
    site.done(&latest("w1"));
}

#[test]
fn health() {
    let mut site = site("kind: health, of: w1, at: {after: 1h}, for: 10m, health: warning");
    let health = |site: &mut Site| site.facts("w1").asr.unwrap().health.unwrap().value;
    assert_eq!(health(&mut site), Health::Ok);
    site.wait(3_600);
    assert_eq!(health(&mut site), Health::Warning);
    site.wait(600);
    assert_eq!(health(&mut site), Health::Ok);
}

#[test]
fn azure_vm_stopped() {
    let mut site = site("kind: azure_vm_stopped, of: w1, for: 30m");
    site.done(&Request::Prepare);
    assert_eq!(site.fails(&reprotect("w1")).code, "78093");
    site.wait(30 * 60);
    assert_eq!(site.fails(&reprotect("w1")).code, "95226");
    site.wait(15 * 60);
    site.done(&reprotect("w1"));
}

#[test]
fn azure_vm_stays_on() {
    let mut site = site("kind: azure_vm_stays_on, of: w1");
    site.protect("w1");
    site.done(&latest("w1"));
    assert_eq!(azure_power(&mut site), PowerState::Running);
}

#[test]
fn onprem_vm_does_not_boot() {
    let mut down = site("kind: onprem_vm_does_not_boot, of: w1");
    down.protect("w1");
    down.done(&latest("w1"));
    assert_eq!(onprem_power(&mut down), PowerState::Stopped);
    down.world.by_hand(down.now, &Deed::StartOnpremVm { machine: name("w1") }).unwrap();
    assert_eq!(onprem_power(&mut down), PowerState::Running);

    let mut slow = site("kind: onprem_vm_does_not_boot, for: 10m");
    slow.protect("w1");
    slow.done(&latest("w1"));
    slow.wait(599);
    assert_eq!(onprem_power(&mut slow), PowerState::Stopped);
    slow.wait(1);
    assert_eq!(onprem_power(&mut slow), PowerState::Running);
}

#[test]
fn busy() {
    let mut busy = site("kind: busy, phase: failover, times: 2, for: 45s");
    busy.protect("w1");
    for _ in 0..2 {
        let Err(ProviderError::Busy { retry_after, .. }) = busy.begin(&latest("w1")) else { panic!() };
        assert_eq!(retry_after, Some(std::time::Duration::from_secs(45)));
        assert_eq!(busy.item("w1").running, None);
    }
    busy.done(&latest("w1"));

    let mut busy = site("kind: busy, at: {after: 1m}, for: 2m");
    busy.wait(60);
    let refused = busy.world.observe(busy.now, &[]);
    assert!(
        matches!(refused, Err(ProviderError::Busy { retry_after: Some(after), .. }) if after.as_secs() == 120)
    );
    busy.wait(120);
    assert!(busy.world.observe(busy.now, &[]).is_ok());
}

#[test]
fn no_answer_before() {
    let mut site = site("kind: no_answer_before, of: w1, phase: failover");
    site.protect("w1");
    let key = IdempotencyKey::new("lost");
    let lost = site.world.begin(site.now, &latest("w1"), &key);
    assert!(matches!(lost, Err(ProviderError::NoAnswer { .. })));
    assert_eq!(site.world.find(site.now, &key).unwrap(), None);
    assert_eq!(site.item("w1").running, None);
    let operation = site.world.begin(site.now, &latest("w1"), &key).unwrap();
    assert_eq!(site.finish(&operation), OperationStatus::Succeeded);
}

#[test]
fn no_answer_after() {
    let mut site = site("kind: no_answer_after, of: w1, phase: failover");
    site.protect("w1");
    let key = IdempotencyKey::new("lost");
    let lost = site.world.begin(site.now, &latest("w1"), &key);
    assert!(matches!(lost, Err(ProviderError::NoAnswer { .. })));
    let operation = site.world.find(site.now, &key).unwrap().unwrap();
    assert_eq!(site.item("w1").running, Some(operation.clone()));
    assert_eq!(site.finish(&operation), OperationStatus::Succeeded);
}

#[test]
fn job_hangs() {
    let mut healthy = Site::new(classic(&[]), fault("kind: job_hangs, of: w2, phase: failover"));
    healthy.protect("w1");
    let began = healthy.now;
    healthy.done(&latest("w1"));
    let usual = healthy.now.duration_since(began);
    let mut site = site("kind: job_hangs, of: w1, phase: failover, for: 5h");
    site.protect("w1");
    let began = site.now;
    let operation = site.world.begin(site.now, &latest("w1"), &IdempotencyKey::new("k")).unwrap();
    site.wait(4 * 60 * 60);
    let status = site.world.poll(site.now, &operation).unwrap();
    assert!(matches!(status, OperationStatus::Running(_)), "{status:?}");
    assert_eq!(site.finish(&operation), OperationStatus::Succeeded);
    let took = site.now.duration_since(began);
    assert!(
        took >= usual + jiff::SignedDuration::from_hours(5) - jiff::SignedDuration::from_mins(5),
        "{took}"
    );
}

#[test]
fn answer_twice() {
    let mut site = site("kind: answer_twice, of: w1, phase: failover");
    site.protect("w1");
    let key = IdempotencyKey::new("twice");
    let second = site.world.begin(site.now, &latest("w1"), &key).unwrap();
    let first = site.world.find(site.now, &key).unwrap().unwrap();
    assert_ne!(first, second);
    let status = site.finish(&second);
    assert!(matches!(&status, OperationStatus::Failed(failure) if failure.code == "532"), "{status:?}");
    assert_eq!(site.item("w1").running, Some(first.clone()), "the first goes on");
    assert_eq!(site.finish(&first), OperationStatus::Succeeded);
}

#[test]
fn every_kind_of_fault_has_a_test_of_its_name() {
    let tests = include_str!("fault.rs");
    for word in crate::provider::emulator::scenario::FaultKind::WORDS {
        assert!(tests.contains(&format!("#[test]\nfn {word}() {{")), "{word}");
    }
}
