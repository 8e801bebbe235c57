//! What a person does for a step by hand, and what has to be seen before going on.

use crate::graph::StepKind;

/// What is told of a step.
pub(super) struct Words {
    pub title: &'static str,
    pub how: &'static str,
    pub observe: &'static str,
}

/// Returns what is told of a kind of step. The portal's words are those of site-recovery-failback-azure-to-vmware (2017-06-05) and
/// vmware-azure-tutorial-failover-failback-modernized.
pub(super) const fn of(kind: StepKind, classic: bool) -> Words {
    let (title, how, observe) = match kind {
        StepKind::Preflight => (
            "Look at the site once more",
            "Open the vault. Look at the health of every machine below, of the servers that carry its data, and of the vCenter.",
            "Every machine runs in Azure and is committed there, the vCenter answers, and nothing else is working on these machines.",
        ),
        StepKind::Prepare => (
            "Prepare the vault",
            "Make sure that a failback policy exists and is mapped. For a replication group, make a recovery plan that holds all its members.",
            "The policy is mapped; each recovery plan lists exactly the members of its group.",
        ),
        StepKind::AwaitAzureAgent => (
            "The agent in Azure is registered",
            "Nothing is done; after a boot of the Azure VM it takes up to 15 minutes.",
            "The Mobility service of the machine reports to the vault.",
        ),
        StepKind::AwaitDeletion => (
            "Delete the on-premises virtual machine",
            "Delete the old virtual machine in vCenter. Only the machine named here: its data is in Azure.",
            "The virtual machine is no longer in the inventory of the vCenter.",
        ),
        StepKind::Reprotect if classic => (
            "Reprotect: Azure to on-premises",
            "Replicated items, the machine, Reprotect; direction Azure to on-premises; choose what stands beside it. The on-premises \
             virtual machine is powered off and its disks are rewritten. All members of a replication group one right after the other.",
            "The reprotect job succeeded. If it fails, stop here and leave the Azure VM alone.",
        ),
        StepKind::Reprotect => (
            "Reprotect: Azure to on-premises",
            "Replicated items, the machine, Re-protect; choose the appliance and what else stands beside it. The on-premises virtual machine \
             is powered off and its disks are rewritten.",
            "The reprotect job succeeded. If it fails, stop here and leave the Azure VM alone.",
        ),
        StepKind::AwaitProtected => (
            "Wait until it is protected",
            "Nothing is done. Data is copied to on-premises.",
            "State Protected, health OK, at least one recovery point in the direction Azure to on-premises.",
        ),
        StepKind::Barrier => (
            "Stop: everything of this wave is protected",
            "Go through the machines of the wave. One that can’t get there is taken out by the owner, in writing.",
            "Every machine of the wave is Protected and has a recovery point. Nothing fails over before that.",
        ),
        StepKind::ApproveFailover => (
            "Approval of the failover",
            "Ask the person, and write down who answered, and when.",
            "A yes, in writing.",
        ),
        StepKind::AwaitPoint => (
            "Wait for a newer recovery point",
            "Nothing is done. The point has to be newer than the end of the quiescing action.",
            "A point of the kind that the plan chose, with a time after the action's end.",
        ),
        StepKind::Recheck => (
            "Look once more before the failover",
            "Health, recovery points, datastore, snapshots of the servers, the vCenter's connection.",
            "Nothing has turned bad since the machine was protected.",
        ),
        StepKind::Failover if classic => (
            "Failover to on-premises",
            "Replicated items (or the recovery plan of the group), Unplanned failover; verify that the direction is from Azure; choose \
             the recovery point that stands beside it; shut down the machine in Azure.",
            "The job succeeded, and the Azure VM is off. A classic failover can’t be cancelled.",
        ),
        StepKind::Failover => (
            "Failover to on-premises",
            "Replicated items (or the recovery plan of the group), Planned failover; choose the recovery point that stands beside it. The \
             Azure VM is shut down.",
            "The job succeeded, and the Azure VM is off. Until the commit the failover can be cancelled.",
        ),
        StepKind::Verify => (
            "Verify the machine",
            "Look at both sides, then try what stands beside it.",
            "The on-premises virtual machine runs, the Azure VM is off, VMware Tools run, and every probe answers. Never commit what \
             nobody looked at.",
        ),
        StepKind::BootGroup => (
            "Stop: everything of this boot group is back",
            "Go through the members.",
            "Every member is verified. Then the next boot group may fail over.",
        ),
        StepKind::ApproveCommit => (
            "Approval of the commit",
            "Ask the person, and write down who answered, and when. The commit deletes the machine in Azure.",
            "A yes, in writing.",
        ),
        StepKind::Commit => (
            "Commit",
            "Replicated items (or the recovery plan of the group), Commit. The Azure VM is deleted.",
            "The job succeeded, and the state is committed. From here on the data is on-premises only.",
        ),
        StepKind::Cleanup => (
            "Delete the recovery plan of the group",
            "Recovery Plans, the plan that was made for this failback, Delete.",
            "The recovery plan is gone.",
        ),
        StepKind::AwaitAgent => (
            "The agent on-premises is registered",
            "Nothing is done; after the boot it takes up to 15 minutes.",
            "The Mobility service of the machine reports to the vault.",
        ),
        StepKind::Forward => (
            "Reprotect: on-premises to Azure",
            "Replicated items, the machine, Reprotect; direction on-premises to Azure; choose what stands beside it.",
            "The job succeeded.",
        ),
        StepKind::AwaitForward => (
            "Wait until it is protected in Azure again",
            "Nothing is done. Data is copied to Azure.",
            "State Protected, health OK, in the direction on-premises to Azure.",
        ),
        StepKind::Action => {
            ("Action of the plan", "Do what stands beside it.", "It ended well, and somebody saw that.")
        }
    };
    Words { title, how, observe }
}
