//! Watches the inbox of a run that goes on.

use std::sync::mpsc::RecvTimeoutError;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::cli::error::CliError;
use crate::event::Inbox as _;
use crate::event::JournalError;
use crate::event::Letter;
use crate::journal::RunInbox;

/// How often the inbox is asked for orders.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// A thread that waits for orders, so that the run never waits for the database.
pub(super) struct Watch {
    goes_on: Sender<()>,
    thread: JoinHandle<()>,
}

impl Watch {
    /// Begins to watch, and returns the orders that were sent and not taken, followed by those that arrive.
    ///
    /// # Errors
    ///
    /// [`CliError`] if the inbox can't be read.
    pub fn begin(
        mut inbox: RunInbox,
        taken: u64,
    ) -> Result<(Self, mpsc::UnboundedReceiver<Letter>), CliError> {
        let (sender, orders) = mpsc::unbounded_channel();
        let (goes_on, ends) = std::sync::mpsc::channel();
        let mut last = taken;
        let mut pass_on = move || -> Result<(), JournalError> {
            for letter in inbox.since(last)? {
                last = letter.id;
                // The run may have ended meanwhile; whoever takes it over finds the letter.
                let _ = sender.send(letter);
            }
            Ok(())
        };
        let unreadable =
            |error: JournalError| CliError::usage("can't read the orders to the run").because(error);
        pass_on().map_err(unreadable)?;
        let watch = move || {
            while let Err(RecvTimeoutError::Timeout) = ends.recv_timeout(ASK_AGAIN) {
                if let Err(error) = pass_on() {
                    tracing::warn!(%error, "orders can't be read just now");
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("inbox".into())
            .spawn(watch)
            .map_err(|error| CliError::usage("can't start the run's threads").because(error))?;
        Ok((Self { goes_on, thread }, orders))
    }

    /// Ends the watch; when this returns, its connection to the database is closed.
    pub fn end(self) {
        drop(self.goes_on);
        // A thread that panicked has told of it, and watches no more.
        let _ = self.thread.join();
    }
}
