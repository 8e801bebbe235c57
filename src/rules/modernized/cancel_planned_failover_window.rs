//! FB808: until the commit, a planned failover can be cancelled.

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
    id: "FB808",
    name: "cancel-planned-failover-window",
    severity: Severity::Info,
    architecture: Architecture::Modernized,
    origin: Origin::Beyond,
    when: When::at(&[Guard::Commit]),
    awaited: false,
    summary: "the planned failover can still be cancelled",
    docs: "\
### What it checks
A machine that has failed back and is not committed, and whose on-premises VM has not been seen running.

### Why
A planned failover from Azure can be cancelled: the changes on-premises are taken back from snapshots, the Azure VM is started
again and replication to on-premises goes on. The commit ends that, because it deletes the Azure VM. A classic failback can't
be cancelled at all.

### What to do
If the machine can't be repaired on-premises, cancel its planned failover before the commit, and try again later.
",
    help: "cancel the planned failover if the machine can't be repaired on-premises; the commit ends that way out",
    article: "vmware-azure-tutorial-failover-failback-modernized, Cancel planned failover",
    fixture: include_str!("../../../tests/rules/cancel-planned-failover-window.yaml"),
    facts: &["machines", "state", "onprem_vm", "onprem_vm.power_state"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let onprem_vm = machine.onprem_vm();
    let gone = onprem_vm.as_ref().ok().and_then(|vm| vm.exists).filter(|exists| !exists.value);
    let power = onprem_vm.and_then(|vm| vm.power_state.fact("onprem_vm.power_state"));
    let runs = gone.is_none() && power.as_ref().is_ok_and(|power| power.value == PowerState::Running);
    if runs || !is_due(machine, findings, Guard::Commit, State::FailedBack)? {
        return Ok(());
    }
    let (span, what) = match gone {
        Some(exists) => (exists.span, "does not exist".to_owned()),
        None => {
            let power = power?;
            (power.span, format!("is {power}"))
        }
    };
    let name = machine.name();
    let message = format!(
        "{name}: the on-premises VM {what}; until the commit the planned failover can be cancelled, which starts the \
         Azure VM again"
    );
    findings.at(span, message).also(name.span, "the plan commits it here");
    Ok(())
}
