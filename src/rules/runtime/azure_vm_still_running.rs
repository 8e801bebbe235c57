//! FB704: after the failover the Azure VM must be off.

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
use crate::rules::runtime::is_off;
use crate::syntax::machine::State;

pub(crate) static RULE: Rule = Rule {
    id: "FB704",
    name: "azure-vm-still-running",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S33"]),
    when: When::at(&[Guard::Commit]),
    awaited: false,
    summary: "the Azure VM is not off after the failover",
    docs: "\
### What it checks
A machine that has failed back, not committed, whose Azure VM has not been seen off.

### Why
Site Recovery shuts the Azure VM down during the failover, but nobody should take that for granted: two live copies of one
machine corrupt what they share, and the commit deletes the one in Azure.

### What to do
Find out which copy holds the newest data, shut the Azure VM down, and only then commit.
",
    help: "shut the Azure VM down or find out why it runs; do not commit before",
    article: "site-recovery-failback-azure-to-vmware, Steps to fail back (2017-06-05)",
    fixture: include_str!("../../../tests/rules/azure-vm-still-running.yaml"),
    facts: &["machines", "state", "azure_vm", "azure_vm.power_state"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let azure_vm = machine.azure_vm();
    let power = azure_vm.clone().and_then(|azure_vm| azure_vm.power_state.fact("azure_vm.power_state"));
    let gone = azure_vm.is_ok_and(|azure_vm| azure_vm.exists.is_some_and(|exists| !exists.value));
    let off = power.as_ref().is_ok_and(|power| is_off(power.value));
    if gone || off || !is_due(machine, findings, Guard::Commit, State::FailedBack)? {
        return Ok(());
    }
    let (power, name) = (power?, machine.name());
    let message = format!(
        "{name}: the Azure VM is still {power} after the failover; two copies of the machine may be live"
    );
    findings.at(power.span, message).also(name.span, "the plan commits it here");
    Ok(())
}
