//! FB805: reprotect to on-premises asks for a storage account that stages the data.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::by_os::family_decides;
use crate::source::Span;
use crate::syntax::machine::State;

pub(crate) static RULE: Rule = Rule {
    id: "FB805",
    name: "log-storage-account",
    severity: Severity::Error,
    architecture: Architecture::Modernized,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "no storage account is named that stages the data on its way to on-premises",
    docs: "\
### What it checks
A machine for which the plan names no `log_storage_account`. It is an error while the machine is still to be reprotected to
on-premises, and information once it is: then the account is asked for only if the reprotect has to be repeated.

### Why
The portal makes a storage account in the target region if none is chosen. The interface that a run uses does not: there the
account is a required parameter, and the request is refused without it.

### What to do
Name a storage account of the vault's region under `failback`.
",
    help: "name one: `failback: {log_storage_account: …}`",
    article: "failover-failback-overview-modernized, Re-protect job; Site Recovery REST, InMageRcmReprotectInput, \
              logStorageAccountId; azure-cli-extensions issue 9437",
    fixture: include_str!("../../../tests/rules/log-storage-account.yaml"),
    facts: &["machines", "os", "os.family"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let failback = &machine.settings().failback;
    if failback.log_storage_account.is_some() {
        return Ok(());
    }
    let Some(severity) = severity(machine) else { return Ok(()) };
    family_decides(machine, |family| {
        family.failback.as_ref().is_some_and(|failback| failback.log_storage_account.is_some())
    })?;
    let name = machine.name();
    let message = match severity {
        Severity::Error => format!("{name}: no log storage account is named for reprotect to on-premises"),
        Severity::Warning | Severity::Info => {
            format!(
                "{name}: no log storage account is named, should reprotect to on-premises have to be repeated"
            )
        }
    };
    let through = failback.appliance.as_ref();
    findings.at(name.span, message).severity(severity).also(
        through.map_or(Span::NONE, |appliance| appliance.span),
        through.map_or_else(String::new, |appliance| format!("it comes back through {appliance}")),
    );
    Ok(())
}

/// Returns how much it weighs that a machine has no account; `None` if it is home. A machine whose state is not known has still
/// to be reprotected.
fn severity(machine: Machine<'_>) -> Option<Severity> {
    match machine.state() {
        Ok(State::ReprotectingToOnprem | State::ProtectedToOnprem | State::FailingBack) => {
            Some(Severity::Info)
        }
        Ok(State::FailedBack | State::FailedBackCommitted | State::ReprotectingToAzure) => None,
        Ok(
            State::ProtectedToAzure
            | State::FailedOver
            | State::FailedOverCommitted
            | State::Migrated
            | State::AzureVmDeleted
            | State::ReplicationDisabled
            | State::AzureVmMoved,
        )
        | Err(_) => Some(Severity::Error),
    }
}
