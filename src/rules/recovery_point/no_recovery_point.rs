//! FB600: a machine without a recovery point can't be failed back.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::recovery_point::has_point;
use crate::rules::recovery_point::may_fail_over;

pub(crate) static RULE: Rule = Rule {
    id: "FB600",
    name: "no-recovery-point",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S36"]),
    when: When::LIVE.and_at(&[Guard::Failover]),
    awaited: true,
    summary: "no recovery point from Azure to on-premises",
    docs: "\
### What it checks
A machine for which Site Recovery has not made a recovery point on its way from Azure to on-premises.

### Why
A failover goes to a recovery point. The first one appears some time after reprotect, when the initial replication is done.

### What to do
Before the machine is reprotected, nothing: the run reprotects it and waits for the first point, until the plan's
`thresholds.reprotect_deadline`. If none appears by then, look at the health of its replication.
",
    help: "wait for the initial replication to finish and the first point to appear",
    article: "site-recovery-failback-azure-to-vmware, To what recovery point can I fail back (2017-06-05)",
    fixture: include_str!("../../../tests/rules/no-recovery-point.yaml"),
    facts: &["machines", "asr", "asr.recovery_points"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let asked = findings.guard().is_some() || may_fail_over(machine);
    if asked && !has_point(machine)? {
        let name = machine.name();
        let facts = machine.facts()?;
        findings
            .at(facts.name.span, format!("{name}: no recovery point from Azure to on-premises yet"))
            .also(name.span, "the plan fails it over here");
    }
    Ok(())
}
