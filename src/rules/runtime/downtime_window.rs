//! FB714: the application is down during the failover.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::runtime::failing_over;
use crate::rules::steps::PlannedStep;

pub(crate) static RULE: Rule = Rule {
    id: "FB714",
    name: "downtime-window",
    severity: Severity::Info,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "the failover takes the application down",
    docs: "\
### What it checks
Whether the plan fails machines over.

### Why
The failover shuts the Azure virtual machine down, copies what is still pending, and boots the on-premises one. In between nobody
serves the application.

### What to do
Agree on a window and write it under `execution.window`: failovers and commits begin only inside it. `failback plan` says how long
each machine will be down; how much changes after the last replication decides.
",
    help: "agree on a window (`execution.window`); `failback plan` says how long each machine will be down",
    article: "vmware-azure-reprotect, Next steps; site-recovery-failback-azure-to-vmware, Steps to fail back (2017-06-05)",
    fixture: include_str!("../../../tests/rules/downtime-window.yaml"),
    facts: &[],
    check: Check::Steps(check),
};

fn check(steps: &[PlannedStep], model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let count = failing_over(steps);
    if count > 0 {
        let plan = &model.plan.name;
        let (machines, run) =
            if count == 1 { ("machine is", "it runs") } else { ("machines are", "they run") };
        let message =
            format!("{plan}: {count} {machines} down from the shut-down in Azure until {run} on-premises");
        let finding = findings.at(plan.span, message);
        if let Some(window) = model.plan.execution.as_ref().and_then(|execution| execution.window.as_ref()) {
            finding.also(window.from.span, "failovers begin only inside this window");
        }
    }
    Ok(())
}
