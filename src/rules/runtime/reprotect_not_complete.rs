//! FB700: reprotect comes before failback.

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
use crate::rules::runtime::failover_is_ahead;
use crate::syntax::machine::State;

pub(crate) static RULE: Rule = Rule {
    id: "FB700",
    name: "reprotect-not-complete",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S24", "S30"]),
    when: When::at(&[Guard::Failover]),
    awaited: true,
    summary: "reprotect to on-premises has not completed",
    docs: "\
### What it checks
A machine that is to fail over from Azure and is not protected in the direction of on-premises.

### Why
A failover from Azure starts from the replicated state that reprotect and the initial replication bring about.

### What to do
Before a run, nothing: the run reprotects the machine and waits until it is protected.
",
    help: "wait for the reprotect job and the initial replication",
    article: "site-recovery-failback-azure-to-vmware, Have you completed reprotection?, Steps to fail back (2017-06-05)",
    fixture: include_str!("../../../tests/rules/reprotect-not-complete.yaml"),
    facts: &["machines", "state"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let state = machine.facts()?.state.fact("state")?;
    let waits = match findings.guard() {
        Some(_) => state.value != State::ProtectedToOnprem,
        // What has failed back already, or never can, waits for nothing.
        None => state.value != State::ProtectedToOnprem && failover_is_ahead(state.value),
    };
    if waits {
        let name = machine.name();
        findings
            .at(state.span, format!("{name}: reprotect has not completed ({state}); failback cannot start"))
            .also(name.span, "the plan fails it over here");
    }
    Ok(())
}
