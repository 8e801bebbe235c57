//! FB711: the agent inside the Azure VM sends the data.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::runtime::is_due;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::ServiceState;
use crate::syntax::machine::State;

pub(crate) static RULE: Rule = Rule {
    id: "FB711",
    name: "mobility-service-not-running",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::LIVE.and_at(&[Guard::Reprotect]),
    awaited: false,
    summary: "the Mobility service does not run in the Azure VM",
    docs: "\
### What it checks
A machine that is about to be reprotected to on-premises while the Mobility service (InMage Scout Application Service) does not run
in its Azure VM. A VM that is off or gone is another rule's matter.

### Why
The service registers with Site Recovery and sends the data. Without it the reprotect job ends with error 95226.

### What to do
Start the service in the Azure VM, and let it start by itself at boot.
",
    help: "start the service in the Azure VM, and let it start by itself at boot",
    article: "vmware-azure-troubleshoot-failback-reprotect, error 95226",
    fixture: include_str!("../../../tests/rules/mobility-service-not-running.yaml"),
    facts: &["machines", "state", "azure_vm", "azure_vm.agent_service"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let azure_vm = machine.azure_vm();
    let runs = azure_vm.as_ref().is_ok_and(|azure_vm| {
        azure_vm.exists.is_none_or(|exists| exists.value)
            && azure_vm.power_state.is_none_or(|power| power.value == PowerState::Running)
    });
    // In a VM that is off or gone nothing runs, and other rules say so.
    if azure_vm.is_ok() && !runs {
        return Ok(());
    }
    let service = azure_vm.and_then(|azure_vm| azure_vm.agent_service.fact("azure_vm.agent_service"));
    if service.as_ref().is_ok_and(|service| service.value == ServiceState::Running)
        || !is_due(machine, findings, Guard::Reprotect, State::FailedOverCommitted)?
    {
        return Ok(());
    }
    let service = service?;
    let name = machine.name();
    let message =
        format!("{name}: the Mobility service in its Azure VM is {service}; nothing would be replicated");
    findings.at(service.span, message).also(name.span, "the plan brings it back here");
    Ok(())
}
