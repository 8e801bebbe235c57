//! FB106: without disk.EnableUUID the disks of the original VM are matched by guess.

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
use crate::rules::original_location::is_alternate;
use crate::rules::original_location::reprotect_has_begun;

pub(crate) static RULE: Rule = Rule {
    id: "FB106",
    name: "onprem-vm-enableuuid-missing",
    severity: Severity::Warning,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "disk.EnableUUID is not set on the original VM",
    docs: "\
### What it checks
A machine that comes back into its original VM, where disk.EnableUUID is not TRUE. Once reprotect has begun the rule is
silent: then the disks are matched already.

### Why
With the setting, the guest sees the identity of each disk, and Site Recovery knows which disk in Azure belongs to which
one at home. Without it, it matches them as well as it can, and may make a disk more than there was.

### What to do
While the VM is off, set disk.EnableUUID to TRUE in its configuration, before reprotect.
",
    help: "set disk.EnableUUID=TRUE on the VM while it is off, before reprotect",
    article: "concepts-types-of-failback, Original Location Recovery (note)",
    fixture: include_str!("../../../tests/rules/onprem-vm-enableuuid-missing.yaml"),
    facts: &["machines", "kind", "onprem_vm", "onprem_vm.exists", "onprem_vm.enable_uuid"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    if is_alternate(machine) || reprotect_has_begun(machine) {
        return Ok(());
    }
    let enabled = machine.onprem_vm()?.enable_uuid.fact("onprem_vm.enable_uuid")?;
    if !enabled.value {
        machine.location_mode()?;
        let name = machine.name();
        findings
            .at(
                enabled.span,
                format!("{name}: disk.EnableUUID is not TRUE, so disks may be matched wrongly and an extra one made"),
            )
            .also(name.span, "this machine comes back into its original VM");
    }
    Ok(())
}
