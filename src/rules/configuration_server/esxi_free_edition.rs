//! FB313: the free edition of the hypervisor takes no failback.

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
use crate::rules::configuration_server::is_esxi;
use crate::rules::hosts::target_hosts;
use crate::syntax::inventory::Host;

pub(crate) static RULE: Rule = Rule {
    id: "FB313",
    name: "esxi-free-edition",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "a host that machines come back to runs the free edition",
    docs: "\
### What it checks
The licence of each host that machines of the plan come back to: that of the master target or appliance, and that of the
original VM where that one is written again; and the one that the plan names as the target.

### Why
The free edition of ESXi lets Site Recovery read but not change anything. Failover to Azure works from there; failback to
it does not.

### What to do
Give the host an evaluation or a paid licence, or come back to another one.
",
    help: "give the host an evaluation or paid licence",
    article: "vmware-azure-reprotect, Before you begin, item 10",
    fixture: include_str!("../../../tests/rules/esxi-free-edition.yaml"),
    facts: &["appliances", "master_targets", 
        "machines",
        "kind",
        "onprem_vm",
        "onprem_vm.exists",
        "onprem_vm.host",
        "hosts",
        "hosts.hypervisor",
        "hosts.license",
        "master_targets.host",
        "appliances.host",
        "vault.experience",
    ],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let targets = target_hosts(model, is_licensed);
    let mut unknown = Vec::new();
    for target in &targets.hosts {
        let host = target.host;
        if is_licensed(host) {
            continue;
        }
        let license = host.license.fact_of("hosts.license", &host.name);
        match license.and_then(|license| is_esxi(host).and(Ok(license))) {
            Ok(license) => {
                let name = host.name.value.as_str();
                let message = format!(
                    "{name}: the host runs the free edition: failover works with it, failback does not"
                );
                let finding = findings.at(license.span, message);
                finding.subject(SubjectKind::Host, name);
                target.point_at_machines(finding);
            }
            Err(fact) => unknown.push(fact),
        }
    }
    for fact in unknown.iter().chain(&targets.unknown) {
        findings.unknown(fact);
    }
    Ok(())
}

/// Returns whether it is known that a host has another licence than the free one, or is none of VMware's.
fn is_licensed(host: &Host) -> bool {
    is_esxi(host) == Ok(false)
        || host.license.as_ref().is_some_and(|license| !license.value.eq_ignore_ascii_case("free"))
}
