//! FB206: a master target is a VMware virtual machine.

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
use crate::syntax::plan::Form;

pub(crate) static RULE: Rule = Rule {
    id: "FB206",
    name: "mt-not-vmware-vm",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "the master target is no VMware virtual machine",
    docs: "\
### What it checks
A master target of the plan that is a physical server.

### Why
The disks of the machines are attached to the master target through vCenter, which only works with a VMware virtual
machine.

### What to do
Redeploy the master target as a VMware virtual machine.
",
    help: "redeploy the master target as a VMware virtual machine",
    article: "vmware-azure-install-linux-master-target, Prerequisites",
    fixture: include_str!("../../../tests/rules/mt-not-vmware-vm.yaml"),
    facts: &["master_targets", "master_targets.form", "vault.experience"],
    check: Check::MasterTarget(check),
};

fn check(server: MasterTarget<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let name = server.name();
    let form = server.facts.form.fact_of("master_targets.form", name)?;
    match form.value {
        Form::VmwareVm => {}
        Form::Physical => {
            let message = format!("{name}: the master target must be a VMware virtual machine");
            also_assigned(findings.at(form.span, message), server);
        }
    }
    Ok(())
}
