//! The settings of a machine, merged: plan, operating-system family, replication group, machine; the later wins.

use crate::source::Spanned;
use crate::syntax::machine::OsFamily;
use crate::syntax::plan::ByOs;
use crate::syntax::plan::CommitGate;
use crate::syntax::plan::Defaults;
use crate::syntax::plan::Failback;
use crate::syntax::plan::FailoverGate;
use crate::syntax::plan::FinalState;
use crate::syntax::plan::Form;
use crate::syntax::plan::Forward;
use crate::syntax::plan::Hypervisor;
use crate::syntax::plan::LocationChoice;
use crate::syntax::plan::Machine;
use crate::syntax::plan::OsDefaults;
use crate::syntax::plan::RecoveryPlan;
use crate::syntax::plan::ReplicationGroup;

/// The way of a machine from Azure to on-premises; `None` where the plan says nothing.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct FailbackSettings {
    /// Where it is expected to come back.
    pub location: Option<Spanned<LocationChoice>>,
    /// Master target.
    pub master_target: Option<Spanned<String>>,
    /// Process server.
    pub process_server: Option<Spanned<String>>,
    /// Volume that keeps recovery points.
    pub retention_volume: Option<Spanned<String>>,
    /// Datastore.
    pub datastore: Option<Spanned<String>>,
    /// Replication appliance.
    pub appliance: Option<Spanned<String>>,
    /// Storage account that stages the data.
    pub log_storage_account: Option<Spanned<String>>,
    /// Kind of the target's hypervisor.
    pub hypervisor: Option<Spanned<Hypervisor>>,
    /// Form in which the machine comes back.
    pub form: Option<Spanned<Form>>,
    /// vCenter of the target.
    pub vcenter: Option<Spanned<String>>,
    /// Host of the target.
    pub host: Option<Spanned<String>>,
    /// Whether a person deletes the original machine before reprotect.
    pub delete_existing_vm: Option<Spanned<bool>>,
}

/// The way of a machine to Azure again; `None` where the plan says nothing.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct ForwardSettings {
    /// Process server.
    pub process_server: Option<Spanned<String>>,
    /// Replication appliance.
    pub appliance: Option<Spanned<String>>,
    /// Storage account that caches the data.
    pub cache_storage_account: Option<Spanned<String>>,
    /// Master target.
    pub master_target: Option<Spanned<String>>,
    /// Account that may log on.
    pub run_as_account: Option<Spanned<String>>,
    /// Replication policy.
    pub policy: Option<Spanned<String>>,
}

/// Takes each field of a later block that says something.
macro_rules! take {
    ($into:expr, $from:expr, $($field:ident),*) => {
        $( if $from.$field.is_some() { $into.$field.clone_from(&$from.$field); } )*
    };
}

impl FailbackSettings {
    fn take(&mut self, block: &Failback) {
        take!(
            self,
            block,
            location,
            master_target,
            process_server,
            retention_volume,
            datastore,
            appliance,
            log_storage_account,
            delete_existing_vm
        );
        if let Some(target) = &block.target {
            take!(self, target, hypervisor, form, vcenter, host);
        }
    }
}

impl ForwardSettings {
    fn take(&mut self, block: &Forward) {
        take!(
            self,
            block,
            process_server,
            appliance,
            cache_storage_account,
            master_target,
            run_as_account,
            policy
        );
    }
}

/// Everything that the plan says about a machine, defaults merged.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Settings {
    /// The way from Azure to on-premises.
    pub failback: FailbackSettings,
    /// The way to Azure again; `None` if the plan has no word about it.
    pub forward: Option<ForwardSettings>,
    /// Kind of recovery point, as it is written.
    pub recovery_point: Spanned<String>,
    /// Whether the failover waits for an approval.
    pub failover: Spanned<FailoverGate>,
    /// Whether the commit waits for an approval.
    pub commit: Spanned<CommitGate>,
    /// Where the machine is left; there is no default.
    pub final_state: Option<Spanned<FinalState>>,
}

/// Returns the settings of a machine of `plan`.
///
/// An unknown operating-system family takes nothing from `by_os`.
#[must_use]
pub fn merge(
    plan: &RecoveryPlan,
    group: Option<&ReplicationGroup>,
    machine: Option<&Machine>,
    family: Option<OsFamily>,
) -> Settings {
    let defaults = plan.defaults.as_deref();
    let by_os =
        defaults.and_then(|defaults| defaults.by_os.as_ref()).and_then(|by_os| of_family(by_os, family));
    let mut failback = FailbackSettings::default();
    let blocks = [
        defaults.and_then(|defaults: &Defaults| defaults.failback.as_ref()),
        by_os.and_then(|by_os| by_os.failback.as_ref()),
        group.and_then(|group| group.failback.as_ref()),
        machine.and_then(|machine| machine.failback.as_ref()),
    ];
    for block in blocks.into_iter().flatten() {
        failback.take(block);
    }
    let mut forward = None;
    let blocks = [
        defaults.and_then(|defaults: &Defaults| defaults.forward.as_ref()),
        by_os.and_then(|by_os| by_os.forward.as_ref()),
        group.and_then(|group| group.forward.as_ref()),
        machine.and_then(|machine| machine.forward.as_ref()),
    ];
    for block in blocks.into_iter().flatten() {
        forward.get_or_insert_with(ForwardSettings::default).take(block);
    }
    // Members of a replication group fail over and commit together, so the group's own words come before the member's.
    let recovery_point = group
        .and_then(|group| group.recovery_point.clone())
        .or_else(|| machine.and_then(|machine| machine.recovery_point.clone()))
        .or_else(|| plan.recovery_point.clone())
        .unwrap_or_else(|| Spanned::bare("latest".to_owned()));
    let failover = group
        .and_then(|group| group.failover)
        .or_else(|| machine.and_then(|machine| machine.failover))
        .or_else(|| defaults.and_then(|defaults| defaults.failover))
        .unwrap_or(Spanned::bare(FailoverGate::Automatic));
    let commit = group
        .and_then(|group| group.commit)
        .or_else(|| machine.and_then(|machine| machine.commit))
        .or_else(|| defaults.and_then(|defaults| defaults.commit))
        .unwrap_or(Spanned::bare(CommitGate::OnApproval));
    let final_state = machine
        .and_then(|machine| machine.final_state)
        .or_else(|| defaults.and_then(|defaults| defaults.final_state));
    Settings { failback, forward, recovery_point, failover, commit, final_state }
}

fn of_family(by_os: &ByOs, family: Option<OsFamily>) -> Option<&OsDefaults> {
    match family? {
        OsFamily::Windows => by_os.windows.as_ref(),
        OsFamily::Linux => by_os.linux.as_ref(),
    }
}
