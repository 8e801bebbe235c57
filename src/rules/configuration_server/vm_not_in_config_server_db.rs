//! FB302: the configuration server must know the machine.

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

pub(crate) static RULE: Rule = Rule {
    id: "FB302",
    name: "vm-not-in-config-server-db",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S26"]),
    when: When::LIVE,
    awaited: false,
    summary: "the configuration server's database does not hold the machine",
    docs: "\
### What it checks
Whether the database of the configuration server holds each machine of the plan.

### Why
During failback the configuration server looks the machine up in its database. A server that was restored from
an old backup may not know it, and then the failback does not succeed.

### What to do
Restore the database of the configuration server from a backup that contains the machine.
",
    help: "restore the configuration server's database from a backup that contains the machine",
    article: "site-recovery-failback-azure-to-vmware, Prerequisites (2017-06-05)",
    fixture: include_str!("../../../tests/rules/vm-not-in-config-server-db.yaml"),
    facts: &["machines", "asr", "asr.in_config_server_db"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let present = machine.asr()?.in_config_server_db.fact("asr.in_config_server_db")?;
    if !present.value {
        findings
            .at(
                present.span,
                format!("{}: the configuration server's database does not hold it", machine.name()),
            )
            .also(machine.name().span, "the plan brings it back here");
    }
    Ok(())
}
