//! FB101: the master target's host must have the datastores of a VM that vCenter manages.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::original_location::report_out_of_reach;

pub(crate) static RULE: Rule = Rule {
    id: "FB101",
    name: "olr-mt-host-lacks-datastore-access",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S12"]),
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the master target's host can't access a datastore of the VM",
    docs: "\
### What it checks
A machine that comes back into its original VM under a vCenter, with a disk on a datastore that the host of its master
target does not have. Disks that are excluded from replication don't count.

### Why
At an original location the master target opens the disks of the VM where they lie and writes into them. Its host must
have their datastore.

### What to do
Mount the datastore on the host of the master target, or assign a master target on a host that has it.
",
    help: "mount the datastore on the master target's host, or assign a master target on a host that has it",
    article: "site-recovery-failback-azure-to-vmware, Original location recovery, condition 1 (2017-06-05)",
    fixture: include_str!("../../../tests/rules/olr-mt-host-lacks-datastore-access.yaml"),
    facts: &["master_targets", 
        "machines",
        "kind",
        "onprem_vm",
        "onprem_vm.exists",
        "onprem_vm.vcenter",
        "onprem_vm.disks",
        "onprem_vm.disks.datastore",
        "datastores",
        "datastores.access",
        "master_targets.host",
    ],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let message = |name: &str, host: &str, datastore: &str| {
        format!("{name}: the master target's host {host} can't access datastore {datastore} of the VM")
    };
    report_out_of_reach(machine, true, message, findings)
}
