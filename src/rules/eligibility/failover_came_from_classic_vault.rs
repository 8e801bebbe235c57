//! FB020: a failover that ran from a classic vault is finished in that vault.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::unmeasured::Measured;
use crate::rules::unmeasured::each_machine;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::inventory::Experience;

pub(crate) static RULE: Rule = Rule {
    id: "FB020",
    name: "failover-came-from-classic-vault",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the failover ran from a classic vault",
    docs: "\
### What it checks
A machine whose failover to Azure ran from a classic vault, in a plan whose vault is modernized. Without
`asr.failover_vault` nobody knows, and the rule is undecided; it does not weigh then, unless under `--strict`.

### Why
A machine that was moved to the modernized architecture may still be failed over from the classic vault. Then commit,
reprotect and failback exist only there, and the item in the modernized vault is cleaned up.

### What to do
Write an inventory of the classic vault with its configuration server, master targets and process servers, and let the
plan use that.
",
    help: "let the plan use the classic vault, and declare the classic servers",
    article: "how-to-move-from-classic-to-modernized-vmware-disaster-recovery, Post migration operations from classic vault (2026-09)",
    fixture: include_str!("../../../tests/rules/failover-came-from-classic-vault.yaml"),
    facts: &["machines", "asr", "asr.failover_vault", "asr.failover_vault.experience", "vault.experience"],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    each_machine(&RULE, model, findings, look);
    Ok(())
}

fn look(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<Measured> {
    let ours = machine.model.experience();
    if ours == Ok(Experience::Classic) {
        return Ok(Measured::Known);
    }
    let Some(theirs) = &machine.asr()?.failover_vault else { return Ok(Measured::LeftOut) };
    let vault = machine.model.inventory.vault.as_ref();
    let named = vault.and_then(|vault| vault.name.as_ref());
    if theirs.experience.is_none() && theirs.name.is_some() && theirs.name.as_ref() == named {
        return Ok(Measured::Known);
    }
    let experience = theirs.experience.fact("asr.failover_vault.experience")?;
    match experience.value {
        Experience::Modernized => {}
        Experience::Classic => {
            ours?;
            let name = machine.name();
            let from = theirs.name.as_ref().map_or(String::new(), |vault| format!(" {vault}"));
            let span = |fact: Option<&Spanned<Experience>>| fact.map_or(Span::NONE, |fact| fact.span);
            findings
                .at(
                    experience.span,
                    format!("{name}: it was failed over from the classic vault{from}; commit, reprotect and failback exist only there"),
                )
                .also(span(vault.and_then(|vault| vault.experience.as_ref())), "the plan's vault is modernized")
                .also(name.span, "the plan brings it back here");
        }
    }
    Ok(Measured::Known)
}
