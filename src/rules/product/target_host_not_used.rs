//! FB535: a machine does not come to the host that the plan names.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::syntax::inventory::Experience;

pub(crate) static RULE: Rule = Rule {
    id: "FB535",
    name: "target-host-not-used",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Product,
    when: When::STATIC,
    awaited: false,
    summary: "the machine comes back to another host than the plan names",
    docs: "\
### What it checks
A machine for which the plan names `target.host`, and the host that it comes back to: that of its own VM if that is used again,
else that of the appliance. A new VM beside a master target is the matter of FB120.

### Why
No request of Site Recovery says to which host a machine is to come. One that comes back into its own VM stays where that VM is,
and a new one is made on the host of the server that writes its disks. Who reads the plan expects it elsewhere.

### What to do
Leave `target.host` out. Move the VM with vMotion: its own before the failback, a new one afterwards; or assign an appliance on
the wanted host.
",
    help: "leave `target.host` out, and move the VM with vMotion",
    article: "site-recovery-failback-azure-to-vmware, Original location recovery (2017-06-05)",
    fixture: include_str!("../../../tests/rules/target-host-not-used.yaml"),
    facts: &["appliances", "master_targets", 
        "machines",
        "kind",
        "onprem_vm",
        "onprem_vm.exists",
        "onprem_vm.host",
        "hosts",
        "appliances.host",
        "vault.experience",
    ],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let Some(named) = &machine.settings().failback.host else { return Ok(()) };
    let original = match machine.location_mode()? {
        LocationMode::Original => true,
        LocationMode::Alternate if machine.model.experience()? == Experience::Classic => return Ok(()),
        LocationMode::Alternate => false,
    };
    let Some(host) = machine.target_host()?.filter(|host| host.name.value != named.value) else {
        return Ok(());
    };
    let (name, host) = (machine.name(), &host.name);
    let finding = findings.at(
        named.span,
        format!("{name}: the plan names {named}, but it comes back to {host}, and no request can say so"),
    );
    match (original, machine.onprem_vm().ok(), machine.appliance()) {
        (true, Some(vm), _) => {
            finding.also(
                vm.host.as_ref().map_or(host.span, |host| host.span),
                "its own VM is there, and is used again",
            );
        }
        (false, _, Some(appliance)) => {
            let span = appliance.facts.host.as_ref().map_or(host.span, |host| host.span);
            finding.also(span, format!("{} runs there", appliance.name()));
        }
        (true, None, _) | (false, _, None) => {}
    }
    finding.also(name.span, "the machine that comes back");
    Ok(())
}
