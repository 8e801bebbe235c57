//! FB307: the certificate of the configuration server is valid.

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
    id: "FB307",
    name: "config-server-certificate-expired",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::LIVE,
    awaited: false,
    summary: "the certificate of the configuration server has expired or will soon",
    docs: "\
### What it checks
When the certificate of the configuration server ends. An end that has come is an error; one within 60 days is a warning.

### Why
Agents, process servers and master targets prove by this certificate that they belong together. When it has ended, none
of them can talk to the configuration server.

### What to do
Renew the certificate, which then holds for three years. All servers must run current software and be connected.
",
    help: "renew the certificate; all servers must be current and connected",
    article: "vmware-azure-manage-configuration-server, Renew SSL certificates",
    fixture: include_str!("../../../tests/rules/config-server-certificate-expired.yaml"),
    facts: &["configuration_server", "configuration_server.certificate_expires_at"],
    check: Check::Plan(check),
};

/// Days before the end from which on renewal is offered (vmware-azure-manage-configuration-server, Renew SSL certificates).
const SOON_DAYS: i64 = 60;

/// Seconds of a day.
const DAY: i64 = 86_400;

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let Some(server) = model.configuration_server()? else { return Ok(()) };
    let end =
        server.certificate_expires_at.fact_of("configuration_server.certificate_expires_at", &server.id)?;
    let left = end.value.duration_since(findings.now()).as_secs();
    if left >= SOON_DAYS * DAY {
        return Ok(());
    }
    let (severity, message) = if left <= 0 {
        (
            Severity::Error,
            format!(
                "{}: its certificate expired on {end}, so agents, process servers and master targets can't authenticate",
                server.id
            ),
        )
    } else {
        (
            Severity::Warning,
            format!("{}: its certificate expires on {end}, in {} days", server.id, left / DAY),
        )
    };
    findings
        .at(end.span, message)
        .severity(severity)
        .subject(SubjectKind::ConfigurationServer, server.id.value.as_str());
    Ok(())
}
