//! FB203: Site Recovery must know the master target.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::MasterTarget;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::master_target::also_assigned;

pub(crate) static RULE: Rule = Rule {
    id: "FB203",
    name: "mt-not-discovered",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S23"]),
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the master target is not registered or not discovered",
    docs: "\
### What it checks
A master target of the plan that is not registered with the configuration server, or that Site Recovery has not
discovered.

### Why
Reprotect names the master target; Site Recovery can use only one that it knows.

### What to do
Register the master target with the original configuration server, and wait for the next discovery of the vCenter: 15 to
30 minutes.
",
    help: "register it with the original configuration server and wait for the next discovery (15 to 30 minutes)",
    article: "site-recovery-failback-azure-to-vmware, Alternate location recovery, physical machines (2017-06-05); vmware-azure-install-linux-master-target",
    fixture: include_str!("../../../tests/rules/mt-not-discovered.yaml"),
    facts: &["master_targets", "master_targets.registered", "master_targets.discovered", "vault.experience"],
    check: Check::MasterTarget(check),
};

fn check(server: MasterTarget<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let name = server.name();
    let registered = server.facts.registered.fact_of("master_targets.registered", name);
    let discovered = server.facts.discovered.fact_of("master_targets.discovered", name);
    // A server that is not registered is not discovered either, so that is what has to change first.
    let (fact, what) = match (&registered, &discovered) {
        (Ok(fact), _) if !fact.value => (fact, "is not registered with the configuration server"),
        (_, Ok(fact)) if !fact.value => (fact, "has not been discovered"),
        (Ok(_) | Err(_), Ok(_) | Err(_)) => {
            registered?;
            discovered?;
            return Ok(());
        }
    };
    let finding = findings.at(fact.span, format!("{name}: the master target {what}"));
    also_assigned(finding, server);
    Ok(())
}
