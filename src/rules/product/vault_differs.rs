//! FB534: the plan's vault is the one that holds the machine.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Unknown;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::syntax::inventory::Experience;

pub(crate) static RULE: Rule = Rule {
    id: "FB534",
    name: "vault-differs",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Product,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the machine was failed over from another vault than the plan's",
    docs: "\
### What it checks
A machine that is said to have been failed over from a vault, and whether that is the plan's vault: names of vaults are the same
in letters of either case. Without a word about another vault, the failover ran from the plan's own. A classic vault beside a
modernized one is the matter of FB020.

### Why
The replicated item of a machine is in the vault that failed it over, and every request names the vault. In another one there is
no such item: each call is refused with `ArmResourceDoesNotExist`.

### What to do
Write an inventory of the vault that holds the machine, and let the plan use that; machines of several vaults take several
plans.
",
    help: "let the plan use the inventory of the vault that holds the machine",
    article: "the interface of Site Recovery: the replicated item is one of its vault",
    fixture: include_str!("../../../tests/rules/vault-differs.yaml"),
    facts: &["machines", "asr", "vault.name"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let Some(failover) = &machine.asr()?.failover_vault else { return Ok(()) };
    let Some(theirs) = &failover.name else { return Ok(()) };
    let from_classic = failover.experience.is_some_and(|experience| experience.value == Experience::Classic);
    if from_classic && machine.model.experience() == Ok(Experience::Modernized) {
        return Ok(());
    }
    let vault = machine.model.inventory.vault.as_ref().ok_or_else(|| Unknown::of("vault.name", "vault"))?;
    let ours = vault.name.fact_of("vault.name", "vault")?;
    if !theirs.eq_ignore_ascii_case(ours) {
        let name = machine.name();
        findings
            .at(
                theirs.span,
                format!("{name}: it was failed over from the vault {theirs}, and the plan's is {ours}"),
            )
            .also(ours.span, "the plan's vault")
            .also(name.span, "the plan brings it back here");
    }
    Ok(())
}
