//! What holds a run up, found by taking one thing after the other away in thought.

use serde::Serialize;

use crate::forecast::amount::disks;
use crate::forecast::duration;
use crate::forecast::simulate::Outcome;
use crate::forecast::simulate::Settings;
use crate::forecast::simulate::simulate;
use crate::forecast::work::Work;
use crate::forecast::work::Workload;
use crate::graph::StepKind;
use crate::quantity::Bytes;

/// What may hold a run up; each can be taken away in thought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitKind {
    /// What the line between the sites carries.
    Bandwidth,
    /// What one machine gets of it.
    MachineRate,
    /// Mutating operations at once.
    MaxParallel,
    /// Operations at once under one vCenter.
    MaxPerVcenter,
    /// Disks that a master target or an appliance takes, and the waves that follow from it.
    Slots,
    /// The hours in which failover and commit may begin.
    Window,
    /// The pace at which app-consistent recovery points are made.
    RecoveryPoints,
    /// `depends_on` and `boot_groups`.
    Order,
    /// Actions of the plan.
    Actions,
    /// The service's own jobs and waits.
    Service,
}

/// Something that holds a run up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// Its kind.
    pub kind: LimitKind,
    /// What it is, in words: `bandwidth 1000 Mbit/s shared by 40 machines`.
    pub text: String,
    /// Seconds by which the run would be shorter without it.
    pub saves_s: u64,
}

/// Part of the run's time that something must cost to be worth a word; ours.
const WORTH_A_WORD: f64 = 0.02;

