//! A journal that is gone when the process ends: for simulations and tests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::event::Journal;
use crate::event::JournalError;
use crate::event::RunEvent;

/// Keeps events in memory; clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryJournal {
    kept: Arc<Mutex<Vec<RunEvent>>>,
    taken: Vec<RunEvent>,
    facts: Arc<Mutex<BTreeMap<String, String>>>,
}

impl MemoryJournal {
    /// Returns the events that were kept.
    #[must_use]
    pub fn events(&self) -> Vec<RunEvent> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the facts that were kept, by their digests.
    #[must_use]
    pub fn facts(&self) -> BTreeMap<String, String> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Journal for MemoryJournal {
    fn append(&mut self, event: &RunEvent) -> Result<(), JournalError> {
        self.taken.push(event.clone());
        Ok(())
    }

    fn keep_facts(&mut self, digest: &str, body: &str) -> Result<(), JournalError> {
        let mut facts = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        facts.insert(digest.to_owned(), body.to_owned());
        Ok(())
    }

    fn sync(&mut self) -> Result<(), JournalError> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).append(&mut self.taken);
        Ok(())
    }
}
