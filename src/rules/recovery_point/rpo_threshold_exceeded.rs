//! FB608: a newest recovery point that is old loses much.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::quantity::Seconds;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::runtime::is_due;
use crate::syntax::machine::State;

pub(crate) static RULE: Rule = Rule {
    id: "FB608",
    name: "rpo-threshold-exceeded",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::LIVE.and_at(&[Guard::Failover]),
    awaited: false,
    summary: "the newest recovery point is older than the threshold of the failback policy",
    docs: "\
### What it checks
The age of the newest recovery point of a machine that replicates to on-premises, and of each machine right before its
failover. The threshold is that of the failback policy: 15 minutes. Site Recovery's own measure counts, `rpo_seconds`:
recorded times of points can't be relied on.

### Why
What changed since the newest point has yet to be carried home: the failover takes longer, or loses it. Such an age
says that process server, network or churn hold the replication up.

### What to do
Look at the process server or appliance, the network and the churn of the machine before it is failed over.
",
    help: "check the process server or appliance, the network and the churn before failing over",
    article: "vmware-azure-prepare-failback, Failback replication policy",
    fixture: include_str!("../../../tests/rules/rpo-threshold-exceeded.yaml"),
    facts: &["machines", "state", "asr", "asr.rpo_seconds"],
    check: Check::Machine(check),
};

/// RPO threshold of the failback policy (vmware-azure-prepare-failback, Failback replication policy).
const THRESHOLD: Seconds = Seconds::minutes(15);

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    // Until the machine is protected there may be no point yet, which other rules are about.
    if !is_due(machine, findings, Guard::Failover, State::ProtectedToOnprem)? {
        return Ok(());
    }
    let age = machine.asr()?.rpo_seconds.fact("asr.rpo_seconds")?;
    if age.value > THRESHOLD.0 {
        let name = machine.name();
        findings
            .at(
                age.span,
                format!(
                    "{name}: the newest recovery point is {} old, the RPO threshold is {THRESHOLD}",
                    Seconds(age.value)
                ),
            )
            .also(name.span, "the plan brings it back here");
    }
    Ok(())
}
