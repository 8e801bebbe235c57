//! Ways on from what no retry alone puts right: a person does something at the site, and says so.

use failback::event::Order;
use failback::event::Outcome;
use failback::event::RunEventKind;
use failback::id::MachineName;
use failback::id::StepId;
use failback::provider::emulator::Deed;
use failback::run::End;

use crate::estate::Estate;
use crate::estate::Vm;
use crate::lab::CLASSIC;
use crate::lab::MODERNIZED;
use crate::lab::Process;
use crate::lab::Ran;
use crate::lab::World;
use crate::lab::laws::assert_home;
use crate::lab::world;
use crate::lab::world_of;
use crate::orders::drive;
use crate::orders::refusals;
use crate::orders::resume;
use crate::orders::retry;
use crate::orders::state_of;

/// What nobody but a person can say: that the disks are with their server again.
fn attached(step: &str) -> Order {
    Order::Retry { step: StepId::new(step), downstream: true, disks_attached: true }
}

/// Returns the steps that failed last.
fn failed(ran: &Ran) -> Vec<String> {
    ran.settled().into_iter().filter(|(_, how)| *how == "failed").map(|(step, _)| step).collect()
}

/// Returns how long after its begin a run without faults begins a step, in seconds.
fn begin_of(world: &World, id: &str) -> i64 {
    let ran = world.run();
    let began = ran
        .events
        .iter()
        .find(|event| matches!(&event.kind, RunEventKind::StepStarted { step } if step.as_str() == id));
    began.expect("it begins").at.duration_since(ran.events[0].at).as_secs()
}

#[test]
fn disks_that_a_moved_server_took_along_are_attached_by_hand_and_the_run_goes_on() {
    for ((plan, inventory), server, rule) in [(CLASSIC, "mtw", "FB215"), (MODERNIZED, "ra1", "FB804")] {
        let moves = format!("{{kind: storage_vmotion, of: {server}, at: {{after: 30m}}}}");
        let world = world(plan, inventory).with(&[&moves]);
        let (site, ran) = drive(&world, Process::default());
        assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
        let stopped = failed(&ran);
        assert!(stopped.iter().all(|step| ran.failure(step) == Some(rule)), "{stopped:?}\n{}", ran.said());
        for machine in world.machines() {
            site.by_hand(&Deed::AttachDisks { machine });
        }
        let again = resume(&world, &site, &ran, stopped.iter().map(|step| retry(step)).collect());
        assert_eq!(failed(&again), stopped, "nobody said that the disks are back\n{}", again.said());
        let home = resume(&world, &site, &again, stopped.iter().map(|step| attached(step)).collect());
        assert_home(&world, &site, &home);
    }
}

#[test]
fn a_server_that_was_moved_once_and_is_moved_again_is_found_out_again() {
    let moves = ["{kind: storage_vmotion, of: mtw, at: {after: 30m}}"];
    let world = world(CLASSIC.0, CLASSIC.1).with(&moves);
    let (site, ran) = drive(&world, Process::default());
    let stopped = failed(&ran);
    let orders = stopped.iter().map(|step| attached(step)).collect();
    // The disks are not attached, whatever is said: the service refuses, and nothing is moved.
    let ran = resume(&world, &site, &ran, orders);
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
    let placed = ran.events.iter().filter_map(|event| match &event.kind {
        RunEventKind::ServerPlaced { step, datastore, .. } if step.as_str() == "reprotect/w1" => {
            Some(datastore.as_str())
        }
        _ => None,
    });
    let placed: Vec<&str> = placed.collect();
    assert_eq!(placed.len(), 2, "{placed:?}");
    assert_ne!(placed[0], placed[1], "where it is seen next counts from then on");
    assert_eq!(ran.failure("failover/w1"), Some("ServerMoved"), "{}", ran.said());
}

#[test]
fn nobody_attaches_disks_that_no_server_holds() {
    let fails = "{kind: job_fails, of: w1, phase: reprotect, code: \"78037\"}";
    let world = world(MODERNIZED.0, MODERNIZED.1).with(&[fails]);
    let (site, ran) = drive(&world, Process::default());
    let ran = resume(&world, &site, &ran, vec![attached("preflight"), attached("barrier/1")]);
    assert_eq!(refusals(&ran).len(), 2, "{}", ran.said());
}

