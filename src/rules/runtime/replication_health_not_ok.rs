//! FB701: a machine fails back only in good health.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::runtime::failover_is_ahead;
use crate::syntax::machine::Health;
use crate::syntax::machine::State;

pub(crate) static RULE: Rule = Rule {
    id: "FB701",
    name: "replication-health-not-ok",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S30"]),
    when: When::at(&[Guard::Failover]),
    awaited: true,
    summary: "replication health is not OK",
    docs: "\
### What it checks
A machine that is to fail over from Azure and whose replication health is not OK. Before a run, health that is critical
refuses the plan only once the machine is protected to on-premises; until then the run waits for it.

### Why
Machines must be protected and their health must read OK before failback is started.

### What to do
Resolve the health errors that Site Recovery shows for the machine.
",
    help: "resolve the machine's health errors first",
    article: "site-recovery-failback-azure-to-vmware, Steps to fail back, IMPORTANT (2017-06-05); \
              vmware-azure-tutorial-failover-failback-modernized",
    fixture: include_str!("../../../tests/rules/replication-health-not-ok.yaml"),
    facts: &["machines", "state", "asr", "asr.health"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let state = machine.state();
    if findings.guard().is_none() && state.as_ref().is_ok_and(|state| !failover_is_ahead(*state)) {
        return Ok(());
    }
    let health = machine.asr()?.health.fact("asr.health")?;
    let awaited = match health.value {
        Health::Ok | Health::Healthy => return Ok(()),
        Health::Warning => true,
        Health::Critical => findings.guard().is_none() && state? != State::ProtectedToOnprem,
    };
    let name = machine.name();
    findings
        .at(health.span, format!("{name}: replication health is {health}; it must be ok"))
        .awaited(awaited)
        .also(name.span, "the plan fails it over here");
    Ok(())
}
