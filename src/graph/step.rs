//! The kinds of steps, and one step.

use serde::Deserialize;
use serde::Serialize;

use crate::id::StepId;

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Looks at the site once more before anything is changed.
    Preflight,
    /// Classic: makes sure that failback policy and container mapping exist. Of a replication group: makes its ASR recovery plan.
    Prepare,
    /// Waits until the agent of the Azure VM is registered.
    AwaitAzureAgent,
    /// Waits until a person has deleted the on-premises VM (`delete_existing_vm`).
    AwaitDeletion,
    /// Starts replication to on-premises: the on-premises VM is powered off and its disks are rewritten.
    Reprotect,
    /// Waits until the machine is protected, healthy, and has a recovery point.
    AwaitProtected,
    /// Every machine of the wave is protected with a recovery point.
    Barrier,
    /// A person approves the failover.
    ApproveFailover,
    /// Waits for a recovery point newer than the end of the quiescing action.
    AwaitPoint,
    /// Evaluates the guards of the failover on fresh facts.
    Recheck,
    /// Switches over from Azure to on-premises.
    Failover,
    /// Looks whether the machine is back: powers on both sides, VMware Tools, probes.
    Verify,
    /// Every member of a boot group is verified.
    BootGroup,
    /// A person approves the commit.
    ApproveCommit,
    /// Makes the failover final, which deletes the Azure VM.
    Commit,
    /// Deletes the ASR recovery plan that was made for a replication group.
    Cleanup,
    /// Waits until the agent of the on-premises VM is registered.
    AwaitAgent,
    /// Starts replication to Azure again.
    Forward,
    /// Waits until the machine is protected in Azure again.
    AwaitForward,
    /// Runs an action of the plan.
    Action,
}

impl StepKind {
    /// Returns the word that ids and outputs use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Prepare => "prepare",
            Self::AwaitAzureAgent => "await_azure_agent",
            Self::AwaitDeletion => "await_deletion",
            Self::Reprotect => "reprotect",
            Self::AwaitProtected => "await_protected",
            Self::Barrier => "barrier",
            Self::ApproveFailover => "approve_failover",
            Self::AwaitPoint => "await_point",
            Self::Recheck => "recheck",
            Self::Failover => "failover",
            Self::Verify => "verify",
            Self::BootGroup => "boot_group",
            Self::ApproveCommit => "approve_commit",
            Self::Commit => "commit",
            Self::Cleanup => "cleanup",
            Self::AwaitAgent => "await_agent",
            Self::Forward => "forward",
            Self::AwaitForward => "await_forward",
            Self::Action => "action",
        }
    }

    /// Returns the kind of a word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Some(match word {
            "preflight" => Self::Preflight,
            "prepare" => Self::Prepare,
            "await_azure_agent" => Self::AwaitAzureAgent,
            "await_deletion" => Self::AwaitDeletion,
            "reprotect" => Self::Reprotect,
            "await_protected" => Self::AwaitProtected,
            "barrier" => Self::Barrier,
            "approve_failover" => Self::ApproveFailover,
            "await_point" => Self::AwaitPoint,
            "recheck" => Self::Recheck,
            "failover" => Self::Failover,
            "verify" => Self::Verify,
            "boot_group" => Self::BootGroup,
            "approve_commit" => Self::ApproveCommit,
            "commit" => Self::Commit,
            "cleanup" => Self::Cleanup,
            "await_agent" => Self::AwaitAgent,
            "forward" => Self::Forward,
            "await_forward" => Self::AwaitForward,
            "action" => Self::Action,
            _ => return None,
        })
    }

    /// Returns whether the step asks the site to change something.
    #[must_use]
    pub const fn is_mutating(self) -> bool {
        match self {
            Self::Prepare
            | Self::Reprotect
            | Self::Failover
            | Self::Commit
            | Self::Cleanup
            | Self::Forward => true,
            Self::Preflight
            | Self::AwaitAzureAgent
            | Self::AwaitDeletion
            | Self::AwaitProtected
            | Self::Barrier
            | Self::ApproveFailover
            | Self::AwaitPoint
            | Self::Recheck
            | Self::Verify
            | Self::BootGroup
            | Self::ApproveCommit
            | Self::AwaitAgent
            | Self::AwaitForward
            | Self::Action => false,
        }
    }

    /// Returns whether the step can't be taken back: what a person deleted is gone, reprotect rewrites the on-premises disks, commit deletes the Azure VM
    /// (site-recovery-failback-azure-to-vmware, 2017-06-05); a classic failover can't be cancelled either
    /// (vmware-azure-tutorial-failover-failback-modernized, Cancel planned failover).
    #[must_use]
    pub const fn is_irreversible(self, classic: bool) -> bool {
        match self {
            Self::AwaitDeletion | Self::Reprotect | Self::Commit => true,
            Self::Failover => classic,
            Self::Preflight
            | Self::Prepare
            | Self::AwaitAzureAgent
            | Self::AwaitProtected
            | Self::Barrier
            | Self::ApproveFailover
            | Self::AwaitPoint
            | Self::Recheck
            | Self::Verify
            | Self::BootGroup
            | Self::ApproveCommit
            | Self::Cleanup
            | Self::AwaitAgent
            | Self::Forward
            | Self::AwaitForward
            | Self::Action => false,
        }
    }

    /// Returns whether a person ends the step.
    #[must_use]
    pub const fn is_approval(self) -> bool {
        matches!(self, Self::ApproveFailover | Self::ApproveCommit)
    }
}

/// What a step is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StepSubject {
    /// The plan.
    Plan,
    /// A machine, by its index in the model.
    Machine(usize),
    /// A replication group, by its index in the model.
    Group(usize),
    /// A wave, counted from 1.
    Wave(u16),
    /// A boot group, by its index in the plan.
    BootGroup(usize),
    /// An action, by its index in the plan.
    Action(usize),
}

/// Index of a step in its [`crate::graph::Graph`].
pub type StepIndex = u32;

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its id: kind and subject.
    pub id: StepId,
    /// What it does.
    pub kind: StepKind,
    /// What it is about.
    pub subject: StepSubject,
    /// The slot batch of its machines, counted from 1; 0 for a step of the plan.
    pub wave: u16,
    /// Its depth in the graph.
    pub level: u32,
    /// Whether its result is there already, as far as the facts tell.
    pub adopted: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_its_word() {
        let kinds = [
            StepKind::Preflight,
            StepKind::Prepare,
            StepKind::AwaitAzureAgent,
            StepKind::AwaitDeletion,
            StepKind::Reprotect,
            StepKind::AwaitProtected,
            StepKind::Barrier,
            StepKind::ApproveFailover,
            StepKind::AwaitPoint,
            StepKind::Recheck,
            StepKind::Failover,
            StepKind::Verify,
            StepKind::BootGroup,
            StepKind::ApproveCommit,
            StepKind::Commit,
            StepKind::Cleanup,
            StepKind::AwaitAgent,
            StepKind::Forward,
            StepKind::AwaitForward,
            StepKind::Action,
        ];
        for (place, kind) in kinds.iter().enumerate() {
            assert_eq!(*kind as usize, place);
            assert_eq!(StepKind::named(kind.as_str()), Some(*kind));
        }
        assert_eq!(kinds.last(), Some(&StepKind::Action), "the last kind tells how many there are");
        assert_eq!(StepKind::named("sleep"), None);
    }
}
