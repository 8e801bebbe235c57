//! FB802: the appliance's host must have the datastores that the appliance writes to.

use crate::diagnostic::Severity;
use crate::model::Appliance;
use crate::model::Fact;
use crate::model::Known;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::model::Unknown;
use crate::model::access;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::inventory::Access;
use crate::syntax::machine::DiskKind;
use crate::syntax::machine::OnpremDisk;

pub(crate) static RULE: Rule = Rule {
    id: "FB802",
    name: "appliance-cannot-access-datastore",
    severity: Severity::Error,
    architecture: Architecture::Modernized,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the appliance's host can't access a datastore of the machine",
    docs: "\
### What it checks
For a machine that comes back into its original VM, the datastore of each of its replicated disks; for one that comes back as
a new VM, the datastore that the plan names. The host of its appliance must have it, and for a new VM read and write.

### Why
The appliance opens the disks of the VM on its own host and writes the data of Azure into them. Machine and appliance may be on
different hosts as long as the datastore is shared.

### What to do
Share the datastore with the appliance's host, or assign an appliance on a host that has it.
",
    help: "share the datastore with the appliance's host, or use another appliance",
    article: "failover-failback-overview-modernized, Appliance selection",
    fixture: include_str!("../../../tests/rules/appliance-cannot-access-datastore.yaml"),
    facts: &["appliances", 
        "machines",
        "kind",
        "onprem_vm",
        "onprem_vm.exists",
        "onprem_vm.disks",
        "onprem_vm.disks.datastore",
        "datastores",
        "datastores.access",
        "appliances.host",
    ],
    check: Check::Machine(check),
};

/// A datastore that the appliance's host can't use.
struct OutOfReach<'m> {
    /// Where it is named.
    datastore: &'m Spanned<String>,
    /// The disk that lies on it.
    disk: Option<&'m Spanned<String>>,
    /// Where the inventory says how the host may use it.
    access: Span,
    read_only: bool,
}

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let (Some(appliance), Some(choice)) =
        (machine.listed_appliance()?, &machine.settings().failback.appliance)
    else {
        return Ok(());
    };
    let host = appliance.host_name()?;
    match machine.location_mode() {
        Ok(mode) => {
            let (out_of_reach, unknown) = look(machine, host, mode);
            report(machine, appliance, choice.span, &out_of_reach, findings);
            unknown.map_or(Ok(()), Err)
        }
        Err(missing) => {
            // Where it comes back does not matter if it can come back either way.
            for mode in [LocationMode::Original, LocationMode::Alternate] {
                let (out_of_reach, unknown) = look(machine, host, mode);
                if !out_of_reach.is_empty() || unknown.is_some() {
                    return Err(missing);
                }
            }
            Ok(())
        }
    }
}

/// Returns the datastores that the host can't use, and the first fact that is missing.
fn look<'m>(machine: Machine<'m>, host: &str, mode: LocationMode) -> (Vec<OutOfReach<'m>>, Option<Unknown>) {
    let (mut found, mut unknown): (Vec<OutOfReach<'m>>, Option<Unknown>) = (Vec::new(), None);
    match mode {
        LocationMode::Alternate => {
            if let Some(named) = &machine.settings().failback.datastore {
                match reach(machine, host, named, true) {
                    Ok(trouble) => found.extend(trouble),
                    Err(missing) => unknown = Some(missing),
                }
            }
        }
        LocationMode::Original => {
            let disks = machine.onprem_disks().unwrap_or_else(|missing| {
                unknown = Some(missing);
                &[]
            });
            for disk in disks.iter().filter(|disk| !disk.excluded.is_some_and(|excluded| excluded.value)) {
                let trouble = datastore_of(machine, disk).and_then(|named| match named {
                    Some(named) if found.iter().all(|seen| seen.datastore.value != named.value) => {
                        reach(machine, host, named, false)
                    }
                    Some(_) | None => Ok(None),
                });
                match trouble {
                    Ok(trouble) => {
                        found.extend(trouble.map(|trouble| OutOfReach { disk: Some(&disk.id), ..trouble }));
                    }
                    Err(missing) => unknown = unknown.or(Some(missing)),
                }
            }
        }
    }
    (found, unknown)
}

/// Returns the datastore of a disk; `None` if it lies on none, as a disk that the guest reaches over iSCSI.
fn datastore_of<'m>(machine: Machine<'m>, disk: &'m OnpremDisk) -> Fact<Option<&'m Spanned<String>>> {
    match disk.kind.map(|kind| kind.value) {
        Some(DiskKind::Iscsi) => Ok(disk.datastore.as_option()),
        Some(DiskKind::Vmdk | DiskKind::Rdm) | None => disk
            .datastore
            .fact("onprem_vm.disks.datastore")
            .map_err(|missing| Unknown::of(missing.field, format!("{} of {}", disk.id, machine.name()))),
    }
}

/// Returns a datastore if a host has no access to it, or none to write where `to_write` asks for it: whether the host may write
/// to the disks of an original VM is another rule's question.
fn reach<'m>(
    machine: Machine<'m>,
    host: &str,
    named: &'m Spanned<String>,
    to_write: bool,
) -> Fact<Option<OutOfReach<'m>>> {
    let datastore = machine.model.datastore(&named.value)?;
    let out = |access, read_only| OutOfReach { datastore: named, disk: None, access, read_only };
    Ok(match access(datastore, host)? {
        Some(Access::ReadWrite) => None,
        Some(Access::ReadOnly) if to_write => Some(out(datastore.name.span, true)),
        Some(Access::ReadOnly) => None,
        None => Some(out(datastore.name.span, false)),
    })
}

fn report(
    machine: Machine<'_>,
    appliance: Appliance<'_>,
    choice: Span,
    out_of_reach: &[OutOfReach<'_>],
    findings: &mut Findings<'_>,
) {
    let name = machine.name();
    let host = appliance.facts.host.as_ref();
    let host_name = host.map_or("", |host| host.value.as_str());
    for trouble in out_of_reach {
        let datastore = trouble.datastore;
        let (how, listed) = if trouble.read_only {
            ("can only read", format!("{host_name} has it read-only"))
        } else {
            ("can't access", format!("`access` does not list {host_name}"))
        };
        let message = format!(
            "{name}: the appliance {} on {host_name} {how} the datastore {datastore}",
            appliance.name()
        );
        // A new VM's datastore is the plan's choice; that of an original VM is as it is, and the appliance is the choice.
        let span = if trouble.disk.is_some() { choice } else { datastore.span };
        let finding = findings.at(span, message);
        if let Some(disk) = trouble.disk {
            finding.also(datastore.span, format!("{disk} of {name} lies on {datastore}"));
        } else {
            finding.also(choice, format!("it comes back through {}", appliance.name()));
        }
        finding
            .also(trouble.access, listed)
            .also(
                host.map_or(Span::NONE, |host| host.span),
                format!("{} runs on {host_name}", appliance.name()),
            )
            .also(name.span, "the plan brings it back here");
    }
}
