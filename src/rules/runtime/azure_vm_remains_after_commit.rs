//! FB707: the commit removes the Azure VM.

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
use crate::syntax::machine::State;

pub(crate) static RULE: Rule = Rule {
    id: "FB707",
    name: "azure-vm-remains-after-commit",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S43"]),
    when: When::at(&[Guard::Forward]),
    awaited: false,
    summary: "the Azure VM still exists after the commit",
    docs: "\
### What it checks
A machine whose commit has succeeded while its Azure VM still exists. A run asks right before it reprotects the machine to Azure;
of a machine that is not protected again it asks when the commit has ended, and raises an alarm.

### Why
The commit removes the Azure VM. One that remains costs money, and started by mistake it is a second copy of the machine.

### What to do
Look at the commit job. Delete the Azure VM by hand only after the on-premises one is confirmed to be good.
",
    help: "look at the commit job; delete the Azure VM by hand only after confirming the on-premises one",
    article: "site-recovery-failback-azure-to-vmware, Commit (2017-06-05)",
    fixture: include_str!("../../../tests/rules/azure-vm-remains-after-commit.yaml"),
    facts: &["machines", "state", "azure_vm", "azure_vm.exists"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    // The state decides at the guard too: without a commit the Azure VM is as it should be.
    match machine.state()? {
        State::FailedBackCommitted | State::ReprotectingToAzure => {}
        State::ProtectedToAzure
        | State::FailedOver
        | State::FailedOverCommitted
        | State::ReprotectingToOnprem
        | State::ProtectedToOnprem
        | State::FailingBack
        | State::FailedBack
        | State::Migrated
        | State::AzureVmDeleted
        | State::ReplicationDisabled
        | State::AzureVmMoved => return Ok(()),
    }
    let exists = machine.azure_vm()?.exists.fact("azure_vm.exists")?;
    if exists.value {
        let name = machine.name();
        findings
            .at(exists.span, format!("{name}: the commit succeeded, but the Azure VM still exists"))
            .also(name.span, "the plan brought it back here");
    }
    Ok(())
}
