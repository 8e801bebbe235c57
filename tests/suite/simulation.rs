//! The simulated driver does what the driver of real runs does: the same requests, the same end of each step, at about the
//! same time.

use std::collections::BTreeMap;

use failback::event::RunEventKind;
use failback::provider::Request;
use failback::run::End;

use crate::estate::Estate;
use crate::estate::Vm;
use crate::lab;
use crate::lab::Ran;
use crate::lab::World;
use crate::worlds;

/// Returns the requests of each step, in their order.
fn requests(ran: &Ran) -> BTreeMap<String, Vec<(u32, Request)>> {
    let mut requests: BTreeMap<String, Vec<(u32, Request)>> = BTreeMap::new();
    for event in &ran.events {
        if let RunEventKind::IntentRecorded { step, attempt, request, .. } = &event.kind {
            requests.entry(step.to_string()).or_default().push((*attempt, request.clone()));
        }
    }
    requests
}

/// Returns the seconds from the first event to the last.
fn duration(ran: &Ran) -> f64 {
    let (first, last) = (ran.events.first().expect("a run begins"), ran.events.last().expect("a run ends"));
    last.at.duration_since(first.at).as_secs_f64()
}

/// Runs and simulates a world, and compares.
fn compare(world: &World, what: &str) -> (Ran, Ran) {
    let ran = world.drive(&world.site(), lab::Process::default());
    let simulated = world.simulate();
    assert_eq!(ran.end, simulated.end, "{what}");
    assert_eq!(ran.settled(), simulated.settled(), "{what}");
    assert_eq!(requests(&ran), requests(&simulated), "{what}");
    (ran, simulated)
}

#[test]
fn both_drivers_send_the_same_and_end_the_same_on_the_reference_worlds() {
    for (plan, inventory) in [lab::CLASSIC, lab::MODERNIZED] {
        let (ran, simulated) = compare(&lab::world(plan, inventory), "a reference world");
        assert!(matches!(simulated.end, Ok(End::Finished(_))));
        // What is told of at once is seen up to a look's pause earlier, once for each step on the longest way.
        let (ran, simulated) = (duration(&ran), duration(&simulated));
        assert!(simulated <= ran && simulated > 0.9 * ran, "{simulated} s against {ran} s");
    }
}

#[test]
fn both_drivers_agree_on_drawn_estates() {
    for seed in 1..=25 {
        let drawn = worlds::draw(seed, 12);
        let world = lab::world_of(&drawn.estate);
        compare(&world, &format!("seed {seed}"));
    }
}

#[test]
fn both_drivers_agree_on_what_goes_wrong() {
    let faults: [&[&str]; 11] = [
        &["{kind: vcenter_disconnects, at: {after: 20m}, for: 30m}"],
        &["{kind: job_fails, phase: failover, code: \"8038\"}"],
        &["{kind: agent_late, phase: forward, for: 40m}"],
        &["{kind: health, of: m1, at: {after: 1h}, for: 20m, health: warning}"],
        &["{kind: no_answer_after, phase: reprotect}"],
        &["{kind: no_answer_before, phase: commit}"],
        &["{kind: busy, at: {after: 10m}, for: 10m}"],
        &["{kind: onprem_vm_does_not_boot, of: m2}"],
        &["{kind: answer_twice, phase: reprotect}"],
        &["{kind: answer_twice, phase: failover}"],
        &["{kind: job_hangs, of: m1, phase: commit}"],
    ];
    let estate = || Estate::classic((1..=3).map(|at| Vm::new(format!("m{at}"))));
    for faults in faults {
        compare(&lab::world_of(&estate()).with(faults), faults[0]);
    }
}

#[test]
fn a_simulation_is_the_same_each_time() {
    let world = lab::world(lab::CLASSIC.0, lab::CLASSIC.1);
    assert_eq!(world.simulate().said(), world.simulate().said());
}
