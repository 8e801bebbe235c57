//! FB502: a machine comes home by one plan at a time.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::plan_structure::shortened;

pub(crate) static RULE: Rule = Rule {
    id: "FB502",
    name: "machine-in-two-plans",
    severity: Severity::Info,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a machine is in several plans of the workspace",
    docs: "\
### What it checks
Machines that another plan of the same workspace brings home too. Plans are compared when a whole folder is checked; a plan
that is checked alone is compared with nothing, and the rule is silent.

### Why
Site Recovery lets a machine be in several recovery plans. Whichever runs second finds the machine started already and
skips it, so its actions and its order count for nothing.

### What to do
Make sure that the order of the plans is intended, or keep the machine in one of them.
",
    help: "make sure that the order of the plans is intended, or keep the machine in one of them",
    article: "recovery-plan-overview, introduction",
    fixture: include_str!("../../../tests/rules/machine-in-two-plans.yaml"),
    facts: &[],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let name = machine.name();
    let elsewhere = machine.model.other_plans.iter();
    let elsewhere: Vec<_> =
        elsewhere.filter_map(|plan| Some((plan.name.as_str(), *plan.machines.get(&name.value)?))).collect();
    if elsewhere.is_empty() {
        return Ok(());
    }
    let plans: Vec<&str> = elsewhere.iter().map(|(plan, _)| *plan).collect();
    let plural = if plans.len() == 1 { "plan" } else { "plans" };
    let message = format!(
        "{name}: it is also in the {plural} {}; whichever runs second skips its start",
        shortened(&plans)
    );
    let finding = findings.at(name.span, message);
    for (plan, span) in elsewhere.into_iter().take(super::LABELS) {
        finding.also(span, format!("{plan} brings it home here"));
    }
    Ok(())
}
