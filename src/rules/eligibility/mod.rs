//! Rules about whether a machine can be failed back at all (FB001–FB029).

pub(crate) mod azure_vm_deleted;
pub(crate) mod azure_vm_moved_resource_group;
pub(crate) mod azure_vm_not_created_by_failover;
pub(crate) mod classic_experience_retired;
pub(crate) mod experience_roles_mismatch;
pub(crate) mod failover_came_from_classic_vault;
pub(crate) mod failover_not_committed;
pub(crate) mod hyperv_target;
pub(crate) mod migration_completed;
pub(crate) mod migration_only_os;
pub(crate) mod not_failed_over;
pub(crate) mod physical_2008r2_sp1;
pub(crate) mod physical_always_alternate;
pub(crate) mod physical_modernized_unsupported;
pub(crate) mod physical_returns_as_vm;
pub(crate) mod replication_disabled;
pub(crate) mod target_not_esxi;
pub(crate) mod uefi_agent_too_old;
pub(crate) mod uefi_secure_boot;
pub(crate) mod unsupported_source_kind;
pub(crate) mod upgrade_while_failed_over;

use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Unknown;
use crate::model::hypervisor;
use crate::model::release::WindowsServer;
use crate::rules::Findings;
use crate::rules::Rule;
use crate::rules::hosts::Role;
use crate::rules::hosts::hosts_of;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::Boot;
use crate::syntax::machine::Firmware;
use crate::syntax::machine::Os;
use crate::syntax::machine::OsFamily;
use crate::syntax::machine::State;
use crate::syntax::plan::Hypervisor;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[
    &migration_completed::RULE,
    &azure_vm_moved_resource_group::RULE,
    &azure_vm_deleted::RULE,
    &hyperv_target::RULE,
    &target_not_esxi::RULE,
    &replication_disabled::RULE,
    &azure_vm_not_created_by_failover::RULE,
    &not_failed_over::RULE,
    &failover_not_committed::RULE,
    &unsupported_source_kind::RULE,
    &physical_2008r2_sp1::RULE,
    &physical_returns_as_vm::RULE,
    &physical_always_alternate::RULE,
    &physical_modernized_unsupported::RULE,
    &migration_only_os::RULE,
    &uefi_agent_too_old::RULE,
    &uefi_secure_boot::RULE,
    &classic_experience_retired::RULE,
    &upgrade_while_failed_over::RULE,
    &failover_came_from_classic_vault::RULE,
    &experience_roles_mismatch::RULE,
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

/// Reports the first host of a machine that is not what failback leads to; `what` says what it is instead.
fn look_at_hosts(
    machine: Machine<'_>,
    findings: &mut Findings<'_>,
    leads_to: &str,
    what: fn(Hypervisor) -> Option<&'static str>,
) -> Fact<()> {
    let mut unknown = None;
    for (role, host) in hosts_of(machine, |host| hypervisor(host).is_ok_and(|runs| what(runs).is_none())) {
        match host.and_then(|host| Ok((host, hypervisor(host)?))) {
            Ok((host, runs)) => {
                let Some(what) = what(runs) else { continue };
                let fact = host.hypervisor.map_or(host.name.span, |fact| fact.span);
                let (name, host) = (machine.name(), &host.name.value);
                let its = match role {
                    Role::Writes | Role::Named => format!("target host {host}"),
                    Role::Runs => format!("{host}, where its VM is,"),
                };
                let message = format!("{name}: {its} {what}, but failback leads only to {leads_to}");
                findings
                    .at(choice_of_host(machine, role), message)
                    .also(fact, format!("{host} {what}"))
                    .also(name.span, "this machine would go there");
                return Ok(());
            }
            Err(missing) => unknown = unknown.or(Some(missing)),
        }
    }
    unknown.map_or(Ok(()), Err)
}

/// Returns the line that chooses a host: the plan's choice of the server that it runs, or of the host itself, or the fact that
/// the machine's own VM is there.
fn choice_of_host(machine: Machine<'_>, role: Role) -> Span {
    let failback = &machine.settings().failback;
    let choice = match (role, machine.model.experience()) {
        (Role::Named, _) => failback.host.as_ref(),
        (Role::Runs, _) => machine.onprem_vm().ok().and_then(|vm| vm.host.as_ref()),
        (Role::Writes, Ok(Experience::Classic)) => failback.master_target.as_ref(),
        (Role::Writes, Ok(Experience::Modernized)) => failback.appliance.as_ref(),
        (Role::Writes, Err(_)) => None,
    };
    choice.map_or(machine.name().span, |choice| choice.span)
}

/// Returns the firmware of a machine if it is UEFI; `None` if it is BIOS.
fn uefi(boot: &Boot) -> Fact<Option<&Spanned<Firmware>>> {
    let firmware = boot.firmware.fact("boot.firmware")?;
    match firmware.value {
        Firmware::Uefi => Ok(Some(firmware)),
        Firmware::Bios => Ok(None),
    }
}

/// Returns the release of Windows Server, where it is written; `None` for any other operating system.
///
/// A word that is not understood decides only if it can't stand for 2008 or 2008 R2, of which the rules here speak.
fn windows_server(os: &Os) -> Fact<Option<(WindowsServer, Span)>> {
    match os.family.map(|family| family.value) {
        Some(OsFamily::Linux) => return Ok(None),
        Some(OsFamily::Windows) | None => {}
    }
    let release = os.release.fact("os.release")?;
    match WindowsServer::from_release(release) {
        Some((version, _)) => Ok(Some((version, release.span))),
        None if release.contains("2008") => Err(Unknown::new("os.release")),
        None => Ok(None),
    }
}
