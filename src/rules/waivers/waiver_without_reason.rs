//! FB525: a waiver says why.

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
    id: "FB525",
    name: "waiver-without-reason",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Product,
    when: When::STATIC,
    awaited: false,
    summary: "a waiver does not say why",
    docs: "\
### What it checks
Waivers whose `reason` has neither a letter nor a digit, and comments `# failback: ignore[…]` without a reason.

### Why
Whoever reads the plan later, an auditor or the person on call, has to see who accepted what, and why. A waiver
without a reason accepts nothing, so the plan would be refused for the finding anyway, or for no visible cause.

### What to do
Write who accepted the finding and why, with the number of the change if there is one; or delete the waiver.
",
    help: "write who accepts it and why, or delete it",
    article: "product rule",
    fixture: include_str!("../../../tests/rules/waiver-without-reason.yaml"),
    facts: &[],
    check: Check::Waivers(check),
};

fn check(ledger: &Ledger<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    for entry in ledger.entries().filter(|entry| !entry.is_reasoned()) {
        let message = format!("{}: the {} gives no reason, and accepts nothing", entry.rule, entry.word());
        findings.at(entry.reason_span(), message).subject(SubjectKind::Waiver, entry.rule.value.as_str());
    }
    Ok(())
}
