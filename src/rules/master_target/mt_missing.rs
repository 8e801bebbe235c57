//! FB200: in the classic architecture a master target receives the data of each machine.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::by_os::family_decides;

pub(crate) static RULE: Rule = Rule {
    id: "FB200",
    name: "mt-missing",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S05a"]),
    when: When::STATIC,
    awaited: false,
    summary: "no master target is assigned",
    docs: "\
### What it checks
A machine that has no master target: not its own, not its replication group's, not that of its operating-system family,
and not the plan's.

### Why
A master target receives the data from Azure and writes it into the machine's disks. Reprotect can't begin without one.

### What to do
Write `failback.master_target`: a Windows master target for Windows machines, a Linux one for Linux machines. The one
that is built into the configuration server is a Windows master target.
",
    help: "write `failback.master_target`; the one built into the configuration server serves Windows machines",
    article: "site-recovery-failback-azure-to-vmware, Overview, step 1.1 (2017-06-05)",
    fixture: include_str!("../../../tests/rules/mt-missing.yaml"),
    facts: &["machines", "os", "os.family", "vault.experience"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    if machine.settings().failback.master_target.is_some() {
        return Ok(());
    }
    family_decides(machine, |family| {
        family.failback.as_ref().is_some_and(|failback| failback.master_target.is_some())
    })?;
    let name = machine.name();
    findings.at(name.span, format!("{name}: no master target is assigned"));
    Ok(())
}
