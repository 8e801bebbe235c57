//! A run may die at any moment, and go on as if it had not: after each event, and at each stage of each request.

pub mod everywhere;
pub mod faults;
mod fork;

use crate::crash::everywhere::Tried;
use crate::crash::everywhere::try_cuts;
use crate::crash::faults::try_faults;
use crate::estate::Estate;
use crate::estate::Vm;
use crate::lab::CLASSIC;
use crate::lab::MODERNIZED;
use crate::lab::Process;
use crate::lab::World;
use crate::lab::example;
use crate::lab::laws::assert_home;
use crate::lab::laws::assert_lawful;
use crate::lab::laws::assert_nothing_begun_twice;
use crate::lab::site::Site;
use crate::lab::world;
use crate::lab::world_of;

/// Asserts that each cut that was tried ended well.
fn assert_well(tried: &Tried) {
    let first: Vec<&str> = tried.wrong.iter().take(3).map(String::as_str).collect();
    assert!(first.is_empty(), "{} cuts did not end well:\n{}", tried.wrong.len(), first.join("\n\n"));
}

/// Kills a run at each of its cuts, and lets another process go on.
pub fn crash_everywhere(world: &World) {
    let tried = try_cuts(world, 1);
    assert_well(&tried);
    assert_eq!(tried.tried.values().sum::<usize>(), tried.cuts);
    // A run of anything sends something, and may die at each stage of that.
    assert_eq!(tried.tried.len(), 4, "{:?}", tried.tried);
}

/// Two machines and a replication group, with everything that a plan can ask for.
fn eventful() -> World {
    let estate = Estate::classic([Vm::new("a1"), Vm::new("g1"), Vm::new("g2")])
        .group("db", &["g1", "g2"])
        .plan("execution: {max_parallel: 2}")
        .plan(
            "actions:
  - {name: stop-batch, before: {phase: failover, of: db}, run: {command: [stop]}, rerun: always}
  - {name: sign-off, before: {phase: commit, of: db}, manual: {prompt: The ledger balances}}
  - {name: tell, after: {phase: run, outcome: [success, failure]}, run: {command: [tell]}, rerun: never}
  - {name: warm, after: {phase: failover, of: a1}, run: {command: [warm]}}",
        )
        .entry("a1", "depends_on: [db], verify: [{name: up, tcp: {host: a1, port: 22}}]");
    world_of(&estate)
}

#[test]
fn a_classic_run_may_die_after_any_event() {
    crash_everywhere(&world(CLASSIC.0, CLASSIC.1));
}

#[test]
fn a_modernized_run_may_die_after_any_event() {
    crash_everywhere(&world(MODERNIZED.0, MODERNIZED.1));
}

#[test]
fn a_run_with_a_group_and_actions_may_die_after_any_event() {
    crash_everywhere(&eventful());
}

#[test]
fn the_modernized_example_may_die_anywhere() {
    crash_everywhere(&example("branch-office"));
}

#[test]
fn the_enterprise_example_may_die_at_one_cut_in_sixty_four() {
    // `scripts/proof` tries all, optimised.
    assert_well(&try_cuts(&example("enterprise"), 64));
}

/// Asserts that runs with a fault of each kind may die at a sample of their cuts.
fn faults_and_crashes(mut world: World) {
    let faulted = try_faults(&mut world, 1, 6);
    let wrong =
        faulted.iter().flat_map(|of| of.tried.wrong.iter().map(|wrong| format!("{}: {wrong}", of.fault)));
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{} cuts did not end well:\n{}", wrong.len(), wrong.join("\n\n"));
    let tried: usize = faulted.iter().map(|of| of.tried.tried.values().sum::<usize>()).sum();
    assert!(tried >= faulted.len() * 4, "{tried} cuts of {} faults", faulted.len());
    let ended = faulted.iter().filter(|of| of.uncut.failed()).count();
    assert!(0 < ended && ended < faulted.len(), "{ended} of {} faults end the run", faulted.len());
}

#[test]
fn a_classic_run_may_meet_a_fault_and_die() {
    faults_and_crashes(world(CLASSIC.0, CLASSIC.1));
}

#[test]
fn a_modernized_run_may_meet_a_fault_and_die() {
    faults_and_crashes(world(MODERNIZED.0, MODERNIZED.1));
}

#[test]
fn a_run_with_a_group_and_actions_may_meet_a_fault_and_die() {
    faults_and_crashes(eventful());
}

/// Lets processes die one after the other, each when it syncs its journal for the `life`th time, until one finishes.
fn die_again_and_again(world: &World, life: usize) {
    let site: Site = world.site();
    let mut events = Vec::new();
    for _ in 0..500 {
        let ran = world.drive(&site, Process::after(&events).killed_at_sync(life));
        if ran.end.is_ok() {
            assert_home(world, &site, &ran);
            assert_lawful(&world.graph, &ran.events);
            assert_nothing_begun_twice(&site, &ran);
            return;
        }
        events = ran.events;
    }
    let ran = world.drive(&site, Process::after(&events).killed_at_sync(life));
    panic!("no process came through with {life} syncs:\n{}", ran.said());
}

#[test]
fn processes_may_die_one_after_the_other() {
    for life in [6, 7, 11, 23] {
        die_again_and_again(&eventful(), life);
        die_again_and_again(&world(MODERNIZED.0, MODERNIZED.1), life);
    }
}
