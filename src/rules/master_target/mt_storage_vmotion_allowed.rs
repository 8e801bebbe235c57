//! FB214: a master target must stay where it is.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::MasterTarget;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::master_target::also_assigned;

pub(crate) static RULE: Rule = Rule {
    id: "FB214",
    name: "mt-storage-vmotion-allowed",
    severity: Severity::Warning,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the master target may be moved by Storage vMotion",
    docs: "\
### What it checks
A master target of the plan that is not kept out of Storage vMotion and Storage DRS.

### Why
While machines replicate, their disks are attached to the master target. When it is moved, they can't be detached any
more, and the failback fails.

### What to do
Exclude the master target from Storage vMotion and Storage DRS until the failback is over.
",
    help: "exclude the master target from Storage vMotion and Storage DRS until the failback is over",
    article: "vmware-azure-prepare-failback, item 3",
    fixture: include_str!("../../../tests/rules/mt-storage-vmotion-allowed.yaml"),
    facts: &["master_targets", "master_targets.storage_vmotion_excluded", "vault.experience"],
    check: Check::MasterTarget(check),
};

fn check(server: MasterTarget<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let name = server.name();
    let excluded =
        server.facts.storage_vmotion_excluded.fact_of("master_targets.storage_vmotion_excluded", name)?;
    if !excluded.value {
        let message = format!(
            "{name}: Storage vMotion or Storage DRS may move the master target, and failback would lose the attached disks"
        );
        also_assigned(findings.at(excluded.span, message), server);
    }
    Ok(())
}
