//! FB004: failback can't lead to a Hyper-V host.

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
use crate::source::Spanned;
use crate::syntax::plan::Hypervisor;

pub(crate) static RULE: Rule = Rule {
    id: "FB004",
    name: "hyperv-target",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S03"]),
    when: When::STATIC,
    awaited: false,
    summary: "the failback target is a Hyper-V host",
    docs: "\
### What it checks
A machine whose target is said to be Hyper-V, or that has to do with a host that runs Hyper-V: that of its master target or
appliance, that of its own VM if it comes back into it, or the one that the plan names. A host under a vCenter counts as
ESXi where nothing is said; of one under none it has to be.

### Why
Failback writes VMware disks and makes VMware virtual machines; there is no way from Azure to Hyper-V for a machine that
came from VMware or from a physical server.

### What to do
Name an ESXi host, or leave the target out.
",
    help: "choose an ESXi host, or leave `target` out",
    article: "site-recovery-failback-azure-to-vmware, introduction (2017-06-05); vmware-azure-failback, Prerequisites (2018)",
    fixture: include_str!("../../../tests/rules/hyperv-target.yaml"),
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
    let runs_hyperv = |said: &Option<Spanned<Hypervisor>>| match said.map(|said| said.value) {
        Some(Hypervisor::HyperV) => true,
        Some(Hypervisor::Esxi | Hypervisor::VmwareWorkstation | Hypervisor::Other) | None => false,
    };
    if let Some(said) = target.hypervisor.filter(|_| runs_hyperv(&target.hypervisor)) {
        findings
            .at(said.span, format!("{name}: the target is a Hyper-V host, but failback leads only to VMware"))
            .also(name.span, "this machine would go there");
        return Ok(());
    }
    look_at_hosts(machine, findings, "VMware", |hypervisor| match hypervisor {
        Hypervisor::HyperV => Some("runs Hyper-V"),
        Hypervisor::Esxi | Hypervisor::VmwareWorkstation | Hypervisor::Other => None,
    })
}
