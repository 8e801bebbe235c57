//! FB507: a replication group is of one operating-system family.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Group;
use crate::model::Unknown;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::syntax::machine::OsFamily;

pub(crate) static RULE: Rule = Rule {
    id: "FB507",
    name: "replication-group-mixed-os",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a replication group mixes Windows and Linux",
    docs: "\
### What it checks
Replication groups whose members are of more than one operating-system family.

### Why
A Windows machine needs a Windows master target and a Linux machine a Linux one, while all members of a
replication group must use the same master target. So a mixed group can't be reprotected to on-premises.

### What to do
Split the group before the machines are protected. An existing group can't be changed once replication has
begun: disable replication of some members and protect them again in a group of their own, or bring them home
by other means.
",
    help: "split the group before protection; an existing group can't be changed after replication began",
    article: "vmware-azure-reprotect, Before you begin, item 4; site-recovery-failback-azure-to-vmware, Overview (2017-06-05)",
    fixture: include_str!("../../../tests/rules/replication-group-mixed-os.yaml"),
    facts: &["machines", "os", "os.family"],
    check: Check::Group(check),
};

fn check(group: Group<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let (mut windows, mut linux) = (None, None);
    let mut unknown = Ok(());
    for member in group.members() {
        match member.os_family() {
            Ok(OsFamily::Windows) => windows = windows.or(Some(member)),
            Ok(OsFamily::Linux) => linux = linux.or(Some(member)),
            Err(missing) => {
                unknown = unknown.and(Err(Unknown::of(missing.field, member.name().value.as_str())));
            }
        }
    }
    let (Some(windows), Some(linux)) = (windows, linux) else { return unknown };
    let name = group.name();
    findings
        .at(
            name.span,
            format!("{name}: {} is a Windows machine and {} a Linux machine", windows.name(), linux.name()),
        )
        .also(windows.name().span, "needs a Windows master target")
        .also(linux.name().span, "needs a Linux master target");
    Ok(())
}
