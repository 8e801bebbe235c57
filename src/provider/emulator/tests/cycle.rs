//! The whole way home and back, for a machine of each architecture.

use super::*;
use crate::provider::Operation;
use crate::provider::emulator::Deed;
use crate::syntax::machine::ActiveSite;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::ToolsState;

fn fixed() -> Scenario {
    scenario("durations: fixed\n")
}

#[test]
fn a_classic_machine_comes_home_and_is_protected_again() {
    let mut site = Site::new(classic(&[]), fixed());
    assert_eq!(site.item("w1").protection_state, "UnplannedFailoverCommitted");
    assert!(site.item("w1").allowed.contains(&Operation::Reprotect));

    site.done(&Request::Prepare);
    let job = site.begin(&reprotect("w1")).unwrap();
    assert_eq!(site.state("w1"), State::ReprotectingToOnprem);
    assert_eq!(site.item("w1").running, Some(job.clone()));
    assert_eq!(site.item("w1").allowed, []);
    assert_eq!(site.finish(&job), OperationStatus::Succeeded);
    assert_eq!(site.attached("mtw"), 5);
    assert_eq!(site.item("w1").protection_state, "InitialReplicationInProgress");
    let replication = site.item("w1").replication.unwrap();
    assert!(replication.bytes_left > 0 && replication.done < 0.01, "{replication:?}");
    let expected = replication.expected_end.unwrap();

    site.until("w1", State::ProtectedToOnprem);
    assert_eq!(site.now, expected);
    let facts = site.facts("w1");
    let asr = facts.asr.unwrap();
    assert_eq!(asr.recovery_points.unwrap().len(), 1);
    assert_eq!(asr.rpo_seconds.unwrap().value, 0);
    assert_eq!(site.item("w1").allowed[0], Operation::FailoverToOnprem);

    site.wait(299);
    let newest = site.facts("w1").asr.unwrap().recovery_points.unwrap().last().unwrap().at.unwrap().value;
    let rpo = site.facts("w1").asr.unwrap().rpo_seconds.unwrap().value;
    assert_eq!(newest + SignedDuration::from_secs(rpo.try_into().unwrap()), site.now);
    let before = site.now;
    site.done(&latest("w1"));
    assert_eq!(site.now.duration_since(before).as_secs(), 215);
    assert_eq!(site.attached("mtw"), 3);
    let facts = site.facts("w1");
    assert_eq!(facts.state.unwrap().value, State::FailedBack);
    assert_eq!(facts.active_site.unwrap().value, ActiveSite::Onprem);
    assert_eq!(facts.azure_vm.unwrap().power_state.unwrap().value, PowerState::Deallocated);
    let onprem = facts.onprem_vm.unwrap();
    assert_eq!(onprem.power_state.unwrap().value, PowerState::Running);
    assert_eq!(onprem.tools.unwrap().value, ToolsState::NotRunning);
    assert_eq!(onprem.booted_at.unwrap().value, site.now);
    assert!(!site.item("w1").allowed.contains(&Operation::CancelFailover));
    site.wait(60);
    assert_eq!(site.facts("w1").onprem_vm.unwrap().tools.unwrap().value, ToolsState::Running);

    let before = site.now;
    site.done(&commit("w1"));
    assert_eq!(site.now.duration_since(before).as_secs(), 111);
    let facts = site.facts("w1");
    assert_eq!(facts.state.unwrap().value, State::FailedBackCommitted);
    assert!(!facts.azure_vm.unwrap().exists.unwrap().value);

    site.wait(15 * 60);
    let before = site.now;
    site.done(&forward("w1"));
    assert_eq!(site.now.duration_since(before).as_secs(), 129);
    assert_eq!(site.state("w1"), State::ReprotectingToAzure);
    site.until("w1", State::ProtectedToAzure);
    assert_eq!(site.item("w1").protection_state, "Protected");
    assert!(site.facts("w1").asr.unwrap().recovery_points.unwrap().is_empty());
}

