//! FB809: replication is not to be disabled after a planned failover that failed halfway.

use crate::diagnostic::Severity;
use crate::model::Fact;
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
    id: "FB809",
    name: "planned-failover-failed-do-not-disable",
    severity: Severity::Error,
    architecture: Architecture::Modernized,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "replication is to be disabled although a planned failover stands halfway",
    docs: "\
### What it checks
A step that disables the replication of a machine whose planned failover has neither succeeded nor been taken back: it failed,
and its automatic cancellation failed too. The language has no word for such a step, so a plan of its own is always right; what
was put together elsewhere may not be. During a run the same is asked about each machine whose planned failover has just failed,
as it is observed then: if it stands halfway, or nobody can say, the run raises an alarm before a person does at the site what
can't be taken back. What a person disables beside the run is not seen by this rule.

### Why
The machine is then neither whole in Azure nor whole on-premises. Its protection is what knows both halves; without it nothing
can bring them together again.

### What to do
Start the cancellation by hand, as Site Recovery asks. If that fails too, contact Microsoft Support, and leave the protection
as it is.
",
    help: "start the cancellation by hand; if that fails too, contact Microsoft Support",
    article: "vmware-azure-tutorial-failover-failback-modernized, Planned failover, failure",
    fixture: include_str!("../../../tests/rules/planned-failover-failed-do-not-disable.yaml"),
    facts: &["machines", "state"],
    check: Check::Steps(check),
};

fn check(steps: &[PlannedStep], model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let mut unknown = None;
    for step in steps.iter().filter(|step| step.request == Some(Request::DisableReplication)) {
        let place = machine_of(step, model);
        match place.and_then(|(machine, span)| Ok((machine, span, machine.state()?))) {
            Ok((machine, span, State::FailingBack)) => {
                let name = machine.name();
                let message = format!(
                    "{name}: its planned failover has neither succeeded nor been cancelled; replication must not be \
                     disabled: start the cancellation by hand"
                );
                let state = machine.facts()?.state;
                findings
                    .at(span, message)
                    .subject(SubjectKind::Machine, name.value.as_str())
                    .also(state.map_or(Span::NONE, |state| state.span), "its failover stands halfway");
            }
            Ok((
                _,
                _,
                State::ProtectedToAzure
                | State::FailedOver
                | State::FailedOverCommitted
                | State::ReprotectingToOnprem
                | State::ProtectedToOnprem
                | State::FailedBack
                | State::FailedBackCommitted
                | State::ReprotectingToAzure
                | State::Migrated
                | State::AzureVmDeleted
                | State::ReplicationDisabled
                | State::AzureVmMoved,
            )) => {}
            Err(missing) => unknown = unknown.or(Some(missing)),
        }
    }
    unknown.map_or(Ok(()), Err)
}
