//! FB533: nobody works on the on-premises VM that reprotect turns off.

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
use crate::rules::runtime::reprotect_is_next;
use crate::syntax::machine::PowerState;

pub(crate) static RULE: Rule = Rule {
    id: "FB533",
    name: "onprem-vm-running-before-reprotect",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Product,
    when: When::LIVE.and_at(&[Guard::Reprotect]),
    awaited: false,
    summary: "the on-premises VM runs, and reprotect would turn it off and rewrite its disks",
    docs: "\
### What it checks
A machine that is still to be reprotected to on-premises, and whose on-premises VM runs. A VM that a person deletes first does
not count.

### Why
Reprotect turns the on-premises VM off and rewrites its disks, and nothing undoes that. After a failover to Azure the VM should
be off. If it runs, somebody may have started it to work on it, or the failover did not reach it, and what was written there
since would be lost. The run stops there.

### What to do
Find out why it runs, save what is needed, and power it off.
",
    help: "find out why it runs, save what is needed, and power it off",
    article: "the promise of a run: nothing is done that can't be undone before what must precede it was seen",
    fixture: include_str!("../../../tests/rules/onprem-vm-running-before-reprotect.yaml"),
    facts: &["machines", "state", "onprem_vm", "onprem_vm.exists", "onprem_vm.power_state"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    if machine.deletes_existing_vm() {
        return Ok(());
    }
    let vm = machine.onprem_vm();
    let exists = vm.clone().and_then(|vm| vm.exists.fact("onprem_vm.exists"));
    let power = vm.and_then(|vm| vm.power_state.fact("onprem_vm.power_state"));
    let gone = exists.as_ref().is_ok_and(|exists| !exists.value);
    let runs_not = power.as_ref().is_ok_and(|power| power.value != PowerState::Running);
    if gone || runs_not || !reprotect_is_next(machine, findings)? {
        return Ok(());
    }
    exists?;
    let (power, name) = (power?, machine.name());
    findings
        .at(
            power.span,
            format!("{name}: the on-premises VM runs; reprotect would turn it off and rewrite its disks"),
        )
        .also(name.span, "the plan brings it back here");
    Ok(())
}
