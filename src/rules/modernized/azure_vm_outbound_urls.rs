//! FB811: the Azure VM sends its data to the service by itself.

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
use crate::rules::runtime::failover_is_ahead;
use crate::source::Span;
use crate::syntax::machine::ServiceState;

pub(crate) static RULE: Rule = Rule {
    id: "FB811",
    name: "azure-vm-outbound-urls",
    severity: Severity::Error,
    architecture: Architecture::Modernized,
    origin: Origin::Beyond,
    when: When::LIVE,
    awaited: false,
    summary: "the Azure VM can't send its data to the service",
    docs: "\
### What it checks
A machine that has still to fail back: whether its Azure VM reaches the addresses of the service, at public endpoints or over
private links, and whether the services of its agent run.

### Why
In the modernized architecture the agent in the Azure VM talks to the service itself. Neither reprotect nor replication works
without that. A VPN or ExpressRoute is not needed for it.

### What to do
Allow the addresses of the service for the Azure VM, in network security groups, routes and proxies; start the services of the
agent.
",
    help: "allow the addresses of the service for the Azure VM, and start the agent's services",
    article: "vmware-azure-tutorial-failover-failback-modernized, Failed over VM to Azure, requirements; \
              classic-to-modernized-common-questions",
    fixture: include_str!("../../../tests/rules/azure-vm-outbound-urls.yaml"),
    facts: &["machines", "state", "azure_vm", "azure_vm.outbound_urls_reachable", "azure_vm.agent_service"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let azure_vm = machine.azure_vm();
    if azure_vm.as_ref().is_ok_and(|vm| vm.exists.is_some_and(|exists| !exists.value)) {
        return Ok(());
    }
    let reachable =
        azure_vm.clone().and_then(|vm| vm.outbound_urls_reachable.fact("azure_vm.outbound_urls_reachable"));
    let service = azure_vm.and_then(|vm| vm.agent_service.fact("azure_vm.agent_service"));
    let reaches = reachable.as_ref().is_ok_and(|reachable| reachable.value);
    let runs = service.as_ref().is_ok_and(|service| service.value == ServiceState::Running);
    if (reaches && runs) || !failover_is_ahead(machine.state()?) {
        return Ok(());
    }
    if reachable.as_ref().is_ok_and(|reachable| !reachable.value) {
        let span = reachable.as_ref().map_or(Span::NONE, |reachable| reachable.span);
        report(machine, span, "the Azure VM does not reach the addresses of the service", findings);
    }
    match service.as_ref().map(|service| (service.value, service.span)) {
        Ok((ServiceState::Stopped, span)) => {
            report(machine, span, "the agent's services do not run in the Azure VM", findings);
        }
        Ok((ServiceState::Running, _)) | Err(_) => {}
    }
    reachable.and(service).map(|_| ())
}

fn report(machine: Machine<'_>, span: Span, what: &str, findings: &mut Findings<'_>) {
    let name = machine.name();
    findings.at(span, format!("{name}: {what}")).also(name.span, "the plan brings it back here");
}
