//! How long a run goes on after each of its steps begins: what decides which of several goes first.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::forecast::draw::Draw;
use crate::forecast::simulate::Settings;
use crate::forecast::simulate::simulate;
use crate::forecast::work::Workload;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::wave::SlotUse;
use crate::syntax::inventory::Experience;

/// Returns the graph with its steps ranked by the longest way from each to the end of the run, in a run on paper in which every
/// figure is the middle of its range: where places are few, what holds the end up goes first.
#[must_use]
pub fn ranked(graph: Graph) -> Graph {
    let start = graph.model().observed_at().unwrap_or(Timestamp::UNIX_EPOCH);
    let load = Workload::new(&graph, start);
    let settings = Settings { draw: Draw::Middle, actions: 0.5, without: None, hours: None, start };
    let outcome = simulate(&load, settings);
    let takes: Vec<f64> =
        outcome.end.iter().zip(&outcome.begin).map(|(end, begin)| (end - begin).max(0.0)).collect();
    let mut waits = HashMap::new();
    let mut remaining = remaining(&load, &takes, &waits);
    // What frees a server's disks holds up the next wave, which holds up the one after it.
    for _ in 1..graph.waves().count {
        let longer = waiting(&load, &remaining);
        if longer == waits {
            break;
        }
        waits = longer;
        remaining = self::remaining(&load, &takes, &waits);
    }
    graph.ranked_by(&remaining)
}

/// Seconds by which one step ranks behind another that it lets begin.
const BEHIND: f64 = 0.001;

/// Seconds that a run goes on after the last reprotect of the next wave begins on a server, by server and wave before. Disks that
/// come free are used at once, so that the line is never idle while others come free: what frees them ranks just behind.
type Waits = HashMap<(u32, u16), f64>;

fn remaining(load: &Workload<'_>, takes: &[f64], waits: &Waits) -> Vec<f64> {
    let graph = load.graph;
    let mut remaining = vec![0.0_f64; takes.len()];
    let last = StepIndex::try_from(takes.len()).expect("a graph counts its steps in as many bits");
    // Each step comes after those that it waits for, so that what comes after it is known when it is its turn.
    for step in (0..last).rev() {
        let after = graph.after(step).iter().map(|after| remaining[*after as usize]).fold(0.0, f64::max);
        let own = takes[step as usize] + after;
        remaining[step as usize] =
            frees(load, step).filter_map(|freed| waits.get(&freed).copied()).fold(own, f64::max);
    }
    remaining
}

/// Returns the servers whose disks come free when a step ends, with the wave that they are of.
fn frees<'l>(load: &'l Workload<'_>, step: StepIndex) -> impl Iterator<Item = (u32, u16)> + use<'l> {
    let graph = load.graph;
    let kind = match graph.experience() {
        Experience::Classic => StepKind::Failover,
        Experience::Modernized => StepKind::Commit,
    };
    let of = if graph.waves().count > 1 && graph.step(step).kind == kind { load.members(step) } else { &[] };
    of.iter().filter_map(|machine| {
        let slots = load.slots[*machine].filter(|slots| slots.now != SlotUse::Done)?;
        Some((slots.server, graph.waves().of_machine[*machine]))
    })
}

/// Returns what the freeing of each wave's disks on a server waits for: the shortest way of a reprotect of the next wave that goes
/// through the same server.
fn waiting(load: &Workload<'_>, remaining: &[f64]) -> Waits {
    let graph = load.graph;
    let mut waits = Waits::new();
    for (step, described) in (0..).zip(graph.steps()) {
        if described.kind != StepKind::Reprotect || described.adopted || described.wave < 2 {
            continue;
        }
        for machine in load.members(step) {
            if let Some(slots) = load.slots[*machine] {
                let wait = waits.entry((slots.server, described.wave - 1)).or_insert(f64::INFINITY);
                *wait = f64::min(*wait, remaining[step as usize] - BEHIND);
            }
        }
    }
    waits
}
