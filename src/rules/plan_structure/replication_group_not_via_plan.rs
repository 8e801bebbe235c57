//! FB506: members of a replication group are reprotected together.

use std::collections::HashMap;

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::plan_structure::span_of;
use crate::rules::steps::Direction;
use crate::rules::steps::PlannedStep;
use crate::rules::steps::Request;
use crate::source::Spanned;
use crate::syntax::action::Phase;

pub(crate) static RULE: Rule = Rule {
    id: "FB506",
    name: "replication-group-not-via-plan",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a member of a replication group is reprotected alone",
    docs: "\
### What it checks
Steps that reprotect to on-premises one machine alone that belongs to a replication group. The language has no words for it: the
engine reprotects the members of a group together. Only the steps of a recovery plan that was imported can break the rule.

### Why
Machines of a replication group can be reprotected only through a recovery plan. One by one they would have no moment in common
to fail over to.

### What to do
Reprotect the whole group, through its recovery plan.
",
    help: "reprotect the whole replication group, through its recovery plan",
    article: "vmware-azure-reprotect, Enable reprotection",
    fixture: include_str!("../../../tests/rules/replication-group-not-via-plan.yaml"),
    facts: &["replication_groups"],
    check: Check::Steps(check),
};

fn check(steps: &[PlannedStep], model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let mut alone = steps.iter().filter(|step| is_alone(step)).peekable();
    if alone.peek().is_none() {
        return Ok(());
    }
    let mut groups: HashMap<&str, &Spanned<String>> = HashMap::new();
    for group in model.inventory.replication_groups.iter().flatten() {
        groups.extend(group.members.iter().map(|member| (member.value.as_str(), &group.name)));
    }
    for group in model.groups() {
        groups.extend(group.members().map(|member| (member.name().value.as_str(), group.name())));
    }
    let mut unknown = Ok(());
    for step in alone {
        let machine = step.machine.as_str();
        match groups.get(machine) {
            Some(group) => {
                findings
                    .at(
                        span_of(step, model),
                        format!(
                            "{machine}: it is in the replication group {group} and can't be reprotected alone"
                        ),
                    )
                    .also(group.span, "its replication group")
                    .subject(SubjectKind::Machine, machine);
            }
            None if model.inventory.replication_groups.is_none() => {
                unknown = unknown.and(Err(Unknown::of("replication_groups", machine)));
            }
            None => {}
        }
    }
    unknown
}

/// Returns whether a step reprotects one machine alone to on-premises.
fn is_alone(step: &PlannedStep) -> bool {
    step.request == Some(Request::ReprotectAlone)
        && step.phase == Phase::Reprotect
        && step.direction != Some(Direction::OnpremToAzure)
}
