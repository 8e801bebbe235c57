//! FB716: a classic failback has one try.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::runtime::failing_over;
use crate::rules::steps::PlannedStep;

pub(crate) static RULE: Rule = Rule {
    id: "FB716",
    name: "classic-failback-not-repeatable",
    severity: Severity::Warning,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a classic failback can be neither cancelled nor tried again",
    docs: "\
### What it checks
Whether a plan of the classic architecture fails machines over.

### Why
In the modernized architecture a failback that brings no working machine can be cancelled and tried again later. In the classic one
it can't: what does not come up at the site has to be repaired there.

### What to do
Take backups or snapshots in Azure before the window, verify before the commit, and accept the finding with a waiver that says so.
",
    help: "take backups in Azure before the window and verify before the commit; then accept the finding with a waiver",
    article: "vmware-azure-tutorial-failover-failback-modernized, Cancel planned failover",
    fixture: include_str!("../../../tests/rules/classic-failback-not-repeatable.yaml"),
    facts: &["vault.experience"],
    check: Check::Steps(check),
};

fn check(steps: &[PlannedStep], model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    if failing_over(steps) > 0 {
        let plan = &model.plan.name;
        findings.at(
            plan.span,
            format!("{plan}: a classic failback can be neither cancelled nor tried again if a machine does not come up"),
        );
    }
    Ok(())
}
