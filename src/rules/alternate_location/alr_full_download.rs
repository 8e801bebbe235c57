//! FB128: an alternate location brings all data back.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::alternate_location::full_size;
use crate::rules::alternate_location::is_transferring_or_back;
use crate::rules::alternate_location::reason;

pub(crate) static RULE: Rule = Rule {
    id: "FB128",
    name: "alr-full-download",
    severity: Severity::Info,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S16", "S19"]),
    when: When::STATIC,
    awaited: false,
    summary: "an alternate location downloads whole disks",
    docs: "\
### What it checks
A machine that comes back as a new virtual machine and whose transfer has not begun.

### Why
There is nothing on-premises to compare with, so reprotect transfers the whole disks and then what changed
meanwhile. That takes longer than into the original machine.

### What to do
Nothing has to be changed. The forecast reckons with the full size; if the time is too long, look whether the
original machine can be restored.
",
    help: "reckon with the full size; the forecast does",
    article: "site-recovery-failback-azure-to-vmware, Alternate location recovery (2017-06-05)",
    fixture: include_str!("../../../tests/rules/alr-full-download.yaml"),
    facts: &["machines", "kind", "onprem_vm", "onprem_vm.exists"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    if is_transferring_or_back(machine) {
        return Ok(());
    }
    match machine.location_mode()? {
        LocationMode::Original => {}
        LocationMode::Alternate => {
            let size = full_size(machine).map(|size| format!(" ({size})")).unwrap_or_default();
            let (why, text) = reason(machine);
            findings
                .at(
                    machine.name().span,
                    format!(
                        "{}: its disks are downloaded whole{size}, then what changed meanwhile",
                        machine.name()
                    ),
                )
                .also(why, text);
        }
    }
    Ok(())
}
