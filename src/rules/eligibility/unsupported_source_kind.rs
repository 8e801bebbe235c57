//! FB010: only VMware virtual machines and physical servers are failed back in this way.

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
use crate::syntax::machine::MachineKind;

pub(crate) static RULE: Rule = Rule {
    id: "FB010",
    name: "unsupported-source-kind",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S01"]),
    when: When::STATIC,
    awaited: false,
    summary: "the machine was neither a VMware VM nor a physical server",
    docs: "\
### What it checks
A machine that was something else than a VMware virtual machine or a physical server before it was replicated.

### Why
The procedure is that of VMware virtual machines and of Windows and Linux physical servers. Hyper-V and Azure virtual
machines have procedures of their own; instances of AWS can be moved to Azure, but not back.

### What to do
Take the machine out of the plan and follow the procedure of its kind.
",
    help: "take the machine out of the plan and follow the procedure of its kind",
    article: "site-recovery-failback-azure-to-vmware, introduction (2017-06-05); site-recovery-migrate-to-azure, Migrate AWS to Azure",
    fixture: include_str!("../../../tests/rules/unsupported-source-kind.yaml"),
    facts: &["machines", "kind"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let kind = machine.facts()?.kind.fact("kind")?;
    let (what, help) = match kind.value {
        MachineKind::VmwareVm | MachineKind::Physical => return Ok(()),
        MachineKind::HypervVm => {
            ("a Hyper-V VM", "take it out of the plan and use the failback of Hyper-V to Azure")
        }
        MachineKind::AzureVm => {
            ("an Azure VM", "take it out of the plan and use the failback between Azure regions")
        }
        MachineKind::AwsInstance => (
            "an AWS instance",
            "take it out of the plan: an AWS instance can be migrated to Azure, but not failed back",
        ),
    };
    findings
        .at(kind.span, format!("{}: {what} does not come back in this way", machine.name()))
        .also(machine.name().span, "the plan brings it back here")
        .help(help);
    Ok(())
}