#[test]
fn a_modernized_machine_comes_home_and_is_protected_again() {
    let mut site = Site::new(modernized(&[]), fixed());
    let before = site.now;
    site.done(&reprotect_modernized("w1"));
    assert_eq!(site.now.duration_since(before).as_secs(), 722);
    site.until("w1", State::ProtectedToOnprem);
    let before = site.now;
    site.done(&failover("w1", FailbackPoint::CrashConsistent));
    assert_eq!(site.now.duration_since(before).as_secs(), 1_275);
    assert_eq!(site.item("w1").protection_state, "CommitPendingStatesBegin");
    // Cancelling needs the disks, so the appliance holds them until commit.
    assert_eq!(site.attached("ra1"), 4);
    site.done(&commit("w1"));
    assert_eq!(site.attached("ra1"), 3);
    site.wait(15 * 60);
    site.done(&forward_modernized("w1"));
    site.until("w1", State::ProtectedToAzure);
}

#[test]
fn a_planned_failover_goes_to_a_point_that_it_makes_itself() {
    let mut site = Site::new(modernized(&[]), fixed());
    site.done(&reprotect_modernized("w1"));
    site.until("w1", State::ProtectedToOnprem);
    let before = site.now;
    site.done(&failover("w1", FailbackPoint::AppConsistent));
    let points = site.facts("w1").asr.unwrap().recovery_points.unwrap();
    let made = points.last().unwrap();
    assert_eq!(made.kind.unwrap().value, crate::syntax::machine::PointKind::AppConsistent);
    assert!(made.at.unwrap().value > before);
}

#[test]
fn a_planned_failover_can_be_cancelled_and_done_again() {
    let mut site = Site::new(modernized(&[]), fixed());
    site.done(&reprotect_modernized("w1"));
    site.until("w1", State::ProtectedToOnprem);
    site.done(&latest("w1"));
    assert!(site.item("w1").allowed.contains(&Operation::CancelFailover));
    site.done(&Request::CancelFailover { machine: name("w1") });
    let facts = site.facts("w1");
    assert_eq!(facts.state.unwrap().value, State::ProtectedToOnprem);
    assert_eq!(facts.azure_vm.unwrap().power_state.unwrap().value, PowerState::Running);
    assert_eq!(facts.onprem_vm.unwrap().power_state.unwrap().value, PowerState::Stopped);
    site.done(&latest("w1"));
    site.done(&commit("w1"));
    let failure = site.fails(&Request::CancelFailover { machine: name("w1") });
    assert_eq!(failure.code, "NotCancellable");
}

#[test]
fn a_lost_vm_is_made_anew_on_the_master_targets_host_with_all_its_data() {
    let lost = [("exists: true, name: w2, uuid", "exists: false, name: w2, uuid")];
    let mut site = Site::new(classic(&lost), fixed());
    site.done(&Request::Prepare);
    site.done(&reprotect("w1"));
    let original = site.item("w1").replication.unwrap().bytes_left;
    site.until("w1", State::ProtectedToOnprem);
    site.done(&reprotect("w2"));
    let alternate = site.item("w2").replication.unwrap().bytes_left;
    assert_eq!(alternate, 200 << 30);
    assert!(original < alternate / 5, "{original}");
    let vm = site.facts("w2").onprem_vm.unwrap();
    assert!(vm.exists.unwrap().value);
    assert_eq!(vm.host.unwrap().value, "esx1");
    assert!(vm.disks.unwrap().iter().all(|disk| disk.datastore.as_option().unwrap().value == "vmfs1"));
    let facts = site.world.infrastructure(site.now).unwrap();
    assert_eq!(facts.datastores.unwrap()[0].free_gb.unwrap().value.as_gib(), 10_240 - 200);
    site.until("w2", State::ProtectedToOnprem);
    site.done(&latest("w2"));
}

#[test]
fn reprotect_powers_the_onpremises_vm_off() {
    let running = [(
        "power_state: stopped\n      snapshots: 0\n      enable_uuid: true\n      tools: disabled",
        "power_state: running\n      tools: disabled",
    )];
    let mut site = Site::new(classic(&running), fixed());
    let power = |site: &mut Site| site.facts("w1").onprem_vm.unwrap().power_state.unwrap().value;
    assert_eq!(power(&mut site), PowerState::Running);
    site.done(&Request::Prepare);
    site.done(&reprotect("w1"));
    assert_eq!(power(&mut site), PowerState::Stopped);
}

