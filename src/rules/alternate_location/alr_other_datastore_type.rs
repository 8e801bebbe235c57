//! FB125: an alternate location makes new disks on VMFS, not on NFS or virtual volumes.

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

pub(crate) static RULE: Rule = Rule {
    id: "FB125",
    name: "alr-other-datastore-type",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S18"]),
    when: When::STATIC,
    awaited: false,
    summary: "an alternate location names a datastore that is neither VMFS nor vSAN",
    docs: "\
### What it checks
A machine that comes back as a new virtual machine and is to be made on an NFS datastore or on virtual
volumes.

### Why
New disks can be created only on VMFS. NFS datastores are not supported for failback and appear empty when one
is selected. vSAN is the matter of FB123.

### What to do
Name a VMFS datastore of the master target's host; create one if there is none.
",
    help: "name a VMFS datastore of the master target's host",
    article: "site-recovery-failback-azure-to-vmware, Alternate location recovery (2017-06-05); vmware-azure-reprotect, Common issues (2018-12)",
    fixture: include_str!("../../../tests/rules/alr-other-datastore-type.yaml"),
    facts: &["machines", "kind", "onprem_vm", "onprem_vm.exists", "datastores", "datastores.type"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let Some(named) = &machine.settings().failback.datastore else { return Ok(()) };
    if is_original(machine) {
        return Ok(());
    }
    let datastore = machine.model.datastore(&named.value)?;
    let kind = datastore.kind.fact_of("datastores.type", &datastore.name)?;
    let word = match kind.value {
        DatastoreType::Vmfs | DatastoreType::Vsan => return Ok(()),
        DatastoreType::Nfs => "NFS",
        DatastoreType::Vvol => "a virtual volume",
    };
    machine.location_mode()?;
    let (why, text) = reason(machine);
    findings
        .at(
            named.span,
            format!("{}: its disks are made anew, which needs VMFS; {named} is {word}", machine.name()),
        )
        .also(kind.span, format!("{named} is {word}"))
        .also(why, text);
    Ok(())
}
