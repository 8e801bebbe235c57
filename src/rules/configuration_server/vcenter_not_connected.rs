//! FB311: disks can be moved only through a connected vCenter.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::labels::also_machines;
use crate::syntax::inventory::Vcenter;

pub(crate) static RULE: Rule = Rule {
    id: "FB311",
    name: "vcenter-not-connected",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S48"]),
    when: When::LIVE.and_at(&[Guard::Reprotect, Guard::Failover, Guard::Forward]),
    awaited: false,
    summary: "the vCenter is not connected",
    docs: "\
### What it checks
Whether Site Recovery is connected to each vCenter that the machines have to do with: before the run, before
reprotect in either direction, and again immediately before the failover.

### Why
During failback Site Recovery detaches the disks from the master target or appliance and attaches them to the
machine, through the vCenter. Without a connection that fails, and so does the reprotect to Azure.

### What to do
Restore the connection between Site Recovery and the vCenter, then try again.
",
    help: "restore the connection, then retry",
    article: "site-recovery-failback-azure-to-vmware, Common issues (2017-06-05)",
    fixture: include_str!("../../../tests/rules/vcenter-not-connected.yaml"),
    facts: &["vcenters", "vcenters.connected", "machines", "asr", "asr.source_vcenter"],
    check: Check::Vcenter(check),
};

fn check(vcenter: &Vcenter, model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let connected = vcenter.connected.fact_of("vcenters.connected", &vcenter.id)?;
    if !connected.value {
        let machines = model.machines().filter(|machine| is_source(vcenter, *machine));
        let fails = match findings.guard() {
            Some(Guard::Forward) => "nothing can be protected again",
            Some(Guard::Reprotect | Guard::Failover | Guard::Commit) | None => {
                "disks can't be detached and attached again"
            }
        };
        let finding = findings.at(connected.span, format!("{}: it is not connected, so {fails}", vcenter.id));
        also_machines(finding, machines, "it comes back into this vCenter");
    }
    Ok(())
}

/// Returns whether a machine was protected under a vCenter.
fn is_source(vcenter: &Vcenter, machine: Machine<'_>) -> bool {
    machine.asr().ok().and_then(|asr| asr.source_vcenter.as_option()) == Some(&vcenter.id)
}
