//! FB806: static addresses do not survive the way home.

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
use crate::syntax::machine::OsFamily;

pub(crate) static RULE: Rule = Rule {
    id: "FB806",
    name: "static-ip-lost",
    severity: Severity::Warning,
    architecture: Architecture::Modernized,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "the machine's static address is lost",
    docs: "\
### What it checks
Machines whose on-premises address is static.

### Why
In the modernized architecture no machine gets its static address back, at the original location or at an alternate one. On
Linux, `/etc/fstab` and the configuration of LVM are changed too.

### What to do
Add an action after the failover that gives the machine its address again, and on Linux one that looks at its mounts. Then
accept the finding with a waiver that names the action.
",
    help: "add an action after the failover that sets the address again, then accept this with a waiver",
    article: "failover-failback-overview-modernized, Re-protect job, NOTE",
    fixture: include_str!("../../../tests/rules/static-ip-lost.yaml"),
    facts: &["machines", "network.static_ip"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let network = machine.facts()?.network.fact("network.static_ip")?;
    let fixed = network.static_ip.fact("network.static_ip")?;
    if fixed.value {
        let name = machine.name();
        let more = match machine.os_family() {
            Ok(OsFamily::Linux) => "; fstab and the configuration of LVM are changed too",
            Ok(OsFamily::Windows) => "",
            Err(_) => "; on Linux, fstab and the configuration of LVM are changed too",
        };
        findings
            .at(fixed.span, format!("{name}: its static address is not kept on the way home{more}"))
            .also(name.span, "the plan brings it back here");
    }
    Ok(())
}
