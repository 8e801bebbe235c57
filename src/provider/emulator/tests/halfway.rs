//! Machines that an inventory shows half way through the cycle.

use super::*;
use crate::provider::emulator::Deed;

fn at_state(state: &str) -> Inventory {
    classic(&[("state: failed_over_committed        #", &format!("state: {state} #"))])
}

#[test]
fn a_protected_machine_has_points_of_every_kind_and_can_fail_back_at_once() {
    let mut site = Site::new(at_state("protected_to_onprem"), Scenario::default());
    let points = site.facts("w1").asr.unwrap().recovery_points.unwrap();
    assert_eq!(points.len(), 5);
    let before = site.attached("mtw");
    site.done(&failover("w1", FailbackPoint::AppConsistent));
    assert_eq!(site.attached("mtw"), before - 2);
}

#[test]
fn a_protected_machine_without_points_gets_its_first_soon() {
    let none = [
        ("agent_registration_ok: true", "agent_registration_ok: true\n      recovery_points: []"),
        ("state: failed_over_committed        #", "state: protected_to_onprem #"),
    ];
    let mut site = Site::new(classic(&none), Scenario::default());
    assert_eq!(site.fails(&latest("w1")).code, "NoRecoveryPoint");
    site.wait(5 * 60);
    site.done(&latest("w1"));
}

#[test]
fn an_initial_replication_goes_on() {
    let mut site = Site::new(at_state("reprotecting_to_onprem"), Scenario::default());
    assert!(site.item("w1").replication.is_some());
    site.until("w1", State::ProtectedToOnprem);
    site.done(&latest("w1"));
}

#[test]
fn a_failover_that_runs_ends_by_itself() {
    let mut site = Site::new(at_state("failing_back"), Scenario::default());
    let job = site.item("w1").running.unwrap();
    assert_eq!(site.finish(&job), OperationStatus::Succeeded);
    assert_eq!(site.state("w1"), State::FailedBack);
}

#[test]
fn a_machine_that_is_back_can_be_committed_and_protected() {
    let mut site = Site::new(at_state("failed_back"), Scenario::default());
    site.done(&commit("w1"));
    // The reference world shows the VM as powered off: somebody turns it on.
    site.world.by_hand(site.now, &Deed::StartOnpremVm { machine: name("w1") }).unwrap();
    site.wait(15 * 60);
    site.done(&forward("w1"));
    site.until("w1", State::ProtectedToAzure);
}

#[test]
fn a_machine_on_its_way_to_azure_gets_there() {
    let mut site = Site::new(at_state("reprotecting_to_azure"), Scenario::default());
    site.until("w1", State::ProtectedToAzure);
}

#[test]
fn an_azure_vm_that_booted_shortly_before_registers_later() {
    let booted =
        [("agent_service: running", "agent_service: running\n      booted_at: 2025-05-31T23:59:00Z")];
    let mut site = Site::new(classic(&booted), Scenario::default());
    site.done(&Request::Prepare);
    assert_eq!(site.fails(&reprotect("w1")).code, "95226");
    assert!(!site.facts("w1").asr.unwrap().agent_registration_ok.unwrap().value);
    site.wait(14 * 60);
    site.done(&reprotect("w1"));
}

#[test]
fn a_machine_that_must_be_resynchronised_does_not_fail_over() {
    let at = ("state: failed_over_committed        #", "state: protected_to_onprem #");
    for change in [
        ("resync_required: false", "resync_required: true"),
        ("resync_required: false", "resync_in_progress: true"),
        // It was on all along while its disks received data.
        ("power_state: stopped", "power_state: running"),
    ] {
        let mut site = Site::new(classic(&[at, change]), Scenario::default());
        assert_eq!(site.fails(&latest("w1")).code, "78024", "{change:?}");
    }
    Site::new(classic(&[at]), Scenario::default()).done(&latest("w1"));
}

#[test]
fn an_azure_vm_that_is_still_starting_is_off_once_its_machine_is_home() {
    let starting = [
        ("state: failed_over_committed", "state: protected_to_onprem"),
        ("power_state: running", "power_state: starting"),
    ];
    let mut site = Site::new(classic(&starting), Scenario::default());
    site.done(&latest("w1"));
    let power = site.facts("w1").azure_vm.unwrap().power_state.unwrap().value;
    assert_eq!(power, crate::syntax::machine::PowerState::Deallocated);
}

#[test]
fn a_planned_failover_that_runs_has_passed_its_prerequisites() {
    let at = ("state: failed_over_committed", "state: failing_back");
    let stopped = ("agent_service: running", "agent_service: stopped");
    let mut site = Site::new(modernized(&[at, stopped]), Scenario::default());
    let job = site.item("w1").running.unwrap();
    assert_eq!(site.finish(&job), OperationStatus::Succeeded);
}
