//! FB130: the host of a master target needs a VMFS datastore.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::MasterTarget;
use crate::model::access;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::alternate_location::LABELS;
use crate::syntax::inventory::Datastore;
use crate::syntax::inventory::DatastoreType;

pub(crate) static RULE: Rule = Rule {
    id: "FB130",
    name: "mt-host-without-vmfs",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the host of the master target has no VMFS datastore",
    docs: "\
### What it checks
A master target whose host has no datastore of type `vmfs`, whatever the location of its machines. A host that
`access` of a datastore does not list has no access to it.

### Why
Reprotect asks for a datastore and offers the VMFS datastores of the master target's host. Without one the choice is
empty. A datastore must be given even for the original location, where it is ignored.

### What to do
Attach a VMFS datastore to the host, or move the master target to a host that has one.
",
    help: "attach a VMFS datastore to the host, or move the master target to a host that has one",
    article: "vmware-azure-prepare-failback, item 10; vmware-azure-reprotect, Enable reprotection",
    fixture: include_str!("../../../tests/rules/mt-host-without-vmfs.yaml"),
    facts: &["master_targets", "master_targets.host", "datastores", "datastores.type", "datastores.access", "vault.experience"],
    check: Check::MasterTarget(check),
};

fn check(server: MasterTarget<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let name = server.name();
    let host = server.facts.host.fact_of("master_targets.host", name)?;
    let datastores = server.model.inventory.datastores.fact_of("datastores", "the inventory")?;
    let mut unknown = Ok(());
    for datastore in datastores {
        match is_vmfs_of(datastore, &host.value) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(missing) => unknown = unknown.and(Err(missing)),
        }
    }
    unknown?;
    let finding = findings
        .at(host.span, format!("{name}: {host}, the host of the master target, has no VMFS datastore"));
    if let Ok(facts) = server.host() {
        finding.also(facts.name.span, "no VMFS datastore lists this host under `access`");
    }
    for machine in server.machines().take(LABELS) {
        finding.also(machine.name().span, format!("is assigned to {name}"));
    }
    Ok(())
}

/// Returns whether a datastore is a VMFS datastore of a host; what is known may suffice to say no.
fn is_vmfs_of(datastore: &Datastore, host: &str) -> Fact<bool> {
    let is_vmfs = datastore
        .kind
        .fact_of("datastores.type", &datastore.name)
        .map(|kind| kind.value == DatastoreType::Vmfs);
    let is_of_host = access(datastore, host).map(|access| access.is_some());
    match (is_vmfs, is_of_host) {
        (Ok(false), _) | (_, Ok(false)) => Ok(false),
        (is_vmfs, is_of_host) => Ok(is_vmfs? && is_of_host?),
    }
}
