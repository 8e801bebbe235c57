//! FB801: the appliance must be registered in the plan's vault.

use crate::diagnostic::Severity;
use crate::model::Appliance;
use crate::model::Fact;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::modernized::also_assigned;
use crate::rules::modernized::other_vault;

pub(crate) static RULE: Rule = Rule {
    id: "FB801",
    name: "appliance-not-in-vault",
    severity: Severity::Error,
    architecture: Architecture::Modernized,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "the appliance is not registered in the plan's vault",
    docs: "\
### What it checks
An appliance through which machines come back, and which is registered in another vault than theirs.

### Why
Reprotect offers the appliances of the vault that protects the machine, and no others. It need not be the appliance that the
machine was first protected with.

### What to do
Assign an appliance of the vault, or register a new one in it.
",
    help: "assign an appliance of the vault; any of them will do",
    article: "failover-failback-overview-modernized, Appliance selection",
    fixture: include_str!("../../../tests/rules/appliance-not-in-vault.yaml"),
    facts: &["appliances", "vault.name", "appliances.vault"],
    check: Check::Appliance(check),
};

fn check(appliance: Appliance<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    if let Some((theirs, ours)) = other_vault(appliance)? {
        let message = format!("{}: it is registered in {theirs}, not in the vault {ours}", appliance.name());
        let finding =
            findings.at(theirs.span, message).also(ours.span, "the vault that protects the machines");
        also_assigned(finding, appliance);
    }
    Ok(())
}
