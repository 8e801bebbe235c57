//! FB304: a restored configuration server keeps its address.

use std::net::IpAddr;

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;

pub(crate) static RULE: Rule = Rule {
    id: "FB304",
    name: "config-server-restored-with-other-ip",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S28"]),
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the configuration server was restored with another address",
    docs: "\
### What it checks
Whether a configuration server that was restored has the address with which the machines were protected. If
nobody says whether it was restored, a changed address counts all the same.

### Why
The machines and the other servers find the configuration server by its address. After a disaster it must be
restored with the same address; failback depends on it.

### What to do
Restore the configuration server with its original address.
",
    help: "restore the configuration server with its original address",
    article: "site-recovery-failback-azure-to-vmware, Prerequisites (2017-06-05); vmware-azure-deploy-configuration-server, Configure settings",
    fixture: include_str!("../../../tests/rules/config-server-restored-with-other-ip.yaml"),
    facts: &["configuration_server", "configuration_server.ip", "configuration_server.original_ip"],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let Some(server) = model.configuration_server()? else { return Ok(()) };
    if server.restored.is_some_and(|restored| !restored.value) {
        return Ok(());
    }
    let address = server.ip.fact_of("configuration_server.ip", &server.id)?;
    let original = server.original_ip.fact_of("configuration_server.original_ip", &server.id)?;
    if !is_same(address, original) {
        findings
            .at(address.span, format!("{}: its address is {address}, originally {original}", server.id))
            .also(original.span, "the machines were protected with this address")
            .subject(SubjectKind::ConfigurationServer, server.id.value.as_str());
    }
    Ok(())
}

/// Returns whether two texts are one address, however each is spelled.
fn is_same(one: &str, other: &str) -> bool {
    match (one.parse::<IpAddr>(), other.parse::<IpAddr>()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}
