//! FB511: the machines of a plan run in one subscription.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::plan_structure::distinct;
use crate::rules::plan_structure::shortened;
use crate::source::Spanned;

pub(crate) static RULE: Rule = Rule {
    id: "FB511",
    name: "mixed-subscription",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "machines run in different subscriptions",
    docs: "\
### What it checks
The subscriptions that the Azure virtual machines of the plan are in.

### Why
All machines of a recovery plan must share one subscription.

### What to do
Write one plan for each subscription.
",
    help: "write one plan for each subscription",
    article: "site-recovery-create-recovery-plans (2020), Create a recovery plan",
    fixture: include_str!("../../../tests/rules/mixed-subscription.yaml"),
    facts: &["machines", "azure_vm", "azure_vm.subscription_id"],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    // A machine without a copy in Azure is in no subscription, which other rules look at.
    let is_gone = |machine: &Machine<'_>| {
        machine.azure_vm().is_ok_and(|vm| vm.exists.is_some_and(|exists| !exists.value))
    };
    let (kinds, unknown) = distinct(model.machines().filter(|machine| !is_gone(machine)), subscription);
    if let [_, (_, second), ..] = kinds.as_slice() {
        let plan = &model.plan.name;
        let names: Vec<&str> = kinds.iter().map(|(value, _)| value.value.as_str()).collect();
        let message = format!(
            "{plan}: its machines run in the subscriptions {}; all must share one",
            shortened(&names)
        );
        let finding = findings.at(second.name().span, message);
        for (value, machine) in kinds.iter().take(super::LABELS) {
            finding.also(value.span, format!("{} is in {value}", machine.name()));
        }
    }
    unknown
}

/// Returns the subscription of a machine's copy in Azure. The case of its letters means nothing.
fn subscription(machine: Machine<'_>) -> Fact<Spanned<String>> {
    let id = machine.azure_vm()?.subscription_id.fact("azure_vm.subscription_id")?;
    Ok(Spanned::new(id.value.to_ascii_lowercase(), id.span))
}
