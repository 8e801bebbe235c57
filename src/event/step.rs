//! How one step of a run stands.

use std::ops::Deref;
use std::ops::DerefMut;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::id::IdempotencyKey;
use crate::id::OperationId;
use crate::provider::Request;

/// Our code of a step after whose failure, or instead of which, a planned failover was cancelled.
pub const TAKEN_BACK: &str = "failover-cancelled";
/// The code of an attempt that the site put off: it asked to come back later, and took nothing on.
pub const PUT_OFF: &str = "busy";
/// The code of an attempt of which the site knows nothing, or nothing any more.
pub const LOST: &str = "lost";

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// It waits for others.
    Waiting,
    /// It may begin.
    Ready,
    /// It runs.
    Running,
    /// A person is asked.
    Asked,
    /// It was done.
    Succeeded,
    /// Its result was there already.
    Adopted,
    /// It was left out.
    Skipped,
    /// It failed for good.
    Failed,
    /// Something that it waits for failed.
    Blocked,
}

impl StepStatus {
    /// Returns whether nothing will happen to the step any more.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        match self {
            Self::Succeeded | Self::Adopted | Self::Skipped | Self::Failed | Self::Blocked => true,
            Self::Waiting | Self::Ready | Self::Running | Self::Asked => false,
        }
    }

    /// Returns whether what waits for the step may go on.
    #[must_use]
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Succeeded | Self::Adopted | Self::Skipped)
    }

    /// Returns the word of outputs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Asked => "asked",
            Self::Succeeded => "succeeded",
            Self::Adopted => "adopted",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
        }
    }
}

/// A person's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Yes or no.
    pub approved: bool,
    /// Who answered.
    pub by: String,
}

/// The state of one step. There may be many, and each event looks for its own: what few steps have is kept apart.
#[derive(Clone, Debug, PartialEq)]
pub struct StepState {
    /// How it stands.
    pub status: StepStatus,
    /// Steps that it still waits for.
    pub waiting_for: u32,
    /// Attempts so far.
    pub attempts: u32,
    /// The key and the request that were recorded last, while their end is not known.
    pub intent: Option<Arc<(IdempotencyKey, Request)>>,
    /// The operation that the site took on for it.
    pub operation: Option<OperationId>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When its first attempt was recorded.
    pub first_attempt_at: Option<Timestamp>,
    /// When its last request was recorded.
    pub sent_at: Option<Timestamp>,
    /// When it was settled.
    pub ended_at: Option<Timestamp>,
    /// Whether it only waits before its first request, so that it takes no place among those that change something.
    pub parked: bool,
    /// Whether its action was begun.
    pub acted: bool,
    /// Whether it takes the failover back instead of making it final.
    pub takes_back: bool,
    /// Whether a person left it out, alone or with its machine.
    pub left_out: bool,
    /// Whether a person has to do what the step asked the site for.
    pub handed_over: bool,
    /// What was seen, what it waits for, or why it failed.
    pub note: Option<String>,
    rest: Rest,
}

/// What few steps have.
#[derive(Clone, Debug, PartialEq)]
pub struct Seldom {
    /// Attempts before a person had it done again.
    pub attempts_before: u32,
    /// Attempts that the site put off: it took nothing on, and asked to come back later.
    pub times_put_off: u32,
    /// When the next attempt begins.
    pub retry_at: Option<Timestamp>,
    /// When a process last took it over from one that had ended.
    pub taken_over_at: Option<Timestamp>,
    /// What a person answered.
    pub answer: Option<Answer>,
    /// Place of the event that asked the last question.
    pub question: u64,
    /// Roles that may answer the question that is asked; empty: anybody.
    pub roles: Vec<String>,
    /// When the answer comes too late.
    pub answer_by: Option<Timestamp>,
    /// Codes of the alarms that it raised.
    pub alarms: Vec<String>,
    /// The machines for which it is done already, by their places in the plan; empty for a step about one machine.
    pub done: Vec<usize>,
    /// The code with which it failed.
    pub code: Option<String>,
}

impl Seldom {
    /// What a step has that has nothing of it.
    const NOTHING: Self = Self {
        attempts_before: 0,
        times_put_off: 0,
        retry_at: None,
        taken_over_at: None,
        answer: None,
        question: 0,
        roles: Vec::new(),
        answer_by: None,
        alarms: Vec::new(),
        done: Vec::new(),
        code: None,
    };
}

/// Makes room for what few steps have when the first of it is written.
#[derive(Clone, Debug, Default)]
struct Rest(Option<Box<Seldom>>);

impl PartialEq for Rest {
    fn eq(&self, other: &Self) -> bool {
        self.read() == other.read()
    }
}

impl Rest {
    fn read(&self) -> &Seldom {
        static NOTHING: Seldom = Seldom::NOTHING;
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl Deref for StepState {
    type Target = Seldom;

    fn deref(&self) -> &Seldom {
        self.rest.read()
    }
}

impl DerefMut for StepState {
    fn deref_mut(&mut self) -> &mut Seldom {
        self.rest.0.get_or_insert_with(|| Box::new(Seldom::NOTHING))
    }
}

impl StepState {
    /// Returns how a step stands that waits for `waiting_for` others.
    pub(super) const fn waiting(waiting_for: u32) -> Self {
        Self {
            status: StepStatus::Waiting,
            waiting_for,
            attempts: 0,
            intent: None,
            operation: None,
            started_at: None,
            first_attempt_at: None,
            sent_at: None,
            ended_at: None,
            parked: false,
            acted: false,
            takes_back: false,
            left_out: false,
            handed_over: false,
            note: None,
            rest: Rest(None),
        }
    }

    /// Forgets when the next attempt begins.
    pub(super) fn begins_attempt(&mut self) {
        if self.retry_at.is_some() {
            self.retry_at = None;
        }
    }

    /// Returns whether what the step is for was done for a machine of several; to take its failover back is something else.
    #[must_use]
    pub fn is_done_for(&self, machine: usize) -> bool {
        !self.takes_back && self.done.contains(&machine)
    }

    /// Returns whether the failover of a machine of several was taken back.
    #[must_use]
    pub fn took_back(&self, machine: usize) -> bool {
        self.takes_back && self.done.contains(&machine)
    }

    /// Returns whether a request was recorded whose end is not known.
    #[must_use]
    pub const fn is_in_flight(&self) -> bool {
        self.intent.is_some()
    }
}
