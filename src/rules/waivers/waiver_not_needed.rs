//! FB529: a waiver accepts something.

use std::collections::HashSet;

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
use crate::rules::ledger::Written;

pub(crate) static RULE: Rule = Rule {
    id: "FB529",
    name: "waiver-not-needed",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Product,
    when: When::STATIC,
    awaited: false,
    summary: "a waiver accepts nothing",
    docs: "\
### What it checks
Waivers, names in their `of`, and comments `# failback: ignore[…]`, for which there is no finding. Nothing is said
while the rule lacks a fact, or while a run may still find something: rules that are asked again at a guard of a run.
Nor is anything said about a comment in an inventory, unless it is written at a machine of the plan: another plan may
need it.

### Why
A waiver that is not needed any more would accept the same finding if it came back for another cause.

### What to do
Delete it. A comment must stand on the line of the finding, or alone on the line above it.
",
    help: "delete it",
    article: "product rule",
    fixture: include_str!("../../../tests/rules/waiver-not-needed.yaml"),
    facts: &[],
    check: Check::Waivers(check),
};

fn check(ledger: &Ledger<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    for entry in ledger.entries().filter(|entry| ledger.is_in_force(*entry)) {
        let id = entry.rule.value.as_str();
        if ledger.is_open(id) {
            continue;
        }
        let found = ledger.found(id);
        let mut at = |span, message: String| {
            findings.at(span, message).subject(SubjectKind::Waiver, id);
        };
        match entry.written {
            Written::Waiver(waiver) if waiver.of.is_empty() => {
                if found.is_empty() {
                    at(
                        entry.rule.span,
                        format!("{id}: the plan has no such finding, and the waiver accepts nothing"),
                    );
                }
            }
            Written::Waiver(waiver) => {
                let subjects: HashSet<&str> =
                    found.iter().map(|finding| finding.subject.name.as_str()).collect();
                for name in &waiver.of {
                    if !subjects.contains(name.value.as_str()) && ledger.is_subject(&name.value) {
                        at(
                            name.span,
                            format!("{id}: there is no such finding about {name}, and nothing to accept"),
                        );
                    }
                }
            }
            Written::Comment { remark, in_inventory } => {
                let is_ours = || {
                    let of = remark.of.as_deref();
                    of.is_some_and(|of| ledger.model.machine_named(of).is_some())
                };
                let is_needed = found.iter().any(|finding| ledger.covers(entry, finding));
                if !is_needed && (!in_inventory || is_ours()) {
                    at(
                        entry.rule.span,
                        format!(
                            "{id}: there is no such finding at the line of this comment, and nothing to accept"
                        ),
                    );
                }
            }
        }
    }
    Ok(())
}
