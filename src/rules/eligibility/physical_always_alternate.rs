//! FB013: a physical server has no original virtual machine to come back into.

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
use crate::syntax::machine::MachineKind;
use crate::syntax::plan::LocationChoice;

pub(crate) static RULE: Rule = Rule {
    id: "FB013",
    name: "physical-always-alternate",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S21"]),
    when: When::STATIC,
    awaited: false,
    summary: "a physical server is expected at its original location",
    docs: "\
### What it checks
A physical server for which the plan expects the original location.

### Why
A physical server comes back as a virtual machine that did not exist before. That is always an alternate location: all
data is copied, onto the datastore that the plan names.

### What to do
Write `location: alternate` or `location: auto`, and plan for the full copy.
",
    help: "write `location: alternate` or `location: auto`",
    article: "site-recovery-failback-azure-to-vmware, Alternate location recovery (2017-06-05)",
    fixture: include_str!("../../../tests/rules/physical-always-alternate.yaml"),
    facts: &["machines", "kind"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let Some(location) = machine.settings().failback.location else { return Ok(()) };
    match location.value {
        LocationChoice::Auto | LocationChoice::Alternate => return Ok(()),
        LocationChoice::Original => {}
    }
    let kind = machine.facts()?.kind.fact("kind")?;
    match kind.value {
        MachineKind::Physical => {
            findings
                .at(
                    location.span,
                    format!("{}: a physical server never comes back to an original location", machine.name()),
                )
                .also(kind.span, "it was a physical server")
                .also(machine.name().span, "this machine");
        }
        MachineKind::VmwareVm | MachineKind::HypervVm | MachineKind::AzureVm | MachineKind::AwsInstance => {}
    }
    Ok(())
}
