//! FB531: an acknowledgement accepts something.

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
use crate::rules::waiver::acknowledged;

pub(crate) static RULE: Rule = Rule {
    id: "FB531",
    name: "acknowledgement-not-needed",
    severity: Severity::Info,
    architecture: Architecture::Both,
    origin: Origin::Product,
    when: When::STATIC,
    awaited: false,
    summary: "an acknowledgement accepts nothing",
    docs: "\
### What it checks
Words of `acknowledge` for which the plan has no finding: `classic_retired` accepts FB018, `data_loss` FB603.

### Why
An acknowledgement that is not needed would accept the same finding if it came back.

### What to do
Delete the word.
",
    help: "delete the word",
    article: "product rule",
    fixture: include_str!("../../../tests/rules/acknowledgement-not-needed.yaml"),
    facts: &[],
    check: Check::Waivers(check),
};

fn check(ledger: &Ledger<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    for given in &ledger.model.plan.acknowledge {
        let rule = acknowledged(given.value);
        if ledger.found(rule).is_empty() && ledger.is_evaluated(rule) {
            let message =
                format!("{}: the plan has no finding of {rule}, and nothing to acknowledge", given.value);
            findings.at(given.span, message).subject(SubjectKind::Waiver, given.value.as_str());
        }
    }
    Ok(())
}
