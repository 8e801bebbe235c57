//! How much data a machine has to carry, as far as the facts tell.

use jiff::Timestamp;

use crate::forecast::duration;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::quantity::GIB;
use crate::syntax::machine::State;

/// Data that a machine has to carry, in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Amount {
    /// All of it.
    All(f64),
    /// What changed of it, when nothing tells how much.
    Part(f64),
    /// What changed since a moment (seconds after the start, mostly before it), at a known pace, up to a total.
    Since { per_second: f64, moment: f64, total: f64 },
    /// What changed since the end of a step, at a known pace, up to a total.
    SinceStep { per_second: f64, step: StepIndex, total: f64 },
}

/// Returns the bytes of a machine's disks that are replicated.
#[expect(clippy::cast_precision_loss, reason = "an estimate of bytes")]
pub(super) fn total_bytes(machine: Machine<'_>) -> f64 {
    let size = |known: Option<u64>| known.unwrap_or(duration::UNKNOWN_DISK_GIB * GIB) as f64;
    let azure = machine.azure_vm().ok().and_then(|vm| vm.disks.as_ref());
    let sum: f64 = if let Some(disks) = azure {
        disks
            .iter()
            .filter(|disk| disk.replicated_from_onprem.is_none_or(|from| from.value))
            .filter(|disk| disk.temporary.is_none_or(|temporary| !temporary.value))
            .map(|disk| size(disk.size_gb.map(|size| size.value.0)))
            .sum()
    } else {
        let disks = machine.onprem_disks().unwrap_or_default();
        disks
            .iter()
            .filter(|disk| disk.excluded.is_none_or(|excluded| !excluded.value))
            .map(|disk| size(disk.size_gb.map(|size| size.value.0)))
            .sum()
    };
    if sum > 0.0 { sum } else { size(None) }
}

/// Returns the bytes of a machine that change in a second, if its facts tell.
#[expect(clippy::cast_precision_loss, reason = "a GiB is exact")]
fn churn(machine: Machine<'_>) -> Option<f64> {
    let per_day = machine.facts().ok()?.churn.as_ref()?.gb_per_day?;
    Some(per_day.value * GIB as f64 / 86_400.0)
}

/// Returns what a machine has to carry to on-premises.
pub(super) fn to_onprem(machine: Machine<'_>, start: Timestamp) -> Amount {
    let total = total_bytes(machine);
    let begun = matches!(machine.state(), Ok(State::ReprotectingToOnprem));
    // Of a replication that runs nobody knows how much is left; it is taken to be the changes.
    if !begun && machine.location_mode() != Ok(LocationMode::Original) {
        return Amount::All(total);
    }
    let booted = machine.azure_vm().ok().and_then(|vm| vm.booted_at);
    match (churn(machine), booted) {
        (Some(per_second), Some(booted)) => {
            Amount::Since { per_second, moment: seconds(start, booted.value), total }
        }
        _ => Amount::Part(total),
    }
}

/// Returns a moment as seconds after the start.
pub(super) fn seconds(start: Timestamp, at: Timestamp) -> f64 {
    at.duration_since(start).as_secs_f64()
}

/// Returns what a machine has to carry to Azure again.
pub(super) fn to_azure(graph: &Graph, machine: Machine<'_>, start: Timestamp, failover: StepIndex) -> Amount {
    let total = total_bytes(machine);
    let Some(per_second) = churn(machine) else { return Amount::Part(total) };
    if !graph.step(failover).adopted {
        return Amount::SinceStep { per_second, step: failover, total };
    }
    let booted = machine.onprem_vm().ok().and_then(|vm| vm.booted_at);
    booted.map_or(Amount::Part(total), |booted| Amount::Since {
        per_second,
        moment: seconds(start, booted.value),
        total,
    })
}
