//! FB401: a process server carries the data back.

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
    id: "FB401",
    name: "process-server-missing",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S05b"]),
    when: When::STATIC,
    awaited: false,
    summary: "no process server is assigned for the way back",
    docs: "\
### What it checks
A machine for which the plan names no `process_server` under `failback`.

### Why
A process server receives the data of the Azure virtual machine, compresses it and sends it to the master
target. Reprotect asks for one.

### What to do
Set up a process server, in Azure if possible, and name it under `failback`.
",
    help: "set up a process server, in Azure if possible, and name it: `failback: {process_server: …}`",
    article: "site-recovery-failback-azure-to-vmware, Overview (2017-06-05)",
    fixture: include_str!("../../../tests/rules/process-server-missing.yaml"),
    facts: &["machines", "os", "os.family"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    if machine.settings().failback.process_server.is_none() {
        family_decides(machine, |family| {
            family.failback.as_ref().is_some_and(|failback| failback.process_server.is_some())
        })?;
        findings.at(
            machine.name().span,
            format!("{}: no process server is assigned to carry its data back", machine.name()),
        );
    }
    Ok(())
}
