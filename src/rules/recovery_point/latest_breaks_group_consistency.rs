//! FB606: with the latest point, members of a replication group don't agree on a moment.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Group;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::syntax::inventory::Experience;

pub(crate) static RULE: Rule = Rule {
    id: "FB606",
    name: "latest-breaks-group-consistency",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S35"]),
    when: When::STATIC,
    awaited: false,
    summary: "members of the replication group go to different moments",
    docs: "\
### What it checks
A replication group of two or more machines that goes to the latest point. In the modernized architecture a group goes
through a recovery plan with a synchronised point, so the rule has nothing to say there.

### Why
With the latest point, each machine goes to its own newest one, in a replication group or not. Data that several members
hold together, such as a database and its log shipping, may then disagree.

### What to do
Choose `app_consistent` for the group if its members must agree. If they need not, waive the finding with a reason.
",
    help: "choose `app_consistent` if the members must agree on a moment",
    article: "site-recovery-failback-azure-to-vmware, To what recovery point can I fail back (2017-06-05)",
    fixture: include_str!("../../../tests/rules/latest-breaks-group-consistency.yaml"),
    facts: &["vault.experience"],
    check: Check::Group(check),
};

fn check(group: Group<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let (choice, members) = (group.recovery_point(), group.members().count());
    if choice.value != "latest" || members < 2 {
        return Ok(());
    }
    match group.model.experience()? {
        Experience::Classic => {
            let name = group.name();
            let message = format!(
                "{name}: with `latest`, each of its {members} members goes to its own latest point; they will not agree \
                 on a moment"
            );
            let finding = findings.at(choice.span, message);
            if !choice.span.is_none() {
                finding.also(name.span, "the replication group");
            }
        }
        Experience::Modernized => {}
    }
    Ok(())
}
