//! FB813: an appliance must not be a copy of another.

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
use crate::rules::modernized::needed_appliances;

pub(crate) static RULE: Rule = Rule {
    id: "FB813",
    name: "appliance-cloned",
    severity: Severity::Error,
    architecture: Architecture::Modernized,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "the appliance is a copy of another",
    docs: "\
### What it checks
Appliances through which machines have still to come back, or are to be protected again after the commit, and which were made
by copying another appliance.

### Why
A copy has the identity of its original. Site Recovery can't tell them apart, and recovery is disrupted.

### What to do
Deploy a fresh appliance from the template. Appliances are set up one after another; the registration of one takes up to 30
minutes.
",
    help: "deploy a fresh appliance; allow 30 minutes for its registration",
    article: "deploy-vmware-azure-replication-appliance-modernized",
    fixture: include_str!("../../../tests/rules/appliance-cloned.yaml"),
    facts: &["appliances", "appliances.cloned"],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let all = needed_appliances(model, findings);
    all.tell_unlisted(SubjectKind::Appliance, findings);
    for needed in all.servers {
        let name = &needed.server.facts.name;
        let mut findings = findings.about(SubjectKind::Appliance, name, name.span);
        match needed.server.facts.cloned.fact_of("appliances.cloned", name) {
            Ok(cloned) if cloned.value => {
                let message = format!(
                    "{name}: it is a copy of another appliance, which is not supported and disrupts recovery"
                );
                needed.point_at_machines(findings.at(cloned.span, message), name);
            }
            Ok(_) => {}
            Err(unknown) => findings.unknown(&unknown),
        }
    }
    Ok(())
}
