//! The post: a short queue for each recipient, tried again when it fails, and never waited for by a run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
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

/// How long is waited for what is under way when a run has ended: as long as all attempts of one notice take.
const DRAINED: Duration = Duration::from_secs(35);

/// What is said of an attempt that has no answer yet.
const NO_ANSWER: &str = "no answer yet";

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
    /// For each recipient that is being told something, how its last attempt ended.
    under_way: UnderWay,
}

type UnderWay = Arc<Mutex<BTreeMap<usize, String>>>;

impl Post {
    /// Begins to work for some recipients; must be called where tasks can be begun.
    #[must_use]
    pub fn begin(recipients: Vec<Recipient>, clock: &Arc<dyn Clock>) -> Self {
        let mut post = Self::default();
        for (place, recipient) in recipients.into_iter().enumerate() {
            let (sender, mut waiting) = mpsc::channel::<Parcel>(MOST_WAITING);
            let (clock, failures, of) = (Arc::clone(clock), Arc::clone(&post.failures), recipient.clone());
            let under_way = Arc::clone(&post.under_way);
            post.tasks.spawn(async move {
                while let Some(parcel) = waiting.recv().await {
                    let note = |message: String| drop(held(&under_way).insert(place, message));
                    let delivered = deliver(&of, parcel, &*clock, note).await;
                    held(&under_way).remove(&place);
                    if let Err(failure) = delivered {
                        tracing::warn!(
                            recipient = failure.recipient,
                            message = failure.message,
                            "a notice is given up"
                        );
                        held(&failures).push(failure);
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
            held(&self.failures).push(failure);
        }
    }

    /// Returns who could not be told since this was asked before.
    #[must_use]
    pub fn failures(&self) -> Vec<Failure> {
        std::mem::take(&mut *held(&self.failures))
    }

    /// Takes no more notices, waits for those that are under way, though not for ever, and returns who could not be told.
    pub async fn drain(mut self) -> Vec<Failure> {
        // Whoever has all that it was to be told ends when nothing more can come.
        let recipients: Vec<String> = self.boxes.drain(..).map(|(recipient, _)| recipient.shown()).collect();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let is_done = tokio::time::timeout(DRAINED, all).await.is_ok();
        let mut failures = self.failures();
        if !is_done {
            failures.extend(held(&self.under_way).iter().map(|(place, last)| Failure {
                recipient: recipients[*place].clone(),
                message: format!("{last}; not told within {} s", DRAINED.as_secs()),
            }));
        }
        failures
    }
}

/// Takes what several tasks share; one that panicked left it whole.
fn held<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells a recipient, in as many attempts as there may be, and notes how the last one ended.
async fn deliver(
    recipient: &Recipient,
    parcel: Parcel,
    clock: &dyn Clock,
    note: impl Fn(String),
) -> Result<(), Failure> {
    note(NO_ANSWER.to_owned());
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
        note(failed.message.clone());
        match pauses.next().filter(|_| failed.is_transient) {
            Some(pause) => tokio::time::sleep(*pause).await,
            None => return Err(Failure { recipient: recipient.shown(), message: failed.message }),
        }
    }
}
