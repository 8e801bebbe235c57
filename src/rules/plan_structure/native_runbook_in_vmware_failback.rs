//! FB517: Site Recovery's own plans run no runbook on the way back to VMware.

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
use crate::syntax::action::Phase;

pub(crate) static RULE: Rule = Rule {
    id: "FB517",
    name: "native-runbook-in-vmware-failback",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a runbook is to run while VMware machines fail back",
    docs: "\
### What it checks
Actions with a `runbook` before or after the reprotect to on-premises, the failover, the verification or the commit.

### Why
Recovery plans of Site Recovery run no Automation runbooks when machines fail back to VMware: a runbook that was attached to one for
the way to Azure does not run on the way home. An article of 2018 says otherwise about the moment before the shut-down, its edition
of 2015 does not; so this is a warning.

### What to do
Don't rely on Site Recovery to run it. Let the engine start it as a step of its own and check what it leaves behind, or make it a
manual action; then accept the finding with a waiver that says so.
",
    help: "don't leave it to Site Recovery's recovery plan: run it as a step of its own and check what it leaves behind, or ask a person",
    article: "site-recovery-create-recovery-plans, Add a script or manual action; site-recovery-runbook-automation (2018)",
    fixture: include_str!("../../../tests/rules/native-runbook-in-vmware-failback.yaml"),
    facts: &[],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    for action in &model.plan.actions {
        let Some(runbook) = &action.runbook else { continue };
        let mut hooks = [&action.before, &action.after].into_iter().flatten();
        if let Some(hook) = hooks.find(|hook| is_on_the_way_home(hook.phase.value)) {
            let name = &action.name;
            findings
                .at(
                    runbook.name.span,
                    format!("{name}: recovery plans of Site Recovery run no runbook when VMware machines fail back"),
                )
                .also(hook.phase.span, "this phase is on the way home")
                .subject(SubjectKind::Action, name.value.as_str());
        }
    }
    Ok(())
}

const fn is_on_the_way_home(phase: Phase) -> bool {
    match phase {
        Phase::Reprotect | Phase::Failover | Phase::Verify | Phase::Commit => true,
        Phase::Run | Phase::Forward => false,
    }
}
