//! Replication groups and ASR recovery plans.

use super::*;
use crate::provider::emulator::Deed;
use crate::syntax::machine::PointKind;

const GROUP: (&str, &str) =
    ("\nmachines:\n", "\nreplication_groups: [{name: erp, members: [w1, w2]}]\n\nmachines:\n");

fn plan() -> Request {
    Request::MakeRecoveryPlan { name: "rp".to_owned(), machines: vec![name("w1"), name("w2")] }
}

fn group_failover(point: FailbackPoint) -> Request {
    Request::FailoverToOnprem {
        machines: vec![name("w1"), name("w2")],
        recovery_plan: Some("rp".to_owned()),
        point,
    }
}

fn group_commit() -> Request {
    Request::Commit { machines: vec![name("w1"), name("w2")], recovery_plan: Some("rp".to_owned()) }
}

fn protected(scenario: Scenario) -> Site {
    let mut site = Site::new(classic(&[GROUP]), scenario);
    site.done(&Request::Prepare);
    for machine in ["w1", "w2"] {
        site.begin(&reprotect(machine)).unwrap();
    }
    for machine in ["w1", "w2"] {
        site.until(machine, State::ProtectedToOnprem);
    }
    site
}

#[test]
fn a_group_comes_home_through_a_plan_in_one_operation() {
    let mut site = protected(Scenario::default());
    assert_eq!(site.refused(&group_failover(FailbackPoint::Latest)), "ArmResourceDoesNotExist");
    site.done(&plan());
    site.done(&group_failover(FailbackPoint::Latest));
    assert_eq!((site.state("w1"), site.state("w2")), (State::FailedBack, State::FailedBack));
    site.done(&group_commit());
    assert_eq!(
        (site.state("w1"), site.state("w2")),
        (State::FailedBackCommitted, State::FailedBackCommitted)
    );
    let delete = Request::DeleteRecoveryPlan { name: "rp".to_owned() };
    site.done(&delete);
    assert_eq!(site.refused(&delete), "ArmResourceDoesNotExist");
}

#[test]
fn an_app_consistent_group_needs_a_point_in_common() {
    let mut site = protected(Scenario::default());
    site.done(&plan());
    let app_points = |site: &mut Site, machine: &str| -> Vec<String> {
        let points = site.facts(machine).asr.unwrap().recovery_points.unwrap();
        let points = points.into_iter().filter(|point| point.kind.unwrap().value == PointKind::AppConsistent);
        points.map(|point| point.group_point.unwrap().value).collect()
    };
    if app_points(&mut site, "w1").is_empty() || app_points(&mut site, "w2").is_empty() {
        let failure = site.fails(&group_failover(FailbackPoint::AppConsistent));
        assert_eq!(failure.code, "NoCommonRecoveryPoint");
    }
    site.wait(60 * 60);
    assert_eq!(app_points(&mut site, "w1").last(), app_points(&mut site, "w2").last());
    site.done(&group_failover(FailbackPoint::AppConsistent));
}

#[test]
fn a_plan_waits_for_the_point_of_every_machine() {
    let mut site = Site::new(classic(&[GROUP]), Scenario::default());
    site.protect("w1");
    site.done(&plan());
    assert_eq!(
        site.run(&group_failover(FailbackPoint::Latest)),
        site.run(&group_failover(FailbackPoint::Latest))
    );
    assert_eq!(site.state("w1"), State::ProtectedToOnprem);
    site.done(&reprotect("w2"));
    assert_eq!(site.fails(&group_failover(FailbackPoint::Latest)).code, "NoRecoveryPoint");
    assert_eq!(site.state("w1"), State::ProtectedToOnprem);
}

#[test]
fn what_fails_for_one_member_only_succeeds_in_part() {
    let mut site = protected(fault("kind: job_fails, of: w2, phase: failover"));
    site.done(&plan());
    let OperationStatus::PartiallySucceeded { members } = site.run(&group_failover(FailbackPoint::Latest))
    else {
        panic!()
    };
    let failed: Vec<_> =
        members.iter().map(|member| (member.machine.as_str(), member.failure.is_some())).collect();
    assert_eq!(failed, [("w1", false), ("w2", true)]);
    assert_eq!((site.state("w1"), site.state("w2")), (State::FailedBack, State::ProtectedToOnprem));
    // The plan again: who is home stays there.
    let OperationStatus::PartiallySucceeded { members } = site.run(&group_failover(FailbackPoint::Latest))
    else {
        panic!()
    };
    assert_eq!(members[0].failure.as_ref().unwrap().code, "InvalidFailoverDirection");
    assert_eq!(members[1].failure, None);
    assert_eq!((site.state("w1"), site.state("w2")), (State::FailedBack, State::FailedBack));
    assert_eq!(site.refused(&group_failover(FailbackPoint::Latest)), "InvalidFailoverDirection");
}

#[test]
fn several_machines_need_a_plan() {
    let mut site = protected(Scenario::default());
    let request = Request::FailoverToOnprem {
        machines: vec![name("w1"), name("w2")],
        recovery_plan: None,
        point: FailbackPoint::Latest,
    };
    assert_eq!(site.refused(&request), "InvalidParameter");
}

#[test]
fn a_service_that_refuses_single_members_leaves_it_to_a_person() {
    let mut site = Site::new(classic(&[GROUP]), scenario("group_reprotect: refused\n"));
    site.done(&Request::Prepare);
    assert_eq!(site.refused(&reprotect("w1")), "ReplicationGroupNeedsPlan");
    site.done(&reprotect("w3"));
    site.world.by_hand(site.now, &Deed::Send { request: reprotect("w1") }).unwrap();
    site.until("w1", State::ProtectedToOnprem);
}

