//! FB131: modernized makes new disks only in the vCenter of the appliance.

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

pub(crate) static RULE: Rule = Rule {
    id: "FB131",
    name: "alr-datastore-outside-appliance-vcenter",
    severity: Severity::Error,
    architecture: Architecture::Modernized,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the datastore of an alternate location is not in the appliance's vCenter",
    docs: "\
### What it checks
A machine that comes back as a new virtual machine, on a datastore of another vCenter than the one that holds its
appliance.

### Why
For an alternate location only the datastores of the vCenter that hosts the appliance can be selected.

### What to do
Use an appliance that lives in the wanted vCenter, or name a datastore of the appliance's vCenter.
",
    help: "use an appliance in the datastore's vCenter, or name a datastore of the appliance's vCenter",
    article: "failover-failback-overview-modernized, Data store selection during ALR",
    fixture: include_str!("../../../tests/rules/alr-datastore-outside-appliance-vcenter.yaml"),
    facts: &["appliances", "machines", "kind", "onprem_vm", "onprem_vm.exists", "datastores", "datastores.vcenter", "appliances.vcenter", "vault.experience"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let Some(named) = &machine.settings().failback.datastore else { return Ok(()) };
    if is_original(machine) {
        return Ok(());
    }
    let Some(appliance) = machine.listed_appliance()? else { return Ok(()) };
    let own = appliance.facts.vcenter.fact_of("appliances.vcenter", appliance.name())?;
    let datastore = machine.model.datastore(&named.value)?;
    let other = datastore.vcenter.fact_of("datastores.vcenter", &datastore.name)?;
    if other.is_some_and(|other| other.value == own.value) {
        return Ok(());
    }
    machine.location_mode()?;
    let (name, server) = (machine.name(), appliance.name());
    let (why, text) = reason(machine);
    let place = other.map_or_else(|| "no vCenter".to_owned(), |other| format!("vCenter {other}"));
    findings
        .at(
            named.span,
            format!("{name}: datastore {named} is in {place}, the appliance {server} in vCenter {own}"),
        )
        .also(other.map_or(datastore.name.span, |other| other.span), "the datastore's vCenter")
        .also(own.span, "the appliance's vCenter")
        .also(why, text);
    Ok(())
}
