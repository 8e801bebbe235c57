//! FB521: a recovery plan of Site Recovery goes on when a runbook fails.

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
    id: "FB521",
    name: "runbook-failure-does-not-stop-plan",
    severity: Severity::Info,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "success of a plan does not prove success of its runbooks",
    docs: "\
### What it checks
Whether the plan has actions with a `runbook`.

### Why
A recovery plan of Site Recovery goes on when a runbook of it fails. That such a plan succeeded says nothing about its scripts.

### What to do
Let the engine look at what the runbook leaves behind: a probe of the machine, or an action that fails if it is not there.
",
    help: "look at what the runbook leaves behind: a probe of the machine, or an action that fails if it is not there",
    article: "secondary: an account of drills that quotes site-recovery-runbook-automation",
    fixture: include_str!("../../../tests/rules/runbook-failure-does-not-stop-plan.yaml"),
    facts: &[],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let runbooks: Vec<_> = model
        .plan
        .actions
        .iter()
        .filter_map(|action| Some((&action.name, action.runbook.as_ref()?)))
        .collect();
    let [(first, _), ..] = runbooks.as_slice() else { return Ok(()) };
    let plan = &model.plan.name;
    let finding = findings.at(
        first.span,
        format!("{plan}: a recovery plan of Site Recovery goes on when a runbook fails; its success proves nothing about them"),
    );
    for (action, runbook) in runbooks.iter().take(super::LABELS) {
        finding.also(runbook.name.span, format!("{action} runs {}", runbook.name));
    }
    if let Some((_, next)) = runbooks.get(super::LABELS) {
        finding.also(next.name.span, format!("and {} more", runbooks.len() - super::LABELS));
    }
    Ok(())
}
