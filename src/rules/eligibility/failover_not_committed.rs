//! FB009: a failover to Azure is committed before the machine is reprotected.

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
    id: "FB009",
    name: "failover-not-committed",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::LIVE.and_at(&[Guard::Reprotect]),
    awaited: false,
    summary: "the failover to Azure has not been committed",
    docs: "\
### What it checks
A machine that was failed over to Azure and whose commit is pending: before the run, and again right before reprotect.

### Why
A failover has two phases. Until the commit another recovery point can still be chosen, and Site Recovery does not offer
reprotect. The run never commits a failover to Azure by itself, since that gives the other recovery points up.

### What to do
Look at the machine in Azure, commit the failover, and run the plan again.
",
    help: "commit the failover to Azure, then reprotect",
    article: "failover-failback-overview, Failover (two phases); MicrosoftDocs/azure-docs issue 6941",
    fixture: include_str!("../../../tests/rules/failover-not-committed.yaml"),
    facts: &["machines", "state"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let state = machine.facts()?.state.fact("state")?;
    match state.value {
        State::FailedOver => {
            let name = machine.name();
            findings
                .at(
                    state.span,
                    format!(
                        "{name}: the failover to Azure has not been committed, so reprotect is not offered yet"
                    ),
                )
                .also(name.span, "the plan brings it back here");
        }
        State::ProtectedToAzure
        | State::FailedOverCommitted
        | State::ReprotectingToOnprem
        | State::ProtectedToOnprem
        | State::FailingBack
        | State::FailedBack
        | State::FailedBackCommitted
        | State::ReprotectingToAzure
        | State::Migrated
        | State::AzureVmDeleted
        | State::ReplicationDisabled
        | State::AzureVmMoved => {}
    }
    Ok(())
}
