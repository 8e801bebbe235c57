//! FB512: the steps of a machine stand in the order of its life cycle.

use std::collections::HashSet;

use crate::diagnostic::Severity;
use crate::id::IdMap;
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
use crate::rules::steps::Direction;
use crate::rules::steps::PlannedStep;
use crate::syntax::action::Phase;

pub(crate) static RULE: Rule = Rule {
    id: "FB512",
    name: "step-order",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S05", "S06", "S07", "S24", "S33", "S42", "S43", "S44", "S45"]),
    when: When::STATIC,
    awaited: false,
    summary: "steps of a machine are in the wrong order",
    docs: "\
### What it checks
The steps of each machine: reprotect to on-premises, failover from Azure, verification, commit, reprotect to
Azure. The language has no words for another order: steps are derived, so the rule can be broken only by a
recovery plan of Site Recovery that was imported.

### Why
Each step needs what the one before it leaves behind. A machine can't fail over before it replicates to
on-premises; a commit before the verification deletes the copy in Azure that might still be needed; and only a
committed machine can be protected again.

### What to do
Let the engine derive the steps, or put the imported steps in this order.
",
    help: "put the steps in this order: reprotect, failover, verify, commit, reprotect to Azure",
    article: "site-recovery-failback-azure-to-vmware, Overview, Steps to fail back, Commit, Reprotect from on-premises to Azure (2017-06-05)",
    fixture: include_str!("../../../tests/rules/step-order.yaml"),
    facts: &[],
    check: Check::Steps(check),
};

fn check(steps: &[PlannedStep], model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let mut latest: IdMap<&str, (usize, &PlannedStep)> = IdMap::default();
    let mut reported: HashSet<&str> = HashSet::new();
    for step in steps {
        let Some(place) = place(step) else { continue };
        let machine = step.machine.as_str();
        let last = latest.entry(machine).or_insert((place, step));
        let (before, earlier) = *last;
        if before <= place {
            *last = (place, step);
        } else if reported.insert(machine) {
            findings
                .at(
                    span_of(earlier, model),
                    format!("{machine}: the step {} is placed before {}", words(before), words(place)),
                )
                .also(step.span, format!("{} must come first", words(place)))
                .subject(SubjectKind::Machine, machine);
        }
    }
    Ok(())
}

/// Returns the place of a step in the life cycle; `None` if it is of the whole run.
fn place(step: &PlannedStep) -> Option<usize> {
    match (step.phase, step.direction) {
        (Phase::Run, _) => None,
        (Phase::Reprotect, Some(Direction::OnpremToAzure)) | (Phase::Forward, _) => Some(4),
        (Phase::Reprotect, Some(Direction::AzureToOnprem) | None) => Some(0),
        (Phase::Failover, _) => Some(1),
        (Phase::Verify, _) => Some(2),
        (Phase::Commit, _) => Some(3),
    }
}

/// Returns the words for a place in the life cycle.
const fn words(place: usize) -> &'static str {
    match place {
        0 => "`reprotect` to on-premises",
        1 => "`failover`",
        2 => "`verify`",
        3 => "`commit`",
        _ => "`reprotect` to Azure",
    }
}
