//! FB409: a process server in Azure needs room in the region's quota.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::steps::PlannedStep;
use crate::rules::steps::Request;
use crate::source::Span;

pub(crate) static RULE: Rule = Rule {
    id: "FB409",
    name: "azure-process-server-quota",
    severity: Severity::Warning,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::LIVE,
    awaited: false,
    summary: "the process server can't be deployed in Azure for lack of quota",
    docs: "\
### What it checks
A step that deploys a process server in Azure, as Standard_A8_v2, where the region's quota has no room for it or nobody has
looked. The language has no word for such a step: a plan names process servers that are there. A plan that was imported may
have one.

### Why
A deployment that fails for lack of quota is found in the middle of the window, and raising a quota takes days.

### What to do
Raise the quota before the window. Who deploys also needs the right to create virtual machines, and the passphrase of the
configuration server.
",
    help: "raise the quota before the window; have the right to create VMs and the configuration server's passphrase at hand",
    article: "vmware-azure-set-up-process-server-azure, Before you start",
    fixture: include_str!("../../../tests/rules/azure-process-server-quota.yaml"),
    facts: &[],
    check: Check::Steps(check),
};

fn check(steps: &[PlannedStep], model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    for step in steps {
        let Some(Request::DeployProcessServer { within_quota }) = step.request else { continue };
        let why = match within_quota {
            Some(true) => continue,
            Some(false) => "the region's quota has no room for it",
            None => "nobody has looked whether the region's quota has room for it",
        };
        let name = step.machine.as_str();
        let known = || model.process_server(name).map_or(Span::NONE, |server| server.name.span);
        let span = if step.span.is_none() { known() } else { step.span };
        findings
            .at(
                span,
                format!("{name}: a process server is to be deployed in Azure (Standard_A8_v2), and {why}"),
            )
            .subject(SubjectKind::ProcessServer, name);
    }
    Ok(())
}
