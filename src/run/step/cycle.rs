//! How far machines are in the cycle from Azure and back to it, as seen.

use crate::graph::StepKind;
use crate::model::Machine;
use crate::model::Model;
use crate::run::step::Context;
use crate::run::step::Decision;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::State;

/// Returns how far a state is in the cycle: 0 in Azure and unprotected, 1 replicating to on-premises, 2 protected there,
/// 3 failed back, 4 committed, 5 replicating to Azure, 6 protected in Azure; `None` if it is out of the cycle.
fn place(state: State) -> Option<u8> {
    match state {
        State::FailedOver | State::FailedOverCommitted => Some(0),
        State::ReprotectingToOnprem => Some(1),
        State::ProtectedToOnprem | State::FailingBack => Some(2),
        State::FailedBack => Some(3),
        State::FailedBackCommitted => Some(4),
        State::ReprotectingToAzure => Some(5),
        State::ProtectedToAzure => Some(6),
        State::Migrated | State::AzureVmDeleted | State::ReplicationDisabled | State::AzureVmMoved => None,
    }
}

/// Returns whether what a kind of step asks for is seen to be done for a machine.
#[must_use]
pub fn is_done(kind: StepKind, machine: Machine<'_>) -> bool {
    let least = match kind {
        StepKind::Reprotect => 1,
        StepKind::Failover => 3,
        StepKind::Commit => 4,
        StepKind::Forward => 5,
        StepKind::Preflight
        | StepKind::Prepare
        | StepKind::AwaitAzureAgent
        | StepKind::AwaitDeletion
        | StepKind::AwaitProtected
        | StepKind::Barrier
        | StepKind::ApproveFailover
        | StepKind::AwaitPoint
        | StepKind::Recheck
        | StepKind::Verify
        | StepKind::BootGroup
        | StepKind::ApproveCommit
        | StepKind::Cleanup
        | StepKind::AwaitAgent
        | StepKind::AwaitForward
        | StepKind::Action => return false,
    };
    machine.state().ok().and_then(place).is_some_and(|place| place >= least)
}

/// Remembers where the servers stand whose disks some machines have already, as the facts tell before the site is asked.
pub fn remember_placements(model: &mut Model) {
    let holds =
        |machine: &Machine<'_>| machine.state().ok().and_then(place).is_some_and(|at| at == 1 || at == 2);
    let server = |machine: Machine<'_>| {
        let datastore = match machine.master_target() {
            Some(server) => &server.facts.datastore,
            None => &machine.appliance()?.facts.datastore,
        };
        Some((machine.name().value.clone(), datastore.as_ref()?.value.clone()))
    };
    let known: Vec<(String, String)> = model.machines().filter(holds).filter_map(server).collect();
    for (machine, datastore) in known {
        model.remember_placement(&machine, &datastore);
    }
}

/// Returns whether a failover of a machine is seen to be under way.
#[must_use]
pub fn is_failing_back(machine: Machine<'_>) -> bool {
    machine.state().is_ok_and(|state| state == State::FailingBack)
}

/// Returns whether a machine is seen to be where it was before its failover: protected, running in Azure, and not on-premises.
#[must_use]
pub fn is_unmoved(machine: Machine<'_>) -> bool {
    let runs = |power: &PowerState| *power == PowerState::Running;
    let in_azure = machine.azure_vm().ok().and_then(|vm| vm.power_state.as_deref()).is_some_and(runs);
    let at_home = machine
        .onprem_vm()
        .ok()
        .is_some_and(|vm| vm.exists.as_deref() != Some(&false) && vm.power_state.as_deref().is_none_or(runs));
    let is_protected = machine.state().is_ok_and(|state| state == State::ProtectedToOnprem);
    is_protected && in_azure && !at_home
}

/// Returns the least place of the step's machines in the cycle; a machine out of the cycle, or of unknown state, ends the step.
pub(super) fn least_place(context: &Context<'_>) -> Result<u8, Decision> {
    let mut least = u8::MAX;
    for machine in context.machines() {
        let name = &machine.name().value;
        let state = machine.state().map_err(|_| Decision::Fail {
            code: "state-unknown",
            message: format!("the state of {name} could not be observed"),
        })?;
        let place = place(state).ok_or_else(|| Decision::Fail {
            code: "out-of-cycle",
            message: format!("{name} is {state}: it can't be failed back any more"),
        })?;
        least = least.min(place);
    }
    Ok(least)
}
