//! FB001: a completed migration ends failback for good.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::eligibility::known_state;
use crate::syntax::machine::State;

pub(crate) static RULE: Rule = Rule {
    id: "FB001",
    name: "migration-completed",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S02"]),
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "migration was completed in Site Recovery",
    docs: "\
### What it checks
A machine whose migration to Azure was declared final.

### Why
Completing the migration ends the machine's protection; nothing is left that could bring it back.

### What to do
Remove the machine from the plan and bring it home by other means: a backup, or a rebuild.
",
    help: "remove the machine from the plan; bring it home by other means (backup and restore, rebuild)",
    article: "site-recovery-failback-azure-to-vmware, introduction (2017-06-05); vmware-azure-reprotect, Before you begin; site-recovery-migrate-to-azure, What do we mean by migration",
    fixture: include_str!("../../../tests/rules/migration-completed.yaml"),
    facts: &["machines", "asr", "asr.migration_completed"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let span = match known_state(machine) {
        Some(state) if state.value == State::Migrated => state.span,
        Some(_) | None => {
            let completed = machine.asr()?.migration_completed.fact("asr.migration_completed")?;
            if !completed.value {
                return Ok(());
            }
            completed.span
        }
    };
    findings
        .at(span, format!("{}: migration was completed, so failback is no longer possible", machine.name()))
        .also(machine.name().span, "the plan brings it back here");
    Ok(())
}
