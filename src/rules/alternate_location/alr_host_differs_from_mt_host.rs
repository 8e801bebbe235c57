//! FB120: an alternate location is on the master target's own host.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::alternate_location::is_original;
use crate::rules::alternate_location::reason;

pub(crate) static RULE: Rule = Rule {
    id: "FB120",
    name: "alr-host-differs-from-mt-host",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S17"]),
    when: When::STATIC,
    awaited: false,
    summary: "an alternate location is asked for on another host than the master target's",
    docs: "\
### What it checks
A machine that comes back as a new virtual machine, and whose `target.host` is not the host that runs its
master target.

### Why
At an alternate location Site Recovery makes the virtual machine on the host that runs the master target. No
other host can be chosen.

### What to do
Assign a master target on the wanted host, or leave `target.host` out and move the machine with vMotion
afterwards.
",
    help: "assign a master target on the wanted host, or leave `target.host` out and move the machine afterwards",
    article: "site-recovery-failback-azure-to-vmware, Alternate location recovery (2017-06-05); vmware-azure-reprotect, Deploy a separate master target server",
    fixture: include_str!("../../../tests/rules/alr-host-differs-from-mt-host.yaml"),
    facts: &["master_targets", "machines", "kind", "onprem_vm", "onprem_vm.exists", "master_targets.host"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let Some(wanted) = &machine.settings().failback.host else { return Ok(()) };
    if is_original(machine) {
        return Ok(());
    }
    let Some(server) = machine.listed_master_target()? else { return Ok(()) };
    let host = server.facts.host.fact_of("master_targets.host", server.name())?;
    if host == wanted {
        return Ok(());
    }
    machine.location_mode()?;
    let (why, text) = reason(machine);
    findings
        .at(
            wanted.span,
            format!(
                "{}: an alternate location is on {host}, the host of the master target {}, and not on {wanted}",
                machine.name(),
                server.name()
            ),
        )
        .also(host.span, format!("{} runs on {host}", server.name()))
        .also(why, text);
    Ok(())
}
