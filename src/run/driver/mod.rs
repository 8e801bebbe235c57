//! Drives a run: starts what may start, asks the site, waits, and turns each answer into events.

mod action;
mod answer;
mod attempt;
mod decision;
mod engine;
mod evidence;
mod inquiry;
mod judged;
mod local;
mod marks;
mod orders;
mod placement;
mod question;
mod search;
mod sides;
mod simulated;
mod wakes;

pub use local::Driver;
pub use local::Parts;
pub use local::Site;
pub use simulated::SetClock;
pub use simulated::Simulation;
pub use simulated::Thinking;

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
