//! A request whose answer never came: what it did is found out before anything is sent again.

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::graph::StepKind;

/// How long the site is asked whether it took a request on before the request counts as lost.
const SEARCH: SignedDuration = SignedDuration::from_mins(5);
/// Pause between two such questions.
pub const PAUSE: SignedDuration = SignedDuration::from_secs(15);

/// Returns when the site is asked again about a request of which it has known nothing since `since`: it may be slow to show it.
/// `None` if the request counts as lost.
#[must_use]
pub fn searches_until(since: Timestamp, now: Timestamp) -> Option<Timestamp> {
    (now.duration_since(since) < SEARCH).then(|| now.saturating_add(PAUSE).unwrap_or(now))
}

/// Returns whether a person has to say that a lost request of this kind of step is sent again: sent twice, it could move a machine
/// twice.
#[must_use]
pub const fn needs_person(kind: StepKind) -> bool {
    match kind {
        StepKind::Failover | StepKind::Commit => true,
        StepKind::Preflight
        | StepKind::Prepare
        | StepKind::AwaitAzureAgent
        | StepKind::AwaitDeletion
        | StepKind::Reprotect
        | StepKind::AwaitProtected
        | StepKind::Barrier
        | StepKind::ApproveFailover
        | StepKind::AwaitPoint
        | StepKind::Recheck
        | StepKind::Verify
        | StepKind::BootGroup
        | StepKind::ApproveCommit
        | StepKind::Cleanup
        | StepKind::AwaitAgent
        | StepKind::Forward
        | StepKind::AwaitForward
        | StepKind::Action => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_as_lost_after_five_minutes() {
        let at = |second| Timestamp::from_second(second).expect("in range");
        assert_eq!(searches_until(at(0), at(299)), Some(at(314)));
        assert_eq!(searches_until(at(0), at(300)), None);
    }

    #[test]
    fn a_lost_failover_is_never_sent_again_by_itself() {
        assert!(needs_person(StepKind::Failover) && needs_person(StepKind::Commit));
        assert!(!needs_person(StepKind::Reprotect));
    }
}
