//! FB536: a waiver has an end.

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

pub(crate) static RULE: Rule = Rule {
    id: "FB536",
    name: "waiver-without-end",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Product,
    when: When::STATIC,
    awaited: false,
    summary: "a waiver never ends",
    docs: "\
### What it checks
Waivers of the plan that name no last day, `until`. A comment `# failback: ignore[…]` stands beside what it accepts,
has no day, and is not meant.

### Why
What was accepted for a reason has to be looked at again when the reason may be gone. A waiver without an end accepts
the finding for good, also of machines that join the plan later.

### What to do
Write the last day on which the acceptance holds, as whoever accepted it said.
",
    help: "write the last day of the acceptance: `until: YYYY-MM-DD`",
    article: "product rule",
    fixture: include_str!("../../../tests/rules/waiver-without-end.yaml"),
    facts: &[],
    check: Check::Waivers(check),
};

fn check(ledger: &Ledger<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    for waiver in ledger.model.plan.waivers.iter().filter(|waiver| waiver.until.is_none()) {
        let message = format!("{}: the waiver has no end", waiver.rule);
        findings.at(waiver.rule.span, message).subject(SubjectKind::Waiver, waiver.rule.value.as_str());
    }
    Ok(())
}
