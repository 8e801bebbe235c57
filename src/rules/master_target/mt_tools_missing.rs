//! FB209: a master target needs VMware Tools.

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
    id: "FB209",
    name: "mt-tools-missing",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "VMware Tools are missing on the master target",
    docs: "\
### What it checks
A master target of the plan without VMware Tools; on Linux, without open-vm-tools.

### Why
Site Recovery finds the datastores of the master target's host through the tools. Without them it offers none.

### What to do
Install VMware Tools (on Linux, open-vm-tools) and restart the master target.
",
    help: "install VMware Tools (on Linux, open-vm-tools) and restart the master target",
    article: "vmware-azure-prepare-failback, item 6; vmware-azure-install-linux-master-target",
    fixture: include_str!("../../../tests/rules/mt-tools-missing.yaml"),
    facts: &["master_targets", "master_targets.vmware_tools_installed", "vault.experience"],
    check: Check::MasterTarget(check),
};

fn check(server: MasterTarget<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let name = server.name();
    let installed =
        server.facts.vmware_tools_installed.fact_of("master_targets.vmware_tools_installed", name)?;
    if !installed.value {
        let message =
            format!("{name}: VMware Tools are missing, so the datastores of its host are not found");
        also_assigned(findings.at(installed.span, message), server);
    }
    Ok(())
}
