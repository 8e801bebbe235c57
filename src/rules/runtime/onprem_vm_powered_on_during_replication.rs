//! FB709: the on-premises VM stays off while its disks receive data.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::LocationMode;
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
    id: "FB709",
    name: "onprem-vm-powered-on-during-replication",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S05c"]),
    when: When::at(&[Guard::Failover]),
    awaited: false,
    summary: "the on-premises VM is on while its disks receive data",
    docs: "\
### What it checks
A machine that replicates into its original on-premises VM while that VM is not off.

### Why
Reprotect turns the on-premises VM off on purpose: from then on its disks are written by the replication. A guest that runs
on them writes too, and neither copy is good afterwards.

### What to do
Power the VM off, and resynchronise the machine before it fails over.
",
    help: "power it off and resynchronise the machine; reprotect turns it off on purpose",
    article: "site-recovery-failback-azure-to-vmware, Failback overview (2017-06-05); vmware-azure-reprotect, Before you start",
    fixture: include_str!("../../../tests/rules/onprem-vm-powered-on-during-replication.yaml"),
    facts: &["machines", "kind", "state", "onprem_vm", "onprem_vm.exists", "onprem_vm.power_state"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let power = machine.onprem_vm().and_then(|onprem_vm| onprem_vm.power_state.fact("onprem_vm.power_state"));
    // A guest that is suspended or stopping is not off: it has run since reprotect turned it off.
    let off = power.as_ref().is_ok_and(|power| is_off(power.value));
    if off || !is_due(machine, findings, Guard::Failover, State::ProtectedToOnprem)? {
        return Ok(());
    }
    match machine.location_mode()? {
        LocationMode::Original => {}
        LocationMode::Alternate => return Ok(()),
    }
    let (power, name) = (power?, machine.name());
    let message = format!("{name}: the on-premises VM is {power} while its disks receive replicated data");
    findings.at(power.span, message).also(name.span, "comes back into this VM");
    Ok(())
}
