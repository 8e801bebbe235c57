//! FB508: one master target for a whole replication group.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Group;
use crate::model::Machine;
use crate::model::Unknown;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::plan_structure::shortened;
use crate::source::Spanned;

pub(crate) static RULE: Rule = Rule {
    id: "FB508",
    name: "replication-group-several-master-targets",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "members of a replication group use several master targets",
    docs: "\
### What it checks
The master targets that the members of each replication group are assigned to.

### Why
A point that the members have in common is taken on their master target. Members on different ones can't have one.

### What to do
Assign the whole group to one master target, and mind how many disks it takes (FB208).
",
    help: "assign the whole replication group to one master target",
    article: "site-recovery-how-to-reprotect, note; vmware-azure-prepare-failback",
    fixture: include_str!("../../../tests/rules/replication-group-several-master-targets.yaml"),
    facts: &["machines", "os", "os.family"],
    check: Check::Group(check),
};

fn check(group: Group<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let mut used: Vec<(Machine<'_>, &Spanned<String>)> = Vec::new();
    let mut unknown = Ok(());
    for member in group.members() {
        match master_target(group, member) {
            // A member without a master target is another rule's matter.
            Ok(None) => {}
            Ok(Some(server)) => {
                if used.iter().all(|(_, other)| *other != server) {
                    used.push((member, server));
                }
            }
            Err(missing) => {
                unknown = unknown.and(Err(Unknown::of(missing.field, member.name().value.as_str())))
            }
        }
    }
    let [(first, _), (_, second), ..] = used.as_slice() else { return unknown };
    let name = group.name();
    let servers: Vec<&str> = used.iter().map(|(_, server)| server.value.as_str()).collect();
    let finding = findings.at(
        second.span,
        format!(
            "{name}: its members use the master targets {}; only on one can they have a common point",
            shortened(&servers)
        ),
    );
    finding.also(name.span, "the replication group");
    for (member, server) in used.iter().take(super::LABELS) {
        let at = if member.index() == first.index() { server.span } else { member.name().span };
        finding.also(at, format!("{} uses {server}", member.name()));
    }
    unknown
}

/// Returns the master target of a member; unknown if only its operating-system family could tell.
fn master_target<'m>(group: Group<'m>, member: Machine<'m>) -> Fact<Option<&'m Spanned<String>>> {
    let model = member.model;
    let by_os = model.plan.defaults.as_ref().and_then(|defaults| defaults.by_os.as_ref());
    let blocks = by_os.into_iter().flat_map(|by_os| [&by_os.windows, &by_os.linux]).flatten();
    let by_family =
        blocks.filter_map(|block| block.failback.as_ref()).any(|failback| failback.master_target.is_some());
    let own = model.listed(member.index()).and_then(|listed| listed.failback.as_ref());
    let later = [group.plan().failback.as_ref(), own].into_iter().flatten();
    if by_family && later.filter(|failback| failback.master_target.is_some()).count() == 0 {
        member.os_family()?;
    }
    Ok(member.settings().failback.master_target.as_ref())
}
