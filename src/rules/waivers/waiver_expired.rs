//! FB526: a waiver that has ended accepts nothing.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Ledger;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::waiver::is_open;

pub(crate) static RULE: Rule = Rule {
    id: "FB526",
    name: "waiver-expired",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Product,
    when: When::STATIC,
    awaited: false,
    summary: "a waiver has ended",
    docs: "\
### What it checks
Waivers whose last day, `until`, lies before today, in UTC. What they accepted is a finding again.

### Why
An end is set so that somebody looks again. A waiver that has ended and stays in the plan looks like an acceptance
and is none.

### What to do
Put right what was accepted, and delete the waiver; or have it accepted anew, with a new reason and end.
",
    help: "put right what was accepted, or have it accepted anew",
    article: "product rule",
    fixture: include_str!("../../../tests/rules/waiver-expired.yaml"),
    facts: &[],
    check: Check::Waivers(check),
};

fn check(ledger: &Ledger<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    for waiver in &ledger.model.plan.waivers {
        let Some(until) = waiver.until.filter(|_| !is_open(waiver, ledger.today)) else { continue };
        let message = format!("{}: the waiver ended on {until}", waiver.rule);
        findings
            .at(until.span, message)
            .also(waiver.rule.span, "what it accepted is a finding again")
            .subject(SubjectKind::Waiver, waiver.rule.value.as_str());
    }
    Ok(())
}
