//! FB520: a sandbox of Azure runs a runbook for three hours.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Model;
use crate::quantity::Seconds;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;

pub(crate) static RULE: Rule = Rule {
    id: "FB520",
    name: "runbook-too-long",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a runbook is to run longer than a sandbox of Azure allows",
    docs: "\
### What it checks
The `timeout` of each action with a `runbook`.

### Why
A runbook job in a sandbox of Azure is stopped after three hours, whatever it still had to do. A longer `timeout` never comes.

### What to do
Run it on a Hybrid Runbook Worker, which has no such limit, and accept the finding with a waiver that says so; or split the runbook.
",
    help: "run it on a Hybrid Runbook Worker, or split the runbook",
    article: "includes/azure-automation-service-limits",
    fixture: include_str!("../../../tests/rules/runbook-too-long.yaml"),
    facts: &[],
    check: Check::Plan(check),
};

/// Longest time of a runbook job in a sandbox of Azure (includes/azure-automation-service-limits, fair share).
const LONGEST: Seconds = Seconds::hours(3);

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    for action in model.plan.actions.iter().filter(|action| action.runbook.is_some()) {
        let Some(timeout) = action.timeout.filter(|timeout| timeout.value > LONGEST) else { continue };
        let name = &action.name;
        findings
            .at(
                timeout.span,
                format!(
                    "{name}: it may take {timeout}, but a sandbox of Azure stops a runbook after {LONGEST}"
                ),
            )
            .subject(SubjectKind::Action, name.value.as_str());
    }
    Ok(())
}
