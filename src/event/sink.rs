//! Who takes events: the journal, which comes first and may refuse, and reporters, which may only fall away.

use crate::event::RunEvent;
use crate::event::RunState;
use crate::graph::StepIndex;

/// The record of a run can't be kept: the site must not be touched again.
#[derive(Debug, thiserror::Error)]
#[error("the journal can't be written: {message}")]
pub struct JournalError {
    /// The cause, in words.
    pub message: String,
}

/// Keeps the events of a run.
pub trait Journal {
    /// Takes one event, to be kept by the next [`Journal::sync`].
    ///
    /// # Errors
    ///
    /// [`JournalError`] if it can't be kept.
    fn append(&mut self, event: &RunEvent) -> Result<(), JournalError>;

    /// Takes facts under their digest, to be kept by the next [`Journal::sync`] before the events that were taken after them.
    ///
    /// A journal that keeps no facts leaves them out.
    ///
    /// # Errors
    ///
    /// [`JournalError`] if they can't be kept.
    fn keep_facts(&mut self, _digest: &str, _body: &str) -> Result<(), JournalError> {
        Ok(())
    }

    /// Keeps the events that were taken; when this returns, they are on disk.
    ///
    /// # Errors
    ///
    /// [`JournalError`] if they can't be kept.
    fn sync(&mut self) -> Result<(), JournalError>;

    /// Returns whether anybody will read the events again; if not, what only a later reader needs is left out of them.
    fn keeps(&self) -> bool {
        true
    }
}

/// How far a running step is, for displays; it decides nothing and is not kept.
#[derive(Clone, Debug, PartialEq)]
pub struct StepProgress {
    /// The step.
    pub step: StepIndex,
    /// Part that is done, 0 to 1.
    pub done: f64,
    /// What is being done.
    pub text: String,
}

/// Shows a run to people or machines.
pub trait Reporter {
    /// Takes one event, with the state after it.
    ///
    /// # Errors
    ///
    /// The output's; the reporter is then dropped, since a closed terminal must not stop a failover.
    fn event(&mut self, event: &RunEvent, state: &RunState) -> std::io::Result<()>;

    /// Takes the present progress of running steps, and the run's clock.
    ///
    /// # Errors
    ///
    /// The output's; the reporter is then dropped.
    fn tick(
        &mut self,
        now: jiff::Timestamp,
        state: &RunState,
        progress: &[StepProgress],
    ) -> std::io::Result<()>;

    /// Stands back while a person is asked at the same terminal; `false` takes the terminal again.
    fn pause(&mut self, _paused: bool) {}

    /// Shows that nothing new is begun any more, and how many calls and actions are waited for.
    fn stopping(&mut self, _waits_for: usize) {}
}
