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

/// The disks of a machine that come back, as far as the facts tell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Disks {
    /// Their sizes together; a size that nobody knows counts as `UNKNOWN_DISK_GIB`.
    pub bytes: f64,
    /// How many have no size.
    pub without_size: usize,
    /// Whether nobody knows of any; the machine counts as one disk of unknown size.
    pub are_unknown: bool,
}

impl Disks {
    #[expect(clippy::cast_precision_loss, reason = "an estimate of bytes")]
    fn of(sizes: impl Iterator<Item = Option<u64>>) -> Self {
        let unknown = (duration::UNKNOWN_DISK_GIB * GIB) as f64;
        let disks = sizes.fold(Self::default(), |disks, size| Self {
            bytes: disks.bytes + size.map_or(unknown, |bytes| bytes as f64),
            without_size: disks.without_size + usize::from(size.is_none()),
            ..disks
        });
        if disks.bytes > 0.0 { disks } else { Self { bytes: unknown, without_size: 0, are_unknown: true } }
    }

    /// Returns whether a part of the bytes is not a fact.
    pub const fn are_assumed(self) -> bool {
        self.are_unknown || self.without_size > 0
    }
}

/// Returns the disks of a machine that come back.
pub(super) fn disks(machine: Machine<'_>) -> Disks {
    let sizes = machine.returning_disks().unwrap_or_default().sizes;
    Disks::of(sizes.into_iter().map(|size| size.ok().map(|size| size.0)))
}

/// Returns the bytes of a machine's disks that come back.
pub(super) fn total_bytes(machine: Machine<'_>) -> f64 {
    disks(machine).bytes
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
