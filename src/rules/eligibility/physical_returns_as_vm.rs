//! FB012: a physical server comes back as a VMware virtual machine.

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
use crate::syntax::plan::Form;

pub(crate) static RULE: Rule = Rule {
    id: "FB012",
    name: "physical-returns-as-vm",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S21"]),
    when: When::STATIC,
    awaited: false,
    summary: "a physical server is to come back as a physical server",
    docs: "\
### What it checks
A physical server whose target form is something else than a VMware virtual machine.

### Why
Failback makes a virtual machine on an ESXi host; it can't write to a physical server. The way is physical to Azure to
virtual.

### What to do
Leave `target.form` out, or write `vmware_vm`. Where hardware is needed, move the virtual machine there afterwards by
other means.
",
    help: "leave `target.form` out, or write `vmware_vm`",
    article: "site-recovery-failback-azure-to-vmware, Alternate location recovery (2017-06-05); vmware-azure-common-questions, Configuration server",
    fixture: include_str!("../../../tests/rules/physical-returns-as-vm.yaml"),
    facts: &["machines", "kind"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let Some(form) = machine.settings().failback.form else { return Ok(()) };
    match form.value {
        Form::VmwareVm => return Ok(()),
        Form::Physical => {}
    }
    let kind = machine.facts()?.kind.fact("kind")?;
    match kind.value {
        MachineKind::Physical => {
            findings
                .at(
                    form.span,
                    format!("{}: a physical server can come back only as a VMware VM", machine.name()),
                )
                .also(kind.span, "it was a physical server")
                .also(machine.name().span, "this machine");
        }
        MachineKind::VmwareVm | MachineKind::HypervVm | MachineKind::AzureVm | MachineKind::AwsInstance => {}
    }
    Ok(())
}
