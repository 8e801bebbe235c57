//! FB523: there is no test failover from Azure.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::syntax::drill::DrillKind;

pub(crate) static RULE: Rule = Rule {
    id: "FB523",
    name: "test-failover-of-failback",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a test failover from Azure is asked for",
    docs: "\
### What it checks
Drills of the kind `test_failover`.

### Why
Site Recovery offers a test failover to Azure only. For the way home it knows none: the article tables of failover directions list
none, and the modernized architecture lists planned failover alone.

### What to do
Use a `rehearsal`, which runs the plan on the emulator. In the modernized architecture a `live` drill with `finish: cancel` takes the
machine back to Azure after its verification (FB808).
",
    help: "use `rehearsal`; in modernized also `live` with `finish: cancel`",
    article: "site-recovery-failover (2015, 2016), failover directions; failover-failback-overview-modernized, Types of failover",
    fixture: include_str!("../../../tests/rules/test-failover-of-failback.yaml"),
    facts: &[],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    for drill in &model.plan.drills {
        match drill.kind.value {
            DrillKind::TestFailover => {
                let name = &drill.name;
                findings
                    .at(
                        drill.kind.span,
                        format!("{name}: there is no test failover from Azure to on-premises"),
                    )
                    .subject(SubjectKind::Drill, name.value.as_str());
            }
            DrillKind::Readiness | DrillKind::Rehearsal | DrillKind::Live => {}
        }
    }
    Ok(())
}
