//! What a run says: one list of events, from which its state, displays, reports and proofs are made.

mod about;
mod again;
mod apply;
mod changing;
mod decode;
mod inbox;
mod kind;
mod legal;
mod no_return;
mod own;
mod person;
mod revise;
mod seen;
mod set;
mod sink;
mod slots;
mod spread;
mod state;
mod statement;
mod status;
mod step;

pub use decode::TagFirst;
pub use inbox::Inbox;
pub use inbox::Letter;
pub use inbox::Order;
pub use inbox::Shown;
pub use inbox::withdraw;
pub use kind::RunEventKind;
pub use legal::IllegalEvent;
pub use legal::Legal;
pub use person::Begun;
pub use person::Person;
pub use seen::Seen;
pub use seen::Sides;
pub use sink::Journal;
pub use sink::JournalError;
pub use sink::Reporter;
pub use sink::StepProgress;
pub use state::RunState;
pub use statement::Asked;
pub use statement::NAMESPACE as APPROVALS;
pub use statement::Signed;
pub use statement::Statement;
pub use statement::Word;
pub use status::RunStatus;
pub use step::Answer;
pub use step::LOST;
pub use step::PUT_OFF;
pub use step::Seldom;
pub use step::StepState;
pub use step::StepStatus;
pub use step::TAKEN_BACK;

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::id::RunId;

/// One thing that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunEvent {
    /// The run.
    pub run: RunId,
    /// Its place in the run, counted from 1; it orders events, their times are for people.
    pub seq: u64,
    /// When it happened, by the run's clock.
    pub at: Timestamp,
    /// What happened.
    pub kind: RunEventKind,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every step was done.
    Succeeded,
    /// Some steps failed, and what waited for them was not done.
    Failed,
    /// A person cancelled it.
    Cancelled,
}

/// How an approver is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KnownAs {
    /// By a name that was given.
    Claimed,
    /// As the user of the operating system at the terminal.
    OsUser,
    /// By a session of the dashboard, whose server attests the person's roles.
    Session,
    /// By a signature with a key that the settings named when the run began.
    Signed,
    /// Nobody: the emulator approves by itself.
    Simulated,
}

/// What a guard found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardFinding {
    /// Id of the rule.
    pub rule: String,
    /// `violated`, `indeterminate`, `waived` or `pending`.
    pub state: String,
    /// Its severity.
    pub severity: String,
    /// Name of its subject.
    pub subject: String,
    /// What is wrong.
    pub message: String,
}

/// One thing that a person is told to type or choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// What it is called.
    pub name: String,
    /// What it has to be.
    pub value: String,
}
