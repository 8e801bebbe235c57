//! What stops a process, or sends it letters, while it drives a run.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use failback::event::Journal;
use failback::event::JournalError;
use failback::event::KnownAs;
use failback::event::Letter;
use failback::event::Reporter;
use failback::event::RunEvent;
use failback::event::RunState;
use failback::event::StepProgress;
use failback::journal::MemoryJournal;
use jiff::Timestamp;

use crate::lab::Ordering;
use crate::lab::When;

/// A journal whose process dies when it syncs once too often; what it took and did not sync is lost.
pub struct Mortal {
    pub journal: MemoryJournal,
    pub syncs: Option<usize>,
    pub synced: Arc<AtomicUsize>,
}

impl Journal for Mortal {
    fn append(&mut self, event: &RunEvent) -> Result<(), JournalError> {
        self.journal.append(event)
    }

    fn sync(&mut self) -> Result<(), JournalError> {
        if let Some(left) = &mut self.syncs {
            *left = left.checked_sub(1).ok_or(JournalError { message: "killed".into() })?;
        }
        self.synced.fetch_add(1, Relaxed);
        self.journal.sync()
    }
}

pub struct StopAt {
    pub when: When,
    pub stop: tokio::sync::watch::Sender<bool>,
}

impl Reporter for StopAt {
    fn event(&mut self, event: &RunEvent, _: &RunState) -> std::io::Result<()> {
        if (self.when)(event) {
            self.stop.send_replace(true);
        }
        Ok(())
    }

    fn tick(&mut self, _: Timestamp, _: &RunState, _: &[StepProgress]) -> std::io::Result<()> {
        Ok(())
    }
}

/// Sends letters.
pub struct Orders {
    pub by: String,
    pub when: Ordering,
    pub last: u64,
    pub letters: tokio::sync::mpsc::UnboundedSender<Letter>,
}

impl Reporter for Orders {
    fn event(&mut self, event: &RunEvent, _: &RunState) -> std::io::Result<()> {
        for order in (self.when)(event) {
            self.last += 1;
            let (id, at, by, known_as) = (self.last, event.at, self.by.clone(), KnownAs::OsUser);
            self.letters
                .send(Letter { id, at, by, known_as, roles: Vec::new(), order, withdrawn_by: None })
                .expect("the driver is there");
        }
        Ok(())
    }

    fn tick(&mut self, _: Timestamp, _: &RunState, _: &[StepProgress]) -> std::io::Result<()> {
        Ok(())
    }
}
