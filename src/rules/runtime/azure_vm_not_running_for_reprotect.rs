//! FB710: the Azure VM must run to be reprotected.

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
use crate::rules::runtime::is_due;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::State;

pub(crate) static RULE: Rule = Rule {
    id: "FB710",
    name: "azure-vm-not-running-for-reprotect",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::at(&[Guard::Reprotect]),
    awaited: false,
    summary: "the Azure VM does not run, so it can't be reprotected",
    docs: "\
### What it checks
A machine that is about to be reprotected to on-premises while its Azure VM does not run.

### Why
The agent inside the Azure VM registers and sends the data. Without it the reprotect job ends with error 78093.

### What to do
Start the Azure VM, and leave it on until the failover.
",
    help: "start the Azure VM; it must stay on until the failover",
    article: "vmware-azure-troubleshoot-failback-reprotect, error 78093; vmware-azure-tutorial-failover-failback-modernized, \
              Failed over VM requirements",
    fixture: include_str!("../../../tests/rules/azure-vm-not-running-for-reprotect.yaml"),
    facts: &["machines", "state", "azure_vm", "azure_vm.power_state"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let azure_vm = machine.azure_vm();
    let power = azure_vm.clone().and_then(|azure_vm| azure_vm.power_state.fact("azure_vm.power_state"));
    let gone = azure_vm.ok().and_then(|azure_vm| azure_vm.exists).filter(|exists| !exists.value);
    let running = power.as_ref().is_ok_and(|power| power.value == PowerState::Running);
    if (running && gone.is_none())
        || !is_due(machine, findings, Guard::Reprotect, State::FailedOverCommitted)?
    {
        return Ok(());
    }
    let name = machine.name();
    if let Some(exists) = gone {
        // Before a run another rule says that the VM is gone; only this one is asked again at the guard.
        if findings.guard().is_some() {
            findings
                .at(
                    exists.span,
                    format!("{name}: the Azure VM no longer exists, so nothing can be reprotected"),
                )
                .also(name.span, "the plan brings it back here")
                .help("take the machine out of the run and restore it from a backup");
        }
        return Ok(());
    }
    let power = power?;
    let message =
        format!("{name}: the Azure VM is {power}; it must run so that its agent can register and replicate");
    findings.at(power.span, message).also(name.span, "the plan brings it back here");
    Ok(())
}
