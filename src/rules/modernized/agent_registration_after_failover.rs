//! FB810: the agent registers by itself after the failover to Azure.

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
use crate::rules::runtime::agent_deadline;
use crate::rules::runtime::reprotect_is_next;

pub(crate) static RULE: Rule = Rule {
    id: "FB810",
    name: "agent-registration-after-failover",
    severity: Severity::Error,
    architecture: Architecture::Modernized,
    origin: Origin::Beyond,
    when: When::LIVE.and_at(&[Guard::Reprotect]),
    awaited: false,
    summary: "the agent did not register after the failover to Azure",
    docs: "\
### What it checks
A machine that is about to be reprotected to on-premises and whose agent has not registered with Site Recovery since the
failover to Azure. Within 15 minutes of the Azure VM's boot the run waits for it.

### Why
The agent registers by itself after the failover. If it can't, the machine shows a critical health error and can't be
reprotected.

### What to do
Mend the cause, usually the way from the Azure VM to the addresses of the service. Registration is then tried again by
itself, or can be completed by hand.
",
    help: "mend the cause; registration is tried again by itself, or can be completed by hand",
    article: "failover-failback-overview-modernized, Re-protect",
    fixture: include_str!("../../../tests/rules/agent-registration-after-failover.yaml"),
    facts: &["machines", "state", "asr", "asr.agent_registration_ok"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    // Later the same fact speaks about the on-premises machine.
    if !reprotect_is_next(machine, findings)? {
        return Ok(());
    }
    let registered = machine.asr()?.agent_registration_ok.fact("asr.agent_registration_ok")?;
    if !registered.value {
        let deadline = deadline(machine);
        let name = machine.name();
        let message = match &deadline {
            Some(deadline) => {
                format!(
                    "{name}: the agent has not registered with Site Recovery yet; it has until {deadline}"
                )
            }
            None => format!("{name}: the agent did not register with Site Recovery after the failover"),
        };
        findings
            .at(registered.span, message)
            .awaited(deadline.is_some())
            .also(name.span, "the plan brings it back here");
    }
    Ok(())
}

/// Returns the moment until which the agent may still register, if that is known and not over.
fn deadline(machine: Machine<'_>) -> Option<jiff::Timestamp> {
    let booted_at = machine.azure_vm().ok()?.booted_at?;
    let deadline = agent_deadline(booted_at.value);
    (machine.model.observed_at().ok()? <= deadline).then_some(deadline)
}
