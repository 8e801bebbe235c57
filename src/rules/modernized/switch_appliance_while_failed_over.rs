//! FB812: machines move to another appliance only while they replicate to Azure.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Machine;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::modernized::machine_of;
use crate::rules::steps::PlannedStep;
use crate::rules::steps::Request;
use crate::source::Span;
use crate::syntax::machine::State;

pub(crate) static RULE: Rule = Rule {
    id: "FB812",
    name: "switch-appliance-while-failed-over",
    severity: Severity::Error,
    architecture: Architecture::Modernized,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a machine is to be switched to another appliance while it does not replicate to Azure",
    docs: "\
### What it checks
A step that switches a machine to another appliance, if the machine does not replicate from on-premises to Azure, or if it was
moved to another vCenter than the one it was protected under. The language has no word for such a step, so a plan of its own is
always right; what was put together elsewhere may not be.

### Why
Switching hands a running replication from one appliance to another. A machine that runs in Azure has none in this direction.

### What to do
Name the appliance in the plan, under `failback`: reprotect takes any appliance of the vault.
",
    help: "name the appliance under `failback` instead: reprotect takes any appliance of the vault",
    article: "switch-replication-appliance-modernized, Considerations",
    fixture: include_str!("../../../tests/rules/switch-appliance-while-failed-over.yaml"),
    facts: &["machines", "state", "onprem_vm", "onprem_vm.vcenter", "asr", "asr.source_vcenter"],
    check: Check::Steps(check),
};

fn check(steps: &[PlannedStep], model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let mut unknown = None;
    for step in steps.iter().filter(|step| step.request == Some(Request::SwitchAppliance)) {
        let obstacle = machine_of(step, model)
            .and_then(|(machine, span)| Ok(obstacle(machine)?.map(|obstacle| (machine, span, obstacle))));
        match obstacle {
            Ok(Some((machine, span, (reason, place)))) => {
                let name = machine.name();
                let message = format!(
                    "{name}: only machines that replicate from on-premises to Azure can be switched to another \
                     appliance, and {reason}"
                );
                findings
                    .at(span, message)
                    .subject(SubjectKind::Machine, name.value.as_str())
                    .also(place, "so the facts say");
            }
            Ok(None) => {}
            Err(missing) => unknown = unknown.or(Some(missing)),
        }
    }
    unknown.map_or(Ok(()), Err)
}

/// Returns what keeps a machine from being switched, and where the facts say it.
fn obstacle(machine: Machine<'_>) -> Fact<Option<(String, Span)>> {
    use crate::model::Known;
    match machine.state()? {
        State::ProtectedToAzure | State::ReprotectingToAzure => {}
        state @ (State::FailedOver
        | State::FailedOverCommitted
        | State::ReprotectingToOnprem
        | State::ProtectedToOnprem
        | State::FailingBack
        | State::FailedBack
        | State::FailedBackCommitted
        | State::Migrated
        | State::AzureVmDeleted
        | State::ReplicationDisabled
        | State::AzureVmMoved) => {
            let span = machine.facts()?.state.map_or(Span::NONE, |state| state.span);
            return Ok(Some((format!("it is {state}"), span)));
        }
    }
    let own = machine.onprem_vm()?.vcenter.fact("onprem_vm.vcenter")?;
    let source = machine.asr()?.source_vcenter.fact("asr.source_vcenter")?;
    Ok(match (own, source) {
        (Some(own), Some(source)) if own.value != source.value => {
            Some((format!("it was moved from {source} to {own}"), own.span))
        }
        (Some(_) | None, Some(_) | None) => None,
    })
}
