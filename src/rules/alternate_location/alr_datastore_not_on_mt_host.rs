//! FB122: new disks lie on a datastore of the master target's host.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Machine;
use crate::model::access;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::alternate_location::is_original;
use crate::rules::alternate_location::reason;
use crate::source::Span;
use crate::syntax::inventory::Access;

pub(crate) static RULE: Rule = Rule {
    id: "FB122",
    name: "alr-datastore-not-on-mt-host",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S17"]),
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the datastore of an alternate location is not attached to the master target's host",
    docs: "\
### What it checks
A machine that comes back as a new virtual machine, on a datastore that the host of its master target does not
have, or has read-only. A host that `access` of a datastore does not list has no access to it.

### Why
The new virtual machine is made on the host that runs the master target, and its disks on the selected
datastore: so that host must have that datastore, and write to it.

### What to do
Name a datastore of the master target's host, or attach the datastore to that host.
",
    help: "name a datastore of the master target's host, or attach this one to it",
    article: "site-recovery-failback-azure-to-vmware, Alternate location recovery (2017-06-05); vmware-azure-prepare-failback, item 8",
    fixture: include_str!("../../../tests/rules/alr-datastore-not-on-mt-host.yaml"),
    facts: &[
        "master_targets",
        "machines",
        "kind",
        "onprem_vm",
        "onprem_vm.exists",
        "master_targets.host",
        "datastores",
        "datastores.access",
    ],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let Some(named) = &machine.settings().failback.datastore else { return Ok(()) };
    if is_original(machine) {
        return Ok(());
    }
    let Some(server) = machine.listed_master_target()? else { return Ok(()) };
    let host = server.host_name()?;
    let datastore = machine.model.datastore(&named.value)?;
    let (lack, here, shows) = match access(datastore, host)? {
        Some(Access::ReadWrite) => return Ok(()),
        Some(Access::ReadOnly) => {
            let mount = datastore.access.as_ref().and_then(|access| access.get(host));
            let here = mount.map_or(datastore.name.span, |mount| mount.span);
            ("is mounted read-only on", here, "read-only here".to_owned())
        }
        None => ("is not attached to", datastore.name.span, format!("`access` does not list {host}")),
    };
    machine.location_mode()?;
    let (why, text) = reason(machine);
    let runs = server.facts.host.as_ref().map_or(Span::NONE, |host| host.span);
    findings
        .at(
            named.span,
            format!(
                "{}: datastore {named} {lack} {host}, the host of the master target {}",
                machine.name(),
                server.name()
            ),
        )
        .also(runs, format!("{} runs on {host}", server.name()))
        .also(here, shows)
        .also(why, text);
    Ok(())
}
