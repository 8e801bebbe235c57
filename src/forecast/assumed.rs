//! What a forecast takes for granted because no fact tells it, so that nobody reads it as known.

use serde::Deserialize;
use serde::Serialize;

use crate::forecast::amount;
use crate::forecast::amount::Disks;
use crate::forecast::duration::UNKNOWN_DISK_GIB;
use crate::forecast::work::Workload;
use crate::graph::Graph;
use crate::graph::StepKind;
use crate::graph::wave;

/// What a forecast takes for granted where the inventory leaves facts out, of machines that are still to come back.
///
/// A bandwidth that is not known is told where it holds the run up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assumed {
    /// Whether the vault's experience is not known; it is taken to be classic.
    pub experience: bool,
    /// Disks whose size is not known.
    pub disks_without_size: usize,
    /// Machines of which no disk is known; each counts as one disk whose size is not known.
    pub machines_without_disks: usize,
    /// What a disk whose size is not known counts as, in GiB.
    pub disk_gib: u64,
    /// Master targets and appliances whose attached disks are not known; they are taken to have none.
    pub servers_without_disks: Vec<String>,
}

impl Assumed {
    /// Returns what is taken for granted about a graph's machines.
    pub(super) fn of(load: &Workload<'_>) -> Self {
        let graph = load.graph;
        let model = graph.model();
        let to_carry =
            model.machines().filter(|machine| !graph.step(load.protected[machine.index()]).adopted);
        let disks: Vec<Disks> = to_carry.map(amount::disks).collect();
        Self {
            experience: model.experience().is_err(),
            disks_without_size: disks.iter().map(|disks| disks.without_size).sum(),
            machines_without_disks: disks.iter().filter(|disks| disks.are_unknown).count(),
            disk_gib: UNKNOWN_DISK_GIB,
            servers_without_disks: servers_without_disks(graph),
        }
    }
}

/// Returns the servers that reprotects attach disks to, and of which nobody knows how many disks they have already.
fn servers_without_disks(graph: &Graph) -> Vec<String> {
    let steps = (0..).zip(graph.steps()).filter(|(_, step)| step.kind == StepKind::Reprotect);
    let mut servers: Vec<&str> = steps.filter_map(|(at, _)| Some(graph.attaches(at)?.0)).collect();
    servers.sort_unstable();
    servers.dedup();
    servers.retain(|server| !wave::knows_attached_disks(graph.model(), server));
    servers.into_iter().map(str::to_owned).collect()
}
