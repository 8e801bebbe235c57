//! FB213: a Linux master target can't be installed on LVM.

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
use crate::syntax::machine::OsFamily;

pub(crate) static RULE: Rule = Rule {
    id: "FB213",
    name: "mt-on-lvm",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "the disks of the Linux master target are under LVM",
    docs: "\
### What it checks
A Linux master target of the plan whose own disks are under LVM.

### Why
A master target on LVM is not supported: it attaches disks of machines that may carry volume groups of their own.

### What to do
Install the master target again, without LVM.
",
    help: "install the master target again, without LVM",
    article: "vmware-azure-install-linux-master-target, Important",
    fixture: include_str!("../../../tests/rules/mt-on-lvm.yaml"),
    facts: &["master_targets", "master_targets.os", "master_targets.os.family", "master_targets.lvm", "vault.experience"],
    check: Check::MasterTarget(check),
};

fn check(server: MasterTarget<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let (facts, name) = (server.facts, server.name());
    if facts.lvm.is_some_and(|lvm| !lvm.value) {
        return Ok(());
    }
    let os = facts.os.fact_of("master_targets.os", name)?;
    match os.family.fact_of("master_targets.os.family", name)?.value {
        OsFamily::Windows => Ok(()),
        OsFamily::Linux => {
            let lvm = facts.lvm.fact_of("master_targets.lvm", name)?;
            let message = format!("{name}: a master target on LVM is not supported");
            also_assigned(findings.at(lvm.span, message), server);
            Ok(())
        }
    }
}
