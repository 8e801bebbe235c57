//! FB715: a failover that runs is left to end.

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
use crate::rules::runtime::step_place;
use crate::rules::steps::Direction;
use crate::rules::steps::PlannedStep;
use crate::rules::steps::Request;
use crate::syntax::drill::Drill;
use crate::syntax::drill::DrillKind;
use crate::syntax::drill::Finish;
use crate::syntax::inventory::Experience;

pub(crate) static RULE: Rule = Rule {
    id: "FB715",
    name: "do-not-cancel-running-failover",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a running failover is to be cancelled",
    docs: "\
### What it checks
Requests to cancel a failover: one to Azure whose job runs, and any of the classic architecture on the way home, where nothing can be
cancelled. Steps have no word for it, and no step of the engine asks for it, so those can only be wrong in a recovery plan that was
imported. A `live` drill with `finish: cancel` asks for it in the language; in the classic architecture that is refused. During a
run it is asked when somebody orders `cancel --failovers`, which a classic run refuses with it; what a person cancels beside the
run is seen by its job, and not by this rule.

### Why
Cancelling a failover that runs stops replication for good. Only a planned failover of the modernized architecture can be taken
back, after it has finished and before its commit.

### What to do
Let the job finish, then commit, or in the modernized architecture cancel what has finished. End a classic drill with
`finish: commit`, or rehearse it on the emulator.
",
    help: "let the job finish; only a planned failover of the modernized architecture can be taken back, before its commit",
    article: "vmware-azure-tutorial-failover-failback-modernized, Run a failover; physical-to-azure-failover-failback",
    fixture: include_str!("../../../tests/rules/do-not-cancel-running-failover.yaml"),
    facts: &["vault.experience"],
    check: Check::Steps(check),
};

fn check(steps: &[PlannedStep], model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let mut unknown = Ok(());
    for step in steps.iter().filter(|step| step.request == Some(Request::CancelFailover)) {
        let what = match (step.direction, model.experience()) {
            (Some(Direction::OnpremToAzure), _) => {
                "cancelling a failover that runs stops replication for good"
            }
            (Some(Direction::AzureToOnprem) | None, Ok(Experience::Classic)) => {
                "a classic failback can't be cancelled; trying it stops replication for good"
            }
            (Some(Direction::AzureToOnprem) | None, Ok(Experience::Modernized)) => continue,
            (Some(Direction::AzureToOnprem) | None, Err(missing)) => {
                unknown = Err(missing);
                continue;
            }
        };
        let machine = step_place(step, model);
        findings.at(machine.span, format!("{machine}: {what}")).subject(SubjectKind::Machine, machine.value);
    }
    for drill in &model.plan.drills {
        let Some(span) = takes_back(drill) else { continue };
        match model.experience() {
            Ok(Experience::Classic) => {
                let name = &drill.name;
                findings
                    .at(
                        span,
                        format!("{name}: a classic failback can't be cancelled, so this drill could not end"),
                    )
                    .help("end it with `finish: commit`, or make it a `rehearsal`")
                    .subject(SubjectKind::Drill, name.value.as_str());
            }
            Ok(Experience::Modernized) => {}
            Err(missing) => unknown = Err(missing),
        }
    }
    unknown
}

/// Returns where a drill says that it ends by taking its machines back; `None` if it does not.
fn takes_back(drill: &Drill) -> Option<crate::source::Span> {
    let finish = drill.finish?;
    match (drill.kind.value, finish.value) {
        (DrillKind::Live, Finish::Cancel) => Some(finish.span),
        (DrillKind::Live, Finish::Commit)
        | (DrillKind::Readiness | DrillKind::Rehearsal | DrillKind::TestFailover, _) => None,
    }
}
