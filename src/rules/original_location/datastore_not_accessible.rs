//! FB113: the datastores that machines are written to can be reached.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::original_location::Sharing;
use crate::rules::original_location::count;
use crate::rules::original_location::datastore_of;
use crate::rules::original_location::of_machine;
use crate::rules::original_location::point_at;
use crate::rules::original_location::replicated;
use crate::rules::original_location::runs_at_home;

pub(crate) static RULE: Rule = Rule {
    id: "FB113",
    name: "datastore-not-accessible",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::LIVE.and_at(&[Guard::Reprotect, Guard::Failover]),
    awaited: false,
    summary: "a datastore is not accessible",
    docs: "\
### What it checks
The datastores that machines of the plan are written to: those with the disks of the original VM, or the one that the plan
names for a machine that is made anew. Before the run, and again right before each reprotect to on-premises and each failover.

### Why
If the ESXi host can't reach the datastore, reprotect and failback fail with job error 8061.

### What to do
Repair the access of the hosts to the storage, and look at the prerequisites of the master target or appliance and of the
datastore.
",
    help: "repair the storage access of the hosts, then retry",
    article: "vmware-azure-troubleshoot-failback-reprotect, Error code 8061",
    fixture: include_str!("../../../tests/rules/datastore-not-accessible.yaml"),
    facts: &[
        "machines",
        "kind",
        "onprem_vm",
        "onprem_vm.exists",
        "onprem_vm.disks",
        "onprem_vm.disks.datastore",
        "datastores",
        "datastores.accessible",
    ],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    if findings.machines(model).all(finds_its_datastores) {
        return Ok(());
    }
    let mut datastores = Sharing::new();
    for machine in findings.machines(model).filter(|machine| !runs_at_home(*machine)) {
        if let Err(unknown) = add_datastores(machine, &mut datastores, findings) {
            findings.unknown(&of_machine(unknown, machine));
        }
    }
    for shared in datastores.items {
        let name = shared.key;
        let accessible = model
            .datastore(name)
            .and_then(|datastore| datastore.accessible.fact_of("datastores.accessible", name));
        match accessible {
            Ok(accessible) if accessible.value => {}
            Ok(accessible) => {
                if !shared.machines.is_empty() {
                    let message = format!(
                        "{name}: it is not accessible from its ESXi hosts, but {} of the plan would be written to it (job error 8061)",
                        count(&shared.machines)
                    );
                    let finding = findings.at(accessible.span, message);
                    finding.subject(SubjectKind::Datastore, name);
                    point_at(finding, &shared.machines, "comes back to it");
                }
                if let Some(unknown) = &shared.undecided {
                    findings.unknown(unknown);
                }
            }
            Err(unknown) => findings.unknown(&unknown),
        }
    }
    Ok(())
}

/// Returns whether everything is known about the datastores that a machine is written to, and all are accessible, as nearly
/// always: then nothing has to be put together about them.
fn finds_its_datastores(machine: Machine<'_>) -> bool {
    let is_accessible = |name: &str| {
        let datastore = machine.model.datastore(name);
        datastore.is_ok_and(|datastore| datastore.accessible.is_some_and(|accessible| accessible.value))
    };
    if runs_at_home(machine) {
        return true;
    }
    match machine.location_mode() {
        Ok(LocationMode::Original) => machine.onprem_disks().is_ok_and(|disks| {
            let mut last = None;
            replicated(disks).all(|disk| match datastore_of(machine, disk) {
                // The disks of a machine lie mostly beside each other.
                Ok(Some(datastore)) if last == Some(&datastore.value) => true,
                Ok(Some(datastore)) => {
                    last = Some(&datastore.value);
                    is_accessible(&datastore.value)
                }
                Ok(None) => true,
                Err(_) => false,
            })
        }),
        Ok(LocationMode::Alternate) => {
            let datastore = machine.settings().failback.datastore.as_ref();
            datastore.is_none_or(|datastore| is_accessible(&datastore.value))
        }
        Err(_) => false,
    }
}

/// Adds the datastores that a machine is written to; while nobody knows where it comes back, those of both ways.
fn add_datastores<'m>(
    machine: Machine<'m>,
    datastores: &mut Sharing<'m, &'m str>,
    findings: &mut Findings<'_>,
) -> Fact<()> {
    let location = machine.location_mode();
    let (original, alternate) = match location {
        Ok(LocationMode::Original) => (true, false),
        Ok(LocationMode::Alternate) => (false, true),
        Err(_) => (true, true),
    };
    if alternate && let Some(datastore) = &machine.settings().failback.datastore {
        datastores.add(datastore.value.as_str(), machine, datastore.span, &location);
    }
    if original {
        for disk in replicated(machine.onprem_disks()?) {
            match datastore_of(machine, disk) {
                Ok(Some(datastore)) => {
                    datastores.add(datastore.value.as_str(), machine, datastore.span, &location);
                }
                Ok(None) => {}
                Err(unknown) => findings.unknown(&unknown),
            }
        }
    }
    Ok(())
}
