//! FB210: a master target shows the UUIDs of its disks.

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
    id: "FB210",
    name: "mt-enableuuid-missing",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "disk.EnableUUID is not set on the master target",
    docs: "\
### What it checks
A master target of the plan whose configuration parameters lack `disk.EnableUUID=TRUE`.

### Why
The master target tells the attached disks apart by their UUIDs, which VMware shows to the guest only with this
parameter.

### What to do
Power the master target off, add `disk.EnableUUID=TRUE` to its configuration parameters, and power it on.
",
    help: "power the master target off and add disk.EnableUUID=TRUE to its configuration parameters",
    article: "vmware-azure-prepare-failback, item 7",
    fixture: include_str!("../../../tests/rules/mt-enableuuid-missing.yaml"),
    facts: &["master_targets", "master_targets.enable_uuid", "vault.experience"],
    check: Check::MasterTarget(check),
};

fn check(server: MasterTarget<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let name = server.name();
    let enabled = server.facts.enable_uuid.fact_of("master_targets.enable_uuid", name)?;
    if !enabled.value {
        let message = format!("{name}: disk.EnableUUID is not TRUE");
        also_assigned(findings.at(enabled.span, message), server);
    }
    Ok(())
}
