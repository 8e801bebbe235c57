//! FB105: the datastores of an original VM are mounted read/write where its disks are written.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Machine;
use crate::model::Model;
use crate::model::access;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::original_location::Sharing;
use crate::rules::original_location::count;
use crate::rules::original_location::datastore_of;
use crate::rules::original_location::is_alternate;
use crate::rules::original_location::of_machine;
use crate::rules::original_location::point_at;
use crate::rules::original_location::replicated;
use crate::source::Span;
use crate::syntax::inventory::Access;

pub(crate) static RULE: Rule = Rule {
    id: "FB105",
    name: "olr-datastore-not-read-write",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "a datastore of an original VM is mounted read-only",
    docs: "\
### What it checks
A datastore with disks of machines that come back into their original VMs, where the host of the master target or
appliance has it mounted read-only. A host that does not have the datastore at all is the matter of other rules.

### Why
The master target or appliance writes the replicated blocks into the disks of the VM through its own host. Reading is not
enough for that.

### What to do
Mount the datastore read/write on that host, or use a master target or appliance on a host that has it so.
",
    help: "mount the datastore read/write on that host",
    article: "vmware-azure-reprotect, Enable reprotection; failover-failback-overview-modernized, Appliance selection",
    fixture: include_str!("../../../tests/rules/olr-datastore-not-read-write.yaml"),
    facts: &["appliances", "master_targets", 
        "machines",
        "kind",
        "onprem_vm",
        "onprem_vm.exists",
        "onprem_vm.disks",
        "onprem_vm.disks.datastore",
        "master_targets.host",
        "appliances.host",
        "datastores",
        "datastores.access",
        "vault.experience",
    ],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let mut mounts = Sharing::new();
    for machine in findings.machines(model) {
        if let Err(unknown) = add_mounts(machine, &mut mounts, findings) {
            findings.unknown(&of_machine(unknown, machine));
        }
    }
    for mount in mounts.items {
        let (datastore, host) = mount.key;
        let mounted = model.datastore(datastore).and_then(|datastore| access(datastore, host));
        match mounted {
            Ok(Some(Access::ReadWrite) | None) => {}
            Ok(Some(Access::ReadOnly)) => {
                if !mount.machines.is_empty() {
                    let message = format!(
                        "{datastore}: {host} has it mounted read-only, but disks of {} are written through {host}",
                        count(&mount.machines)
                    );
                    let finding = findings.at(mount_span(model, datastore, host), message);
                    finding.subject(SubjectKind::Datastore, datastore);
                    point_at(finding, &mount.machines, "has a disk on it");
                }
                if let Some(unknown) = &mount.undecided {
                    findings.unknown(unknown);
                }
            }
            Err(unknown) => findings.unknown(&unknown),
        }
    }
    Ok(())
}

/// Adds the datastores of a machine's original VM, each with the host through which it is written.
fn add_mounts<'m>(
    machine: Machine<'m>,
    mounts: &mut Sharing<'m, (&'m str, &'m str)>,
    findings: &mut Findings<'_>,
) -> Fact<()> {
    if is_alternate(machine) {
        return Ok(());
    }
    let Some(host) = machine.transfer_host()? else { return Ok(()) };
    let location = machine.location_mode();
    for disk in replicated(machine.onprem_disks()?) {
        match datastore_of(machine, disk) {
            Ok(Some(datastore)) => {
                mounts.add((datastore.value.as_str(), host), machine, datastore.span, &location);
            }
            Ok(None) => {}
            Err(unknown) => findings.unknown(&unknown),
        }
    }
    Ok(())
}

/// Returns the line that says how a host has a datastore.
fn mount_span(model: &Model, datastore: &str, host: &str) -> Span {
    let access = model.datastore(datastore).ok().and_then(|datastore| datastore.access.as_ref());
    access.and_then(|access| access.get(host)).map_or(Span::NONE, |access| access.span)
}
