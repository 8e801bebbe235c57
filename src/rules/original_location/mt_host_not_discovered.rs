//! FB103: without a vCenter, the master target's host must be discovered before reprotect.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::syntax::machine::MachineKind;
use crate::syntax::nullable::Nullable;

pub(crate) static RULE: Rule = Rule {
    id: "FB103",
    name: "mt-host-not-discovered",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S14"]),
    when: When::STATIC_LIVE.and_at(&[Guard::Reprotect]),
    awaited: false,
    summary: "the master target's host has not been discovered",
    docs: "\
### What it checks
A machine that comes back into an original VM without a vCenter, or that was a physical server, and whose master target
runs on a host that Site Recovery has not discovered.

### Why
A vCenter tells Site Recovery about its hosts. Where there is none, and for physical servers, the host of the master
target must have been discovered by itself before reprotect begins.

### What to do
Add the host on the configuration server and wait until it is discovered; that and the refresh take up to 30 minutes.
",
    help: "complete the discovery of the host on the configuration server before reprotect; it can take up to 30 minutes",
    article: "site-recovery-failback-azure-to-vmware, Original location recovery, condition 3 (2017-06-05); vmware-azure-prepare-failback, Deploy a separate master target server, item 9",
    fixture: include_str!("../../../tests/rules/mt-host-not-discovered.yaml"),
    facts: &["master_targets", 
        "machines",
        "kind",
        "onprem_vm",
        "onprem_vm.exists",
        "onprem_vm.vcenter",
        "hosts",
        "hosts.discovered",
        "master_targets.host",
    ],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let Some(choice) = &machine.settings().failback.master_target else { return Ok(()) };
    let reason = needs_discovery(machine);
    if reason == Ok(None) {
        return Ok(());
    }
    let Some(server) = machine.listed_master_target()? else { return Ok(()) };
    let host = server.host()?;
    let discovered = host.discovered.fact_of("hosts.discovered", &host.name)?;
    if discovered.value {
        return Ok(());
    }
    if let Some(reason) = reason? {
        let (name, host) = (machine.name(), &host.name.value);
        let server = server.name();
        findings
            .at(
                discovered.span,
                format!("{name}: host {host} of master target {server} has not been discovered"),
            )
            .also(choice.span, format!("{server} is assigned here"))
            .also(name.span, reason);
    }
    Ok(())
}

/// Returns why the machine needs its master target's host to be discovered; `None` if it does not.
fn needs_discovery(machine: Machine<'_>) -> Fact<Option<&'static str>> {
    let kind = machine.kind();
    match kind {
        Ok(MachineKind::Physical) => return Ok(Some("it was a physical server")),
        Ok(MachineKind::HypervVm | MachineKind::AzureVm | MachineKind::AwsInstance) => return Ok(None),
        Ok(MachineKind::VmwareVm) => {
            if let Nullable::Some(_) = machine.onprem_vm()?.vcenter {
                return Ok(None);
            }
        }
        Err(_) => {}
    }
    match machine.location_mode()? {
        LocationMode::Original => {}
        LocationMode::Alternate => return Ok(None),
    }
    let vcenter = machine.onprem_vm()?.vcenter.fact("onprem_vm.vcenter")?;
    Ok(vcenter.is_none().then_some("no vCenter manages its original VM"))
}
