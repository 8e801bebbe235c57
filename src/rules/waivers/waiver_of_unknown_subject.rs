//! FB530: a waiver names things that there are.

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
use crate::syntax::decode::quoted;

pub(crate) static RULE: Rule = Rule {
    id: "FB530",
    name: "waiver-of-unknown-subject",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Product,
    when: When::STATIC,
    awaited: false,
    summary: "a waiver names something that there is not",
    docs: "\
### What it checks
Names in `of` of a waiver that nothing in the plan and the inventory has, and no finding is about.

### Why
The waiver accepts nothing about that name: it is misspelt, or what it named is gone.

### What to do
Correct the name, or delete it.
",
    help: "correct the name, or delete it",
    article: "product rule",
    fixture: include_str!("../../../tests/rules/waiver-of-unknown-subject.yaml"),
    facts: &[],
    check: Check::Waivers(check),
};

fn check(ledger: &Ledger<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let mut nth = 0;
    for waiver in &ledger.model.plan.waivers {
        for name in waiver.of.iter().filter(|name| !ledger.is_subject(&name.value)) {
            let message = format!("{}: nothing is named {}", waiver.rule, quoted(&name.value));
            let near = ledger.near_subject(&name.value, nth);
            nth += 1;
            let finding = findings.at(name.span, message);
            finding.subject(SubjectKind::Waiver, waiver.rule.value.as_str());
            if let Some(near) = near {
                finding.help(near);
            }
        }
    }
    Ok(())
}
