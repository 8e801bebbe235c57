//! FB403: separate networks on the configuration server ask for a process server in Azure.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::network::placement;
use crate::rules::network::point_at_carried;
use crate::syntax::inventory::Placement;
use crate::syntax::inventory::ProcessServer;

pub(crate) static RULE: Rule = Rule {
    id: "FB403",
    name: "azure-process-server-required-split-network",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a process server at the site is cut off from the machines in Azure",
    docs: "\
### What it checks
A process server at the site that carries data back, while the configuration server has a network interface for failback
alone.

### Why
A separate interface means that the network of the source machines and that of Azure are kept apart. A process server at the
site is on the wrong side: the machines in Azure don't reach it.

### What to do
Deploy a process server in Azure, and name it under `failback`.
",
    help: "deploy a process server in Azure, and name it under `failback`",
    article: "vmware-azure-common-questions, Can I use the on-premises process server for failback",
    fixture: include_str!("../../../tests/rules/azure-process-server-required-split-network.yaml"),
    facts: &["process_servers", 
        "configuration_server",
        "configuration_server.separate_failback_nic",
        "process_servers.placement",
    ],
    check: Check::ProcessServer(check),
};

fn check(server: &ProcessServer, model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let placement = placement(server);
    if placement.as_ref().is_ok_and(|placement| placement.value == Placement::Azure) {
        return Ok(());
    }
    let Some(configuration_server) = model.configuration_server()? else { return Ok(()) };
    // A single interface can't be one for failback alone, unless somebody says that it is.
    if configuration_server.separate_failback_nic.is_none()
        && configuration_server.nic_count.is_some_and(|count| count.value < 2)
    {
        return Ok(());
    }
    let separate = configuration_server
        .separate_failback_nic
        .fact_of("configuration_server.separate_failback_nic", &configuration_server.id)?;
    if separate.value {
        let placement = placement?;
        let finding = findings.at(
            placement.span,
            format!(
                "{}: it stands at the site, but {} keeps the networks of the site and of Azure apart",
                server.name, configuration_server.id
            ),
        );
        finding.also(separate.span, "failback has a network interface of its own");
        point_at_carried(finding, server, model);
    }
    Ok(())
}
