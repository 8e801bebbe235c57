//! FB303: the configuration server is backed up regularly.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Model;
use crate::quantity::Seconds;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::source::Spanned;

pub(crate) static RULE: Rule = Rule {
    id: "FB303",
    name: "config-server-backup-missing",
    severity: Severity::Warning,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S27"]),
    when: When::STATIC,
    awaited: false,
    summary: "there is no recent backup of the configuration server",
    docs: "\
### What it checks
How long before `observed_at` the last backup of the configuration server ended. The limit is
`thresholds.configuration_server_backup_max_age`, 7 days if it is left out.

### Why
A machine that the configuration server's database does not hold can't fail back. Losing the database ends
failback for all of its machines, and only a backup brings it back.

### What to do
Take a backup now and on a schedule; or set the limit to the age that you accept.
",
    help: "back the configuration server up, on a schedule",
    article: "site-recovery-failback-azure-to-vmware, Prerequisites (2017-06-05)",
    fixture: include_str!("../../../tests/rules/config-server-backup-missing.yaml"),
    facts: &["configuration_server", "configuration_server.last_backup_at", "observed_at"],
    check: Check::Plan(check),
};

/// Oldest backup that is accepted if the plan sets no limit: the article asks for a regular schedule and names no age.
const MAX_AGE: Seconds = Seconds(7 * 86_400);

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let Some(server) = model.configuration_server()? else { return Ok(()) };
    let kind = SubjectKind::ConfigurationServer;
    let Some(backup) = server.last_backup_at.fact_of("configuration_server.last_backup_at", &server.id)?
    else {
        findings
            .at(server.id.span, format!("{}: it was never backed up", server.id))
            .subject(kind, server.id.value.as_str());
        return Ok(());
    };
    let limit = model
        .plan
        .thresholds
        .as_ref()
        .and_then(|thresholds| thresholds.configuration_server_backup_max_age)
        .unwrap_or(Spanned::bare(MAX_AGE));
    let age = model.observed_at()?.duration_since(backup.value).as_secs();
    // A backup that ended after the facts were observed is not old.
    let age = Seconds(u64::try_from(age).unwrap_or(0));
    if age > limit.value {
        findings
            .at(backup.span, format!("{}: its last backup is {age} old, and {limit} is the limit", server.id))
            .also(limit.span, "the limit is set here")
            .subject(kind, server.id.value.as_str());
    }
    Ok(())
}
