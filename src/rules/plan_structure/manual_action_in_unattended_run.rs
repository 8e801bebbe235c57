//! FB518: nobody answers in an unattended run.

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
use crate::syntax::execution::Mode;

pub(crate) static RULE: Rule = Rule {
    id: "FB518",
    name: "manual-action-in-unattended-run",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a manual action waits for a person in an unattended run",
    docs: "\
### What it checks
Manual actions without a `timeout` in a plan whose `execution.mode` is `unattended`.

### Why
A manual action holds what waits for it until somebody confirms it. In an unattended run nobody is there, and without a `timeout`
it waits for ever.

### What to do
Give the action a `timeout`, and say with `on_timeout` what happens then; or run the plan attended.
",
    help: "give it a `timeout`, and `on_timeout` if the run is to go on; or run the plan attended",
    article: "site-recovery-create-recovery-plans, Add a script or manual action",
    fixture: include_str!("../../../tests/rules/manual-action-in-unattended-run.yaml"),
    facts: &[],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let Some(mode) = model.plan.execution.as_ref().and_then(|execution| execution.mode) else {
        return Ok(());
    };
    match mode.value {
        Mode::Attended => return Ok(()),
        Mode::Unattended => {}
    }
    for action in
        model.plan.actions.iter().filter(|action| action.manual.is_some() && action.timeout.is_none())
    {
        let name = &action.name;
        findings
            .at(
                name.span,
                format!("{name}: it stops the run until somebody confirms it, and nobody is there"),
            )
            .also(mode.span, "the plan is to run unattended")
            .subject(SubjectKind::Action, name.value.as_str());
    }
    Ok(())
}
