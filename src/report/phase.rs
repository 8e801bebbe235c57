//! The phases of a run, and how long each took: one definition for summaries, reports and drawings.

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::graph::StepKind;
use crate::id::StepId;
use crate::report::seconds_between;

/// What a step's time is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// A last look, and what Site Recovery has to be given first.
    Prepare,
    /// Replication to on-premises, until every machine can fail over.
    Reprotect,
    /// From Azure to on-premises.
    Failover,
    /// Whether the machines are back.
    Verify,
    /// The failover is made final.
    Commit,
    /// Replication to Azure again.
    Forward,
    /// The plan's own actions.
    Actions,
    /// Persons are asked.
    Approvals,
}

/// The phases in the order in which they are told.
pub const PHASES: [Phase; 8] = [
    Phase::Prepare,
    Phase::Reprotect,
    Phase::Failover,
    Phase::Verify,
    Phase::Commit,
    Phase::Forward,
    Phase::Actions,
    Phase::Approvals,
];

impl Phase {
    /// Returns the phase that a step is timed with; `None` for one that takes no time of its own.
    #[must_use]
    pub const fn of(kind: StepKind) -> Option<Self> {
        match kind {
            StepKind::Preflight | StepKind::Prepare => Some(Self::Prepare),
            StepKind::AwaitAzureAgent
            | StepKind::AwaitDeletion
            | StepKind::Reprotect
            | StepKind::AwaitProtected => Some(Self::Reprotect),
            StepKind::AwaitPoint | StepKind::Recheck | StepKind::Failover => Some(Self::Failover),
            StepKind::Verify => Some(Self::Verify),
            StepKind::Commit | StepKind::Cleanup => Some(Self::Commit),
            StepKind::AwaitAgent | StepKind::Forward | StepKind::AwaitForward => Some(Self::Forward),
            StepKind::ApproveFailover | StepKind::ApproveCommit => Some(Self::Approvals),
            StepKind::Action => Some(Self::Actions),
            StepKind::Barrier | StepKind::BootGroup => None,
        }
    }

    /// Returns the word of outputs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Reprotect => "reprotect",
            Self::Failover => "failover",
            Self::Verify => "verify",
            Self::Commit => "commit",
            Self::Forward => "forward",
            Self::Actions => "actions",
            Self::Approvals => "approvals",
        }
    }
}

/// How long a phase took, as measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseTime {
    /// The phase.
    pub phase: Phase,
    /// When its first step began.
    pub began: Timestamp,
    /// When its last step ended.
    pub ended: Timestamp,
    /// Between both, in seconds.
    pub took_s: u64,
    /// Its longest step.
    pub longest: StepId,
    /// How long that took, in seconds.
    pub longest_s: u64,
}

/// Gathers the phases that steps belong to.
#[derive(Debug, Default)]
pub(super) struct Phases([Option<PhaseTime>; PHASES.len()]);

impl Phases {
    /// Takes a step that ran.
    pub fn take(&mut self, kind: StepKind, step: &StepId, began: Timestamp, ended: Timestamp) {
        let Some(phase) = Phase::of(kind) else { return };
        let took_s = seconds_between(began, ended).0;
        let time = self.0[phase as usize].get_or_insert_with(|| PhaseTime {
            phase,
            began,
            ended,
            took_s,
            longest: step.clone(),
            longest_s: took_s,
        });
        time.began = time.began.min(began);
        time.ended = time.ended.max(ended);
        time.took_s = seconds_between(time.began, time.ended).0;
        if took_s > time.longest_s {
            time.longest = step.clone();
            time.longest_s = took_s;
        }
    }

    /// Returns the phases that took time, in their order.
    pub fn times(self) -> Vec<PhaseTime> {
        self.0.into_iter().flatten().filter(|time| time.took_s > 0).collect()
    }
}
