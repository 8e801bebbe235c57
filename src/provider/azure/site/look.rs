//! A look at something that several callers share: who asks while one is under way waits for it instead of asking again.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::clock::Clock as _;
use crate::provider::azure::error::AzureError;
use crate::provider::azure::pace::ServicePace;

/// How many ask for the same kind of thing at this moment: for many, a list costs less than one look for each.
#[derive(Debug, Default)]
pub(super) struct Demand(AtomicUsize);

/// That somebody asks, until it is dropped.
#[derive(Debug)]
pub(super) struct Asking<'d> {
    demand: &'d Demand,
    number: usize,
}

impl Demand {
    /// Notes that somebody asks for so many.
    pub(super) fn ask(&self, number: usize) -> Asking<'_> {
        self.0.fetch_add(number, Ordering::Relaxed);
        Asking { demand: self, number }
    }
}

impl Asking<'_> {
    /// Returns for how many is asked in all.
    pub(super) fn all(&self) -> usize {
        self.demand.0.load(Ordering::Relaxed)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.demand.0.fetch_sub(self.number, Ordering::Relaxed);
    }
}

/// What a look showed.
#[derive(Debug)]
pub(super) struct Seen<T> {
    pub(super) value: Arc<T>,
    /// When the look began: what happened before it is in it.
    pub(super) began: Timestamp,
    /// How many requests it took.
    pub(super) pages: usize,
}

impl<T> Clone for Seen<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), began: self.began, pages: self.pages }
    }
}

/// A shared look.
#[derive(Debug)]
pub(super) struct Look<T> {
    seen: Mutex<Option<Seen<T>>>,
}

impl<T> Default for Look<T> {
    fn default() -> Self {
        Self { seen: Mutex::new(None) }
    }
}

impl<T> Look<T> {
    /// Returns what the last look showed, if there was one.
    pub(super) async fn last(&self) -> Option<Seen<T>> {
        self.seen.lock().await.clone()
    }

    /// Returns what was seen by a look that began at `earliest` or later; looks if there was none.
    pub(super) async fn since<F, R>(
        &self,
        pace: &ServicePace,
        earliest: impl FnOnce(Option<&Seen<T>>) -> Timestamp,
        look: F,
    ) -> Result<Seen<T>, AzureError>
    where
        F: FnOnce() -> R,
        R: Future<Output = Result<(T, usize), AzureError>>,
    {
        let mut seen = self.seen.lock().await;
        let earliest = earliest(seen.as_ref());
        if let Some(seen) = seen.as_ref().filter(|seen| seen.began >= earliest) {
            return Ok(seen.clone());
        }
        let began = pace.now();
        let (value, pages) = look().await?;
        let fresh = Seen { value: Arc::new(value), began, pages };
        *seen = Some(fresh.clone());
        Ok(fresh)
    }
}
