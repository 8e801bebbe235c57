//! FB008: only a machine that was failed over to Azure can be failed back.

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
use crate::syntax::machine::State;

pub(crate) static RULE: Rule = Rule {
    id: "FB008",
    name: "not-failed-over",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S01"]),
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the machine is not failed over to Azure",
    docs: "\
### What it checks
A machine that is not on the way between a failover to Azure and the commit of its failback. The rule looks at the state
before a run: what the run itself does to a machine never breaks it.

### Why
Failback starts where a failover to Azure ended. A machine that runs on-premises has nothing to bring home.

### What to do
Fail the machine over to Azure first, or take it out of the plan.
",
    help: "fail the machine over to Azure first, or take it out of the plan",
    article: "site-recovery-failback-azure-to-vmware, introduction (2017-06-05)",
    fixture: include_str!("../../../tests/rules/not-failed-over.yaml"),
    facts: &["machines", "state"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    // States that a run leads to are no mistake of the plan.
    if findings.guard().is_some() {
        return Ok(());
    }
    let state = machine.facts()?.state.fact("state")?;
    let name = machine.name();
    let message = match state.value {
        State::FailedOver
        | State::FailedOverCommitted
        | State::ReprotectingToOnprem
        | State::ProtectedToOnprem
        | State::FailingBack
        | State::FailedBack => return Ok(()),
        State::ProtectedToAzure | State::FailedBackCommitted | State::ReprotectingToAzure => {
            format!("{name}: the machine runs on-premises ({state}), so there is nothing to fail back")
        }
        State::Migrated | State::AzureVmDeleted | State::ReplicationDisabled | State::AzureVmMoved => {
            format!("{name}: the machine has left its life cycle ({state}), so there is nothing to fail back")
        }
    };
    findings.at(state.span, message).also(name.span, "the plan brings it back here");
    Ok(())
}
