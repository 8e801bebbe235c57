//! Cancels the planned failovers of a run when everything before its commits is done: how a drill ends that leaves its machines in
//! Azure.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use jiff::Timestamp;

use crate::cli::person::Person;
use crate::clock::Clock;
use crate::event::Order;
use crate::event::Reporter;
use crate::event::RunEvent;
use crate::event::RunState;
use crate::event::StepProgress;
use crate::id::RunId;
use crate::journal::Database;
use crate::journal::NewLetter;
use crate::run::verified;

/// Sends the order to cancel. It goes the way of every order, so that the record says who gave it and why.
pub(super) struct TakeBack {
    due: Option<Sender<()>>,
}

/// Waits until the order is due: the run never waits for the database.
pub(super) struct Courier {
    thread: JoinHandle<()>,
}

/// What is sent, and where.
pub(super) struct Errand {
    pub database: PathBuf,
    pub run: RunId,
    pub person: Person,
    pub clock: Arc<dyn Clock>,
}

impl Errand {
    /// Returns what watches the run, and what sends the order.
    ///
    /// # Errors
    ///
    /// The system's, if it gives no thread.
    pub(super) fn begin(self) -> std::io::Result<(TakeBack, Courier)> {
        let (due, wait) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("take-back".into()).spawn(move || self.carry(&wait))?;
        Ok((TakeBack { due: Some(due) }, Courier { thread }))
    }

    fn carry(self, wait: &Receiver<()>) {
        if wait.recv().is_err() {
            return;
        }
        let order = Order::Cancel {
            reason: Some("the drill ends here: its planned failovers are taken back".into()),
            failovers: true,
        };
        let Person { name: by, known_as } = self.person;
        let letter = NewLetter { at: self.clock.now(), by, known_as, roles: Vec::new(), signed: None, order };
        let sent = Database::open(&self.database).and_then(|mut database| database.send(&self.run, &letter));
        if let Err(error) = sent {
            tracing::error!(%error, "the order to take the failovers back can't be sent: send it with failback cancel --failovers");
        }
    }
}

impl Courier {
    /// Waits until it is done; the watcher is gone by then.
    pub(super) fn end(self) {
        // A thread that panicked has told of it.
        let _ = self.thread.join();
    }
}

impl Reporter for TakeBack {
    fn event(&mut self, _event: &RunEvent, state: &RunState) -> std::io::Result<()> {
        if self.due.is_some() && verified::only_commits_wait(state) {
            // Whoever waits is there until this is dropped.
            let _ = self.due.take().map(|due| due.send(()));
        }
        Ok(())
    }

    fn tick(&mut self, _: Timestamp, _: &RunState, _: &[StepProgress]) -> std::io::Result<()> {
        Ok(())
    }
}
