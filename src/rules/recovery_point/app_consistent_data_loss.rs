//! FB603: an app-consistent point lies behind the latest one.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Machine;
use crate::model::Model;
use crate::quantity::Seconds;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::recovery_point::Place;
use crate::rules::recovery_point::place_of_choice;
use crate::rules::recovery_point::point_at;
use crate::source::Span;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::PointKind;

pub(crate) static RULE: Rule = Rule {
    id: "FB603",
    name: "app-consistent-data-loss",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S32", "S39"]),
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "an app-consistent point lies behind the latest one",
    docs: "\
### What it checks
Each place of the plan that chooses `app_consistent`. Where the recovery points are known, the finding says how far the
app-consistent point lies behind.

### Why
App-consistent points are taken less often than crash-consistent ones. What was written in Azure since the last one is lost.

### What to do
Stop the application first and let the failover wait for a newer point (`quiesce`), or choose `latest`, or accept the loss:
`acknowledge: [data_loss]`, or a waiver with a reason.
",
    help: "quiesce the application first, or accept the loss with `acknowledge: [data_loss]`, or use the latest point",
    article: "site-recovery-failback-azure-to-vmware, Steps to fail back, To what recovery point can I fail back (2017-06-05)",
    fixture: include_str!("../../../tests/rules/app-consistent-data-loss.yaml"),
    facts: &[],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let mut by_plan = Vec::new();
    let mut by_group: Vec<Vec<Machine<'_>>> = vec![Vec::new(); model.groups().len()];
    let mut by_machine = Vec::new();
    for machine in model.machines() {
        if machine.settings().recovery_point.value == "app_consistent" {
            match place_of_choice(machine) {
                Place::Plan => by_plan.push(machine),
                Place::Group(group) => by_group[group.index()].push(machine),
                Place::Machine => by_machine.push(machine),
            }
        }
    }
    report(&by_plan, SubjectKind::Plan, &model.plan.name.value, findings);
    for (group, members) in model.groups().zip(&by_group) {
        report(members, SubjectKind::ReplicationGroup, &group.name().value, findings);
    }
    for machine in by_machine {
        report(&[machine], SubjectKind::Machine, &machine.name().value, findings);
    }
    Ok(())
}

/// Reports one place of the plan and the machines that it chooses for.
fn report(machines: &[Machine<'_>], kind: SubjectKind, name: &str, findings: &mut Findings<'_>) {
    let Some(first) = machines.first() else { return };
    let span: Span = first.settings().recovery_point.span;
    let behind = machines.iter().filter_map(|machine| behind(*machine)).max();
    let message = match behind {
        Some(behind) => {
            let most = if machines.len() == 1 { "" } else { "up to " };
            format!(
                "{name}: the app-consistent point lies {most}{behind} behind the latest one; that data is lost"
            )
        }
        None => {
            format!("{name}: an app-consistent point lies behind the latest one; what is between is lost")
        }
    };
    let finding = findings.at(span, message).subject(kind, name);
    if kind != SubjectKind::Machine {
        point_at(finding, machines, "goes to an app-consistent point");
    }
}

/// Returns how far a machine's newest app-consistent point lies behind its newest point, if both are known.
fn behind(machine: Machine<'_>) -> Option<Seconds> {
    if machine.model.experience() != Ok(Experience::Classic) {
        return None;
    }
    let points = machine.recovery_points().ok()?;
    let newest = points.iter().filter_map(|point| point.at).map(|at| at.value).max()?;
    let app_consistent = points
        .iter()
        .filter(|point| point.kind.is_some_and(|kind| kind.value == PointKind::AppConsistent))
        .filter_map(|point| point.at)
        .map(|at| at.value)
        .max()?;
    let seconds = newest.as_second() - app_consistent.as_second();
    u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Seconds)
}
