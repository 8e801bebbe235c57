//! A journal that keeps nothing: for simulations of which only the end counts.

use crate::event::Journal;
use crate::event::JournalError;
use crate::event::RunEvent;

/// Counts events and keeps none of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoJournal {
    /// How many events there were.
    pub events: u64,
}

impl Journal for NoJournal {
    fn append(&mut self, _event: &RunEvent) -> Result<(), JournalError> {
        self.events += 1;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), JournalError> {
        Ok(())
    }

    fn keeps(&self) -> bool {
        false
    }
}
