//! What is so of every step of a kind: whether it looks, only waits, or is guarded.

use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::rules::Guard;

/// Returns whether a step of this kind only waits for something that the site does by itself.
#[must_use]
pub const fn only_waits(kind: StepKind) -> bool {
    match kind {
        StepKind::AwaitAzureAgent
        | StepKind::AwaitDeletion
        | StepKind::AwaitProtected
        | StepKind::AwaitPoint
        | StepKind::AwaitAgent
        | StepKind::AwaitForward => true,
        StepKind::Preflight
        | StepKind::Prepare
        | StepKind::Reprotect
        | StepKind::Barrier
        | StepKind::ApproveFailover
        | StepKind::Recheck
        | StepKind::Failover
        | StepKind::Verify
        | StepKind::BootGroup
        | StepKind::ApproveCommit
        | StepKind::Commit
        | StepKind::Cleanup
        | StepKind::Forward
        | StepKind::Action => false,
    }
}

/// Returns whether a step of this kind decides by the states and powers of its machines alone, and begins nothing by itself.
#[must_use]
pub const fn goes_by_states(kind: StepKind) -> bool {
    match kind {
        StepKind::ApproveFailover | StepKind::Verify | StepKind::ApproveCommit => true,
        StepKind::Preflight
        | StepKind::Prepare
        | StepKind::AwaitAzureAgent
        | StepKind::AwaitDeletion
        | StepKind::Reprotect
        | StepKind::AwaitProtected
        | StepKind::Barrier
        | StepKind::AwaitPoint
        | StepKind::Recheck
        | StepKind::Failover
        | StepKind::BootGroup
        | StepKind::Commit
        | StepKind::Cleanup
        | StepKind::AwaitAgent
        | StepKind::Forward
        | StepKind::AwaitForward
        | StepKind::Action => false,
    }
}

/// Returns the moment of a run at which rules are evaluated before a kind of step does its work.
#[must_use]
pub const fn guard_of(kind: StepKind) -> Option<Guard> {
    match kind {
        StepKind::Reprotect => Some(Guard::Reprotect),
        StepKind::Recheck | StepKind::Failover => Some(Guard::Failover),
        StepKind::Commit => Some(Guard::Commit),
        StepKind::Forward => Some(Guard::Forward),
        StepKind::Preflight
        | StepKind::Prepare
        | StepKind::AwaitAzureAgent
        | StepKind::AwaitDeletion
        | StepKind::AwaitProtected
        | StepKind::Barrier
        | StepKind::ApproveFailover
        | StepKind::AwaitPoint
        | StepKind::Verify
        | StepKind::BootGroup
        | StepKind::ApproveCommit
        | StepKind::Cleanup
        | StepKind::AwaitAgent
        | StepKind::AwaitForward
        | StepKind::Action => None,
    }
}

/// Returns whether a step has to look at the site before it decides.
#[must_use]
pub fn looks(graph: &Graph, step: StepIndex) -> bool {
    match graph.kind(step) {
        StepKind::BootGroup | StepKind::Action | StepKind::Cleanup => false,
        // Who is in the recovery plan of a replication group depends on how far its members are.
        StepKind::Prepare => matches!(graph.step(step).subject, StepSubject::Group(_)),
        StepKind::Preflight
        | StepKind::AwaitAzureAgent
        | StepKind::AwaitDeletion
        | StepKind::Reprotect
        | StepKind::AwaitProtected
        | StepKind::Barrier
        | StepKind::ApproveFailover
        | StepKind::AwaitPoint
        | StepKind::Recheck
        | StepKind::Failover
        | StepKind::Verify
        | StepKind::ApproveCommit
        | StepKind::Commit
        | StepKind::AwaitAgent
        | StepKind::Forward
        | StepKind::AwaitForward => true,
    }
}

/// Returns whether the service leaves what a kind of step asks for to a person: no code was recorded for a member of a
/// replication group that can't be reprotected by itself, so this one is ours.
#[must_use]
pub fn is_left_to_people(kind: StepKind, code: &str) -> bool {
    kind == StepKind::Reprotect && code == "ReplicationGroupNeedsPlan"
}
