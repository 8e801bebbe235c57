//! FB400: data comes back over a private connection.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::network::link;
use crate::syntax::inventory::Link;

pub(crate) static RULE: Rule = Rule {
    id: "FB400",
    name: "no-private-link",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "there is no private connection from Azure to the site",
    docs: "\
### What it checks
The way that replication takes from Azure to the site: a site-to-site VPN, or ExpressRoute with private peering.

### Why
In the classic architecture the machines in Azure, the process server and the master target talk to each other by their
private addresses. Replication to Azure may go over the internet or over Microsoft peering; the way back may not.

### What to do
Establish a site-to-site VPN or ExpressRoute with private peering, and declare it under `network.azure_to_onprem`.
",
    help: "establish a site-to-site VPN or ExpressRoute with private peering",
    article: "vmware-azure-prepare-failback, Reprotection and failback components; vmware-azure-common-questions, Why do I need a VPN or ExpressRoute for failback",
    fixture: include_str!("../../../tests/rules/no-private-link.yaml"),
    facts: &["network", "network.azure_to_onprem"],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let link = link(model)?;
    let what = match link.value {
        Link::S2sVpn | Link::ExpressroutePrivate => return Ok(()),
        Link::ExpressrouteMicrosoft => "is ExpressRoute with Microsoft peering",
        Link::Internet => "leads over the internet",
        Link::None => "does not exist",
    };
    let site = &model.inventory.name;
    findings
        .at(
            link.span,
            format!("{site}: the way from Azure {what}, but data comes back only over a site-to-site VPN or ExpressRoute with private peering"),
        )
        .also(model.plan_span(), "this plan takes it")
        .subject(SubjectKind::Network, site.value.as_str());
    Ok(())
}
