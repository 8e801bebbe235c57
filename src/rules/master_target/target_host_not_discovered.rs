//! FB204: Site Recovery must know the hosts that machines come back to.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::hosts::target_hosts;
use crate::syntax::inventory::Host;

pub(crate) static RULE: Rule = Rule {
    id: "FB204",
    name: "target-host-not-discovered",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S23"]),
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "a host that machines come back to has not been discovered",
    docs: "\
### What it checks
Each host that machines of the plan come back to: that of the master target, and that of the original VM where that one is
written again; and the one that the plan names as the target.

### Why
Site Recovery can place a machine only on a host that it has discovered, through a vCenter or by itself.

### What to do
Discover the host: add its vCenter, or the host itself, on the configuration server.
",
    help: "discover the host through its vCenter, or add it on the configuration server",
    article: "site-recovery-failback-azure-to-vmware, Alternate location recovery, physical machines (2017-06-05)",
    fixture: include_str!("../../../tests/rules/target-host-not-discovered.yaml"),
    facts: &["master_targets", 
        "machines",
        "kind",
        "onprem_vm",
        "onprem_vm.exists",
        "onprem_vm.host",
        "hosts",
        "hosts.discovered",
        "master_targets.host",
        "vault.experience",
    ],
    check: Check::Plan(check),
};

// Looking at the plan as a whole, and not at each host, keeps the machines whose host is not known from passing.
fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let targets = target_hosts(model, is_discovered);
    for target in &targets.hosts {
        let host = target.host;
        match host.discovered.fact_of("hosts.discovered", &host.name) {
            Ok(discovered) if !discovered.value => {
                let name = &host.name.value;
                let finding =
                    findings.at(discovered.span, format!("{name}: the host has not been discovered"));
                finding.subject(SubjectKind::Host, name.as_str());
                target.point_at_machines(finding);
            }
            Ok(_) => {}
            Err(unknown) => findings.unknown(&unknown),
        }
    }
    for unknown in &targets.unknown {
        findings.unknown(unknown);
    }
    Ok(())
}

/// Returns whether a host is known to be discovered.
fn is_discovered(host: &Host) -> bool {
    host.discovered.is_some_and(|discovered| discovered.value)
}
