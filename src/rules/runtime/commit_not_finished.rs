//! FB706: reprotect to Azure comes after the commit.

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
    id: "FB706",
    name: "commit-not-finished",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S44"]),
    when: When::at(&[Guard::Forward]),
    awaited: false,
    summary: "reprotect to Azure before the commit",
    docs: "\
### What it checks
A machine that is about to be protected towards Azure again although its commit has not been observed.

### Why
Only a committed machine is back on-premises for good. The service would take the reprotect all the same and commit by
itself, which deletes the Azure VM without anybody having decided so.

### What to do
Commit first, and wait until the commit is seen.
",
    help: "commit first",
    article: "site-recovery-failback-azure-to-vmware, Reprotect from on-premises to Azure (2017-06-05)",
    fixture: include_str!("../../../tests/rules/commit-not-finished.yaml"),
    facts: &["machines", "state"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    // Before a run, a commit that is pending is what the run will do.
    if findings.guard() != Some(Guard::Forward) {
        return Ok(());
    }
    let state = machine.facts()?.state.fact("state")?;
    match state.value {
        State::FailedBackCommitted | State::ReprotectingToAzure | State::ProtectedToAzure => {}
        State::FailedOver
        | State::FailedOverCommitted
        | State::ReprotectingToOnprem
        | State::ProtectedToOnprem
        | State::FailingBack
        | State::FailedBack
        | State::Migrated
        | State::AzureVmDeleted
        | State::ReplicationDisabled
        | State::AzureVmMoved => {
            let name = machine.name();
            findings
                .at(state.span, format!("{name}: reprotect to Azure before the commit ({state})"))
                .also(name.span, "the plan protects it again here");
        }
    }
    Ok(())
}
