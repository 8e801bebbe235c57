//! FB005: failback leads only to ESXi hosts.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::eligibility::look_at_hosts;
use crate::syntax::plan::Hypervisor;

pub(crate) static RULE: Rule = Rule {
    id: "FB005",
    name: "target-not-esxi",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "the failback target is not an ESXi host",
    docs: "\
### What it checks
A machine whose target is said to be neither ESXi nor Hyper-V, or that has to do with a host that runs something else than
these two: that of its master target or appliance, that of its own VM if it comes back into it, or the one that the plan
names. Hyper-V is the matter of FB004. A host under a vCenter counts as ESXi where nothing is said; of one under none it
has to be.

### Why
Disks are written and virtual machines are made through an ESXi host. VMware Workstation, other hypervisors and bare
hardware take no failback, not even of a machine that was a physical server.

### What to do
Name an ESXi host, or leave the target out.
",
    help: "choose an ESXi host, or leave `target` out",
    article: "vmware-azure-reprotect, Common issues (2018-12)",
    fixture: include_str!("../../../tests/rules/target-not-esxi.yaml"),
    facts: &["appliances", "master_targets", 
        "machines",
        "kind",
        "onprem_vm",
        "onprem_vm.exists",
        "onprem_vm.host",
        "hosts",
        "hosts.hypervisor",
        "master_targets.host",
        "appliances.host",
        "vault.experience",
    ],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let name = machine.name();
    let target = &machine.settings().failback;
    if let Some((said, what)) = target.hypervisor.and_then(|said| Some((said, other(said.value)?))) {
        findings
            .at(said.span, format!("{name}: the target {what}, but failback leads only to ESXi"))
            .also(name.span, "this machine would go there");
        return Ok(());
    }
    look_at_hosts(machine, findings, "ESXi", other)
}

/// Returns the words for a hypervisor that is neither ESXi nor Hyper-V.
const fn other(hypervisor: Hypervisor) -> Option<&'static str> {
    match hypervisor {
        Hypervisor::VmwareWorkstation => Some("is a VMware Workstation host"),
        Hypervisor::Other => Some("is a host of another kind"),
        Hypervisor::Esxi | Hypervisor::HyperV => None,
    }
}
