//! FB717: disabling replication leaves disks in Azure.

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
use crate::syntax::machine::ActiveSite;
use crate::syntax::machine::State;

pub(crate) static RULE: Rule = Rule {
    id: "FB717",
    name: "disable-replication-leaves-disks",
    severity: Severity::Info,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::LIVE.and_at(&[Guard::Forward]),
    awaited: false,
    summary: "disks of a disabled replication stay in Azure",
    docs: "\
### What it checks
Machines that run on-premises and whose replication was disabled.

### Why
The disks in Azure that the replication wrote to stay there and cost money.

### What to do
Delete them, once the machine is confirmed to be good.
",
    help: "delete the disks in Azure, once the machine is confirmed to be good",
    article: "vmware-azure-failback (2023-08), note",
    fixture: include_str!("../../../tests/rules/disable-replication-leaves-disks.yaml"),
    facts: &["machines", "state", "active_site", "asr", "asr.replication_enabled"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let facts = machine.facts()?;
    let enabled = machine.asr().and_then(|asr| asr.replication_enabled.fact("asr.replication_enabled"));
    let disabled =
        facts.state.filter(|state| state.value == State::ReplicationDisabled).map(|state| state.span);
    let disabled =
        disabled.or(enabled.as_ref().ok().filter(|enabled| !enabled.value).map(|enabled| enabled.span));
    let site = facts.active_site.fact("active_site");
    match site.as_ref().map(|site| site.value) {
        Ok(ActiveSite::Azure) => return Ok(()),
        Ok(ActiveSite::Onprem) | Err(_) => {}
    }
    let Some(disabled) = disabled else { return enabled.map(drop) };
    site?;
    let name = machine.name();
    findings
        .at(
            disabled,
            format!("{name}: its replication was disabled, and its disks in Azure stay and cost money"),
        )
        .also(name.span, "the plan is about it here");
    Ok(())
}
