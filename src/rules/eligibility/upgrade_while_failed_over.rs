//! FB019: a machine is moved to the modernized architecture only while it replicates to Azure and nothing else happens.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::steps::PlannedStep;
use crate::rules::steps::Request;
use crate::source::Span;
use crate::syntax::machine::ActiveSite;
use crate::syntax::machine::State;

pub(crate) static RULE: Rule = Rule {
    id: "FB019",
    name: "upgrade-while-failed-over",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a machine is to be moved to the modernized architecture at the wrong time",
    docs: "\
### What it checks
A step that moves a machine from the classic to the modernized architecture while the machine runs in Azure, is on its way
home, or while its initial replication or a resynchronisation runs. Plans of this language have no such step, so only
steps that somebody else put together can break the rule.

### Why
Site Recovery moves a machine only while it replicates from on-premises to Azure and is healthy. First to upgrade and then
to fail back is no way: it is failed back in classic, and moved afterwards.

### What to do
Fail the machine back in classic, reprotect it to Azure, wait until it is protected, and then move it.
",
    help: "fail back in classic first; upgrade when the machine replicates to Azure again and is healthy",
    article: "move-from-classic-to-modernized-vmware-disaster-recovery, Prepare classic Recovery Services vault",
    fixture: include_str!("../../../tests/rules/upgrade-while-failed-over.yaml"),
    facts: &["machines", "state", "asr", "asr.resync_in_progress"],
    check: Check::Steps(check),
};

fn check(steps: &[PlannedStep], model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    for step in steps.iter().filter(|step| step.request == Some(Request::UpgradeToModernized)) {
        let name = step.machine.as_str();
        let found = model
            .machine_named(name)
            .ok_or_else(|| Unknown::of("machines", name))
            .and_then(|machine| hindrance(machine).map_err(|unknown| Unknown::of(unknown.field, name)));
        match found {
            Ok(None) => {}
            Ok(Some((span, why))) => {
                let message = format!("{name}: {why}, so it can't be moved from classic to modernized");
                findings
                    .at(step.span, message)
                    .subject(SubjectKind::Machine, name)
                    .also(span, format!("{name}: {why}"));
            }
            Err(unknown) => findings.unknown(&unknown),
        }
    }
    Ok(())
}

/// Returns what keeps a machine from being moved, and where it is said; `None` if nothing does.
fn hindrance(machine: Machine<'_>) -> Fact<Option<(Span, &'static str)>> {
    let facts = machine.facts()?;
    let resync = facts.asr.as_ref().and_then(|asr| asr.resync_in_progress.as_ref());
    if let Some(resync) = resync.filter(|resync| resync.value) {
        return Ok(Some((resync.span, "it is being resynchronised")));
    }
    if let Some(site) = facts.active_site.as_ref().filter(|site| site.value == ActiveSite::Azure) {
        return Ok(Some((site.span, "it runs in Azure")));
    }
    let state = facts.state.fact("state")?;
    let why = match state.value {
        State::FailedOver | State::FailedOverCommitted => "it has failed over to Azure",
        State::ReprotectingToOnprem | State::ReprotectingToAzure => "its initial replication runs",
        State::ProtectedToOnprem => "it replicates from Azure to on-premises",
        State::FailingBack | State::FailedBack => "it is failing back",
        State::ProtectedToAzure
        | State::FailedBackCommitted
        | State::Migrated
        | State::AzureVmDeleted
        | State::ReplicationDisabled
        | State::AzureVmMoved => {
            facts.asr.fact("asr")?.resync_in_progress.fact("asr.resync_in_progress")?;
            return Ok(None);
        }
    };
    Ok(Some((state.span, why)))
}
