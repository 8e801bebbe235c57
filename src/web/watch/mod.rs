//! Runs that somebody watches: one reader of the journal for each, however many watch.

mod delta;
mod outline;
mod view;
mod watched;

pub(super) use watched::Watched;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::id::RunId;
use crate::journal::StateDir;
use crate::web::desk::Desk;
use crate::web::error::Problem;

/// Runs that are kept open; of more, one that nobody watches is closed.
const PLACES: usize = 32;

/// The runs that are open.
pub(super) struct Hub {
    dir: StateDir,
    desk: Arc<dyn Desk>,
    open: Mutex<HashMap<RunId, Arc<Watched>>>,
    /// Runs that are being opened: whoever comes meanwhile waits for that one.
    opening: Mutex<HashMap<RunId, Arc<tokio::sync::Mutex<()>>>>,
    ended: tokio::sync::watch::Sender<bool>,
}

impl Hub {
    pub fn new(dir: StateDir, desk: Arc<dyn Desk>) -> Self {
        let (ended, _) = tokio::sync::watch::channel(false);
        Self { dir, desk, open: Mutex::default(), opening: Mutex::default(), ended }
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<RunId, Arc<Watched>>) -> T) -> T {
        act(&mut self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns a run, opened if it was not, and as its journal stands now.
    pub async fn fresh(&self, run: &RunId) -> Result<Arc<Watched>, Problem> {
        let mut known = self.with(|open| open.get(run).cloned());
        if known.is_none() {
            let gate = Arc::clone(self.gates().entry(run.clone()).or_default());
            let turn = gate.lock().await;
            known = self.with(|open| open.get(run).cloned());
            if known.is_none() {
                let opened = self.read(known, run).await;
                self.gates().remove(run);
                drop(turn);
                return opened;
            }
        }
        self.read(known, run).await
    }

    fn gates(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Arc<tokio::sync::Mutex<()>>>> {
        self.opening.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what is new of a run, which is opened unless it is known.
    async fn read(&self, known: Option<Arc<Watched>>, run: &RunId) -> Result<Arc<Watched>, Problem> {
        let (dir, desk, run) = (self.dir.clone(), Arc::clone(&self.desk), run.clone());
        let opened = tokio::task::spawn_blocking(move || {
            let watched = match known {
                Some(watched) => watched,
                None => Arc::new(Watched::open(&dir, desk, &run)?),
            };
            watched.refresh();
            Ok::<_, Problem>(watched)
        });
        let watched = opened.await.map_err(|_| crate::web::app::broken())??;
        Ok(self.with(|open| {
            if open.len() >= PLACES {
                open.retain(|_, other| other.is_watched());
            }
            // Two that opened it at once go on with one of them.
            Arc::clone(open.entry(watched.run().clone()).or_insert(watched))
        }))
    }

    /// Returns how many watch runs.
    pub fn watchers(&self) -> usize {
        self.with(|open| open.values().map(|watched| watched.watchers()).sum())
    }

    /// Ends what goes on without end.
    pub fn end(&self) {
        self.ended.send_replace(true);
    }

    /// Returns what tells that the server ends.
    pub fn ends(&self) -> tokio::sync::watch::Receiver<bool> {
        self.ended.subscribe()
    }
}
