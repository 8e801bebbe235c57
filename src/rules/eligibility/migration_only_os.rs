//! FB015: Windows Server 2008 is only migrated.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Machine;
use crate::model::release::WindowsServer;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::eligibility::windows_server;

pub(crate) static RULE: Rule = Rule {
    id: "FB015",
    name: "migration-only-os",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "the operating system is supported for migration only",
    docs: "\
### What it checks
A machine with Windows Server 2008, with whatever service pack. Windows Server 2008 R2 is another release and does not
count.

### Why
Site Recovery takes Windows Server 2008 to Azure for migration only: there is neither replication nor failback for it
afterwards.

### What to do
Take the machine out of the plan. Upgrade it in Azure, or build it anew on-premises.
",
    help: "take the machine out of the plan; upgrade it in Azure or rebuild it on-premises",
    article: "vmware-physical-azure-support-matrix, Replicated machines, Windows",
    fixture: include_str!("../../../tests/rules/migration-only-os.yaml"),
    facts: &["machines", "os", "os.release"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    if let Some((WindowsServer::V2008, span)) = windows_server(machine.os()?)? {
        findings
            .at(span, format!("{}: Windows Server 2008 is supported for migration only", machine.name()))
            .also(machine.name().span, "the plan brings it back here");
    }
    Ok(())
}
