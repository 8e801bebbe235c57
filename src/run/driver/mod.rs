//! Drives a run: starts what may start, asks the site, waits, and turns each answer into events.

mod answer;
mod decision;
mod engine;
mod local;

pub use local::Driver;
pub use local::Parts;
pub use local::Site;

use crate::event::Outcome;

/// How a drive ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The run ended.
    Finished(Outcome),
    /// It was interrupted and can be resumed.
    Interrupted,
    /// Everything waits for a person, and nobody is there.
    WaitsForApproval,
}
