//! Plans whose steps have random costs.

use std::sync::Arc;

use failback::forecast;
use failback::graph::Graph;
use failback::graph::StepIndex;
use failback::graph::StepKind;
use failback::graph::compile;
use failback::rules::CheckedPlan;
use fastrand::Rng;

use crate::estate::Estate;
use crate::estate::Vm;

/// Bytes a second that one machine's transfer gets at most.
pub const MACHINE: f64 = 60e6;

/// What a step costs: seconds of its own, or bytes of the line.
#[derive(Clone, Copy, Debug)]
pub enum Cost {
    Time(f64),
    Bytes(f64),
}

/// A plan whose steps have random costs.
pub struct Job {
    pub words: String,
    pub graph: Arc<Graph>,
    pub costs: Vec<Cost>,
    pub most: usize,
    pub most_per_vcenter: Option<usize>,
    /// Bytes a second that all transfers of one direction get together.
    pub line: f64,
}

impl Job {
    pub fn draw(seed: u64, (least, most): (usize, usize)) -> Self {
        let mut random = Rng::with_seed(seed);
        let count = (least as f64 * (most as f64 / least as f64).powf(random.f64())) as usize;
        let disks = random.u32(1..=4);
        let mut estate = Estate::classic(
            (0..count).map(|machine| Vm::new(format!("w{machine}")).disks(disks, random.u64(5..=200))),
        );
        if random.bool() {
            estate.classic = false;
        }
        // From one wave to a few.
        let waves = random.usize(1..=4);
        estate.servers = (count * disks as usize).div_ceil(50 * waves).max(1);
        let parallel = [8, 20, 50][random.usize(..3)];
        let mut execution = format!("max_parallel: {parallel}");
        let per_vcenter = (random.u8(..3) == 0).then_some(parallel / 2);
        if let Some(most) = per_vcenter {
            execution.push_str(&format!(", max_parallel_per_vcenter: {most}"));
        }
        estate = estate.plan(&format!("execution: {{{execution}}}"));
        for machine in 1..count {
            if random.u8(..20) == 0 {
                let before = random.usize(..machine);
                estate = estate.entry(&format!("w{machine}"), &format!("depends_on: [w{before}]"));
            }
        }
        let sizes: Vec<u64> = estate.vms.iter().map(|vm| vm.disk_gb * u64::from(disks)).collect();
        let mbps = [1_000, 2_000, 10_000][random.usize(..3)];
        let plan = CheckedPlan::unjudged(Arc::new(estate.bandwidth(mbps).model()));
        let graph = Arc::new(forecast::ranked(compile(&plan)));
        let bytes = |step: StepIndex| {
            let of = graph.indexes_of(step).next().map_or(0, |machine| machine);
            1e9 * sizes[of] as f64
        };
        let costs =
            (0..).zip(graph.steps()).map(|(at, step)| cost(step.kind, bytes(at), &mut random)).collect();
        let words = format!(
            "seed {seed}: {count} machines of {disks} disks, {} waves, {mbps} Mbit/s, {execution}",
            graph.waves().count
        );
        Self {
            words,
            graph,
            costs,
            most: parallel,
            most_per_vcenter: per_vcenter,
            line: mbps as f64 * 125_000.0,
        }
    }
}

/// Draws what a step costs: of a machine's data, of which the plan knows the size, nobody knows how much has changed.
fn cost(kind: StepKind, data: f64, random: &mut Rng) -> Cost {
    let mut between = |least: f64, most: f64| random.f64().mul_add(most - least, least);
    match kind {
        StepKind::Reprotect => Cost::Time(between(300.0, 1_200.0)),
        StepKind::AwaitProtected | StepKind::AwaitForward => Cost::Bytes(data * between(0.3, 1.0)),
        StepKind::Failover => Cost::Time(between(150.0, 400.0)),
        StepKind::Commit => Cost::Time(between(60.0, 300.0)),
        StepKind::Forward => Cost::Time(between(300.0, 900.0)),
        StepKind::Verify | StepKind::AwaitAgent | StepKind::AwaitAzureAgent => {
            Cost::Time(between(1.0, 120.0))
        }
        StepKind::Preflight
        | StepKind::Prepare
        | StepKind::AwaitDeletion
        | StepKind::Barrier
        | StepKind::ApproveFailover
        | StepKind::AwaitPoint
        | StepKind::Recheck
        | StepKind::BootGroup
        | StepKind::ApproveCommit
        | StepKind::Cleanup
        | StepKind::Action => Cost::Time(between(0.0, 10.0)),
    }
}

/// Returns how long a step takes that shares nothing, in seconds.
pub fn alone(job: &Job, step: StepIndex) -> f64 {
    match job.costs[step as usize] {
        Cost::Time(seconds) => seconds,
        Cost::Bytes(bytes) => bytes / MACHINE.min(job.line),
    }
}
