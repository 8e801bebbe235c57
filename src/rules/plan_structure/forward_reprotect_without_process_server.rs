//! FB515: data goes to Azure through a process server of the site.

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
use crate::rules::by_os::family_decides;
use crate::rules::needed::protected_again;
use crate::syntax::inventory::Placement;

pub(crate) static RULE: Rule = Rule {
    id: "FB515",
    name: "forward-reprotect-without-process-server",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S45"]),
    when: When::STATIC,
    awaited: false,
    summary: "no process server of the site is named for sending data to Azure",
    docs: "\
### What it checks
Machines that are to be protected again: whether the plan names a `process_server` under `forward`, and
whether it is one at the site.

### Why
Reprotect from on-premises to Azure asks for the process server that sends the data to Azure. The one in
Azure, set up for the way back, can't serve machines at the site.

### What to do
Name the process server at the site under `forward`.
",
    help: "name the process server at the site: `forward: {process_server: …}`",
    article: "site-recovery-failback-azure-to-vmware, Reprotect from on-premises to Azure, step 2 (2017-06-05)",
    fixture: include_str!("../../../tests/rules/forward-reprotect-without-process-server.yaml"),
    facts: &["machines", "os", "os.family", "process_servers", "process_servers.placement"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let settings = machine.settings();
    let Some(wanted) = protected_again(machine) else { return Ok(()) };
    let name = machine.name();
    let Some(named) = settings.forward.as_ref().and_then(|forward| forward.process_server.as_ref()) else {
        family_decides(machine, |family| {
            family.forward.as_ref().is_some_and(|forward| forward.process_server.is_some())
        })?;
        findings
            .at(name.span, format!("{name}: no process server is named for sending its data to Azure"))
            .also(wanted, "it is to be protected again");
        return Ok(());
    };
    let server = machine.model.process_server(&named.value)?;
    let placement = server.placement.fact_of("process_servers.placement", &server.name)?;
    match placement.value {
        Placement::Onprem => {}
        Placement::Azure => {
            findings
                .at(
                    named.span,
                    format!(
                        "{name}: the process server {named} is in Azure and can't send the data of the site"
                    ),
                )
                .also(placement.span, format!("{named} is in Azure"))
                .also(name.span, "the machine that is to be protected again");
        }
    }
    Ok(())
}
