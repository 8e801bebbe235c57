//! FB534: the plan's vault is the one that holds the machine.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::unmeasured::Measured;
use crate::rules::unmeasured::each_machine;
use crate::syntax::inventory::Experience;

pub(crate) static RULE: Rule = Rule {
    id: "FB534",
    name: "vault-differs",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Product,
    when: When::LIVE,
    awaited: false,
    summary: "the machine was failed over from another vault than the plan's",
    docs: "\
### What it checks
A machine that is said to have been failed over from a vault, and whether that is the plan's vault: names of vaults are the same
in letters of either case. Without `asr.failover_vault` nobody knows, and the rule is undecided; it does not weigh then, unless
under `--strict --live`. A classic vault beside a modernized one is the matter of FB020.

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
    facts: &["machines", "asr", "asr.failover_vault", "asr.failover_vault.name", "vault.name"],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    each_machine(&RULE, model, findings, look);
    Ok(())
}

fn look(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<Measured> {
    let Some(failover) = &machine.asr()?.failover_vault else { return Ok(Measured::LeftOut) };
    let from_classic = failover.experience.is_some_and(|experience| experience.value == Experience::Classic);
    if from_classic && machine.model.experience() == Ok(Experience::Modernized) {
        return Ok(Measured::Known);
    }
    let theirs = failover.name.fact("asr.failover_vault.name")?;
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
    Ok(Measured::Known)
}
