//! FB528: some findings are never accepted.

use crate::diagnostic::Label;
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

/// Findings that a waiver is shown beside.
const LABELS: usize = 5;

pub(crate) static RULE: Rule = Rule {
    id: "FB528",
    name: "waiver-never-allowed",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Product,
    when: When::STATIC,
    awaited: false,
    summary: "a waiver accepts what nobody may accept",
    docs: "\
### What it checks
Waivers and comments `# failback: ignore[…]` of rules whose findings can't be accepted: errors, but for those few
that `failback explain` calls waivable, rules about waivers themselves, and rules of policies with `waivable: false`.

### Why
Site Recovery refuses what these rules report, or it destroys data. A sentence in the plan does not change that: the
finding stays, and the waiver misleads whoever reads it.

### What to do
Put right what the rule reports, and delete the waiver.
",
    help: "put right what the rule reports, and delete the waiver",
    article: "product rule",
    fixture: include_str!("../../../tests/rules/waiver-never-allowed.yaml"),
    facts: &[],
    check: Check::Waivers(check),
};

fn check(ledger: &Ledger<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    for entry in ledger.entries().filter(|entry| entry.is_reasoned() && ledger.is_never_allowed(*entry)) {
        let message = format!("{}: its findings can't be accepted", entry.rule);
        let covered = ledger.found(&entry.rule.value).iter().filter(|finding| ledger.covers(entry, finding));
        let covered: Vec<Label> = covered
            .take(LABELS)
            .map(|finding| Label { span: finding.span, text: finding.message.clone() })
            .collect();
        let finding = findings.at(entry.rule.span, message);
        finding.subject(SubjectKind::Waiver, entry.rule.value.as_str());
        for label in covered {
            finding.also(label.span, label.text);
        }
    }
    Ok(())
}