#[test]
fn a_planned_failover_that_stands_halfway_raises_an_alarm_against_disabling_replication() {
    let alarms = |(plan, inventory): (&str, &str), halfway: bool| -> Vec<String> {
        let fails = "{kind: job_fails, of: w1, phase: failover, code: \"78037\"}";
        let world = world(plan, inventory).with(&[fails]);
        let site = world.site();
        if halfway {
            site.stands_halfway("w1");
        }
        let ran = world.drive(&site, Process::default());
        let alarms = ran.events.iter().filter_map(|event| match &event.kind {
            RunEventKind::Alarm { step, code, message } if code == "FB809" => {
                Some(format!("{step} {code} {message}"))
            }
            _ => None,
        });
        alarms.collect()
    };
    let told = alarms(MODERNIZED, true);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("failover/w1 FB809 w1: its planned failover has neither"), "{told:?}");
    assert_eq!(alarms(MODERNIZED, false), [""; 0], "the service took it back by itself");
    assert_eq!(alarms(CLASSIC, true), [""; 0], "nothing takes a classic failback back");
}

#[test]
fn a_machine_that_ran_on_both_sides_goes_on_once_its_copy_in_azure_is_stopped() {
    for (plan, inventory) in [CLASSIC, MODERNIZED] {
        let healthy = world(plan, inventory);
        // It comes back when the machine has just been turned on at home.
        let at = begin_of(&healthy, "failover/w1") + 30;
        let lasting = begin_of(&healthy, "verify/w1") + 1 - at;
        let stops = format!("{{kind: azure_vm_stopped, of: w1, at: {{after: {at}s}}, for: {lasting}s}}");
        let world = healthy.with(&[&stops]);
        let (site, ran) = drive(&world, Process::default());
        assert_eq!(ran.failure("verify/w1"), Some("verification-failed"), "{}", ran.said());
        site.by_hand(&Deed::StopAzureVm { machine: MachineName::new("w1") });
        let ran = resume(&world, &site, &ran, vec![retry("verify/w1")]);
        assert_home(&world, &site, &ran);
    }
}

#[test]
fn a_member_that_a_group_lost_is_taken_in_again_and_comes_home_by_the_same_run() {
    for phase in ["failover", "commit"] {
        let estate = Estate::classic([Vm::new("g1"), Vm::new("g2"), Vm::new("w1")]);
        let estate = estate.group("db", &["g1", "g2"]);
        // For good: no attempt of the run's own helps.
        let fails = format!("{{kind: job_fails, of: g1, phase: {phase}, code: \"78037\"}}");
        let world = world_of(&estate).with(&[&fails]);
        let (site, ran) = drive(&world, Process::default());
        assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
        assert!(ran.has(|kind| matches!(kind, RunEventKind::MemberFailed { .. })), "{}", ran.said());
        let state = state_of(&world, &ran);
        let lost = state.graph().find(&StepId::new(format!("{phase}/db"))).expect("it is there");
        assert_eq!(state.lost_at(lost).count(), 1);
        let orders = vec![retry("forward/g1"), retry(&format!("{phase}/db"))];
        let home = resume(&world, &site, &ran, orders);
        assert_eq!(
            refusals(&home),
            [format!("g1 failed inside {phase}/db: retry that, which takes it in again")]
        );
        assert_home(&world, &site, &home);
        let asked = home.events.iter().filter(|event| match &event.kind {
            RunEventKind::ApprovalAsked { step, .. } => step.as_str() == "approve_commit/db",
            _ => false,
        });
        let times = if phase == "failover" { 2 } else { 1 };
        assert_eq!(asked.count(), times, "each commit was approved: {}", home.said());
    }
}

#[test]
fn a_quiet_group_takes_a_lost_member_in_again_without_points_of_those_that_are_home() {
    let estate = Estate {
        group_keys: ", recovery_point: app_consistent, quiesce: q".into(),
        ..Estate::classic([Vm::new("g1"), Vm::new("g2")])
    };
    let estate = estate
        .group("db", &["g1", "g2"])
        .plan("actions:\n  - {name: q, before: {phase: failover, of: db}, run: {command: [\"true\"]}}");
    let fails = "{kind: job_fails, of: g1, phase: failover, code: \"78037\"}";
    let world = world_of(&estate).with(&[fails]);
    let (site, ran) = drive(&world, Process::default());
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
    let home = resume(&world, &site, &ran, vec![retry("failover/db")]);
    assert_home(&world, &site, &home);
}
