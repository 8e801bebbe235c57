//! FB510: a recovery plan has one configuration server.

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
    id: "FB510",
    name: "mixed-source",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "machines are registered with different configuration servers",
    docs: "\
### What it checks
The configuration servers that the machines of the plan are registered with.

### Why
A recovery plan has one source. VMware virtual machines and physical servers may share it, machines of two configuration servers may not.

### What to do
Write one plan for each configuration server.
",
    help: "write one plan for each configuration server",
    article: "site-recovery-create-recovery-plans, Create a recovery plan",
    fixture: include_str!("../../../tests/rules/mixed-source.yaml"),
    facts: &["machines", "asr", "asr.configuration_server"],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let (kinds, unknown) = distinct(model.machines(), configuration_server);
    if let [_, (_, second), ..] = kinds.as_slice() {
        let plan = &model.plan.name;
        let names: Vec<&str> = kinds.iter().map(|(value, _)| value.value.as_str()).collect();
        let message = format!(
            "{plan}: its machines are registered with the configuration servers {}; a recovery plan has one source",
            shortened(&names)
        );
        let finding = findings.at(second.name().span, message);
        for (value, machine) in kinds.iter().take(super::LABELS) {
            finding.also(value.span, format!("{} is registered with {value}", machine.name()));
        }
    }
    unknown
}

fn configuration_server(machine: Machine<'_>) -> Fact<Spanned<String>> {
    machine.asr()?.configuration_server.fact("asr.configuration_server").cloned()
}
