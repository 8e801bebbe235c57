//! Where a run is.

use crate::event::Outcome;

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// It did not begin.
    New,
    /// It goes on.
    Running,
    /// Nothing is begun until it is resumed.
    Interrupted,
    /// It ended.
    Finished(Outcome),
}

impl RunStatus {
    /// Returns the word of outputs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Finished(Outcome::Succeeded) => "succeeded",
            Self::Finished(Outcome::Failed) => "failed",
            Self::Finished(Outcome::Cancelled) => "cancelled",
        }
    }

    /// Returns what is said of a run after `it`, or after its name.
    #[must_use]
    pub const fn said_of_it(self) -> &'static str {
        match self {
            Self::New => "has not begun",
            Self::Running => "goes on",
            Self::Interrupted => "was interrupted",
            Self::Finished(Outcome::Succeeded) => "succeeded",
            Self::Finished(Outcome::Failed) => "failed",
            Self::Finished(Outcome::Cancelled) => "was cancelled",
        }
    }
}
