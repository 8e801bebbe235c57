//! FB503: a recovery plan of Site Recovery holds a hundred machines.

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

pub(crate) static RULE: Rule = Rule {
    id: "FB503",
    name: "plan-too-large",
    severity: Severity::Info,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a recovery plan of Site Recovery holds at most 100 machines",
    docs: "\
### What it checks
The number of machines of the plan, and of each replication group in it.

### Why
A recovery plan of Site Recovery holds at most 100 protected instances. The engine makes as many of them as it needs, so a
large plan is only told about; but the members of a replication group fail over through one of them, so a group of more than
100 can't be brought home, and that is an error.

### What to do
Nothing for a large plan, unless people are to run it by hand: then split it by application. Split a replication group before
it is protected; one that replicates can't be changed.
",
    help: "split the plan by application if people are to run it by hand",
    article: "recovery-plan-overview; includes/site-recovery-limits",
    fixture: include_str!("../../../tests/rules/plan-too-large.yaml"),
    facts: &[],
    check: Check::Plan(check),
};

/// Protected instances that a recovery plan holds (includes/site-recovery-limits).
const MOST: usize = 100;

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    for group in model.groups() {
        let (name, count) = (group.name(), group.members().count());
        if count > MOST {
            findings
                .at(
                    name.span,
                    format!("{name}: {count} machines; they fail over through one recovery plan, which holds at most {MOST}"),
                )
                .severity(Severity::Error)
                .help("split the replication group before it is protected; one that replicates can't be changed")
                .subject(SubjectKind::ReplicationGroup, name.value.as_str());
        }
    }
    let (plan, count) = (&model.plan.name, model.machines().len());
    if count > MOST {
        findings.at(
            plan.span,
            format!("{plan}: {count} machines; a recovery plan of Site Recovery holds at most {MOST}, so several are made"),
        );
    }
    Ok(())
}
