//! FB705: after the failover the on-premises VM must run.

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
use crate::source::Span;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::State;

pub(crate) static RULE: Rule = Rule {
    id: "FB705",
    name: "onprem-vm-not-running",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S33"]),
    when: When::at(&[Guard::Commit]),
    awaited: false,
    summary: "the on-premises VM does not run after the failover",
    docs: "\
### What it checks
A machine that has failed back, not committed, whose on-premises VM has not been seen running.

### Why
The commit deletes the Azure VM. While the on-premises VM does not run, that is the only good copy.

### What to do
Classic: repair the on-premises VM; a classic failback can be neither cancelled nor repeated. Modernized: cancel the planned
failover, which takes the machine back to Azure, and try again later.
",
    help: "repair the on-premises VM before the commit",
    article: "site-recovery-failback-azure-to-vmware, Steps to fail back (2017-06-05)",
    fixture: include_str!("../../../tests/rules/onprem-vm-not-running.yaml"),
    facts: &["machines", "state", "onprem_vm", "onprem_vm.power_state"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let onprem_vm = machine.onprem_vm();
    let power = onprem_vm.clone().and_then(|onprem_vm| onprem_vm.power_state.fact("onprem_vm.power_state"));
    let running = power.as_ref().is_ok_and(|power| power.value == PowerState::Running);
    let gone = onprem_vm.ok().and_then(|onprem_vm| onprem_vm.exists).filter(|exists| !exists.value);
    if (running && gone.is_none()) || !is_due(machine, findings, Guard::Commit, State::FailedBack)? {
        return Ok(());
    }
    match gone {
        Some(exists) => report(machine, exists.span, "does not exist", findings),
        None => {
            let power = power?;
            report(machine, power.span, &format!("is {power}"), findings);
        }
    }
    Ok(())
}

fn report(machine: Machine<'_>, span: Span, what: &str, findings: &mut Findings<'_>) {
    let name = machine.name();
    let message = format!(
        "{name}: the on-premises VM {what} after the failover; committing now would delete the only good copy"
    );
    let finding = findings.at(span, message).also(name.span, "the plan commits it here");
    match machine.model.experience() {
        Ok(Experience::Classic) => {
            finding
                .help("repair the on-premises VM; a classic failback can be neither cancelled nor repeated");
        }
        Ok(Experience::Modernized) => {
            finding.help("cancel the planned failover, or repair the on-premises VM before the commit");
        }
        Err(_) => {}
    }
}
