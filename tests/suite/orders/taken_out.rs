//! Machines that are taken out of a run, and steps that are left out.

use failback::event::Order;
use failback::event::Outcome;
use failback::event::RunEventKind;
use failback::event::RunState;
use failback::id::StepId;
use failback::provider::Request;
use failback::run::End;

use crate::estate::Estate;
use crate::estate::Vm;
use crate::lab::CLASSIC;
use crate::lab::Process;
use crate::lab::laws::assert_home;
use crate::lab::laws::assert_machines_home;
use crate::lab::world;
use crate::lab::world_of;
use crate::orders::W1_FAILS;
use crate::orders::begins;
use crate::orders::drive;
use crate::orders::fails;
use crate::orders::group;
use crate::orders::once;
use crate::orders::refusals;
use crate::orders::request_of;
use crate::orders::resume;
use crate::orders::sent;
use crate::orders::skip;
use crate::orders::state_of;

#[test]
fn a_machine_that_can_not_get_there_is_taken_out_and_the_others_go_on() {
    for at_once in [true, false] {
        let world = world(CLASSIC.0, CLASSIC.1).with(&[W1_FAILS]);
        let order = skip("w1", false);
        let process = if at_once {
            Process::default().ordered("bob", once(order.clone(), fails("reprotect/w1")))
        } else {
            Process::default()
        };
        let (site, mut ran) = drive(&world, process);
        if !at_once {
            assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
            assert!(!ran.has(|kind| matches!(kind, RunEventKind::StepStarted { step } if step.as_str().starts_with("failover/"))));
            ran = resume(&world, &site, &ran, vec![order]);
        }
        assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{}", ran.said());
        assert_machines_home(&world, &site, |name| name != "w1");
    }
}

#[test]
fn a_group_goes_on_without_a_member_that_was_taken_out() {
    let world = group();
    let order = once(skip("g2", true), fails("reprotect/g2"));
    let (site, ran) = drive(&world, Process::default().ordered("bob", order));
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{}", ran.said());
    assert_machines_home(&world, &site, |name| name != "g2");
    let made = request_of(&site, |request| matches!(request, Request::MakeRecoveryPlan { .. }));
    assert_eq!(made, ["g1 g2 g3", "g1 g3"], "the recovery plan would move every member that it has");
    let moved = request_of(&site, |request| {
        matches!(request, Request::FailoverToOnprem { recovery_plan: Some(_), .. })
    });
    assert_eq!(moved, ["g1 g3"]);
}

#[test]
fn what_depends_on_a_machine_that_is_out_waits_for_a_word() {
    let world = group();
    let order = once(skip("g2", false), fails("reprotect/g2"));
    let (site, ran) = drive(&world, Process::default().ordered("bob", order));
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
    assert_machines_home(&world, &site, |name| name.starts_with('g') && name != "g2");
    assert!(!ran.has(begins("failover/a1")));
    let state = state_of(&world, &ran);
    let blocked = world.graph.find(&StepId::new("failover/a1")).expect("it is there");
    assert_eq!(
        state.step(blocked).note.as_deref().expect("its cause is told").split(" (").next(),
        Some("g2: taken out by bob: its disks are gone")
    );
}

#[test]
fn a_person_leaves_out_only_what_a_person_can_vouch_for() {
    let world = world(CLASSIC.0, CLASSIC.1);
    let steps = [
        ("preflight", false),
        ("prepare", true),
        ("await_azure_agent/w1", true),
        ("reprotect/w1", false),
        ("await_protected/w1", false),
        ("barrier/1", false),
        ("recheck/w1", false),
        ("failover/w1", false),
        ("verify/w1", false),
        ("approve_commit/w1", false),
        ("commit/w1", false),
        ("await_agent/w1", true),
        ("forward/w1", true),
        ("await_forward/w1", true),
    ];
    let state = RunState::new(std::sync::Arc::clone(&world.graph));
    for (step, may) in steps {
        let index = world.graph.find(&StepId::new(step)).expect(step);
        assert_eq!(failback::run::skip::may_step(&state, index).is_ok(), may, "{step}");
    }
}

#[test]
fn a_machine_whose_way_forward_is_left_out_ends_unprotected() {
    let world = world(CLASSIC.0, CLASSIC.1);
    let order =
        Order::SkipStep { step: StepId::new("forward/w1"), reason: "it goes to another vault".into() };
    let (site, ran) = drive(&world, Process::default().ordered("bob", once(order, begins("failover/w1"))));
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{}", ran.said());
    assert_machines_home(&world, &site, |name| name != "w1");
    assert_eq!((ran.settled()["forward/w1"], ran.settled()["await_forward/w1"]), ("skipped", "skipped"));
}

#[test]
fn a_machine_is_not_taken_out_in_between() {
    let world = world(CLASSIC.0, CLASSIC.1);
    for (when, why) in [
        ("reprotect/w1", "reprotect/w1 is under way at the site"),
        ("failover/w1", "failover/w1 is under way at the site"),
        ("commit/w1", "commit/w1 is under way at the site"),
        ("forward/w1", "forward/w1 is under way at the site"),
    ] {
        let (site, ran) =
            drive(&world, Process::default().ordered("bob", once(skip("w1", false), sent(when))));
        assert!(refusals(&ran)[0].starts_with(why), "{:?}", refusals(&ran));
        assert_home(&world, &site, &ran);
    }
    for (when, why) in [
        ("verify/w1", "w1 has failed over and is not committed: verify and commit it"),
        ("await_agent/w1", "w1 is back on-premises for good"),
    ] {
        let (site, ran) =
            drive(&world, Process::default().ordered("bob", once(skip("w1", false), begins(when))));
        assert!(refusals(&ran)[0].starts_with(why), "{:?}", refusals(&ran));
        assert_home(&world, &site, &ran);
    }
}

#[test]
fn a_boot_group_goes_on_without_a_machine_that_was_taken_out() {
    let groups = "boot_groups:\n  - {name: data, members: [w1, w2]}\n  - {name: apps, members: [w3, l1]}\n";
    let world = world(&format!("{}{groups}", CLASSIC.0), CLASSIC.1).with(&[W1_FAILS]);
    let order = once(skip("w1", false), fails("reprotect/w1"));
    let (site, ran) = drive(&world, Process::default().ordered("bob", order));
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{}", ran.said());
    assert_machines_home(&world, &site, |name| name != "w1");
}

#[test]
fn what_goes_on_again_leaves_alone_a_member_that_failed() {
    let estate = Estate::classic([Vm::new("a1"), Vm::new("g1"), Vm::new("g2")]).group("db", &["g1", "g2"]);
    let fault = |name: &str| format!("{{kind: job_fails, of: {name}, phase: failover, code: \"78037\"}}");
    let world = world_of(&estate).with(&[&fault("a1"), &fault("g2")]);
    let (site, ran) = drive(&world, Process::default());
    assert!(ran.has(|kind| matches!(kind, RunEventKind::MemberFailed { .. })), "{}", ran.said());
    let ran = resume(&world, &site, &ran, vec![skip("a1", false)]);
    assert_eq!(refusals(&ran), Vec::<&str>::new());
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
    assert!(!ran.has(begins("verify/g2")), "{}", ran.said());
    assert_machines_home(&world, &site, |name| name == "g1");
    // Once it is out, too, nothing is left that failed.
    let ran = resume(&world, &site, &ran, vec![skip("g2", false)]);
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{}", ran.said());
}
