//! FB002: an Azure VM that was moved to another resource group can't be failed back.

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
use crate::syntax::machine::AzureVm;
use crate::syntax::machine::State;

pub(crate) static RULE: Rule = Rule {
    id: "FB002",
    name: "azure-vm-moved-resource-group",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S02"]),
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the Azure VM was moved to another resource group",
    docs: "\
### What it checks
A machine whose Azure VM lies in another resource group than the one that the failover made it in, or that is known to
have been moved. Case does not count in the names of resource groups.

### Why
Site Recovery knows the Azure VM by the place in which it made it. After a move it no longer finds the machine, and no
article says that moving it back helps.

### What to do
Take the machine out of the plan and ask Microsoft Support; treat the move as final. Bring the machine home by other means.
",
    help: "take the machine out of the plan and ask Microsoft Support: no article says that moving the VM back makes failback possible again",
    article: "site-recovery-failback-azure-to-vmware, introduction (2017-06-05); vmware-azure-reprotect, Before you begin; vmware-physical-azure-support-matrix, Vault tasks",
    fixture: include_str!("../../../tests/rules/azure-vm-moved-resource-group.yaml"),
    facts: &[
        "machines",
        "azure_vm",
        "azure_vm.moved",
        "azure_vm.resource_group",
        "azure_vm.failover_resource_group",
    ],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let name = machine.name();
    let state = known_state(machine);
    if let Some(state) = state.filter(|state| state.value == State::AzureVmMoved) {
        findings
            .at(state.span, format!("{name}: the Azure VM was moved, and a moved VM can't be failed back"))
            .also(name.span, "the plan brings it back here");
        return Ok(());
    }
    match machine.azure_vm().and_then(is_moved) {
        Ok(false) => Ok(()),
        Ok(true) => {
            report(machine, machine.azure_vm()?, findings);
            Ok(())
        }
        // Without an Azure VM nothing was moved; that it is missing is another rule's matter.
        Err(_) if state.is_some_and(|state| is_home(state.value)) || is_gone(machine) => Ok(()),
        Err(unknown) => Err(unknown),
    }
}

fn is_gone(machine: Machine<'_>) -> bool {
    machine.azure_vm().is_ok_and(|vm| vm.exists.is_some_and(|exists| !exists.value))
}

/// Returns whether the VM was moved; either fact is enough to know it.
fn is_moved(vm: &AzureVm) -> Fact<bool> {
    if let (Some(group), Some(made_in)) = (&vm.resource_group, &vm.failover_resource_group) {
        let elsewhere = !group.value.eq_ignore_ascii_case(&made_in.value);
        return Ok(elsewhere || vm.moved.is_some_and(|moved| moved.value));
    }
    match vm.moved {
        Some(moved) => Ok(moved.value),
        None => {
            vm.resource_group.fact("azure_vm.resource_group")?;
            vm.failover_resource_group.fact("azure_vm.failover_resource_group")?;
            Ok(false)
        }
    }
}

fn report(machine: Machine<'_>, vm: &AzureVm, findings: &mut Findings<'_>) {
    let name = machine.name();
    match (&vm.resource_group, &vm.failover_resource_group) {
        (Some(group), Some(made_in)) if !group.value.eq_ignore_ascii_case(&made_in.value) => {
            findings
                .at(
                    group.span,
                    format!(
                        "{name}: the Azure VM is in resource group {group}, but the failover made it in {made_in}; a moved VM can't be failed back"
                    ),
                )
                .also(made_in.span, format!("the failover made it in {made_in}"))
                .also(name.span, "the plan brings it back here");
        }
        _ => {
            let span = vm.moved.map_or(name.span, |moved| moved.span);
            findings
                .at(
                    span,
                    format!(
                        "{name}: the Azure VM was moved to another resource group, so it can't be failed back"
                    ),
                )
                .also(name.span, "the plan brings it back here");
        }
    }
}
