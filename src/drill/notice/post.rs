//! The post: a short queue for each recipient, tried again when it fails, and never waited for by a run.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::drill::notice::Notice;
use crate::drill::notice::Recipient;
use crate::drill::notice::reporter::Head;

/// Notices that may wait for one recipient; of more, the newest are given up.
const MOST_WAITING: usize = 64;

/// How long is waited before each further attempt.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(25)];

/// How long is waited for what is under way when a run has ended.
const DRAINED: Duration = Duration::from_secs(20);

/// Somebody could not be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Who, without what may be secret.
    pub recipient: String,
    /// Why, of the last attempt.
    pub message: String,
}

/// What waits to be told.
struct Parcel {
    notice: Notice,
    head: Option<Head>,
}

/// Tells recipients of notices, in the background.
#[derive(Default)]
pub struct Post {
    boxes: Vec<(Recipient, mpsc::Sender<Parcel>)>,
    tasks: JoinSet<()>,
    failures: Arc<Mutex<Vec<Failure>>>,
}

impl Post {
    /// Begins to work for some recipients; must be called where tasks can be begun.
    #[must_use]
    pub fn begin(recipients: Vec<Recipient>, clock: &Arc<dyn Clock>) -> Self {
        let mut post = Self::default();
        for recipient in recipients {
            let (sender, mut waiting) = mpsc::channel::<Parcel>(MOST_WAITING);
            let (clock, failures, of) = (Arc::clone(clock), Arc::clone(&post.failures), recipient.clone());
            post.tasks.spawn(async move {
                while let Some(parcel) = waiting.recv().await {
                    if let Err(failure) = deliver(&of, parcel, &*clock).await {
                        tracing::warn!(
                            recipient = failure.recipient,
                            message = failure.message,
                            "a notice is given up"
                        );
                        failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(failure);
                    }
                }
            });
            post.boxes.push((recipient, sender));
        }
        post
    }

    /// Returns whether there is nobody to tell.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.boxes.is_empty()
    }

    /// Takes a notice for all who want it, and returns at once; `head` is asked for the digest of the run's newest event when it is
    /// sent.
    pub fn tell(&self, notice: &Notice, head: Option<&Head>) {
        for (recipient, sender) in self.boxes.iter().filter(|(recipient, _)| recipient.wants(notice)) {
            let parcel = Parcel { notice: notice.clone(), head: head.cloned() };
            let message = match sender.try_send(parcel) {
                Ok(()) => continue,
                Err(TrySendError::Full(_)) => format!("{MOST_WAITING} notices wait already"),
                Err(TrySendError::Closed(_)) => "the post is closed".to_owned(),
            };
            let failure = Failure { recipient: recipient.shown(), message };
            self.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(failure);
        }
    }

    /// Returns who could not be told since this was asked before.
    #[must_use]
    pub fn failures(&self) -> Vec<Failure> {
        std::mem::take(&mut *self.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Takes no more notices, waits for those that are under way, though not for ever, and returns who could not be told.
    pub async fn drain(mut self) -> Vec<Failure> {
        let waiting: Vec<String> = self.boxes.drain(..).map(|(recipient, _)| recipient.shown()).collect();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let is_done = tokio::time::timeout(DRAINED, all).await.is_ok();
        let mut failures = self.failures();
        if !is_done {
            let message = format!("not told within {} s", DRAINED.as_secs());
            let recipient = if waiting.len() == 1 { waiting.concat() } else { "some recipients".to_owned() };
            failures.push(Failure { recipient, message });
        }
        failures
    }
}

/// Tells a recipient, in as many attempts as there may be.
async fn deliver(recipient: &Recipient, parcel: Parcel, clock: &dyn Clock) -> Result<(), Failure> {
    let Parcel { mut notice, head } = parcel;
    if let (Some(run), Some(head)) = (&mut notice.run, head) {
        run.head = head.now();
    }
    let mut pauses = PAUSES.iter();
    loop {
        let failed = match recipient.tell(&notice, clock.now()).await {
            Ok(()) => return Ok(()),
            Err(failed) => failed,
        };
        match pauses.next().filter(|_| failed.is_transient) {
            Some(pause) => tokio::time::sleep(*pause).await,
            None => return Err(Failure { recipient: recipient.shown(), message: failed.message }),
        }
    }
}
