//! FB305: Azure reaches the configuration server.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::labels::also_machines;

pub(crate) static RULE: Rule = Rule {
    id: "FB305",
    name: "config-server-not-connected",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::LIVE.and_at(&[Guard::Reprotect, Guard::Failover, Guard::Forward]),
    awaited: false,
    summary: "the configuration server is not connected to Azure",
    docs: "\
### What it checks
Whether Site Recovery hears from the configuration server: before the run, before reprotect in either direction, and again
immediately before the failover.

### Why
Every order to the site goes through the configuration server. While it is not connected, reprotect and failover fail.

### What to do
Start the server, see that it reaches Azure on port 443, and wait until its heartbeat arrives in the vault.
",
    help: "start it, and check port 443 outbound and its heartbeat",
    article: "vmware-azure-reprotect, Before you begin (2021)",
    fixture: include_str!("../../../tests/rules/config-server-not-connected.yaml"),
    facts: &["configuration_server", "configuration_server.connected"],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let Some(server) = model.configuration_server()? else { return Ok(()) };
    let connected = server.connected.fact_of("configuration_server.connected", &server.id)?;
    if !connected.value {
        let machines = findings.machines(model);
        let finding = findings.at(
            connected.span,
            format!("{}: it is not connected to Azure, so no order reaches the site", server.id),
        );
        finding.subject(SubjectKind::ConfigurationServer, server.id.value.as_str());
        also_machines(finding, machines, "it comes back through this server");
    }
    Ok(())
}
