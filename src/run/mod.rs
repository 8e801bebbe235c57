//! The executor: a run is driven from event to event, observed before it is acted on, and recorded before it is sent.

pub mod approver;
pub mod claims;
mod driver;
pub mod guard;
pub mod hook;
pub mod machine;
pub mod order;
pub mod patient;
mod recorder;
pub mod retry;
mod settle;
pub mod signed;
pub mod skip;
pub mod step;
pub mod trial;
pub mod verified;

pub use driver::Driver;
pub use driver::End;
pub use driver::Parts;
pub use driver::SetClock;
pub use driver::Simulation;
pub use driver::Site;
pub use driver::Thinking;
pub use recorder::Recorder;
pub use recorder::RunError;
