//! A request whose answer never came: what it did is found out before anything is sent again.

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::graph::StepKind;

/// How long the site is asked whether it took a request on before the request counts as lost.
const SEARCH: SignedDuration = SignedDuration::from_mins(5);
/// Pause between two such questions.
pub const PAUSE: SignedDuration = SignedDuration::from_secs(15);

/// What to do about a request of which the site knows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// Ask again at this moment: the site may be slow to show it.
    Again(Timestamp),
    /// It was lost: the same request is sent again, under the same key.
    Resend,
    /// A person has to find out: sending it twice could move a machine twice.
    Person,
}

/// Returns what to do about a request of which the site has known nothing since `since`.
#[must_use]
pub fn judge(kind: StepKind, since: Timestamp, now: Timestamp) -> Search {
    if now.duration_since(since) < SEARCH {
        return Search::Again(now.saturating_add(PAUSE).unwrap_or(now));
    }
    match kind {
        StepKind::Failover | StepKind::Commit => Search::Person,
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
        | StepKind::Action => Search::Resend,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_failover_is_never_sent_again_by_itself() {
        let late = Timestamp::from_second(301).expect("in range");
        assert_eq!(judge(StepKind::Failover, Timestamp::UNIX_EPOCH, late), Search::Person);
        assert_eq!(judge(StepKind::Commit, Timestamp::UNIX_EPOCH, late), Search::Person);
        assert_eq!(judge(StepKind::Reprotect, Timestamp::UNIX_EPOCH, late), Search::Resend);
        let early = Timestamp::from_second(299).expect("in range");
        assert!(matches!(judge(StepKind::Reprotect, Timestamp::UNIX_EPOCH, early), Search::Again(_)));
    }
}