#[test]
fn a_reprotect_commits_by_itself_what_was_not_committed() {
    let pending = [("state: failed_over_committed        #", "state: failed_over #")];
    let mut site = Site::new(classic(&pending), fixed());
    assert_eq!(site.item("w1").protection_state, "UnplannedFailoverCommitPendingStatesBegin");
    site.protect("w1");
    site.done(&latest("w1"));
    site.wait(15 * 60);
    site.done(&forward("w1"));
    assert!(!site.facts("w1").azure_vm.unwrap().exists.unwrap().value);
}

#[test]
fn the_same_key_begins_nothing_twice() {
    let mut site = Site::new(classic(&[]), fixed());
    let key = IdempotencyKey::new("one");
    let first = site.world.begin(site.now, &Request::Prepare, &key).unwrap();
    site.wait(5);
    assert_eq!(site.world.begin(site.now, &Request::Prepare, &key).unwrap(), first);
    assert_eq!(site.world.find(site.now, &key).unwrap(), Some(first));
    assert_eq!(site.world.find(site.now, &IdempotencyKey::new("two")).unwrap(), None);
    let other = site.world.begin(site.now, &reprotect("w1"), &key);
    assert!(matches!(other, Err(ProviderError::Refused { code, .. }) if code == "KeyReused"));
}

#[test]
fn progress_counts_finished_tasks() {
    let mut site = Site::new(classic(&[]), fixed());
    site.protect("w1");
    let job = site.begin(&latest("w1")).unwrap();
    let began = site.now;
    site.wait(57);
    let OperationStatus::Running(progress) = site.world.poll(site.now, &job).unwrap() else { panic!() };
    assert_eq!((progress.done, progress.task.as_str()), (0.0, "Prerequisites check for failover"));
    assert_eq!(progress.expected_end, Some(began + SignedDuration::from_secs(215)));
    site.wait(60);
    let OperationStatus::Running(progress) = site.world.poll(site.now, &job).unwrap() else { panic!() };
    assert_eq!(progress.task, "Start failover");
    assert!((progress.done - 59.0 / 215.0).abs() < 1e-9, "{}", progress.done);
}

#[test]
fn machines_that_replicate_together_share_the_line() {
    let slow = [("bandwidth_mbps: 1000", "bandwidth_mbps: 100")];
    let takes = |together: bool| {
        let mut site = Site::new(classic(&slow), fixed());
        site.done(&Request::Prepare);
        let begun = site.begin(&reprotect("w1")).unwrap();
        if together {
            site.begin(&reprotect("w2")).unwrap();
            site.begin(&reprotect("w3")).unwrap();
        }
        site.finish(&begun);
        site.until("w1", State::ProtectedToOnprem);
        site.minutes()
    };
    assert!(takes(true) > takes(false) + 5, "{} {}", takes(true), takes(false));
}

#[test]
fn a_vm_turned_on_while_its_disks_receive_data_must_be_resynchronised() {
    let mut site = Site::new(modernized(&[]), fixed());
    site.done(&reprotect_modernized("w1"));
    site.until("w1", State::ProtectedToOnprem);
    site.world.by_hand(site.now, &Deed::StartOnpremVm { machine: name("w1") }).unwrap();
    assert!(site.facts("w1").asr.unwrap().resync_required.unwrap().value);
    assert_eq!(site.fails(&latest("w1")).code, "78024");
}

#[test]
fn an_azure_vm_that_is_off_makes_no_points() {
    let mut site = Site::new(classic(&[]), fixed());
    site.protect("w1");
    site.world.by_hand(site.now, &Deed::StopAzureVm { machine: name("w1") }).unwrap();
    site.wait(3_600);
    assert_eq!(site.facts("w1").asr.unwrap().rpo_seconds.unwrap().value, 3_600);
    site.world.by_hand(site.now, &Deed::StartAzureVm { machine: name("w1") }).unwrap();
    assert_eq!(site.facts("w1").asr.unwrap().rpo_seconds.unwrap().value, 0);
}
