//! FB816: an appliance's clock must agree with internet time.

use crate::diagnostic::Severity;
use crate::model::Appliance;
use crate::model::Fact;
use crate::model::Known;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::modernized::also_assigned;

pub(crate) static RULE: Rule = Rule {
    id: "FB816",
    name: "appliance-time-sync",
    severity: Severity::Warning,
    architecture: Architecture::Modernized,
    origin: Origin::Beyond,
    when: When::LIVE,
    awaited: false,
    summary: "the appliance's clock does not agree with internet time",
    docs: "\
### What it checks
Appliances through which machines come back, and whose check of time synchronisation failed.

### Why
Tokens and certificates of the service count by the clock. Time synchronisation is one of the checks that an appliance must
pass before it is registered.

### What to do
Mend NTP on the appliance or on the host that sets its clock.
",
    help: "mend the appliance's time synchronisation (NTP)",
    article: "deploy-vmware-azure-replication-appliance-modernized, Register appliance",
    fixture: include_str!("../../../tests/rules/appliance-time-sync.yaml"),
    facts: &["appliances", "appliances.time_in_sync"],
    check: Check::Appliance(check),
};

fn check(appliance: Appliance<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let name = appliance.name();
    let in_sync = appliance.facts.time_in_sync.fact_of("appliances.time_in_sync", name)?;
    if !in_sync.value {
        let message = format!("{name}: its clock does not agree with internet time");
        also_assigned(findings.at(in_sync.span, message), appliance);
    }
    Ok(())
}
