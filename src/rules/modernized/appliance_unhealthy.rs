//! FB800: an appliance that does not work brings nothing back.

use crate::diagnostic::Severity;
use crate::model::Appliance;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::modernized::needed_appliances;
use crate::rules::modernized::needed_appliances_are;
use crate::rules::needed::Needed;
use crate::source::Spanned;
use crate::syntax::inventory::Appliance as ApplianceFacts;
use crate::syntax::inventory::Component;
use crate::syntax::machine::Health;

pub(crate) static RULE: Rule = Rule {
    id: "FB800",
    name: "appliance-unhealthy",
    severity: Severity::Error,
    architecture: Architecture::Modernized,
    origin: Origin::Beyond,
    when: When::LIVE.and_at(&[Guard::Reprotect, Guard::Failover, Guard::Forward]),
    awaited: false,
    summary: "the appliance is not healthy",
    docs: "\
### What it checks
An appliance through which machines have still to come back, or are to be protected again after the commit: whether it, or one
of its components, is in critical health. A component without a heartbeat is in critical health. Once all machines that come
back through an appliance have failed back, its health no longer matters for the way home.

### Why
Data flows between Azure and the site through the appliance's components. Reprotect fails when one of them is down, in either
direction, and so does the planned failover. The reprotect to Azure comes after the commit, when there is no way back.

### What to do
Repair the component, or assign another healthy appliance of the same vault: a reprotect that failed may be tried again with
any of them.
",
    help: "repair it, or choose another healthy appliance of the vault",
    article: "failover-failback-overview-modernized, VMware/physical reprotection/failback, Failure",
    fixture: include_str!("../../../tests/rules/appliance-unhealthy.yaml"),
    facts: &["appliances", "appliances.health", "appliances.components", "appliances.components.health"],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    if needed_appliances_are(model, findings, is_known_to_be_sound) {
        return Ok(());
    }
    let all = needed_appliances(model, findings);
    all.tell_unlisted(SubjectKind::Appliance, findings);
    for needed in all.servers {
        let name = &needed.server.facts.name;
        let mut findings = findings.about(SubjectKind::Appliance, name, name.span);
        if let Err(unknown) = check_appliance(&needed, &mut findings) {
            findings.unknown(&unknown);
        }
    }
    Ok(())
}

/// Returns whether an appliance, or one of its components, is known to be down.
pub(in crate::rules) fn is_known_to_be_down(appliance: &ApplianceFacts) -> bool {
    let of_components =
        appliance.components.iter().flatten().map(|component| component.health.map(|health| health.value));
    let own = appliance.health.map(|health| health.value);
    of_components.chain([own]).flatten().any(is_down)
}

/// Returns whether the health of an appliance and of its components is known, and none of them is down.
fn is_known_to_be_sound(appliance: Appliance<'_>) -> bool {
    let is_sound = |health: Option<Spanned<Health>>| health.is_some_and(|health| !is_down(health.value));
    let components = appliance.facts.components.as_ref();
    is_sound(appliance.facts.health)
        && components.is_some_and(|all| all.iter().all(|component| is_sound(component.health)))
}

fn check_appliance(needed: &Needed<'_, Appliance<'_>>, findings: &mut Findings<'_>) -> Fact<()> {
    let appliance = needed.server;
    let name = appliance.name();
    let components = appliance.facts.components.as_deref();
    let mut reported = false;
    for component in components.unwrap_or_default() {
        if let Some(health) = component.health.filter(|health| is_down(health.value)) {
            let finding =
                findings.at(health.span, format!("{name}: its component {} is not healthy", component.name));
            needed.point_at_machines(finding, name);
            reported = true;
        }
    }
    if let Some(health) = appliance.facts.health.filter(|health| is_down(health.value) && !reported) {
        let finding = findings.at(health.span, format!("{name}: its health is {health}"));
        needed.point_at_machines(finding, name);
        reported = true;
    }
    if !reported {
        appliance.facts.health.fact_of("appliances.health", name)?;
    }
    let components = components.ok_or_else(|| Unknown::of("appliances.components", name))?;
    components.iter().try_for_each(|component| known(component, name))
}

fn known(component: &Component, appliance: &str) -> Fact<()> {
    let object = || Unknown::of("appliances.components.health", format!("{} of {appliance}", component.name));
    component.health.map(|_| ()).ok_or_else(object)
}

const fn is_down(health: Health) -> bool {
    match health {
        Health::Critical => true,
        Health::Ok | Health::Healthy | Health::Warning => false,
    }
}
