//! FB404: each virtual network in Azure has a process server of its own.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::network::placement;
use crate::source::Spanned;
use crate::syntax::inventory::Placement;

pub(crate) static RULE: Rule = Rule {
    id: "FB404",
    name: "process-server-per-vnet",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "the process server is in another virtual network than the machine",
    docs: "\
### What it checks
A machine whose process server stands in Azure, in another virtual network, if the inventory has no peering of the two under
`network.peered_vnets`.

### Why
The machine sends its data to the process server within its virtual network. Networks that are not peered don't reach each
other.

### What to do
Deploy one process server in each virtual network in use, and name it under `failback` of its machines. If the two networks
are peered, declare it.
",
    help: "deploy a process server in the machine's network and name it, or declare the peering under `network.peered_vnets`",
    article: "vmware-azure-set-up-process-server-azure, Deploy a process server in Azure",
    fixture: include_str!("../../../tests/rules/process-server-per-vnet.yaml"),
    facts: &["process_servers", "machines", "azure_vm", "azure_vm.vnet", "process_servers.placement", "process_servers.vnet"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let (Some(chosen), Some(server)) =
        (&machine.settings().failback.process_server, machine.listed_process_server()?)
    else {
        return Ok(());
    };
    let placement = placement(server);
    if placement.as_ref().is_ok_and(|placement| placement.value == Placement::Onprem) {
        return Ok(());
    }
    let theirs = server
        .vnet
        .as_ref()
        .ok_or_else(|| Unknown::of("process_servers.vnet", server.name.value.as_str()))?;
    let azure_vm = machine.azure_vm()?;
    // One that is gone is in no network; another rule reports it.
    if azure_vm.exists.is_some_and(|exists| !exists.value) {
        return Ok(());
    }
    let own = azure_vm.vnet.fact("azure_vm.vnet")?;
    if own.value.eq_ignore_ascii_case(theirs) || are_peered(machine.model, own, theirs) {
        return Ok(());
    }
    placement?;
    let name = machine.name();
    findings
        .at(
            chosen.span,
            format!("{name}: it is in network {own}, but process server {} is in {theirs}", server.name),
        )
        .also(own.span, "the machine's network")
        .also(theirs.span, "the process server's network")
        .also(name.span, "the plan brings it back here");
    Ok(())
}

/// Returns whether two virtual networks are declared to be peered.
fn are_peered(model: &Model, one: &str, other: &str) -> bool {
    let holds =
        |pair: &[Spanned<String>], vnet: &str| pair.iter().any(|name| name.eq_ignore_ascii_case(vnet));
    let pairs = model.inventory.network.as_ref().and_then(|network| network.peered_vnets.as_ref());
    pairs.into_iter().flatten().any(|pair| holds(pair, one) && holds(pair, other))
}
