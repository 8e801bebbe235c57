//! FB513: a failback ends with a commit.

use crate::diagnostic::Severity;
use crate::id::IdMap;
use crate::id::IdSet;
use crate::model::Fact;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::plan_structure::span_of;
use crate::rules::steps::PlannedStep;
use crate::syntax::action::Phase;
use crate::syntax::plan::CommitGate;

pub(crate) static RULE: Rule = Rule {
    id: "FB513",
    name: "commit-step-missing",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S42", "S43"]),
    when: When::STATIC,
    awaited: false,
    summary: "the failback is never committed",
    docs: "\
### What it checks
Machines with `commit: never`, and imported steps with a failover that no commit follows.

### Why
Only the commit removes the failed-over virtual machine from Azure and ends the failback. Without it the
machine stays in between: it can't be protected again, and Azure goes on charging for it.

### What to do
Let a person approve the commit with `commit: on_approval`, which is what happens if nothing is said; add a
manual action before it if more than one approval is needed.
",
    help: "use `commit: on_approval` if a person is to decide when",
    article: "site-recovery-failback-azure-to-vmware, Next steps, Commit (2017-06-05)",
    fixture: include_str!("../../../tests/rules/commit-step-missing.yaml"),
    facts: &[],
    check: Check::Steps(check),
};

fn check(steps: &[PlannedStep], model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let mut refused: IdSet<&str> = IdSet::default();
    for machine in model.machines() {
        let commit = machine.settings().commit;
        match commit.value {
            CommitGate::Never => {
                let name = machine.name();
                refused.insert(&name.value);
                findings
                    .at(commit.span, message(name))
                    .also(name.span, "a machine that would never be committed")
                    .subject(SubjectKind::Machine, name.value.as_str());
            }
            CommitGate::OnApproval | CommitGate::Automatic => {}
        }
    }
    // The last failover of each machine that no commit follows.
    let mut open: IdMap<&str, &PlannedStep> = IdMap::default();
    for step in steps {
        match step.phase {
            Phase::Failover => {
                open.insert(step.machine.as_str(), step);
            }
            Phase::Commit => {
                open.remove(step.machine.as_str());
            }
            Phase::Run | Phase::Reprotect | Phase::Verify | Phase::Forward => {}
        }
    }
    let mut left: Vec<&PlannedStep> = open.into_values().collect();
    left.retain(|step| !refused.contains(step.machine.as_str()));
    left.sort_by_key(|step| &step.machine);
    for step in left {
        findings
            .at(span_of(step, model), message(step.machine.as_str()))
            .subject(SubjectKind::Machine, step.machine.as_str());
    }
    Ok(())
}

fn message(machine: &str) -> String {
    format!("{machine}: the plan never commits; its Azure VM would stay, and it could not be protected again")
}
