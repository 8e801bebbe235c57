//! Jobs: what the service does for a request, task by task, for each machine.

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::id::IdempotencyKey;
use crate::id::OperationId;
use crate::provider::emulator::item::Item;
use crate::provider::emulator::latency::TaskSpec;
use crate::provider::emulator::record::Whereabouts;
use crate::provider::operation::Failure;
use crate::provider::operation::MemberOutcome;
use crate::provider::operation::OperationStatus;
use crate::provider::operation::Progress;
use crate::provider::request::Request;

/// Why something does not work, before it is known at which task that shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// The service's code, or a word of ours where the documentation gives none.
    pub code: String,
    /// What the service says.
    pub message: String,
}

impl Trouble {
    /// Returns the trouble with this code.
    pub(super) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

/// A task with the seconds that it takes here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    /// What it is.
    pub spec: TaskSpec,
    /// Seconds that it takes.
    pub seconds: i64,
}

/// The part of a job that concerns one machine, or the vault.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The machine; `None` for the vault.
    pub machine: Option<usize>,
    /// The tasks.
    pub tasks: Vec<Task>,
    /// The task that runs.
    pub running: usize,
    /// When that task began.
    pub task_began: Timestamp,
    /// When the part ended.
    pub ended: Option<Timestamp>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Whether the job has the machine for itself: a job that only fails has not.
    pub owns: bool,
    /// The task at which it is going to fail, and why.
    pub doom: Option<(usize, Trouble)>,
    /// The task at which it stands still, and for how many seconds; nothing that the service tells shows it.
    pub hangs: Option<(usize, i64)>,
}

impl Part {
    fn seconds(tasks: &[Task]) -> i64 {
        tasks.iter().map(|task| task.seconds).sum()
    }

    /// Returns the seconds from the begin of a task to its end.
    pub(super) fn seconds_of(&self, task: usize) -> i64 {
        let stands = self.hangs.filter(|(at, _)| *at == task).map_or(0, |(_, seconds)| seconds);
        self.tasks[task].seconds.saturating_add(stands)
    }

    fn expected_end(&self) -> Timestamp {
        self.ended.unwrap_or_else(|| {
            self.task_began
                .checked_add(SignedDuration::from_secs(Self::seconds(&self.tasks[self.running..])))
                .unwrap_or(Timestamp::MAX)
        })
    }
}

/// What a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JobKind {
    /// The failback policy and its mapping.
    Prepare,
    /// An ASR recovery plan is written.
    SavePlan,
    /// An ASR recovery plan is deleted.
    DeletePlan,
    /// Reprotect to on-premises.
    Reprotect,
    /// Failover from Azure.
    Failover,
    /// A planned failover is taken back.
    Cancel,
    /// Commit.
    Commit,
    /// Reprotect to Azure.
    Forward,
}

/// A job.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Its id.
    pub id: OperationId,
    /// What it is.
    pub kind: JobKind,
    /// What was asked for.
    pub request: Request,
    /// The key under which a program asked for it; none if a person did.
    pub key: Option<IdempotencyKey>,
    /// When it was taken on.
    pub taken_at: Timestamp,
    /// Its machines then.
    pub found: Vec<Whereabouts>,
    /// Its parts.
    pub parts: Vec<Part>,
    /// Parts that still run.
    pub open: usize,
    /// What the prerequisites check of its ASR recovery plan found; it looks once for all parts.
    pub plan_check: Option<Result<(), Trouble>>,
    /// Whether a failover leaves the Azure VM as it is.
    pub leaves_azure: bool,
}

impl Job {
    /// Returns how far the job is.
    pub(super) fn status(&self, items: &[Item]) -> OperationStatus {
        if self.open > 0 {
            return OperationStatus::Running(self.progress());
        }
        let failed = self.parts.iter().filter(|part| part.failure.is_some()).count();
        let first = self.parts.iter().find_map(|part| part.failure.clone());
        match first {
            None => OperationStatus::Succeeded,
            Some(failure) if failed == self.parts.len() => OperationStatus::Failed(failure),
            Some(_) => OperationStatus::PartiallySucceeded {
                members: self
                    .parts
                    .iter()
                    .filter_map(|part| {
                        let machine = items[part.machine?].name.clone();
                        Some(MemberOutcome { machine, failure: part.failure.clone() })
                    })
                    .collect(),
            },
        }
    }

    fn progress(&self) -> Progress {
        let (mut done, mut all) = (0, 0);
        for part in &self.parts {
            let total = Part::seconds(&part.tasks);
            all += total;
            done += if part.ended.is_some() { total } else { Part::seconds(&part.tasks[..part.running]) };
        }
        let running = self.parts.iter().find(|part| part.ended.is_none());
        #[expect(clippy::cast_precision_loss, reason = "seconds of a job are few")]
        let done = if all == 0 { 0.0 } else { done as f64 / all as f64 };
        Progress {
            done,
            task: running.map_or_else(String::new, |part| part.tasks[part.running].spec.words.to_owned()),
            expected_end: self.parts.iter().map(Part::expected_end).max(),
        }
    }
}
