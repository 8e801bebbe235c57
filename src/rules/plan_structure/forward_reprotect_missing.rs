//! FB514: a machine that came home should be protected again.

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
    id: "FB514",
    name: "forward-reprotect-missing",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S44", "S07"]),
    when: When::STATIC,
    awaited: false,
    summary: "the plan leaves a machine unprotected",
    docs: "\
### What it checks
Machines for which the plan states neither a `final_state` nor anything under `forward`.

### Why
After the commit the machine is on-premises and not protected. Reprotect from on-premises to Azure starts the
replication again; if it is forgotten, the next disaster finds no copy.

### What to do
State `final_state: protected`, with `forward` saying through which server; or `final_state: unprotected`, if
it is meant.
",
    help: "add `final_state: protected` and `forward: {…}`, or state `final_state: unprotected`",
    article: "site-recovery-failback-azure-to-vmware, Reprotect from on-premises to Azure (2017-06-05)",
    fixture: include_str!("../../../tests/rules/forward-reprotect-missing.yaml"),
    facts: &["machines", "os", "os.family"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let settings = machine.settings();
    if settings.final_state.is_none() && settings.forward.is_none() {
        family_decides(machine, |family| family.forward.is_some())?;
        findings.at(
            machine.name().span,
            format!("{}: it ends the plan on-premises and unprotected", machine.name()),
        );
    }
    Ok(())
}
