//! FB109: a disk that was added in Azure may stay behind.

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
use crate::rules::original_location::azure_disks;
use crate::source::Span;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::AzureDisk;
use crate::syntax::machine::OsFamily;

pub(crate) static RULE: Rule = Rule {
    id: "FB109",
    name: "disk-added-in-azure",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::LIVE,
    awaited: false,
    summary: "a disk was added in Azure",
    docs: "\
### What it checks
A disk of an Azure VM that did not come from on-premises and is not the VM's temporary disk.

### Why
In the modernized architecture such a disk never comes back, and neither does it in classic with Windows; its data is lost
with the Azure VM at the commit. In classic with Linux it does come back and can't be excluded, so it needs space at home.

### What to do
Copy the data elsewhere before the failback, or, in classic with Linux, see that the datastore has room for the disk.
",
    help: "copy the data of the disk elsewhere before the failback",
    article: "failover-failback-overview-modernized, Reprotection/planned failover; exclude-disks-replication, Exclude limitations",
    fixture: include_str!("../../../tests/rules/disk-added-in-azure.yaml"),
    facts: &[
        "machines",
        "azure_vm",
        "azure_vm.disks",
        "azure_vm.disks.replicated_from_onprem",
        "azure_vm.disks.temporary",
    ],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let Some(disks) = azure_disks(machine)? else { return Ok(()) };
    let name = machine.name();
    let (fate, help) = fate(machine);
    let mut unknown = None;
    for disk in disks {
        match added(disk) {
            Ok(None) => {}
            Ok(Some(span)) => {
                let finding =
                    findings.at(span, format!("{name}: disk {} was added in Azure; {fate}", disk.id));
                finding.also(name.span, "the plan brings it back here");
                if let Some(help) = help {
                    finding.help(help);
                }
            }
            Err(Unknown { field, .. }) => {
                unknown.get_or_insert_with(|| Unknown::of(field, format!("{} of {name}", disk.id)));
            }
        }
    }
    unknown.map_or(Ok(()), Err)
}

/// Returns where it is said that a disk was added in Azure; `None` if it was not.
fn added(disk: &AzureDisk) -> Fact<Option<Span>> {
    // One fact that speaks against it is enough.
    if disk.temporary.is_some_and(|temporary| temporary.value)
        || disk.replicated_from_onprem.is_some_and(|replicated| replicated.value)
    {
        return Ok(None);
    }
    let replicated = disk.replicated_from_onprem.fact("azure_vm.disks.replicated_from_onprem")?;
    disk.temporary.fact("azure_vm.disks.temporary")?;
    Ok(Some(replicated.span))
}

/// Returns what becomes of a disk that was added in Azure, and what to do where that is special.
fn fate(machine: Machine<'_>) -> (&'static str, Option<&'static str>) {
    match (machine.model.experience(), machine.os_family()) {
        (Ok(Experience::Modernized), _) => ("it never comes back", None),
        (Ok(Experience::Classic), Ok(OsFamily::Windows)) => ("it does not come back", None),
        (Ok(Experience::Classic), Ok(OsFamily::Linux)) => (
            "it comes back with the machine and can't be excluded",
            Some("see that the datastore has room for the disk, or take it out in Azure before reprotect"),
        ),
        (Ok(Experience::Classic), Err(_)) | (Err(_), _) => ("it may not come back", None),
    }
}
