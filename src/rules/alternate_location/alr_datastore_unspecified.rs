//! FB121: new disks need a datastore.

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
use crate::rules::alternate_location::reason;
use crate::rules::by_os::family_decides;

pub(crate) static RULE: Rule = Rule {
    id: "FB121",
    name: "alr-datastore-unspecified",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S17"]),
    when: When::STATIC,
    awaited: false,
    summary: "no datastore is named for the disks of an alternate location",
    docs: "\
### What it checks
A machine that comes back as a new virtual machine and for which the plan names no `datastore`.

### Why
At an alternate location the disks are created on the datastore that is selected when reprotect starts;
nothing is taken over from the machine that is gone.

### What to do
Name a datastore under `failback`: for the machine, for its replication group, or under `defaults`.
",
    help: "name the datastore of its new disks: `failback: {datastore: …}`",
    article: "site-recovery-failback-azure-to-vmware, Alternate location recovery (2017-06-05); vmware-azure-reprotect, Enable reprotection",
    fixture: include_str!("../../../tests/rules/alr-datastore-unspecified.yaml"),
    facts: &["machines", "kind", "onprem_vm", "onprem_vm.exists", "os", "os.family"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    if machine.settings().failback.datastore.is_some() {
        return Ok(());
    }
    match machine.location_mode()? {
        LocationMode::Original => {}
        LocationMode::Alternate => {
            family_decides(machine, |family| {
                family.failback.as_ref().is_some_and(|failback| failback.datastore.is_some())
            })?;
            let (why, text) = reason(machine);
            findings
                .at(
                    machine.name().span,
                    format!("{}: no datastore is named, and its disks are made anew", machine.name()),
                )
                .also(why, text);
        }
    }
    Ok(())
}
