//! How a run's time passes: with the machine's clock, faster, or from event to event.

use std::sync::Mutex;
use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use jiff::Timestamp;

use crate::clock::Clock;

/// How fast the emulator's time passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// This many times as fast as real time.
    Times(f64),
    /// From event to event, without waiting.
    Max,
}

impl std::fmt::Display for Speed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Times(times) => times.fmt(f),
            Self::Max => f.write_str("max"),
        }
    }
}

/// Waits for moments of the run's clock.
#[async_trait]
pub trait Pace: Clock {
    /// Returns when the clock has reached `moment`.
    async fn until(&self, moment: Timestamp);

    /// Returns whether waiting takes no real time.
    fn is_immediate(&self) -> bool;

    /// Sets the clock going, if it is one that stands still until then.
    fn begin(&self) {}
}

/// The clock of an emulated world: it stands still until the run begins or goes on, so that reading a large plan takes none of
/// the world's time, and while no process has it.
#[derive(Debug)]
pub struct WorldPace {
    speed: Speed,
    /// When it was set going.
    began: OnceLock<tokio::time::Instant>,
    start: Timestamp,
    /// The present moment under [`Speed::Max`].
    now: Mutex<Timestamp>,
}

impl WorldPace {
    /// Returns a clock that stands at `start`.
    #[must_use]
    pub const fn new(start: Timestamp, speed: Speed) -> Self {
        Self { speed, began: OnceLock::new(), start, now: Mutex::new(start) }
    }

    /// Returns how fast the time passes.
    #[must_use]
    pub const fn speed(&self) -> Speed {
        self.speed
    }

    /// Under [`Speed::Max`], puts the clock forward to `moment`, if it is not there yet.
    ///
    /// # Panics
    ///
    /// If a thread panicked while it held the clock.
    pub fn reach(&self, moment: Timestamp) {
        let mut now = self.now.lock().expect("no thread panics while it holds the clock");
        *now = (*now).max(moment);
    }
}

impl Clock for WorldPace {
    fn now(&self) -> Timestamp {
        match self.speed {
            Speed::Max => *self.now.lock().expect("no thread panics while it holds the clock"),
            Speed::Times(times) => {
                let passed = self.began.get().map(tokio::time::Instant::elapsed).unwrap_or_default();
                let passed = passed.mul_f64(times);
                let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
                self.start.saturating_add(passed).unwrap_or(Timestamp::MAX)
            }
        }
    }
}

#[async_trait]
impl Pace for WorldPace {
    async fn until(&self, moment: Timestamp) {
        match self.speed {
            Speed::Max => self.reach(moment),
            Speed::Times(times) => {
                self.begin();
                let left = moment.duration_since(self.now());
                if let Ok(left) = Duration::try_from(left) {
                    tokio::time::sleep(left.div_f64(times.max(f64::MIN_POSITIVE))).await;
                }
            }
        }
    }

    fn is_immediate(&self) -> bool {
        self.speed == Speed::Max
    }

    fn begin(&self) {
        self.began.get_or_init(tokio::time::Instant::now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_clock_stands_until_the_run_begins() {
        let start = Timestamp::UNIX_EPOCH;
        let pace = WorldPace::new(start, Speed::Times(60.0));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(pace.now(), start);
        pace.begin();
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(pace.now().duration_since(start), SignedDuration::from_mins(5));
    }
}
