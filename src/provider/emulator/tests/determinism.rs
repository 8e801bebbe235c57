//! The same world does the same, however often it is looked at.

use super::*;

/// Drives w1 and w2 of the classic world, looking every `step` seconds, and returns what was seen at the end.
fn drive(step: i64, seed: u64) -> (Vec<String>, String) {
    let inventory = classic(&[("bandwidth_mbps: 1000", "bandwidth_mbps: 321")]);
    let faults = "faults:\n  - {kind: link_slow, at: {after: 20m}, for: 7m, factor: 0.3}\n  - {kind: busy, phase: failover}\n";
    let mut site = Site::new(inventory, scenario(faults).with_seed(seed));
    let mut log = Vec::new();
    let calls = [
        (0, Request::Prepare),
        (120, reprotect("w1")),
        (121, reprotect("w2")),
        (400, reprotect("w3")),
        (4_000, latest("w1")),
        (4_020, latest("w1")),
        (5_000, commit("w1")),
        (6_000, forward("w1")),
    ];
    let mut calls = calls.iter().peekable();
    let end = 40_000;
    let mut at = 0;
    while at <= end {
        let next_call = calls.peek().map(|(time, _)| *time);
        if next_call == Some(at) {
            let (_, request) = calls.next().unwrap();
            site.now = begin_of_time() + SignedDuration::from_secs(at);
            let begun = site.begin(request);
            log.push(format!("{at} {begun:?}"));
            continue;
        }
        site.now = begin_of_time() + SignedDuration::from_secs(at);
        let machines = [name("w1"), name("w2"), name("w3")];
        site.world.observe(site.now, &machines).unwrap();
        let stop = next_call.unwrap_or(end + 1).min(end + 1);
        at = (at + step).min(if at < end { end } else { end + 1 }).min(stop);
    }
    site.now = begin_of_time() + SignedDuration::from_secs(end);
    let machines = [name("w1"), name("w2"), name("w3")];
    let seen = site.world.observe(site.now, &machines).unwrap();
    (log, serde_json::to_string(&seen).unwrap())
}

#[test]
fn looking_often_changes_nothing() {
    let rarely = drive(100_000, 3);
    assert_eq!(drive(1, 3), rarely);
    assert_eq!(drive(37, 3), rarely);
}

#[test]
fn the_seed_changes_what_varies() {
    assert_ne!(drive(1_000, 3).1, drive(1_000, 4).1);
}

#[test]
fn time_that_goes_backwards_stands_still() {
    let mut site = Site::new(classic(&[]), Scenario::default());
    site.protect("w1");
    let then = site.now;
    let seen = site.world.observe(begin_of_time(), &[name("w1")]).unwrap();
    assert_eq!(seen.at, then);
    assert_eq!(seen.items[0].protection_state, "Protected");
}
