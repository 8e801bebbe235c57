//! The clock of a run against a service: real time, or that of an emulator on this machine, which tells it with each answer.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use jiff::Timestamp;

use crate::clock::Clock;
use crate::clock::pace::Pace;
use crate::clock::pace::Speed;

/// How long at most a wait lasts until the clock is looked at again: the service may have told another time meanwhile.
const STRIDE: Duration = Duration::from_secs(1);
/// Why the lock can be taken.
const NO_PANIC: &str = "no thread panics while it holds the clock";

/// What a service told of its own time.
#[derive(Clone, Copy, Debug)]
struct Told {
    moment: Timestamp,
    at: tokio::time::Instant,
    speed: Speed,
}

/// The clock of a service: the machine's own, until a service on this machine tells another time.
pub struct ServicePace {
    clock: Arc<dyn Clock>,
    /// Who keeps the time, if that is not the service.
    kept: Option<Arc<dyn Pace>>,
    told: Mutex<Option<Told>>,
}

impl std::fmt::Debug for ServicePace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServicePace").field("now", &self.now()).finish()
    }
}

impl ServicePace {
    /// Returns a clock that goes with `clock` until a service tells another time.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, kept: None, told: Mutex::new(None) }
    }

    /// Returns a clock that goes with `pace`, and that waits move; what a service tells of its time does not count. It is for a
    /// service of the same process, whose own clock `pace` is.
    #[must_use]
    pub fn kept_by(pace: Arc<dyn Pace>) -> Self {
        let clock: Arc<dyn Clock> = Arc::clone(&pace) as Arc<dyn Clock>;
        Self { clock, kept: Some(pace), told: Mutex::new(None) }
    }

    /// Takes the time that a service tells, and how fast it passes there. The clock never goes back.
    pub(super) fn follow(&self, moment: Timestamp, speed: Speed) {
        if self.kept.is_some() {
            return;
        }
        if let Speed::Times(times) = speed
            && !(times.is_finite() && times > 0.0)
        {
            return;
        }
        let mut told = self.told.lock().expect(NO_PANIC);
        let at = tokio::time::Instant::now();
        let moment = match *told {
            Some(before) => moment.max(before.at(at)),
            None => moment,
        };
        *told = Some(Told { moment, at, speed });
    }

    /// Returns the time of the machine itself, whatever a service told.
    pub(super) fn machine_now(&self) -> Timestamp {
        self.clock.now()
    }

    fn speed(&self) -> Speed {
        self.told.lock().expect(NO_PANIC).map_or(Speed::Times(1.0), |told| told.speed)
    }

    /// Returns whether a service has told its time.
    pub(super) fn is_told(&self) -> bool {
        self.kept.is_some() || self.told.lock().expect(NO_PANIC).is_some()
    }

    /// Goes on to a moment at once.
    fn jump(&self, moment: Timestamp) {
        if let Some(told) = self.told.lock().expect(NO_PANIC).as_mut() {
            told.moment = told.moment.max(moment);
        }
    }
}

impl Told {
    fn at(&self, instant: tokio::time::Instant) -> Timestamp {
        let Speed::Times(times) = self.speed else { return self.moment };
        let passed = instant.saturating_duration_since(self.at);
        let passed = Duration::try_from_secs_f64(passed.as_secs_f64() * times).unwrap_or(Duration::MAX);
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        self.moment.saturating_add(passed).unwrap_or(Timestamp::MAX)
    }
}

impl Clock for ServicePace {
    fn now(&self) -> Timestamp {
        let told = *self.told.lock().expect(NO_PANIC);
        told.map_or_else(|| self.clock.now(), |told| told.at(tokio::time::Instant::now()))
    }
}

#[async_trait]
impl Pace for ServicePace {
    async fn until(&self, moment: Timestamp) {
        if let Some(pace) = &self.kept {
            pace.until(moment).await;
            tokio::task::yield_now().await;
            return;
        }
        loop {
            let left = moment.duration_since(self.now());
            let Some(left) = Duration::try_from(left).ok().filter(|left| !left.is_zero()) else { return };
            let Speed::Times(times) = self.speed() else {
                // A world that goes from event to event is not waited for.
                self.jump(moment);
                tokio::task::yield_now().await;
                return;
            };
            let left = Duration::try_from_secs_f64(left.as_secs_f64() / times).unwrap_or(STRIDE);
            // A timer counts in milliseconds.
            tokio::time::sleep(left.clamp(Duration::from_millis(1), STRIDE)).await;
        }
    }

    fn is_immediate(&self) -> bool {
        match &self.kept {
            Some(pace) => pace.is_immediate(),
            None => self.speed() == Speed::Max,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FixedClock;

    #[tokio::test(start_paused = true)]
    async fn the_time_of_an_emulator_is_followed_at_its_speed() {
        let pace = ServicePace::new(Arc::new(FixedClock(Timestamp::UNIX_EPOCH)));
        assert_eq!(pace.now(), Timestamp::UNIX_EPOCH);
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
        pace.follow(start, Speed::Times(60.0));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(pace.now().duration_since(start), SignedDuration::from_mins(2));
        pace.until(start + SignedDuration::from_mins(10)).await;
        assert!(pace.now() >= start + SignedDuration::from_mins(10));
    }

    #[tokio::test]
    async fn a_clock_that_somebody_keeps_is_moved_by_waits_and_by_no_service() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
        let world = Arc::new(crate::clock::pace::WorldPace::new(start, Speed::Max));
        let pace = ServicePace::kept_by(Arc::clone(&world) as Arc<dyn Pace>);
        pace.follow(start + SignedDuration::from_hours(1), Speed::Times(60.0));
        assert_eq!((pace.now(), pace.is_told(), pace.is_immediate()), (start, true, true));
        pace.until(start + SignedDuration::from_mins(7)).await;
        assert_eq!(world.now(), start + SignedDuration::from_mins(7));
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_never_goes_back() {
        let pace = ServicePace::new(Arc::new(FixedClock(Timestamp::UNIX_EPOCH)));
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
        pace.follow(start, Speed::Times(1.0));
        pace.follow(start - SignedDuration::from_hours(1), Speed::Times(1.0));
        assert_eq!(pace.now(), start);
    }
}
