//! A run that is open: read on while somebody watches.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;

use crate::event::Inbox as _;
use crate::event::Letter;
use crate::event::Order;
use crate::id::RunId;
use crate::journal::Database;
use crate::journal::RunInbox;
use crate::journal::StateDir;
use crate::web::desk::Desk;
use crate::web::error::Problem;
use crate::web::watch::view::View;

/// Pause between two looks into the journal of a run that is driven: what happens in between is told at once.
pub(super) const PAUSE: Duration = Duration::from_millis(250);

/// Looks of a run that nobody drives of which only one is made.
const SELDOM: u32 = 8;

/// Deltas that are kept for the others who saw the same.
const KEPT: usize = 8;

struct Inner {
    view: View,
    /// The reader's own connection; opened anew after something went wrong.
    database: Option<Database>,
    inbox: Option<RunInbox>,
    /// Deltas of the present version, by what their reader had seen.
    deltas: Vec<(u64, Arc<str>)>,
}

/// A run that is open.
pub(crate) struct Watched {
    run: RunId,
    path: PathBuf,
    desk: Arc<dyn Desk>,
    outline: Arc<str>,
    inner: Mutex<Inner>,
    /// Counts what changed; who watches is told.
    version: watch::Sender<u64>,
    is_read_on: AtomicBool,
}

impl Watched {
    /// Opens a run. Blocks.
    pub fn open(dir: &StateDir, desk: Arc<dyn Desk>, run: &RunId) -> Result<Self, Problem> {
        let kept = desk.kept(run)?;
        let outline = super::outline::of(&kept).to_string().into();
        let view = View::new(kept);
        let inner = Mutex::new(Inner { view, database: None, inbox: None, deltas: Vec::new() });
        let (version, _) = watch::channel(0);
        let is_read_on = AtomicBool::new(false);
        Ok(Self { run: run.clone(), path: dir.database(), desk, outline, inner, version, is_read_on })
    }

    pub const fn run(&self) -> &RunId {
        &self.run
    }

    /// Returns what does not change while the run goes on, as JSON.
    pub fn outline(&self) -> Arc<str> {
        Arc::clone(&self.outline)
    }

    pub fn watchers(&self) -> usize {
        self.version.receiver_count()
    }

    pub fn is_watched(&self) -> bool {
        self.watchers() > 0
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // What a panic left behind is read anew.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the run as it was read last.
    pub fn look<T>(&self, at: impl FnOnce(&View) -> T) -> T {
        at(&self.inner().view)
    }

    /// Reads what is new. Blocks.
    pub fn refresh(&self) {
        let is_driven = self.desk.is_driven(&self.run);
        let mut inner = self.inner();
        let changed = inner.read_on(&self.run, &self.path, is_driven);
        if changed {
            inner.deltas.clear();
            drop(inner);
            self.version.send_modify(|version| *version += 1);
        }
    }

    /// Returns what changed after the event at a place, as JSON, and the place that leads to.
    pub fn delta(&self, after: u64) -> (u64, Arc<str>) {
        let mut inner = self.inner();
        let seq = inner.view.seq();
        if let Some((_, delta)) = inner.deltas.iter().find(|(from, _)| *from == after) {
            return (seq, Arc::clone(delta));
        }
        let delta: Arc<str> = inner.view.delta(after).into();
        if inner.deltas.len() >= KEPT {
            inner.deltas.remove(0);
        }
        inner.deltas.push((after, Arc::clone(&delta)));
        (seq, delta)
    }

    /// Has the journal read on while somebody watches, and returns what tells of news.
    pub fn watch(self: &Arc<Self>) -> watch::Receiver<u64> {
        let news = self.version.subscribe();
        if !self.is_read_on.swap(true, Ordering::AcqRel) {
            tokio::spawn(Arc::clone(self).read_on());
        }
        news
    }

    async fn read_on(self: Arc<Self>) {
        let mut looks = 0_u32;
        loop {
            tokio::time::sleep(PAUSE).await;
            if !self.is_watched() {
                self.is_read_on.store(false, Ordering::Release);
                // Somebody may have come in between, and found it read on.
                if !self.is_watched() || self.is_read_on.swap(true, Ordering::AcqRel) {
                    return;
                }
            }
            looks = looks.wrapping_add(1);
            if !self.look(View::is_driven) && !looks.is_multiple_of(SELDOM) {
                continue;
            }
            let this = Arc::clone(&self);
            // A panic inside is in the log, and the next look begins anew.
            let _ = tokio::task::spawn_blocking(move || this.refresh()).await;
        }
    }
}

impl Inner {
    /// Reads what is new, and returns whether anything is.
    fn read_on(&mut self, run: &RunId, path: &Path, is_driven: bool) -> bool {
        let read = self.events(run, path);
        let letters = self.letters(run, path);
        let trouble = read.err();
        if trouble.is_some() {
            self.database = None;
        }
        self.view.settle(is_driven, letters, trouble)
    }

    fn events(&mut self, run: &RunId, path: &Path) -> Result<(), String> {
        let in_words = |error: crate::journal::DatabaseError| error.in_words();
        let database = match self.database.take() {
            Some(database) => database,
            None => Database::open_to_read(path).map_err(in_words)?,
        };
        let (view, mut illegal) = (&mut self.view, None);
        let read = database.each_event_after(run, view.seq(), |event| {
            if illegal.is_none() {
                illegal = view.take(event).err();
            }
        });
        self.database = Some(database);
        read.map_err(in_words)?;
        illegal.map_or(Ok(()), Err)
    }

    /// Returns the orders that nobody has taken yet; none if they can't be read.
    fn letters(&mut self, run: &RunId, path: &Path) -> Vec<Letter> {
        if self.inbox.is_none() {
            self.inbox = RunInbox::open(path, run).ok();
        }
        let last = self.view.state().last_letter();
        let read = self.inbox.as_mut().and_then(|inbox| inbox.since(last).ok());
        let mut letters = read.unwrap_or_default();
        letters.retain(|letter| !matches!(letter.order, Order::Withdraw { .. }));
        letters
    }
}
