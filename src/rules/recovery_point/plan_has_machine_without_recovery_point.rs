//! FB601: a plan fails back only when each of its machines has a recovery point.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::recovery_point::has_point;
use crate::rules::recovery_point::may_fail_over;
use crate::rules::recovery_point::names;
use crate::rules::recovery_point::of_machine;
use crate::rules::recovery_point::point_at;

pub(crate) static RULE: Rule = Rule {
    id: "FB601",
    name: "plan-has-machine-without-recovery-point",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S36"]),
    when: When::LIVE.and_at(&[Guard::Failover]),
    awaited: true,
    summary: "a machine of the plan has no recovery point, which holds all of them back",
    docs: "\
### What it checks
A plan with machines that have no recovery point on their way from Azure to on-premises, however ready the others are.

### Why
A plan can't be failed back until all its machines have at least one recovery point. The whole plan is held back, not only
the machines that are late.

### What to do
Before the machines are reprotected, nothing: the run waits for all of them before the first one fails over. Take a machine
that can't get there out of the plan, or out of the run.
",
    help: "wait, or take those machines out of this run; until then the whole plan is held back",
    article: "site-recovery-failback-azure-to-vmware, To what recovery point can I fail back (2017-06-05)",
    fixture: include_str!("../../../tests/rules/plan-has-machine-without-recovery-point.yaml"),
    facts: &["machines", "asr", "asr.recovery_points"],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let mut without = Vec::new();
    let mut unknown = None;
    for machine in findings.machines(model).filter(|machine| may_fail_over(*machine)) {
        match has_point(machine) {
            Ok(true) => {}
            Ok(false) => without.push(machine),
            Err(missing) => {
                unknown.get_or_insert_with(|| of_machine(missing, machine));
            }
        }
    }
    if !without.is_empty() {
        let plan = &model.plan.name;
        let have = if without.len() == 1 { "has" } else { "have" };
        let message = format!("{plan} cannot be failed back: {} {have} no recovery point", names(&without));
        point_at(findings.at(plan.span, message), &without, "has no recovery point yet");
    }
    unknown.map_or(Ok(()), Err)
}
