//! FB107: snapshots of the original VM are merged by reprotect, which takes time and can fail.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::original_location::is_alternate;
use crate::rules::original_location::reprotect_has_begun;

pub(crate) static RULE: Rule = Rule {
    id: "FB107",
    name: "onprem-vm-has-snapshots",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::LIVE.and_at(&[Guard::Reprotect]),
    awaited: false,
    summary: "the original VM has snapshots",
    docs: "\
### What it checks
A machine that comes back into its original VM, where that VM has snapshots: before the run, and again right before
reprotect.

### Why
Reprotect merges the snapshots before it writes. That takes time and free space on the datastore, and one article says
that reprotect fails with them.

### What to do
Consolidate the snapshots first, and look whether the datastore has room for it.
",
    help: "consolidate the snapshots first, and check the free space of the datastore",
    article: "vmware-azure-reprotect, Before you begin (2018)",
    fixture: include_str!("../../../tests/rules/onprem-vm-has-snapshots.yaml"),
    facts: &["machines", "kind", "onprem_vm", "onprem_vm.exists", "onprem_vm.snapshots"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    if is_alternate(machine) || reprotect_has_begun(machine) {
        return Ok(());
    }
    let snapshots = machine.onprem_vm()?.snapshots.fact("onprem_vm.snapshots")?;
    let count = match snapshots.value {
        0 => return Ok(()),
        1 => "1 snapshot".to_owned(),
        more => format!("{more} snapshots"),
    };
    machine.location_mode()?;
    let name = machine.name();
    findings
        .at(
            snapshots.span,
            format!("{name}: the on-premises VM has {count}; reprotect merges them, which takes longer and can fail"),
        )
        .also(name.span, "this machine comes back into its original VM");
    Ok(())
}
