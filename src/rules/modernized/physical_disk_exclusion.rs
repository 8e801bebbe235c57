//! FB818: disks of physical servers can't be excluded.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Unknown;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::syntax::machine::MachineKind;

pub(crate) static RULE: Rule = Rule {
    id: "FB818",
    name: "physical-disk-exclusion",
    severity: Severity::Info,
    architecture: Architecture::Modernized,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a disk of a physical server is said to be excluded",
    docs: "\
### What it checks
Machines that were physical servers and have a disk that was excluded from replication.

### Why
The modernized architecture does not support the exclusion of disks of physical servers: the fact, or what one expects of it,
is likely to be wrong.

### What to do
Nothing for the way home. Look at which disks the machine has in Azure, and correct the inventory.
",
    help: "look at which disks the machine has in Azure; what is not replicated does not come back",
    article: "vmware-physical-azure-support-matrix, VM/Disk management",
    fixture: include_str!("../../../tests/rules/physical-disk-exclusion.yaml"),
    facts: &["machines", "kind", "onprem_vm", "onprem_vm.disks", "onprem_vm.disks.excluded"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    match machine.kind()? {
        MachineKind::Physical => {}
        MachineKind::VmwareVm | MachineKind::HypervVm | MachineKind::AzureVm | MachineKind::AwsInstance => {
            return Ok(());
        }
    }
    let name = machine.name();
    let mut unknown = None;
    for disk in machine.onprem_disks()? {
        match disk.excluded.fact("onprem_vm.disks.excluded") {
            Ok(excluded) if excluded.value => {
                findings
                    .at(
                        excluded.span,
                        format!(
                            "{name}: {} is excluded, which is not supported for physical servers",
                            disk.id
                        ),
                    )
                    .also(name.span, "the plan brings it back here");
            }
            Ok(_) => {}
            Err(missing) => {
                unknown =
                    unknown.or_else(|| Some(Unknown::of(missing.field, format!("{} of {name}", disk.id))));
            }
        }
    }
    unknown.map_or(Ok(()), Err)
}
