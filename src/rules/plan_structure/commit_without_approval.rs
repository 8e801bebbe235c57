//! FB516: somebody or something looks before the commit.

use std::collections::HashSet;

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Model;
use crate::model::order::Subject;
use crate::model::order::hook_subjects;
use crate::model::order::subject_of;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::syntax::action::Hook;
use crate::syntax::action::HookOutcome;
use crate::syntax::action::Phase;
use crate::syntax::plan::CommitGate;

pub(crate) static RULE: Rule = Rule {
    id: "FB516",
    name: "commit-without-approval",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S33", "S43"]),
    when: When::STATIC,
    awaited: false,
    summary: "nothing verifies a machine before its commit",
    docs: "\
### What it checks
Machines with `commit: automatic` that have neither a probe of their own or of the plan's `defaults`, nor a
manual action between the end of the failover and the commit. That a machine is switched on does not count as
verification.

### Why
The commit deletes the Azure virtual machine, and without that there is no way back. The article has people
check the failback and the shut-down virtual machine in Azure first.

### What to do
Add a probe under `verify`, a manual action before the commit, or `commit: on_approval`.
",
    help: "add a probe under `verify`, a manual action before the commit, or `commit: on_approval`",
    article: "site-recovery-failback-azure-to-vmware, Steps to fail back, step 3; Commit (2017-06-05)",
    fixture: include_str!("../../../tests/rules/commit-without-approval.yaml"),
    facts: &[],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let mut asked: Option<HashSet<(Phase, Subject)>> = None;
    for machine in model.machines() {
        let commit = machine.settings().commit;
        match commit.value {
            CommitGate::Automatic => {}
            CommitGate::OnApproval | CommitGate::Never => continue,
        }
        if !machine.probes().is_empty() {
            continue;
        }
        let asked = asked.get_or_insert_with(|| questions(model));
        let phases = [Phase::Failover, Phase::Verify, Phase::Commit];
        if phases.into_iter().any(|phase| asked.contains(&(phase, subject_of(phase, machine)))) {
            continue;
        }
        let name = machine.name();
        findings
            .at(
                commit.span,
                format!("{name}: its commit deletes the Azure VM, and nothing verifies it first"),
            )
            .also(name.span, "neither a probe nor a manual action looks at it")
            .subject(SubjectKind::Machine, name.value.as_str());
    }
    Ok(())
}

/// Returns the phases that a manual action stands at, where it is between the end of the failover and the commit.
fn questions(model: &Model) -> HashSet<(Phase, Subject)> {
    let mut found = HashSet::new();
    for action in model.plan.actions.iter().filter(|action| action.manual.is_some()) {
        for (before, hook) in [(true, &action.before), (false, &action.after)] {
            let Some(hook) = hook else { continue };
            let Some(of) = &hook.of else { continue };
            let phase = hook.phase.value;
            if is_between(before, hook) {
                let subjects = hook_subjects(model, phase, &of.value);
                found.extend(subjects.into_iter().map(|subject| (phase, subject)));
            }
        }
    }
    found
}

/// Returns whether an action at a hook runs after a failover that succeeded and before the commit.
fn is_between(before: bool, hook: &Hook) -> bool {
    let on_success =
        hook.outcome.is_empty() || hook.outcome.iter().any(|outcome| outcome.value == HookOutcome::Success);
    match hook.phase.value {
        Phase::Failover => !before && on_success,
        Phase::Verify => before || on_success,
        Phase::Commit => before,
        Phase::Run | Phase::Reprotect | Phase::Forward => false,
    }
}
