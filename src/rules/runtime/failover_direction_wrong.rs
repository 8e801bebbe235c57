//! FB702: failback is a failover from Azure.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::runtime::step_place;
use crate::rules::steps::Direction;
use crate::rules::steps::PlannedStep;
use crate::syntax::action::Phase;

pub(crate) static RULE: Rule = Rule {
    id: "FB702",
    name: "failover-direction-wrong",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S32"]),
    when: When::STATIC.and_at(&[Guard::Failover]),
    awaited: false,
    summary: "the failover is not from Azure",
    docs: "\
### What it checks
The direction of each failover step. The language has no word for it, so a plan of its own is always right; a recovery plan
that was imported may not be.

### Why
The direction has to be from Azure before the failover is confirmed. The other one would overwrite what runs in Azure with
an older copy.

### What to do
Correct the direction: from Azure to on-premises.
",
    help: "correct the direction: from Azure to on-premises",
    article: "site-recovery-failback-azure-to-vmware, Steps to fail back (2017-06-05)",
    fixture: include_str!("../../../tests/rules/failover-direction-wrong.yaml"),
    facts: &[],
    check: Check::Steps(check),
};

fn check(steps: &[PlannedStep], model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    for step in steps.iter().filter(|step| step.phase == Phase::Failover) {
        let wrong = match step.direction {
            Some(Direction::AzureToOnprem) => continue,
            Some(Direction::OnpremToAzure) => "the failover is from on-premises to Azure, not from Azure",
            None => "the failover has no direction; it must be from Azure",
        };
        let machine = step_place(step, model);
        findings.at(machine.span, format!("{machine}: {wrong}")).subject(SubjectKind::Machine, machine.value);
    }
    Ok(())
}
