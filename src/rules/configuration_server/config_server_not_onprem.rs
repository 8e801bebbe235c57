//! FB300: the configuration server stands at the site.

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
use crate::syntax::inventory::Placement;

pub(crate) static RULE: Rule = Rule {
    id: "FB300",
    name: "config-server-not-onprem",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S25"]),
    when: When::STATIC,
    awaited: false,
    summary: "the configuration server is not on-premises",
    docs: "\
### What it checks
Whether there is a configuration server, and whether it stands on-premises.

### Why
The site's data comes back through the configuration server: it must be on-premises when machines fail back.

### What to do
Restore the configuration server on-premises, with the address that it had.
",
    help: "restore the configuration server on-premises",
    article: "site-recovery-failback-azure-to-vmware, Prerequisites (2017-06-05)",
    fixture: include_str!("../../../tests/rules/config-server-not-onprem.yaml"),
    facts: &["configuration_server", "configuration_server.placement"],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let Some(server) = model.configuration_server()? else {
        findings
            .at(model.plan_span(), "there is no configuration server, and failback needs one on-premises")
            .help("restore the configuration server on-premises, with the address that it had");
        return Ok(());
    };
    let placement = server.placement.fact_of("configuration_server.placement", &server.id)?;
    match placement.value {
        Placement::Onprem => {}
        Placement::Azure => {
            findings
                .at(
                    placement.span,
                    format!("{}: it stands in Azure, and failback needs it on-premises", server.id),
                )
                .subject(SubjectKind::ConfigurationServer, server.id.value.as_str());
        }
    }
    Ok(())
}
