//! FB710: the Azure VM must run to be reprotected, and until a planned failover.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::State;

pub(crate) static RULE: Rule = Rule {
    id: "FB710",
    name: "azure-vm-not-running-for-reprotect",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::at(&[Guard::Reprotect, Guard::Failover]),
    awaited: false,
    summary: "the Azure VM does not run, so it can't be reprotected or failed over",
    docs: "\
### What it checks
A machine that is about to be reprotected to on-premises while its Azure VM does not run; in the modernized architecture also
one that replicates to on-premises and is about to fail over.

### Why
The agent inside the Azure VM registers and sends the data. Without it the reprotect job ends with error 78093, and so does the
planned failover of the modernized architecture, which makes its recovery point in the running VM.

### What to do
Start the Azure VM, and leave it on until the failover.
",
    help: "start the Azure VM; it must stay on until the failover",
    article: "vmware-azure-troubleshoot-failback-reprotect, error 78093; vmware-azure-tutorial-failover-failback-modernized, \
              Failed over VM requirements",
    fixture: include_str!("../../../tests/rules/azure-vm-not-running-for-reprotect.yaml"),
    facts: &["machines", "state", "azure_vm", "azure_vm.power_state", "vault.experience"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let azure_vm = machine.azure_vm();
    let power = azure_vm.clone().and_then(|azure_vm| azure_vm.power_state.fact("azure_vm.power_state"));
    let gone = azure_vm.ok().and_then(|azure_vm| azure_vm.exists).filter(|exists| !exists.value);
    let running = power.as_ref().is_ok_and(|power| power.value == PowerState::Running);
    if running && gone.is_none() {
        return Ok(());
    }
    let Some(act) = next_act(machine, findings.guard())? else { return Ok(()) };
    let name = machine.name();
    if let Some(exists) = gone {
        // Before a run another rule says that the VM is gone; only this one is asked again at the guard.
        if findings.guard().is_some() {
            let done = match act {
                Act::Reprotect => "reprotected",
                Act::Failover => "failed over",
            };
            findings
                .at(exists.span, format!("{name}: the Azure VM no longer exists, so nothing can be {done}"))
                .also(name.span, "the plan brings it back here")
                .help("take the machine out of the run and restore it from a backup");
        }
        return Ok(());
    }
    let power = power?;
    let must = match act {
        Act::Reprotect => "it must run so that its agent can register and replicate",
        Act::Failover => "it must run until the planned failover shuts it down",
    };
    findings
        .at(power.span, format!("{name}: the Azure VM is {power}; {must}"))
        .also(name.span, "the plan brings it back here");
    Ok(())
}

/// What the Azure VM has to run for.
#[derive(Clone, Copy)]
enum Act {
    Reprotect,
    Failover,
}

/// Returns what comes next that needs the Azure VM to run: at a guard that follows from the guard, before a run from the state.
/// A failover of the classic architecture does not need it.
fn next_act(machine: Machine<'_>, guard: Option<Guard>) -> Fact<Option<Act>> {
    let failover = || -> Fact<Option<Act>> {
        Ok(match machine.model.experience()? {
            Experience::Classic => None,
            Experience::Modernized => Some(Act::Failover),
        })
    };
    match guard {
        Some(Guard::Reprotect) => Ok(Some(Act::Reprotect)),
        Some(Guard::Failover) => failover(),
        Some(Guard::Commit | Guard::Forward) => Ok(None),
        None => match machine.state()? {
            State::FailedOverCommitted => Ok(Some(Act::Reprotect)),
            State::ReprotectingToOnprem | State::ProtectedToOnprem => failover(),
            State::FailedOver
            | State::FailingBack
            | State::FailedBack
            | State::FailedBackCommitted
            | State::ReprotectingToAzure
            | State::ProtectedToAzure
            | State::Migrated
            | State::AzureVmDeleted
            | State::ReplicationDisabled
            | State::AzureVmMoved => Ok(None),
        },
    }
}
