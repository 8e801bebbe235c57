//! FB610: a machine that must be resynchronised can't be failed back.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::recovery_point::may_fail_over;

pub(crate) static RULE: Rule = Rule {
    id: "FB610",
    name: "resync-required",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::LIVE.and_at(&[Guard::Failover]),
    awaited: true,
    summary: "the machine must be resynchronised",
    docs: "\
### What it checks
A machine that Site Recovery has marked for resynchronisation, or is resynchronising.

### Why
Source and target of its replication disagree, so its newest points can't be trusted until the disks have been compared
and the differences copied.

### What to do
The run waits until it is over. A resynchronisation starts by itself outside office hours; start it by hand to have it sooner.
",
    help: "let the resynchronisation finish (it starts by itself outside office hours, or by hand)",
    article: "vmware-azure-architecture and vmware-azure-architecture-modernized, Resynchronization process",
    fixture: include_str!("../../../tests/rules/resync-required.yaml"),
    facts: &["machines", "asr", "asr.resync_required"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    if findings.guard().is_none() && !may_fail_over(machine) {
        return Ok(());
    }
    let (asr, name) = (machine.asr()?, machine.name());
    let message = if let Some(running) = asr.resync_in_progress.filter(|running| running.value) {
        Some((running.span, format!("{name}: is being resynchronised")))
    } else {
        // A resynchronisation that runs keeps the mark, so the mark alone is asked for.
        let required = asr.resync_required.fact("asr.resync_required")?;
        required.value.then(|| (required.span, format!("{name}: marked for resynchronisation")))
    };
    if let Some((span, message)) = message {
        findings.at(span, message).also(name.span, "the plan brings it back here");
    }
    Ok(())
}