#[test]
fn a_person_does_after_a_while_what_was_refused() {
    let keys = "group_reprotect: refused\ndone_by_hand_after: 10m\n";
    let mut site = Site::new(classic(&[GROUP]), scenario(keys));
    site.done(&Request::Prepare);
    site.refused(&reprotect("w1"));
    assert_eq!(site.item("w1").running, None);
    site.wait(10 * 60);
    assert!(site.item("w1").running.is_some());
}

#[test]
fn members_of_a_group_on_several_master_targets_have_no_moment_in_common() {
    let second = "\nprocess_servers:\n";
    let text = "  - {name: mtw2, os: {family: windows}, host: esx1, retention_volumes: [{name: \"R:\"}], attached_disks: 3}\n";
    let world = [GROUP, (second, &format!("{text}{second}"))];
    let on = |machine: &str, master_target: &str| Request::ReprotectToOnprem {
        machine: name(machine),
        target: OnpremTarget::Classic {
            master_target: master_target.to_owned(),
            process_server: "ps-az".to_owned(),
            retention_volume: "R:".to_owned(),
            datastore: "vmfs1".to_owned(),
        },
    };
    let plan = Request::MakeRecoveryPlan { name: "rp".to_owned(), machines: vec![name("w1"), name("w2")] };
    let home = |point| Request::FailoverToOnprem {
        machines: vec![name("w1"), name("w2")],
        recovery_plan: Some("rp".to_owned()),
        point,
    };
    let protected = |other: &str| {
        let mut site = Site::new(classic(&world), Scenario::default());
        site.done(&Request::Prepare);
        site.done(&on("w1", "mtw"));
        site.until("w1", State::ProtectedToOnprem);
        site.done(&on("w2", other));
        site.until("w2", State::ProtectedToOnprem);
        site.done(&plan);
        site.wait(3 * 60 * 60);
        site
    };
    let mut site = protected("mtw2");
    let points = site.facts("w2").asr.unwrap().recovery_points.unwrap();
    let app = points.iter().filter(|point| point.kind.unwrap().value == PointKind::AppConsistent);
    assert!(app.clone().count() > 0 && app.clone().all(|point| point.group_point.is_none()));
    assert_eq!(site.fails(&home(FailbackPoint::AppConsistent)).code, "NoCommonRecoveryPoint", "FB508");
    site.done(&home(FailbackPoint::Latest));
    protected("mtw").done(&home(FailbackPoint::AppConsistent));
}

#[test]
fn a_group_of_windows_and_linux_is_not_reprotected() {
    let mixed = ("\nmachines:\n", "\nreplication_groups: [{name: erp, members: [w1, l1]}]\n\nmachines:\n");
    assert_eq!(classic_fails(&[mixed]), "ReplicationGroupMixed", "FB507");
    let mut site = Site::new(modernized(&[mixed]), Scenario::default());
    site.done(&reprotect_modernized("w1"));
}

#[test]
fn a_recovery_plan_has_one_source_one_subscription_and_a_hundred_machines_at_most() {
    let plan = |machines: &[&str]| Request::MakeRecoveryPlan {
        name: "rp".to_owned(),
        machines: machines.iter().map(|machine| name(machine)).collect(),
    };
    let second = "{<<: *w1, name: w2, onprem_vm";
    let foreign = "{<<: *w1, name: w2, asr: {configuration_server: cs2}, onprem_vm";
    let mut site = Site::new(classic(&[(second, foreign)]), Scenario::default());
    assert_eq!(site.refused(&plan(&["w1", "w2"])), "RecoveryPlanMixedSources", "FB510");
    site.done(&plan(&["w1", "w3"]));
    let other = "{<<: *w1, name: w2, azure_vm: {exists: true, subscription_id: 33333333-3333-3333-3333-333333333333}, onprem_vm";
    let mut site = Site::new(classic(&[(second, other)]), Scenario::default());
    assert_eq!(site.refused(&plan(&["w1", "w2"])), "RecoveryPlanMixedSubscriptions", "FB511");
    site.done(&plan(&["w1", "w3"]));
    assert_eq!(site.refused(&plan(&["w1"; 101])), "InvalidParameter", "FB503");
    assert_eq!(site.refused(&plan(&[])), "InvalidParameter");
}

#[test]
fn members_that_go_through_a_plan_of_modernized_come_home_to_one_moment() {
    let group = ("\nmachines:\n", "\nreplication_groups: [{name: erp, members: [w1, l1]}]\n\nmachines:\n");
    for point in [FailbackPoint::CrashConsistent, FailbackPoint::AppConsistent] {
        for seed in 0..5 {
            let mut site = Site::new(modernized(&[group]), scenario(&format!("seed: {seed}\n")));
            for machine in ["w1", "l1"] {
                site.begin(&reprotect_modernized(machine)).unwrap();
            }
            for machine in ["w1", "l1"] {
                site.until(machine, State::ProtectedToOnprem);
            }
            let machines = || vec![name("w1"), name("l1")];
            site.done(&Request::MakeRecoveryPlan { name: "rp".to_owned(), machines: machines() });
            let recovery_plan = Some("rp".to_owned());
            site.done(&Request::FailoverToOnprem { machines: machines(), recovery_plan, point });
            let mut reached = |machine| site.item(machine).failed_over_to.and_then(|reached| reached.at);
            let (one, other) = (reached("w1"), reached("l1"));
            assert!(one.is_some() && one == other, "{point:?} {seed}: {one:?} {other:?}");
        }
    }
}
