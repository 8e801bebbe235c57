//! FB003: without the Azure VM there is nothing to fail back.

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
use crate::source::Span;
use crate::syntax::machine::State;

pub(crate) static RULE: Rule = Rule {
    id: "FB003",
    name: "azure-vm-deleted",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S02"]),
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the failed-over Azure VM no longer exists",
    docs: "\
### What it checks
A machine whose Azure VM is gone before its failback was committed.

### Why
The Azure VM holds the only current data. Once it is deleted, nothing is left to be replicated to the site. After the
commit of a failback the Azure VM is removed on purpose; then the rule is silent.

### What to do
Take the machine out of the plan and restore it from a backup.
",
    help: "take the machine out of the plan and restore it from a backup",
    article: "site-recovery-failback-azure-to-vmware, introduction (2017-06-05); physical-to-azure-failover-failback, Prepare for reprotection and failback",
    fixture: include_str!("../../../tests/rules/azure-vm-deleted.yaml"),
    facts: &["machines", "azure_vm", "azure_vm.exists", "state"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let mut report = |span: Span| {
        findings
            .at(
                span,
                format!(
                    "{}: the Azure VM no longer exists, so there is nothing to fail back",
                    machine.name()
                ),
            )
            .also(machine.name().span, "the plan brings it back here");
    };
    if let Some(state) = known_state(machine) {
        if state.value == State::AzureVmDeleted {
            report(state.span);
            return Ok(());
        }
        if is_home(state.value) {
            return Ok(());
        }
    }
    let exists = machine.azure_vm()?.exists.fact("azure_vm.exists")?;
    if !exists.value {
        // After the commit the VM is expected to be gone, so the state decides.
        machine.state()?;
        report(exists.span);
    }
    Ok(())
}
