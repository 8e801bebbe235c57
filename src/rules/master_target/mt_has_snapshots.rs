//! FB205: a master target with snapshots can neither be reprotected to nor failed back with.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::MasterTarget;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::master_target::also_assigned;

pub(crate) static RULE: Rule = Rule {
    id: "FB205",
    name: "mt-has-snapshots",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S29"]),
    when: When::LIVE.and_at(&[Guard::Reprotect, Guard::Failover]),
    awaited: false,
    summary: "the master target has snapshots",
    docs: "\
### What it checks
A master target of the plan that has snapshots: in the facts, and again right before reprotect and right before the
failover.

### Why
The disks of the machines are attached to the master target and written there. A snapshot of the master target takes them
in; reprotect and failback fail. Backup products make such snapshots again and again.

### What to do
Delete all snapshots of the master target, and keep it out of the backup until the failback is over.
",
    help: "delete all snapshots of the master target and keep it out of backups until the failback is over",
    article: "site-recovery-failback-azure-to-vmware, Prerequisites (2017-06-05); vmware-azure-reprotect, Before you begin",
    fixture: include_str!("../../../tests/rules/mt-has-snapshots.yaml"),
    facts: &["master_targets", "master_targets.snapshots", "vault.experience"],
    check: Check::MasterTarget(check),
};

fn check(server: MasterTarget<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let name = server.name();
    let snapshots = server.facts.snapshots.fact_of("master_targets.snapshots", name)?;
    let count = match snapshots.value {
        0 => return Ok(()),
        1 => "a snapshot".to_owned(),
        more => format!("{more} snapshots"),
    };
    let finding = findings
        .at(snapshots.span, format!("{name}: the master target has {count}, so reprotect and failback fail"));
    also_assigned(finding, server);
    Ok(())
}
