//! FB006: a machine whose protection was disabled has no way back.

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
    id: "FB006",
    name: "replication-disabled",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "protection has been disabled",
    docs: "\
### What it checks
A machine that is no replicated item of the vault any more, because its protection was disabled.

### Why
Disabling protection makes Site Recovery forget which on-premises machine belongs to which Azure VM. Without that pair
there is nothing to reprotect, and the machine can't be protected again from Azure.

### What to do
Take the machine out of the plan and bring it home by other means: a backup, or a rebuild. Never disable the protection
of a machine that runs in Azure.
",
    help: "take the machine out of the plan; bring it home by other means (backup and restore, rebuild)",
    article: "vmware-azure-failback, Prerequisites (2018); vmware-azure-reprotect, Common issues (2018-12)",
    fixture: include_str!("../../../tests/rules/replication-disabled.yaml"),
    facts: &["machines", "asr", "asr.replication_enabled"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let span = match known_state(machine) {
        Some(state) if state.value == State::ReplicationDisabled => state.span,
        Some(_) | None => {
            let enabled = machine.asr()?.replication_enabled.fact("asr.replication_enabled")?;
            if enabled.value {
                return Ok(());
            }
            enabled.span
        }
    };
    findings
        .at(
            span,
            format!(
                "{}: protection has been disabled, so Site Recovery no longer knows what belongs together",
                machine.name()
            ),
        )
        .also(machine.name().span, "the plan brings it back here");
    Ok(())
}
