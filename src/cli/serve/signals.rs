//! What a daemon is asked by signals: to end, and then to end at once.

use std::pin::Pin;

use tokio::sync::watch;

use crate::cli::session;

/// What the daemon was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Asked {
    /// Nothing.
    #[default]
    Nothing,
    /// To end.
    ToEnd,
    /// To end whatever it waits for.
    ToEndAtOnce,
}

/// The signals that come.
pub(super) struct Signals {
    /// Listens all the time, so that none is lost while something else is done.
    next: Pin<Box<dyn Future<Output = std::io::Result<()>>>>,
    asked: Asked,
}

impl Signals {
    /// Listens from now on.
    pub(super) fn new() -> Self {
        Self { next: Box::pin(session::interrupted()), asked: Asked::Nothing }
    }

    /// Waits for the next signal, and returns what the daemon is asked with it.
    pub(super) async fn next(&mut self) -> Asked {
        while self.next.as_mut().await.is_err() {
            // What can't be waited for never comes.
            self.next = Box::pin(std::future::pending());
        }
        self.next = Box::pin(session::interrupted());
        self.asked = match self.asked {
            Asked::Nothing => Asked::ToEnd,
            Asked::ToEnd | Asked::ToEndAtOnce => Asked::ToEndAtOnce,
        };
        self.asked
    }
}

/// Waits until so much is asked.
pub(super) async fn until(mut asks: watch::Receiver<Asked>, enough: Asked) {
    // Whoever asks lives as long as the daemon.
    let _ = asks.wait_for(|asked| *asked >= enough).await;
}
