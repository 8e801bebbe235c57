//! How far an operation is.

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::id::MachineName;

/// How far a running operation is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Part that is done, 0 to 1: finished tasks, weighted by how long they were seen to take.
    pub done: f64,
    /// The task that runs, in the service's words.
    pub task: String,
    /// When the site expects the end, if it can tell.
    pub expected_end: Option<Timestamp>,
}

/// Why an operation failed, in the service's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The service's code.
    pub code: String,
    /// The service's message.
    pub message: String,
    /// The task that failed.
    pub task: String,
}

/// How an operation ended for one of several machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberOutcome {
    /// The machine.
    pub machine: MachineName,
    /// Why it failed; `None` if it did not.
    pub failure: Option<Failure>,
}

/// How far an operation is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum OperationStatus {
    /// It runs.
    Running(Progress),
    /// It did what was asked.
    Succeeded,
    /// It did what was asked, and has something to say about it.
    SucceededWith {
        /// What, in the service's words.
        remark: String,
    },
    /// It did it for some machines only.
    PartiallySucceeded {
        /// How it ended for each.
        members: Vec<MemberOutcome>,
    },
    /// It failed.
    Failed(Failure),
    /// A state that this program does not know, in the service's words; it is asked again.
    Unknown {
        /// The word.
        state: String,
    },
}
