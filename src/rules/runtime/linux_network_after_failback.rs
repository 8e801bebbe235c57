//! FB713: Linux comes back asking for its address.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Machine;
use crate::model::Unknown;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::syntax::machine::OsFamily;

pub(crate) static RULE: Rule = Rule {
    id: "FB713",
    name: "linux-network-after-failback",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a Linux machine loses its static address",
    docs: "\
### What it checks
Linux machines that have a static address on-premises.

### Why
Such a machine comes back set up for DHCP, and NetworkManager may be gone. (In the classic architecture a Windows machine gets its
static address back; in the modernized one no machine does, see FB806.)

### What to do
Add an action after the failover that restores the address and the package, try it in a rehearsal, and accept the finding with a
waiver that names it.
",
    help: "add an action after the failover that restores the address and the package, then accept the finding with a waiver",
    article: "vmware-physical-azure-support-matrix, Network; vmware-azure-reprotect (2018-12), Common issues",
    fixture: include_str!("../../../tests/rules/linux-network-after-failback.yaml"),
    facts: &["machines", "os", "os.family", "network.static_ip"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let network = machine.facts()?.network.as_ref();
    let address = network.and_then(|network| network.static_ip).ok_or(Unknown::new("network.static_ip"));
    if address.as_ref().is_ok_and(|address| !address.value) {
        return Ok(());
    }
    match machine.os_family()? {
        OsFamily::Windows => {}
        OsFamily::Linux => {
            let name = machine.name();
            let message =
                format!("{name}: a Linux machine with a static address comes back asking for one by DHCP");
            findings.at(address?.span, message).also(name.span, "the plan brings it back here");
        }
    }
    Ok(())
}
