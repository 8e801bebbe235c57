//! FB402: over a VPN, the process server should stand in Azure.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::network::link;
use crate::rules::network::placement;
use crate::rules::network::point_at_carried;
use crate::syntax::inventory::Link;
use crate::syntax::inventory::Placement;
use crate::syntax::inventory::ProcessServer;

pub(crate) static RULE: Rule = Rule {
    id: "FB402",
    name: "azure-process-server-recommended",
    severity: Severity::Warning,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "the process server for the way back is far from the machines in Azure",
    docs: "\
### What it checks
A process server at the site that carries data back, while Azure is reached over a VPN: a warning. Over ExpressRoute with
private peering it is only told.

### Why
The machines in Azure send every change to the process server. Over a VPN each one pays the latency of the way, and
replication falls behind; a process server beside them answers at once, and compresses before it sends.

### What to do
Deploy a process server in the Azure network of the failed-over machines for the time of the failback, and name it under
`failback`.
",
    help: "deploy a temporary process server in the Azure network of the failed-over machines, and name it under `failback`",
    article: "vmware-azure-prepare-failback, Process server in Azure; vmware-azure-reprotect (2018-12)",
    fixture: include_str!("../../../tests/rules/azure-process-server-recommended.yaml"),
    facts: &["process_servers", "network", "network.azure_to_onprem", "process_servers.placement"],
    check: Check::ProcessServer(check),
};

fn check(server: &ProcessServer, model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let placement = placement(server);
    if placement.as_ref().is_ok_and(|placement| placement.value == Placement::Azure) {
        return Ok(());
    }
    let link = link(model)?;
    let (severity, way) = match link.value {
        Link::S2sVpn => (Severity::Warning, "only a VPN leads to the machines in Azure"),
        Link::ExpressroutePrivate => (Severity::Info, "the machines in Azure reach it over ExpressRoute"),
        // Without a private connection another rule refuses the plan.
        Link::ExpressrouteMicrosoft | Link::Internet | Link::None => return Ok(()),
    };
    let placement = placement?;
    let finding = findings.at(placement.span, format!("{}: it stands at the site, and {way}", server.name));
    finding.severity(severity).also(link.span, "the way between Azure and the site");
    point_at_carried(finding, server, model);
    Ok(())
}
