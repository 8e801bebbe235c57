//! Rules about what is observed while a plan runs (FB700–FB739).

pub(crate) mod agent_not_registered_yet;
pub(crate) mod azure_vm_not_running_for_reprotect;
pub(crate) mod azure_vm_remains_after_commit;
pub(crate) mod azure_vm_still_running;
pub(crate) mod classic_failback_not_repeatable;
pub(crate) mod commit_not_finished;
pub(crate) mod datastore_file_gone;
pub(crate) mod disable_replication_leaves_disks;
pub(crate) mod do_not_cancel_running_failover;
pub(crate) mod downtime_window;
pub(crate) mod failover_direction_wrong;
pub(crate) mod failover_kind_wrong;
pub(crate) mod linux_network_after_failback;
pub(crate) mod mobility_service_not_running;
pub(crate) mod onprem_vm_not_running;
pub(crate) mod onprem_vm_powered_on_during_replication;
pub(crate) mod replication_health_not_ok;
pub(crate) mod reprotect_not_complete;
pub(crate) mod vmware_tools_state;

use jiff::Timestamp;

use crate::id::IdSet;
use crate::model::Fact;
use crate::model::Machine;
use crate::model::Model;
use crate::quantity::Seconds;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Rule;
use crate::rules::steps::Direction;
use crate::rules::steps::PlannedStep;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::action::Phase;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::State;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[
    &reprotect_not_complete::RULE,
    &replication_health_not_ok::RULE,
    &failover_direction_wrong::RULE,
    &failover_kind_wrong::RULE,
    &azure_vm_still_running::RULE,
    &onprem_vm_not_running::RULE,
    &commit_not_finished::RULE,
    &azure_vm_remains_after_commit::RULE,
    &agent_not_registered_yet::RULE,
    &onprem_vm_powered_on_during_replication::RULE,
    &azure_vm_not_running_for_reprotect::RULE,
    &mobility_service_not_running::RULE,
    &vmware_tools_state::RULE,
    &linux_network_after_failback::RULE,
    &downtime_window::RULE,
    &do_not_cancel_running_failover::RULE,
    &classic_failback_not_repeatable::RULE,
    &disable_replication_leaves_disks::RULE,
    &datastore_file_gone::RULE,
];

/// How long an agent may take to register after its machine booted (site-recovery-failback-azure-to-vmware, Reprotect from
/// on-premises to Azure, 2017-06-05; vmware-azure-reprotect, Before you start, for the boot in Azure).
const AGENT_WINDOW: Seconds = Seconds::minutes(15);

/// Returns the moment until which an agent may still register.
pub(super) fn agent_deadline(booted_at: Timestamp) -> Timestamp {
    booted_at.saturating_add(std::time::Duration::from_secs(AGENT_WINDOW.0)).unwrap_or(Timestamp::MAX)
}

/// Returns whether a machine in this state has yet to be reprotected to on-premises.
pub(super) const fn reprotect_is_ahead(state: State) -> bool {
    match state {
        State::FailedOver | State::FailedOverCommitted => true,
        State::ProtectedToAzure
        | State::ReprotectingToOnprem
        | State::ProtectedToOnprem
        | State::FailingBack
        | State::FailedBack
        | State::FailedBackCommitted
        | State::ReprotectingToAzure
        | State::Migrated
        | State::AzureVmDeleted
        | State::ReplicationDisabled
        | State::AzureVmMoved => false,
    }
}

/// Returns whether reprotect to on-premises comes next: at its guard it does, before a run that follows from the state.
pub(super) fn reprotect_is_next(machine: Machine<'_>, findings: &Findings<'_>) -> Fact<bool> {
    match findings.guard() {
        Some(guard) => Ok(guard == Guard::Reprotect),
        None => Ok(reprotect_is_ahead(machine.state()?)),
    }
}

/// Returns whether a machine in this state has yet to be failed over from Azure.
pub(super) const fn failover_is_ahead(state: State) -> bool {
    match state {
        State::FailedOver
        | State::FailedOverCommitted
        | State::ReprotectingToOnprem
        | State::ProtectedToOnprem => true,
        State::ProtectedToAzure
        | State::FailingBack
        | State::FailedBack
        | State::FailedBackCommitted
        | State::ReprotectingToAzure
        | State::Migrated
        | State::AzureVmDeleted
        | State::ReplicationDisabled
        | State::AzureVmMoved => false,
    }
}

/// Returns whether a machine in this state has yet to be reprotected to Azure.
pub(super) const fn way_to_azure_is_ahead(state: State) -> bool {
    match state {
        State::FailedOver
        | State::FailedOverCommitted
        | State::ReprotectingToOnprem
        | State::ProtectedToOnprem
        | State::FailingBack
        | State::FailedBack
        | State::FailedBackCommitted => true,
        State::ProtectedToAzure
        | State::ReprotectingToAzure
        | State::Migrated
        | State::AzureVmDeleted
        | State::ReplicationDisabled
        | State::AzureVmMoved => false,
    }
}

/// Returns whether it is time for a rule: at its guard, or before a run in the state that the guard follows.
///
/// A fact of another moment says nothing: a machine that runs in Azure is as it should be until it has failed back.
pub(super) fn is_due(
    machine: Machine<'_>,
    findings: &Findings<'_>,
    guard: Guard,
    state: State,
) -> Fact<bool> {
    match findings.guard() {
        Some(now) => Ok(now == guard),
        None => Ok(machine.state()? == state),
    }
}

/// Returns whether a virtual machine is off; one that is suspended or on its way is not.
const fn is_off(power: PowerState) -> bool {
    match power {
        PowerState::Stopped | PowerState::Deallocated => true,
        PowerState::Running | PowerState::Suspended | PowerState::Starting | PowerState::Stopping => false,
    }
}

/// Returns how many machines some steps fail over from Azure.
fn failing_over(steps: &[PlannedStep]) -> usize {
    let failovers = steps
        .iter()
        .filter(|step| step.phase == Phase::Failover && step.direction != Some(Direction::OnpremToAzure));
    failovers.map(|step| step.machine.as_str()).collect::<IdSet<_>>().len()
}

/// Returns the name of a step's machine, and the line to change: the step's, else the machine's.
fn step_place(step: &PlannedStep, model: &Model) -> Spanned<String> {
    let of_machine =
        || model.machine_named(step.machine.as_str()).map_or(Span::NONE, |machine| machine.name().span);
    let span = if step.span.is_none() { of_machine() } else { step.span };
    Spanned::new(step.machine.as_str().to_owned(), span)
}
