//! FB527: a waiver names a rule that there is.

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
use crate::rules::ledger::Standing;
use crate::syntax::decode::quoted;

pub(crate) static RULE: Rule = Rule {
    id: "FB527",
    name: "waiver-of-unknown-rule",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Product,
    when: When::STATIC,
    awaited: false,
    summary: "a waiver names a rule that there is not",
    docs: "\
### What it checks
Ids of waivers and of comments `# failback: ignore[…]` that no built-in rule and no rule of a policy has. Ids are
written as they are printed: in capital letters, and without the rule's name. Where no policy was read, an id that
a policy could have is a warning.

### Why
A waiver of a rule that there is not accepts nothing, now or later.

### What to do
Correct the id, or delete the waiver. `failback explain` lists the rules.
",
    help: "correct the id, or delete the waiver",
    article: "product rule",
    fixture: include_str!("../../../tests/rules/waiver-of-unknown-rule.yaml"),
    facts: &[],
    check: Check::Waivers(check),
};

fn check(ledger: &Ledger<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    for entry in ledger.entries() {
        let id = &entry.rule.value;
        let (message, severity) = match ledger.standing(id) {
            Standing::Known | Standing::Elsewhere => continue,
            Standing::Unknown => (format!("no rule has the id {}", quoted(id)), Severity::Error),
            Standing::NotRead => (
                format!("no built-in rule has the id {}, and no policy was read", quoted(id)),
                Severity::Warning,
            ),
        };
        findings
            .at(entry.rule.span, message)
            .help(ledger.meant(id))
            .severity(severity)
            .subject(SubjectKind::Waiver, id.as_str());
    }
    Ok(())
}