/// Returns what holds a run up, the heaviest first; the service's own jobs stand last, since nobody can change them.
pub(super) fn limits(load: &Workload<'_>, settings: Settings<'_>, base: &Outcome) -> Vec<Limit> {
    let mut limits = Vec::new();
    for kind in candidates(load, settings, base) {
        let without = simulate(load, Settings { without: Some(kind), ..settings });
        let saves = base.makespan - without.makespan;
        if saves > (base.makespan * WORTH_A_WORD).max(1.0) {
            limits.push(Limit { kind, text: words(kind, load, settings, base), saves_s: whole(saves) });
        }
    }
    limits.sort_by(|one, other| other.saves_s.cmp(&one.saves_s).then(one.kind.cmp(&other.kind)));
    let kind = LimitKind::Service;
    limits.push(Limit { kind, text: words(kind, load, settings, base), saves_s: 0 });
    limits
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times are positive and bounded")]
fn whole(seconds: f64) -> u64 {
    seconds.round().max(0.0) as u64
}

/// Returns what may hold this run up at all, so that no simulation is spent on the rest.
fn candidates(load: &Workload<'_>, settings: Settings<'_>, base: &Outcome) -> Vec<LimitKind> {
    let graph = load.graph;
    let mut kinds = Vec::new();
    let carries = load.work.iter().any(|work| matches!(work, Work::Transfer { .. }));
    if carries {
        // Whatever is narrower for one machine alone is what it waits for.
        kinds.push(LimitKind::Bandwidth);
        kinds.push(LimitKind::MachineRate);
    }
    let mutating = graph.steps().iter().filter(|step| step.kind.is_mutating() && !step.adopted).count();
    if mutating > load.max_parallel as usize {
        kinds.push(LimitKind::MaxParallel);
    }
    if graph.vcenter_limit().is_some_and(|limit| limit < load.max_parallel) {
        kinds.push(LimitKind::MaxPerVcenter);
    }
    if graph.waves().count > 1 {
        kinds.push(LimitKind::Slots);
    }
    if settings.hours.is_some() && base.first_wake.is_some() {
        kinds.push(LimitKind::Window);
    }
    if load.work.iter().any(|work| matches!(work, Work::NewPoint { .. } | Work::CommonPoints)) {
        kinds.push(LimitKind::RecoveryPoints);
    }
    let plan = &graph.model().plan;
    let depends = plan.machines.iter().any(|machine| !machine.0.depends_on.is_empty())
        || plan.replication_groups.iter().any(|group| !group.depends_on.is_empty());
    if depends || plan.boot_groups.len() > 1 {
        kinds.push(LimitKind::Order);
    }
    if load.work.iter().any(|work| matches!(work, Work::Action(_))) {
        kinds.push(LimitKind::Actions);
    }
    kinds
}

/// Returns a limit in words.
fn words(kind: LimitKind, load: &Workload<'_>, settings: Settings<'_>, base: &Outcome) -> String {
    let model = load.graph.model();
    match kind {
        LimitKind::Bandwidth => {
            let stated = model.inventory.network.as_ref().and_then(|network| network.bandwidth_mbps);
            let mbps = stated.map_or(duration::DEFAULT_BANDWIDTH_MBPS, |mbps| mbps.value);
            let assumed = if stated.is_none() { " (assumed: the inventory has none)" } else { "" };
            match base.peak {
                0 | 1 => format!("bandwidth {mbps} Mbit/s{assumed}"),
                machines => format!("bandwidth {mbps} Mbit/s{assumed} shared by {machines} machines"),
            }
        }
        LimitKind::MachineRate => {
            let disks = model.machines().map(|machine| (machine, disks(machine)));
            let largest = disks.max_by(|(_, one), (_, other)| one.bytes.total_cmp(&other.bytes));
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of a disk")]
            let of = largest.map_or(String::new(), |(machine, disks)| {
                let assumed = if disks.are_assumed() { " (assumed)" } else { "" };
                let bytes = Bytes(disks.bytes as u64);
                format!(", the largest {} with {bytes}{assumed}", machine.name().value)
            });
            format!("{:.0} MB/s for each machine{of}", duration::MACHINE_CEILING / 1e6)
        }
        LimitKind::MaxParallel => {
            let reprotects =
                load.graph.steps().iter().filter(|step| step.kind == StepKind::Reprotect).count();
            format!("max_parallel {} with {reprotects} machines", load.max_parallel)
        }
        LimitKind::MaxPerVcenter => {
            let vcenters = match load.graph.lanes() - 1 {
                1 => "1 vCenter".to_owned(),
                count => format!("{count} vCenters"),
            };
            let limit = load.graph.vcenter_limit().unwrap_or(load.max_parallel);
            format!("max_parallel_per_vcenter {limit} under {vcenters}")
        }
        LimitKind::Slots => {
            let waves = load.graph.waves().count;
            let tightest = load.servers.iter().enumerate().max_by_key(|(at, server)| {
                let slots = load.slots.iter().flatten().filter(|slots| slots.server as usize == *at);
                slots.map(|slots| i64::from(slots.disks)).sum::<i64>() - server.free
            });
            let kind = match load.graph.experience() {
                crate::syntax::inventory::Experience::Classic => "master target",
                crate::syntax::inventory::Experience::Modernized => "appliance",
            };
            let most = crate::graph::wave::SLOTS;
            tightest.map_or_else(
                || format!("{waves} waves"),
                |(_, server)| format!("{most} disks of {kind} {}: {waves} waves", server.name),
            )
        }
        LimitKind::Window => {
            let opening = settings.hours.zip(base.first_wake).and_then(|(hours, wake)| {
                let wake = jiff::SignedDuration::try_from_secs_f64(wake).ok()?;
                let opening = hours.opening(settings.start.checked_add(wake).ok()?)?;
                Some(hours.words(opening))
            });
            opening.map_or_else(|| "window".to_owned(), |words| format!("window opens {words}"))
        }
        LimitKind::RecoveryPoints => "app-consistent points, one an hour".to_owned(),
        LimitKind::Order => "depends_on and boot_groups: machines fail over one after another".to_owned(),
        LimitKind::Actions => "actions, which may take their whole timeout".to_owned(),
        LimitKind::Service => "Site Recovery's own jobs and waits".to_owned(),
    }
}
