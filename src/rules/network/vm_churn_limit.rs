//! FB408: a machine's data changes no faster than replication follows.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::unmeasured::Measured;
use crate::rules::unmeasured::each_machine;

pub(crate) static RULE: Rule = Rule {
    id: "FB408",
    name: "vm-churn-limit",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the machine's data changes faster than replication follows",
    docs: "\
### What it checks
The peak of a machine's changed data, where the inventory says how fast its data changes. The limit is 54 MB/s. Without
`churn` nobody measured it: the rule is undecided, and does not weigh.

### Why
Replication of one machine follows up to 54 MB/s at peak. Above that it falls behind, recovery points grow old, and the
machine may never become ready to fail over.

### What to do
Reduce what the machine writes during reprotect: put off batch jobs, rebuilds of indexes and backups to its own disks.
",
    help: "reduce what it writes during reprotect",
    article: "vmware-physical-azure-support-matrix, Churn limits",
    fixture: include_str!("../../../tests/rules/vm-churn-limit.yaml"),
    facts: &["machines", "churn", "churn.peak_mb_s"],
    check: Check::Plan(check),
};

/// Peak of changed data that replication of one machine follows, in MB/s (vmware-physical-azure-support-matrix, Churn limits).
const LIMIT: f64 = 54.0;

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    each_machine(&RULE, model, findings, look);
    Ok(())
}

fn look(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<Measured> {
    let Some(churn) = &machine.facts()?.churn else { return Ok(Measured::LeftOut) };
    let peak = churn.peak_mb_s.fact("churn.peak_mb_s")?;
    if peak.value > LIMIT {
        let name = machine.name();
        findings
            .at(
                peak.span,
                format!("{name}: its data changes at {peak} MB/s at peak, and {LIMIT} MB/s are the limit"),
            )
            .also(name.span, "the plan brings it back here");
    }
    Ok(Measured::Known)
}
