//! FB607: the latest point is crash-consistent.

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
use crate::rules::recovery_point::Place;
use crate::rules::recovery_point::place_of_choice;
use crate::source::Span;

pub(crate) static RULE: Rule = Rule {
    id: "FB607",
    name: "latest-is-crash-consistent",
    severity: Severity::Info,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S37"]),
    when: When::STATIC,
    awaited: false,
    summary: "the latest recovery point is crash-consistent",
    docs: "\
### What it checks
Whether the plan, or a replication group of it, goes to `latest`. It says so once for the plan, with the number of machines, and
once for each group that chooses for itself.

### Why
The latest recovery point is crash-consistent: to the application it is as if the machine had lost power. Databases recover
from their logs when they start, which takes time and should be checked.

### What to do
Plan a check of the recovered data, or stop the application before the failover, or choose `app_consistent`.
",
    help: "plan a recovery check of databases, or stop the application before the failover",
    article: "site-recovery-failback-azure-to-vmware, To what recovery point can I fail back, NOTE (2017-06-05)",
    fixture: include_str!("../../../tests/rules/latest-is-crash-consistent.yaml"),
    facts: &[],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let goes_to_latest = |machine: &Machine<'_>| machine.settings().recovery_point.value == "latest";
    let latest: Vec<Machine<'_>> = model
        .machines()
        .filter(goes_to_latest)
        .filter(|machine| match place_of_choice(*machine) {
            Place::Plan | Place::Machine => true,
            Place::Group(_) => false,
        })
        .collect();
    if let Some(first) = latest.first() {
        let (name, all) = (&model.plan.name, model.machines().len());
        let who = match (latest.len(), all) {
            (1, 1) => "its machine goes to it".to_owned(),
            (some, all) if some == all => format!("all {all} machines go to it"),
            (1, all) => format!("1 of {all} machines goes to it"),
            (some, all) => format!("{some} of {all} machines go to it"),
        };
        let message = format!("{name}: the latest recovery point is crash-consistent; {who}");
        findings.at(span(model, *first), message);
    }
    for group in model.groups() {
        if let Some(choice) = group.plan().recovery_point.as_ref().filter(|choice| choice.value == "latest") {
            let name = group.name();
            let message = format!(
                "{name}: the latest recovery point is crash-consistent; members of the group go to it ({})",
                group.members().count()
            );
            findings.at(choice.span, message).subject(SubjectKind::ReplicationGroup, name.value.clone());
        }
    }
    Ok(())
}

/// Returns the line that chooses `latest`: the plan's, else that of the first machine that does.
fn span(model: &Model, first: Machine<'_>) -> Span {
    match &model.plan.recovery_point {
        Some(choice) if choice.value == "latest" => choice.span,
        Some(_) => first.settings().recovery_point.span,
        None => Span::NONE,
    }
}
