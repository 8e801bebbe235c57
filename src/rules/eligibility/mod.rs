//! Rules about whether a machine can be failed back at all (FB001–FB029).

pub(crate) mod azure_vm_deleted;
pub(crate) mod azure_vm_moved_resource_group;
pub(crate) mod failover_not_committed;
pub(crate) mod hyperv_target;
pub(crate) mod migration_completed;
pub(crate) mod not_failed_over;
pub(crate) mod physical_2008r2_sp1;
pub(crate) mod physical_always_alternate;
pub(crate) mod physical_returns_as_vm;
pub(crate) mod unsupported_source_kind;

use crate::model::Machine;
use crate::rules::Rule;
use crate::source::Spanned;
use crate::syntax::machine::State;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[
    &migration_completed::RULE,
    &azure_vm_moved_resource_group::RULE,
    &azure_vm_deleted::RULE,
    &hyperv_target::RULE,
    &not_failed_over::RULE,
    &failover_not_committed::RULE,
    &unsupported_source_kind::RULE,
    &physical_2008r2_sp1::RULE,
    &physical_returns_as_vm::RULE,
    &physical_always_alternate::RULE,
];

/// Returns where a machine is known to be in its life cycle, for rules that other facts can decide as well.
fn known_state(machine: Machine<'_>) -> Option<&Spanned<State>> {
    machine.facts().ok()?.state.as_ref()
}

/// Returns whether a machine in this state runs on-premises, so that it has no copy in Azure to be judged.
const fn is_home(state: State) -> bool {
    match state {
        State::ProtectedToAzure | State::FailedBackCommitted | State::ReprotectingToAzure => true,
        State::FailedOver
        | State::FailedOverCommitted
        | State::ReprotectingToOnprem
        | State::ProtectedToOnprem
        | State::FailingBack
        | State::FailedBack
        | State::Migrated
        | State::AzureVmDeleted
        | State::ReplicationDisabled
        | State::AzureVmMoved => false,
    }
}
