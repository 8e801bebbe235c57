//! FB102: the disks of a VM without a vCenter must lie where the master target's host can reach them.

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
    id: "FB102",
    name: "olr-standalone-disk-not-accessible",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S13"]),
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "a disk of a VM without vCenter is out of the master target's reach",
    docs: "\
### What it checks
A machine that comes back into its original VM, which no vCenter manages, with a disk on a datastore that the host of its
master target does not have. Disks that are excluded from replication don't count.

### Why
The master target writes into the disks of the VM where they lie. Without a vCenter nothing else could bring the disk
within its reach.

### What to do
Put the disk on a datastore that both hosts have, or assign a master target on a host that has the datastore.
",
    help: "put the disk on a datastore that the master target's host has, or share the datastore with that host",
    article: "site-recovery-failback-azure-to-vmware, Original location recovery, condition 2 (2017-06-05)",
    fixture: include_str!("../../../tests/rules/olr-standalone-disk-not-accessible.yaml"),
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
        format!("{name}: no vCenter manages the VM, and its disk on {datastore} can't be reached from {host}")
    };
    report_out_of_reach(machine, false, message, findings)
}
