//! FB127: new disks need room.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::quantity::Bytes;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::alternate_location::LABELS;
use crate::rules::alternate_location::full_size;
use crate::rules::alternate_location::is_original;
use crate::rules::alternate_location::is_transferring_or_back;
use crate::syntax::inventory::Datastore;

pub(crate) static RULE: Rule = Rule {
    id: "FB127",
    name: "alr-datastore-capacity",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S16"]),
    when: When::LIVE,
    awaited: false,
    summary: "a datastore has no room for the disks that are made on it",
    docs: "\
### What it checks
A datastore, and the machines that come back as new virtual machines on it: their disks together against its
free space. A machine counts until its transfer has begun; from then on its disks are there.

### Why
At an alternate location all data comes back, and new disks take their full size. A datastore that fills up
stops the replication of every machine on it.

### What to do
Free space, or name another datastore for some of the machines.
",
    help: "free space, or name another datastore for some of the machines",
    article: "site-recovery-failback-azure-to-vmware, Alternate location recovery (2017-06-05); site-recovery-failback-azure-to-vmware (2015), datastore space",
    fixture: include_str!("../../../tests/rules/alr-datastore-capacity.yaml"),
    facts: &[
        "machines",
        "kind",
        "onprem_vm",
        "onprem_vm.exists",
        "datastores",
        "datastores.free_gb",
        "azure_vm",
        "azure_vm.disks",
        "azure_vm.disks.size_gb",
        "azure_vm.disks.temporary",
        "azure_vm.disks.replicated_from_onprem",
        "onprem_vm.disks.size_gb",
        "os",
        "os.family",
        "vault.experience",
    ],
    check: Check::Datastore(check),
};

fn check(datastore: &Datastore, model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let mut machines = Vec::new();
    let mut need = Bytes(0);
    let mut unknown = Ok(());
    // What the machines of which something is not known need at most; `None` if that is not known either.
    let mut most = Some(Bytes(0));
    for machine in model.machines_to(&datastore.name) {
        match to_come(machine) {
            Ok(Some(size)) => {
                need = Bytes(need.0.saturating_add(size.0));
                machines.push((machine, size));
            }
            Ok(None) => {}
            Err(missing) => {
                unknown = unknown.and(Err(Unknown::of(missing.field, machine.name().value.as_str())));
                most = most.and_then(|most| Some(Bytes(most.0.saturating_add(full_size(machine).ok()?.0))));
            }
        }
    }
    // Where it comes back is not known of some, but there is room for all of them.
    let most = most.map(|most| Bytes(most.0.saturating_add(need.0)));
    if most.is_some_and(|most| datastore.free_gb.is_some_and(|free| most <= free.value)) {
        return Ok(());
    }
    if machines.is_empty() {
        return unknown;
    }
    let free = datastore.free_gb.fact_of("datastores.free_gb", &datastore.name)?;
    // What more there may be can't make room.
    if need <= free.value {
        return unknown;
    }
    let count = machines.len();
    let plural = if count == 1 { "" } else { "s" };
    let finding = findings.at(
        free.span,
        format!(
            "{}: {need} needed for the disks of {count} machine{plural}, {} free",
            datastore.name, free.value
        ),
    );
    for (machine, size) in machines.iter().take(LABELS) {
        finding.also(machine.name().span, format!("{} needs {size}", machine.name()));
    }
    if let Some((next, _)) = machines.get(LABELS) {
        finding.also(next.name().span, format!("and {} more", count - LABELS));
    }
    Ok(())
}

/// Returns the size of the disks that are still to be made for a machine; `None` if none are.
fn to_come(machine: Machine<'_>) -> Fact<Option<Bytes>> {
    if is_original(machine) || is_transferring_or_back(machine) {
        return Ok(None);
    }
    machine.location_mode()?;
    full_size(machine).map(Some)
}
