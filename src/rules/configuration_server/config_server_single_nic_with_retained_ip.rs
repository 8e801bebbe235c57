//! FB306: addresses that were kept in Azure ask for a second network interface.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::configuration_server::of_machine;
use crate::rules::labels::LABELS;
use crate::source::Spanned;

pub(crate) static RULE: Rule = Rule {
    id: "FB306",
    name: "config-server-single-nic-with-retained-ip",
    severity: Severity::Warning,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "addresses were kept in Azure, and the configuration server has one network interface",
    docs: "\
### What it checks
Machines that kept their on-premises addresses in Azure, while the configuration server has fewer than two network
interfaces.

### Why
Where addresses are kept, the subnets on both sides overlap. One interface can't tell the source machines from those in
Azure; the way back needs an interface of its own.

### What to do
Give the configuration server a second interface for failback. It has to be there before the server is registered; if it
is not, the server must be registered again. Use a process server in Azure as well.
",
    help: "give it a second network interface for failback, register it again, and use a process server in Azure",
    article: "vmware-azure-prepare-failback, On-premises configuration server",
    fixture: include_str!("../../../tests/rules/config-server-single-nic-with-retained-ip.yaml"),
    facts: &[
        "configuration_server",
        "configuration_server.nic_count",
        "machines",
        "azure_vm",
        "azure_vm.ip_retained",
    ],
    check: Check::Plan(check),
};

/// Interfaces that a configuration server needs where addresses were kept (vmware-azure-prepare-failback, On-premises
/// configuration server).
const NEEDED: u16 = 2;

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let Some(server) = model.configuration_server()? else { return Ok(()) };
    let interfaces = server.nic_count.fact_of("configuration_server.nic_count", &server.id);
    if interfaces.as_ref().is_ok_and(|interfaces| interfaces.value >= NEEDED) {
        return Ok(());
    }
    let mut kept = Vec::new();
    let mut unknown = None;
    for machine in model.machines() {
        match retained(machine) {
            Ok(Some(retained)) if retained.value => kept.push((machine, retained.span)),
            Ok(_) => {}
            Err(fact) => {
                unknown.get_or_insert(fact);
            }
        }
    }
    if kept.is_empty() {
        // Without any kept address the number of interfaces does not matter.
        return unknown.map_or(Ok(()), Err);
    }
    let interfaces = interfaces?;
    let finding = findings.at(
        interfaces.span,
        format!(
            "{}: network interfaces: {interfaces}, and {} kept the on-premises address in Azure, so that both networks overlap",
            server.id,
            match kept.as_slice() {
                [(machine, _)] => machine.name().to_string(),
                several => format!("{} machines", several.len()),
            }
        ),
    );
    finding.subject(SubjectKind::ConfigurationServer, server.id.value.as_str());
    for (machine, span) in kept.iter().take(LABELS) {
        finding.also(*span, format!("{} kept its address", machine.name()));
    }
    if let Some((_, span)) = kept.get(LABELS) {
        finding.also(*span, format!("and {} more", kept.len() - LABELS));
    }
    Ok(())
}

/// Returns whether a machine kept its address, and where that is written; `None` if it has no Azure VM any more.
fn retained(machine: Machine<'_>) -> Fact<Option<&Spanned<bool>>> {
    let azure_vm = machine.azure_vm().map_err(|unknown| of_machine(unknown, machine))?;
    if azure_vm.exists.is_some_and(|exists| !exists.value) {
        return Ok(None);
    }
    azure_vm.ip_retained.fact_of("azure_vm.ip_retained", machine.name()).map(Some)
}
