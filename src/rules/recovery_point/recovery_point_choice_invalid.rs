//! FB602: failback offers two kinds of recovery point, and a replication group goes to one of them.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Group;
use crate::model::Model;
use crate::model::PointChoice;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::source::Spanned;
use crate::syntax::inventory::Experience;

pub(crate) static RULE: Rule = Rule {
    id: "FB602",
    name: "recovery-point-choice-invalid",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S32", "S34"]),
    when: When::STATIC,
    awaited: false,
    summary: "the recovery point is not one that failback offers",
    docs: "\
### What it checks
Each `recovery_point` of the plan: classic offers `latest` and `app_consistent`; modernized offers `crash_consistent` and
`app_consistent`, and `latest` means `crash_consistent` there. Members of a replication group must not differ from their group.

### Why
Site Recovery is told the kind of point, and chooses the point. It knows no other kinds on the way back: a point of one's own
choice is offered only on the way to Azure. A replication group fails over in one step, to one kind of point.

### What to do
Write one of the words that the architecture offers. In a replication group write it once, at the group.
",
    help: "choose the latest (crash-consistent) or the app-consistent point",
    article: "site-recovery-failback-azure-to-vmware, Steps to fail back, To what recovery point can I fail back (2017-06-05); \
              failover-failback-overview-modernized, Planned failover",
    fixture: include_str!("../../../tests/rules/recovery-point-choice-invalid.yaml"),
    facts: &["vault.experience"],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let mut outcome = Ok(());
    let plan = &model.plan;
    if let Some(choice) = &plan.recovery_point {
        outcome = outcome.and(check_word(choice, SubjectKind::Plan, &plan.name, model, findings));
    }
    for group in &plan.replication_groups {
        if let Some(choice) = &group.recovery_point {
            let kind = SubjectKind::ReplicationGroup;
            outcome = outcome.and(check_word(choice, kind, &group.name, model, findings));
        }
    }
    for machine in &plan.machines {
        if let Some(choice) = &machine.0.recovery_point {
            let kind = SubjectKind::Machine;
            outcome = outcome.and(check_word(choice, kind, &machine.0.name, model, findings));
        }
    }
    if let Ok(experience) = model.experience() {
        for group in model.groups() {
            check_members(group, experience, findings);
        }
    }
    outcome
}

/// Reports a word that is not offered; the architecture is asked for only where it decides.
fn check_word(
    choice: &Spanned<String>,
    kind: SubjectKind,
    name: &Spanned<String>,
    model: &Model,
    findings: &mut Findings<'_>,
) -> Fact<()> {
    let offered_by = |experience| PointChoice::from_word(&choice.value, experience).is_some();
    let (classic, modernized) = (offered_by(Experience::Classic), offered_by(Experience::Modernized));
    let offered = if classic == modernized { classic } else { offered_by(model.experience()?) };
    if !offered {
        let message = format!("{name}: recovery point `{choice}` is not offered for failback");
        let finding = findings.at(choice.span, message).subject(kind, name.value.clone());
        if let Ok(experience) = model.experience() {
            let words: Vec<String> =
                PointChoice::words(experience).iter().map(|word| format!("`{word}`")).collect();
            finding.help(format!("choose one of {}", words.join(", ")));
        }
    }
    Ok(())
}

/// Reports members that choose another kind of point than their group goes to: they would not be heard.
fn check_members(group: Group<'_>, experience: Experience, findings: &mut Findings<'_>) {
    let of_group = group.recovery_point();
    let Some(choice) = PointChoice::from_word(of_group.value, experience) else { return };
    for member in group.members() {
        let listed = member.model.listed(member.index());
        let own = listed.and_then(|listed| listed.recovery_point.as_ref());
        let own = own.unwrap_or(&member.settings().recovery_point);
        if PointChoice::from_word(&own.value, experience).is_some_and(|own| own != choice) {
            let name = member.name();
            let span = if own.span.is_none() { name.span } else { own.span };
            let message = format!("{name}: `{own}` is not offered beside the group's `{}`", of_group.value);
            findings
                .at(span, message)
                .subject(SubjectKind::Machine, name.value.clone())
                .also(of_group.span, format!("replication group {} goes to this kind of point", group.name()))
                .help("write `recovery_point` at the replication group alone: its members fail over in one step");
        }
    }
}
