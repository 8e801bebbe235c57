//! FB504: a recovery plan of Site Recovery has seven groups.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;

pub(crate) static RULE: Rule = Rule {
    id: "FB504",
    name: "too-many-groups",
    severity: Severity::Info,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a recovery plan of Site Recovery has at most 7 groups",
    docs: "\
### What it checks
The number of boot groups of the plan.

### Why
A recovery plan of Site Recovery has at most seven groups. The engine keeps the order itself, so more of them do no harm; they
matter to whoever wants to run the same order by hand.

### What to do
Nothing, unless people are to run the plan by hand: then merge groups.
",
    help: "merge boot groups if people are to run the plan by hand",
    article: "site-recovery-create-recovery-plans, Add a group to a plan",
    fixture: include_str!("../../../tests/rules/too-many-groups.yaml"),
    facts: &[],
    check: Check::Plan(check),
};

/// Groups of a recovery plan (site-recovery-create-recovery-plans, Add a group to a plan).
const MOST: usize = 7;

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let groups = &model.plan.boot_groups;
    if let Some(first_too_many) = groups.get(MOST) {
        let plan = &model.plan.name;
        findings
            .at(
                first_too_many.name.span,
                format!(
                    "{plan}: {} boot groups; a recovery plan of Site Recovery has at most {MOST}",
                    groups.len()
                ),
            )
            .also(plan.span, "the engine keeps their order itself");
    }
    Ok(())
}
