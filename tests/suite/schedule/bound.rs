//! A time below which no order of a plan's steps comes.

use std::collections::BTreeMap;

use failback::graph::StepIndex;
use failback::graph::StepKind;
use failback::graph::wave;
use failback::id::StepId;
use failback::syntax::inventory::Experience;

use crate::schedule::job::Job;
use crate::schedule::job::MACHINE;
use crate::schedule::job::alone;

/// Returns a time below which no order of a job's steps comes: the longest way through its graph, where a barrier also comes no
/// sooner than the line carries the wave's data and than the places let its reprotects begin, and the end no sooner than they
/// let the other operations end.
pub fn lower_bound(job: &Job) -> f64 {
    let graph = &job.graph;
    let alone = |step: StepIndex| alone(job, step);
    let steps = || (0..).zip(graph.steps());
    let mut ends = vec![0.0_f64; graph.steps().len()];
    let mut makespan = 0.0_f64;
    for (at, step) in steps() {
        let before = graph.before(at).iter().map(|before| ends[*before as usize]).fold(0.0, f64::max);
        let mut end = before + alone(at);
        if step.kind == StepKind::Barrier {
            end = end.max(wave_bound(job, step.wave, &ends) + alone(at));
        }
        ends[at as usize] = end;
        makespan = makespan.max(end);
    }
    // After the first barrier: failovers, commits and forwards of all waves, and the reprotects of the later ones.
    let barrier =
        steps().find(|(_, step)| step.kind == StepKind::Barrier).map_or(0.0, |(at, _)| ends[at as usize]);
    let later = steps().filter(|(_, step)| {
        step.kind.is_mutating()
            && match step.kind {
                StepKind::Reprotect => step.wave > 1,
                StepKind::Prepare => false,
                _ => true,
            }
    });
    // The last of them is followed by what follows it for its own machine, at least.
    let least = |kind: StepKind| {
        let times = steps().filter(|(_, step)| step.kind == kind).map(|(at, _)| alone(at));
        times.fold(f64::INFINITY, f64::min)
    };
    let work: f64 = later.clone().map(|(at, _)| alone(at)).sum();
    makespan = makespan.max(barrier + work / job.most as f64 + least(StepKind::AwaitForward));
    if let Some(most) = job.most_per_vcenter {
        let under = later.filter(|(_, step)| matches!(step.kind, StepKind::Reprotect | StepKind::Failover));
        let rest = [
            StepKind::Verify,
            StepKind::Commit,
            StepKind::AwaitAgent,
            StepKind::Forward,
            StepKind::AwaitForward,
        ];
        let rest: f64 = rest.map(least).iter().sum();
        makespan = makespan.max(barrier + under.map(|(at, _)| alone(at)).sum::<f64>() / most as f64 + rest);
    }
    // The way to Azure has a line of its own.
    let bytes: f64 = steps()
        .filter(|(_, step)| step.kind == StepKind::AwaitForward)
        .map(|(at, _)| alone(at) * MACHINE.min(job.line))
        .sum();
    let first = steps()
        .filter(|(_, step)| step.kind == StepKind::AwaitForward)
        .map(|(at, _)| ends[at as usize] - alone(at));
    makespan.max(first.fold(f64::INFINITY, f64::min) + bytes / job.line)
}

/// Returns a time before which a wave's barrier does not come.
fn wave_bound(job: &Job, wave: u16, ends: &[f64]) -> f64 {
    let graph = &job.graph;
    let alone = |step: StepIndex| alone(job, step);
    let places = job.most as f64;
    let of_wave = |kind: StepKind, wave: u16| {
        let steps = (0..).zip(graph.steps());
        steps.filter(move |(_, other)| other.kind == kind && other.wave == wave).map(|(step, _)| step)
    };
    let least = |times: &mut dyn Iterator<Item = f64>| times.fold(f64::INFINITY, f64::min);
    let begin = |step: StepIndex| ends[step as usize] - alone(step);
    let names: Vec<&str> = graph.model().machines().map(|machine| machine.name().value.as_str()).collect();
    let find = |kind: StepKind, machine: usize| {
        let id = StepId::new(format!("{}/{}", kind.as_str(), names[machine]));
        graph.find(&id).expect("each machine has one")
    };
    let transfers: Vec<StepIndex> = of_wave(StepKind::AwaitProtected, wave).collect();
    let bytes: f64 = transfers.iter().map(|step| alone(*step) * MACHINE.min(job.line)).sum();
    let mut bound = least(&mut transfers.iter().map(|step| begin(*step))) + bytes / job.line;
    let least_transfer = least(&mut transfers.iter().map(|step| alone(*step)));
    let work: f64 = of_wave(StepKind::Reprotect, wave).map(alone).sum();
    let under_vcenter = job.most_per_vcenter.unwrap_or(job.most).min(job.most) as f64;
    bound = bound.max(
        least(&mut of_wave(StepKind::Reprotect, wave).map(begin)) + work / under_vcenter + least_transfer,
    );
    let Some(before) = of_wave(StepKind::Barrier, wave - 1).next() else { return bound };
    // Disks of the wave before have to come free: by failovers in classic, by commits in modernized.
    let classic = graph.experience() == Experience::Classic;
    let release = |machine: usize| {
        let failover = alone(find(StepKind::Failover, machine));
        let commit = if classic { 0.0 } else { alone(find(StepKind::Commit, machine)) };
        (failover + commit, failover)
    };
    let mut servers: BTreeMap<&str, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for machine in graph.model().machines() {
        let server = servers.entry(wave::slot_server(machine).expect("each has one")).or_default();
        match graph.waves().of_machine[machine.index()] {
            of if of == wave => server.1.push(machine.index()),
            of if of + 1 == wave => server.0.push(machine.index()),
            _ => {}
        }
    }
    let (mut released, mut failed_over, mut longest) = (0.0, 0.0, 0.0_f64);
    for (server, (earlier, later)) in servers {
        let disks = wave::disks(graph.model().machine(0));
        let fit = (wave::free_slots(graph.model(), server) / disks) as usize;
        // As many of the later ones as fit beside the earlier ones need not wait.
        let beside = fit.saturating_sub(earlier.len());
        let mut releases: Vec<(f64, f64)> = earlier.iter().map(|machine| release(*machine)).collect();
        releases.sort_by(|one, other| one.0.total_cmp(&other.0));
        let count = later.len().saturating_sub(beside).min(releases.len());
        released += releases[..count].iter().map(|(all, _)| all).sum::<f64>();
        let mut failovers: Vec<f64> = releases.iter().map(|(_, failover)| *failover).collect();
        failovers.sort_by(f64::total_cmp);
        failed_over += failovers[..count].iter().sum::<f64>();
        let mut ways: Vec<f64> = later
            .iter()
            .map(|machine| {
                alone(find(StepKind::Reprotect, *machine)) + alone(find(StepKind::AwaitProtected, *machine))
            })
            .collect();
        ways.sort_by(|one, other| other.total_cmp(one));
        // The longest of those that wait, once the first of the earlier ones is released.
        if let (Some(way), Some((first, _))) = (ways.get(beside), releases.first()) {
            longest = longest.max(way + first);
        }
    }
    let before = ends[before as usize];
    bound
        .max(before + (released + work) / places + least_transfer)
        .max(before + (failed_over + work) / under_vcenter + least_transfer)
        .max(before + longest)
}
