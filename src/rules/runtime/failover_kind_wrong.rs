//! FB703: classic fails back by an unplanned failover, modernized by a planned one.

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
use crate::rules::steps::FailoverKind;
use crate::rules::steps::PlannedStep;
use crate::syntax::action::Phase;
use crate::syntax::inventory::Experience;

pub(crate) static RULE: Rule = Rule {
    id: "FB703",
    name: "failover-kind-wrong",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S31"]),
    when: When::STATIC,
    awaited: false,
    summary: "the failover is not of the kind that the architecture asks for",
    docs: "\
### What it checks
The kind of each failover step. The language has no word for it, so a plan of its own is always right; a recovery plan that
was imported may not be.

### Why
Classic fails back by *Unplanned Failover*, however well it was planned; modernized offers *Planned failover* on the way back.

### What to do
Use the kind that the vault's architecture asks for.
",
    help: "classic: unplanned failover, even though it is planned; modernized: planned failover",
    article: "site-recovery-failback-azure-to-vmware, Steps to fail back (2017-06-05); \
              failover-failback-overview-modernized, Recovery stages",
    fixture: include_str!("../../../tests/rules/failover-kind-wrong.yaml"),
    facts: &["vault.experience"],
    check: Check::Steps(check),
};

fn check(steps: &[PlannedStep], model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    for step in steps.iter().filter(|step| step.phase == Phase::Failover) {
        let experience = model.experience()?;
        let expected = match experience {
            Experience::Classic => FailoverKind::Unplanned,
            Experience::Modernized => FailoverKind::Planned,
        };
        if step.kind != Some(expected) {
            let machine = step_place(step, model);
            let given = step.kind.map_or("of no kind", word);
            let message = format!(
                "{machine}: {experience} fails back by {} failover; this one is {given}",
                word(expected)
            );
            findings.at(machine.span, message).subject(SubjectKind::Machine, machine.value);
        }
    }
    Ok(())
}

const fn word(kind: FailoverKind) -> &'static str {
    match kind {
        FailoverKind::Unplanned => "unplanned",
        FailoverKind::Planned => "planned",
    }
}
