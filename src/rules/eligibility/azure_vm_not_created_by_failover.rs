//! FB007: only an Azure VM that a failover made can go home.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::eligibility::is_home;
use crate::rules::eligibility::known_state;
use crate::syntax::machine::CreatedBy;
use crate::syntax::machine::State;

pub(crate) static RULE: Rule = Rule {
    id: "FB007",
    name: "azure-vm-not-created-by-failover",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the Azure VM was not made by a failover",
    docs: "\
### What it checks
A machine whose Azure VM was made by a person, not by a failover of Site Recovery.

### Why
The way home is the way of the failover in reverse. It needs a machine that was first protected on-premises and then
failed over; an Azure VM that was made in another way has no counterpart at the site.

### What to do
Take the machine out of the plan, and protect or move it by other means.
",
    help: "take the machine out of the plan; protect or move it by other means",
    article: "vmware-azure-reprotect, Common issues (2018-12)",
    fixture: include_str!("../../../tests/rules/azure-vm-not-created-by-failover.yaml"),
    facts: &["machines", "azure_vm", "azure_vm.created_by"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    // A machine at home has no Azure VM to be judged, nor has one whose Azure VM was deleted, which another rule reports.
    let is_gone = |state| is_home(state) || state == State::AzureVmDeleted;
    if known_state(machine).is_some_and(|state| is_gone(state.value)) {
        return Ok(());
    }
    let vm = machine.azure_vm()?;
    if vm.exists.is_some_and(|exists| !exists.value) {
        return Ok(());
    }
    let created_by = vm.created_by.fact("azure_vm.created_by")?;
    match created_by.value {
        CreatedBy::Asr => {}
        CreatedBy::Manual => {
            findings
                .at(
                    created_by.span,
                    format!(
                        "{}: this Azure VM was not made by a failover, so it can't be reprotected",
                        machine.name()
                    ),
                )
                .also(machine.name().span, "the plan brings it back here");
        }
    }
    Ok(())
}
