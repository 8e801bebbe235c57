//! FB603: an app-consistent point lies behind the latest one.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Group;
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
use crate::rules::consistency;
use crate::rules::consistency::Outlook;
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
app-consistent point lies behind: of a replication group, the newest one that all its members share, which is where they go.

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
    let mut common: HashMap<usize, Option<Timestamp>> = HashMap::new();
    let behind: Vec<Option<Seconds>> = machines
        .iter()
        .map(|machine| {
            let point = match machine.group() {
                Some(group) => *common.entry(group.index()).or_insert_with(|| common_point(group)),
                None => own_point(*machine),
            };
            behind(*machine, point?)
        })
        .collect();
    let message = match behind.iter().flatten().max().filter(|behind| behind.0 > 0) {
        Some(most) => {
            // Of a machine of which nobody knows it, more may be lost.
            let (up_to, or_more) = match behind.as_slice() {
                [_] => ("", ""),
                _ if behind.contains(&None) => ("", " or more"),
                _ => ("up to ", ""),
            };
            format!(
                "{name}: the app-consistent point lies {up_to}{most}{or_more} behind the latest one; that data is lost"
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

/// Returns the moment that all members of a replication group go to, if there is one and it is known.
fn common_point(group: Group<'_>) -> Option<Timestamp> {
    match consistency::common_point(group) {
        Outlook::Known { at, .. } => at,
        Outlook::None | Outlook::MadeAtFailover | Outlook::Unknown { .. } => None,
    }
}

/// Returns a machine's newest app-consistent point, if it is known.
fn own_point(machine: Machine<'_>) -> Option<Timestamp> {
    let points = machine.recovery_points().ok()?;
    let app_consistent =
        points.iter().filter(|point| point.kind.is_some_and(|kind| kind.value == PointKind::AppConsistent));
    app_consistent.filter_map(|point| point.at).map(|at| at.value).max()
}

/// Returns how far a point lies behind a machine's newest one, if that is known.
fn behind(machine: Machine<'_>, point: Timestamp) -> Option<Seconds> {
    if machine.model.experience() != Ok(Experience::Classic) {
        return None;
    }
    let newest =
        machine.recovery_points().ok()?.iter().filter_map(|point| point.at).map(|at| at.value).max()?;
    Some(Seconds(u64::try_from(newest.as_second() - point.as_second()).unwrap_or(0)))
}
