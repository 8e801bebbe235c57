//! Which vCenter a step keeps busy, for plans that limit how much is asked of one at once.

use std::collections::HashMap;

use crate::graph::StepKind;
use crate::model::Machine;
use crate::model::Model;
use crate::syntax::inventory::Experience;

/// A queue of steps that wait for the same vCenter; the first is of those that wait for none.
pub type Lane = usize;

/// The lane of steps that no vCenter limits.
pub const FREE: Lane = 0;

/// The vCenters of a plan's machines.
#[derive(Clone, Debug, Default)]
pub(super) struct Vcenters {
    /// Operations at once on one of them, if the plan limits them.
    pub limit: Option<u32>,
    /// The lane of each machine of the model.
    of_machine: Vec<Lane>,
    /// How many lanes there are, the free one included.
    pub lanes: usize,
}

impl Vcenters {
    pub(super) fn of(model: &Model) -> Self {
        let execution = model.plan.execution.as_ref();
        let limit = execution.and_then(|execution| execution.max_parallel_per_vcenter);
        let Some(limit) = limit else { return Self { lanes: 1, ..Self::default() } };
        let mut lanes: HashMap<Option<&str>, Lane> = HashMap::new();
        let of_machine = model.machines().map(|machine| {
            let next = lanes.len() + 1;
            // Machines of which nobody knows the vCenter may all be under one.
            *lanes.entry(target(machine)).or_insert(next)
        });
        let of_machine = of_machine.collect();
        Self { limit: Some(limit.value.max(1).into()), of_machine, lanes: lanes.len() + 1 }
    }

    /// Returns the lane of a machine.
    pub(super) fn lane(&self, machine: usize) -> Lane {
        self.of_machine.get(machine).copied().unwrap_or(FREE)
    }
}

/// Returns the vCenter that a machine comes back to: the plan's, else the one of its master target's host or its appliance.
fn target(machine: Machine<'_>) -> Option<&str> {
    let chosen = machine.settings().failback.vcenter.as_ref();
    if let Some(chosen) = chosen {
        return Some(&chosen.value);
    }
    let found = match machine.model.experience().ok()? {
        Experience::Classic => machine.master_target()?.host().ok()?.vcenter.as_option(),
        Experience::Modernized => machine.appliance()?.facts.vcenter.as_ref(),
    };
    found.map(|vcenter| vcenter.value.as_str())
}

/// Returns whether steps of a kind make a vCenter work: a reprotect powers a VM off and attaches disks, a failover makes and
/// boots a VM.
pub(super) const fn uses_vcenter(kind: StepKind) -> bool {
    matches!(kind, StepKind::Reprotect | StepKind::Failover)
}
