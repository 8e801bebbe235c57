//! FB014: the modernized architecture is documented not to fail physical servers back.

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

pub(crate) static RULE: Rule = Rule {
    id: "FB014",
    name: "physical-modernized-unsupported",
    severity: Severity::Error,
    architecture: Architecture::Modernized,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a physical server is to be failed back in the modernized architecture",
    docs: "\
### What it checks
A machine that was a physical server and is to come back through a replication appliance.

### Why
The article about physical servers in the modernized architecture notes that their failback is not supported. Another
article speaks of it as if it were; the explicit note counts until Microsoft says otherwise, so the finding can be waived.

### What to do
Plan to leave the machine in Azure, or bring it home by other means. Before you rely on anything else, have Microsoft
Support confirm it, and waive the finding with their answer as the reason.
",
    help: "leave it in Azure or bring it home by other means; waive this only with a confirmation of Microsoft Support",
    article: "physical-server-azure-architecture-modernized, Failover and failback process, note (2022-09, 2023-12)",
    fixture: include_str!("../../../tests/rules/physical-modernized-unsupported.yaml"),
    facts: &["machines", "kind", "vault.experience"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let kind = machine.facts()?.kind.fact("kind")?;
    match kind.value {
        MachineKind::Physical => {
            findings
                .at(
                    kind.span,
                    format!(
                        "{}: failback of physical servers is documented as not supported in the modernized architecture",
                        machine.name()
                    ),
                )
                .also(machine.name().span, "the plan brings it back here");
        }
        MachineKind::VmwareVm | MachineKind::HypervVm | MachineKind::AzureVm | MachineKind::AwsInstance => {}
    }
    Ok(())
}
