//! FB807: a planned failover makes its own recovery point.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Machine;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::labels::also_machines;
use crate::rules::runtime::failover_is_ahead;
use crate::rules::steps::Direction;
use crate::rules::steps::FailoverKind;
use crate::rules::steps::PlannedStep;
use crate::syntax::action::Phase;

pub(crate) static RULE: Rule = Rule {
    id: "FB807",
    name: "planned-failover-recovery-point",
    severity: Severity::Info,
    architecture: Architecture::Modernized,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "the recovery point is made after the failover job starts",
    docs: "\
### What it checks
Whether a planned failover from Azure is still ahead of a machine of the plan. It says once, for the whole plan, what point the
machines go to.

### Why
A planned failover does not go to a point that exists already. Its job first copies what is pending while the machine runs in
Azure, then shuts the Azure VM down and copies the rest, then starts the on-premises VM: no data is lost. Of the two kinds,
crash-consistent is the recommended one.

### What to do
Nothing. Plan for the time between the shutdown in Azure and the start on-premises.
",
    help: "nothing is to be done; crash-consistent is the recommended kind",
    article: "failover-failback-overview-modernized, Types of failover; \
              vmware-azure-tutorial-failover-failback-modernized, Planned failover",
    fixture: include_str!("../../../tests/rules/planned-failover-recovery-point.yaml"),
    facts: &[],
    check: Check::Steps(check),
};

fn check(steps: &[PlannedStep], model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let mut planned = steps.iter().filter(|step| is_planned_failback(step, model)).peekable();
    if planned.peek().is_some() {
        let span = model.plan.recovery_point.as_ref().map_or(model.plan_span(), |point| point.span);
        let message = "the recovery point is made after the failover job starts: pending changes are copied, then the \
                       Azure VM is shut down, then the on-premises VM is started";
        let machines: Vec<Machine<'_>> =
            planned.filter_map(|step| model.machine_named(step.machine.as_str())).collect();
        also_machines(findings.at(span, message), machines, "fails over as planned");
    }
    Ok(())
}

/// Returns whether a step is a planned failover from Azure that has yet to come; a machine whose state is not known has it ahead.
fn is_planned_failback(step: &PlannedStep, model: &Model) -> bool {
    let is_ahead = || {
        model
            .machine_named(step.machine.as_str())
            .and_then(|machine| machine.state().ok())
            .is_none_or(failover_is_ahead)
    };
    step.phase == Phase::Failover
        && step.kind == Some(FailoverKind::Planned)
        && step.direction == Some(Direction::AzureToOnprem)
        && is_ahead()
}
