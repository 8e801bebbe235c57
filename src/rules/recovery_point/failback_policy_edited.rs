//! FB609: the failback policy is fixed.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Model;
use crate::quantity::Seconds;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::steps::FailbackPolicy;
use crate::rules::steps::PlannedStep;
use crate::rules::steps::Request;

pub(crate) static RULE: Rule = Rule {
    id: "FB609",
    name: "failback-policy-edited",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a value of the failback policy is set, which can't be edited",
    docs: "\
### What it checks
Steps that set the RPO threshold, the retention or the frequency of app-consistent points of the policy of the way
home to other values than its own. The language has no word for it, so a plan of its own is always right; a recovery
plan that was imported may not be.

### Why
Site Recovery makes the failback policy by itself and ties it to the configuration server: RPO threshold 15 minutes,
retention 24 hours, an app-consistent point every 60 minutes. It can't be edited.

### What to do
Remove the setting.
",
    help: "remove the setting: the failback policy is made by itself and keeps 15 minutes, 24 hours and 60 minutes",
    article: "vmware-azure-prepare-failback, Failback replication policy",
    fixture: include_str!("../../../tests/rules/failback-policy-edited.yaml"),
    facts: &["vault.experience"],
    check: Check::Steps(check),
};

/// The values of the failback policy (vmware-azure-prepare-failback, Failback replication policy).
const FIXED: [(&str, Seconds); 3] = [
    ("RPO threshold", Seconds::minutes(15)),
    ("retention", Seconds::hours(24)),
    ("app-consistent frequency", Seconds::minutes(60)),
];

fn check(steps: &[PlannedStep], model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    for step in steps {
        let Some(Request::SetFailbackPolicy(FailbackPolicy {
            rpo_threshold,
            retention,
            app_consistent_every,
        })) = step.request
        else {
            continue;
        };
        let edited: Vec<String> = [rpo_threshold, retention, app_consistent_every]
            .into_iter()
            .zip(FIXED)
            .filter_map(|(given, (what, fixed))| {
                let given = given.filter(|given| *given != fixed)?;
                Some(format!("{what} {given} instead of {fixed}"))
            })
            .collect();
        if edited.is_empty() {
            continue;
        }
        let machine = model.machine_named(step.machine.as_str());
        let span = match machine {
            Some(machine) if step.span.is_none() => machine.name().span,
            Some(_) | None => step.span,
        };
        let message = format!("{}: the failback policy can't be edited: {}", step.machine, edited.join(", "));
        let finding = findings.at(span, message);
        if machine.is_some() {
            finding.subject(SubjectKind::Machine, step.machine.as_str());
        }
    }
    Ok(())
}
