//! FB220: a master target stands where the configuration server sees it.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::MasterTarget;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::master_target::also_assigned;
use crate::source::Span;

pub(crate) static RULE: Rule = Rule {
    id: "FB220",
    name: "mt-not-in-vcenter-inventory",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::LIVE,
    awaited: false,
    summary: "the master target is not a VM of a registered vCenter",
    docs: "\
### What it checks
The host of a master target: whether its vCenter is among those that are registered with the configuration server. A
host without a vCenter counts if the configuration server has discovered it by itself.

### Why
The datastores that reprotect offers come from the discovery of the host that runs the master target. If it is seen
nowhere, none can be selected.

### What to do
Create the master target in the vCenter that manages the source machine, and wait for the discovery: up to 30 minutes.
",
    help: "create the master target in the vCenter that manages the source machine and wait up to 30 minutes for the discovery",
    article: "site-recovery-failover-to-azure-troubleshoot, Unable to select the Datastore",
    fixture: include_str!("../../../tests/rules/mt-not-in-vcenter-inventory.yaml"),
    facts: &["master_targets", "master_targets.host", "hosts", "hosts.vcenter", "hosts.discovered", "vcenters", "vault.experience"],
    check: Check::MasterTarget(check),
};

fn check(server: MasterTarget<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let (name, host) = (server.name(), server.host()?);
    let vcenter = host.vcenter.fact_of("hosts.vcenter", &host.name)?;
    let (span, why) = match vcenter {
        Some(vcenter) => {
            // Those that the inventory lists are the registered ones.
            server.model.inventory.vcenters.fact_of("vcenters", &vcenter.value)?;
            if server.model.vcenter(&vcenter.value).is_ok() {
                return Ok(());
            }
            (vcenter.span, format!("{}, the vCenter of its host {}, is not registered", vcenter, host.name))
        }
        None => {
            let discovered = host.discovered.fact_of("hosts.discovered", &host.name)?;
            if discovered.value {
                return Ok(());
            }
            let why = format!("its host {} has no vCenter and has not been discovered by itself", host.name);
            (discovered.span, why)
        }
    };
    let finding = findings.at(span, format!("{name}: the master target is not seen as a VM: {why}"));
    let runs = server.facts.host.as_ref().map_or(Span::NONE, |host| host.span);
    finding.also(runs, format!("{name} runs on {}", host.name));
    also_assigned(finding, server);
    Ok(())
}
