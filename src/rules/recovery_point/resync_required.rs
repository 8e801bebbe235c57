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
use crate::rules::runtime::reprotect_is_ahead;

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
A machine that Site Recovery has marked for resynchronisation, or is resynchronising. Both are asked for, since a mark that is not
set says nothing about a resynchronisation that runs; before its reprotect nothing of a machine can be resynchronised.

### Why
Source and target of its replication disagree, so its newest points can't be trusted until the disks have been compared
and the differences copied.

### What to do
The run waits until it is over. A resynchronisation starts by itself outside office hours; start it by hand to have it sooner.
",
    help: "let the resynchronisation finish (it starts by itself outside office hours, or by hand)",
    article: "vmware-azure-architecture and vmware-azure-architecture-modernized, Resynchronization process",
    fixture: include_str!("../../../tests/rules/resync-required.yaml"),
    facts: &["machines", "asr", "asr.resync_required", "asr.resync_in_progress"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    if findings.guard().is_none() && !may_fail_over(machine) {
        return Ok(());
    }
    let (asr, name) = (machine.asr()?, machine.name());
    let running = asr.resync_in_progress.fact("asr.resync_in_progress");
    let required = asr.resync_required.fact("asr.resync_required");
    let broken = match (&running, &required) {
        (Ok(running), _) if running.value => Some((running.span, "is being resynchronised")),
        (_, Ok(required)) if required.value => Some((required.span, "marked for resynchronisation")),
        _ => None,
    };
    if let Some((span, what)) = broken {
        findings.at(span, format!("{name}: {what}")).also(name.span, "the plan brings it back here");
        return Ok(());
    }
    required?;
    if findings.guard().is_some() || may_replicate(machine) {
        running?;
    }
    Ok(())
}

/// Returns whether a machine may replicate to on-premises; before its reprotect nothing is there to be resynchronised.
fn may_replicate(machine: Machine<'_>) -> bool {
    !machine.state().is_ok_and(reprotect_is_ahead)
}
