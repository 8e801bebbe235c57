//! FB123: an alternate location makes new disks only on VMFS, not on vSAN.

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
use crate::rules::alternate_location::is_original;
use crate::rules::alternate_location::reason;
use crate::syntax::inventory::DatastoreType;
use crate::syntax::plan::Baseline;

pub(crate) static RULE: Rule = Rule {
    id: "FB123",
    name: "alr-vsan-target",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S18", "S20"]),
    when: When::STATIC,
    awaited: false,
    summary: "an alternate location names a vSAN datastore",
    docs: "\
### What it checks
A machine that comes back as a new virtual machine and is to be made on a vSAN datastore, under the baseline
`seed-2017`. Later documentation allows vSAN: under `baseline: current` the rule is off.

### Why
At an alternate location Site Recovery creates new disks, and in 2017 only on VMFS: with vSAN neither
reprotect nor failback works. Existing vSAN disks of the original machine are another matter: they can be
reused.

### What to do
Name a VMFS datastore of the master target's host, or recover into the original virtual machine with its vSAN
disks attached.
",
    help: "name a VMFS datastore of the master target's host",
    article: "site-recovery-failback-azure-to-vmware, Alternate location recovery (2017-06-05); changed by concepts-types-of-failback (2019-05)",
    fixture: include_str!("../../../tests/rules/alr-vsan-target.yaml"),
    facts: &["machines", "kind", "onprem_vm", "onprem_vm.exists", "datastores", "datastores.type"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    match machine.model.baseline() {
        Baseline::Seed2017 => {}
        Baseline::Current => return Ok(()),
    }
    let Some(named) = &machine.settings().failback.datastore else { return Ok(()) };
    if is_original(machine) {
        return Ok(());
    }
    let datastore = machine.model.datastore(&named.value)?;
    let kind = datastore.kind.fact_of("datastores.type", &datastore.name)?;
    match kind.value {
        DatastoreType::Vsan => {
            machine.location_mode()?;
            let (why, text) = reason(machine);
            findings
                .at(
                    named.span,
                    format!(
                        "{}: its disks are made anew, which is possible only on VMFS; {named} is vSAN",
                        machine.name()
                    ),
                )
                .also(kind.span, format!("{named} is vSAN"))
                .also(why, text);
        }
        DatastoreType::Vmfs | DatastoreType::Nfs | DatastoreType::Vvol => {}
    }
    Ok(())
}
