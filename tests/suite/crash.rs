//! A run may die after any event, and go on as if it had not.

use failback::event::RunEvent;
use failback::event::RunEventKind;

use crate::estate::Estate;
use crate::estate::Vm;
use crate::lab::CLASSIC;
use crate::lab::MODERNIZED;
use crate::lab::Process;
use crate::lab::Sent;
use crate::lab::Site;
use crate::lab::World;
use crate::lab::assert_home;
use crate::lab::assert_lawful;
use crate::lab::assert_nothing_begun_twice;
use crate::lab::world;
use crate::lab::world_of;

/// What became of requests that were recorded and whose answer was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    /// The process died before it sent them.
    NotSent,
    /// The site took them on.
    Accepted,
}

/// Kills a run after each of its events, with each fate of what was under way, and lets another process go on.
pub fn crash_everywhere(world: &World) {
    let site = world.site();
    let whole = world.drive(&site, Process::default());
    assert_home(world, &site, &whole);
    let sent = site.sent();
    for cut in 1..whole.events.len() {
        let before = &whole.events[..cut];
        let (accepted, open) = requests(before);
        for fate in [Open::NotSent, Open::Accepted] {
            if open.is_empty() && fate == Open::Accepted {
                continue;
            }
            let arrived: Vec<Sent> = sent
                .iter()
                .filter(|sent| {
                    let key = sent.key.as_str().to_owned();
                    accepted.contains(&key) || (fate == Open::Accepted && open.contains(&key))
                })
                .cloned()
                .collect();
            let site = world.site();
            site.replay(&arrived, before[cut - 1].at);
            let ran = world.drive(&site, Process::after(before));
            let context = format!("cut after {:?}, {fate:?}", before[cut - 1]);
            assert!(ran.end.is_ok(), "{context}");
            assert_home(world, &site, &ran);
            assert_lawful(&world.graph, &ran.events);
            assert_nothing_begun_twice(&site, &ran);
        }
    }
}

/// Returns the keys of the requests that a journal shows as accepted, and of those that it leaves open.
fn requests(events: &[RunEvent]) -> (Vec<String>, Vec<String>) {
    let mut open = std::collections::BTreeMap::new();
    let mut accepted = Vec::new();
    for event in events {
        match &event.kind {
            RunEventKind::IntentRecorded { step, key, .. } => {
                open.insert(step.clone(), key.as_str().to_owned());
            }
            // What the site leaves to a person reached it too.
            RunEventKind::OperationAccepted { step, .. } | RunEventKind::HandedOver { step, .. } => {
                accepted.extend(open.remove(step));
            }
            _ => {}
        }
    }
    (accepted, open.into_values().collect())
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
