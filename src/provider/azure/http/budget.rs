//! How many requests may still be sent: a bucket of reads and one of writes, as Azure Resource Manager counts them, and the
//! moment until which it asked to be left alone.

use std::sync::Mutex;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::Timestamp;

/// What a request counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
}

/// How much of a bucket is left to others, and to requests that are on their way: a part of its size.
const RESERVE: f64 = 0.2;

/// A bucket of requests that is filled again as time passes.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    size: f64,
    per_second: f64,
    left: f64,
    at: Timestamp,
    /// When the last one was taken out.
    taken: Timestamp,
}

impl Bucket {
    fn fill(&mut self, now: Timestamp) {
        let passed = now.duration_since(self.at).as_secs_f64().max(0.0);
        self.left = (self.left + passed * self.per_second).min(self.size);
        // A clock that was set back, as by following an emulator's, goes on from where it stands.
        self.at = now;
        self.taken = self.taken.min(now);
    }

    /// Returns for how many seconds the next request has to wait. What is above the reserve is there for the asking; below it, where
    /// others use the bucket too, half of what comes back is ours.
    fn wait(&self, now: Timestamp) -> f64 {
        let until_has = |wanted: f64| ((wanted - self.left) / self.per_second).max(0.0);
        let since = now.duration_since(self.taken).as_secs_f64();
        let turn = (2.0 / self.per_second - since).max(until_has(1.0));
        until_has(self.size * RESERVE + 1.0).min(turn)
    }
}

/// How many requests may still be sent.
#[derive(Debug)]
pub(super) struct Budget {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    reads: Bucket,
    writes: Bucket,
    quiet_until: Timestamp,
    counts: Usage,
}

/// How many requests were sent, and how many of them Azure put off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Questions.
    pub reads: u64,
    /// Orders.
    pub writes: u64,
    /// Requests that were answered with 429.
    pub throttled: u64,
}

/// Why the lock can be taken.
const NO_PANIC: &str = "no thread panics while it holds the budget";

impl Budget {
    /// Returns a full budget: 250 reads, 25 more each second; 200 writes, 10 more each second
    /// (azure-resource-manager/management/request-limits-and-throttling).
    pub(super) fn new(now: Timestamp) -> Self {
        let bucket = |size, per_second| Bucket { size, per_second, left: size, at: now, taken: now };
        let state = State {
            reads: bucket(250.0, 25.0),
            writes: bucket(200.0, 10.0),
            quiet_until: Timestamp::MIN,
            counts: Usage::default(),
        };
        Self { state: Mutex::new(state) }
    }

    /// Takes one request out; `Err` says when to ask again.
    pub(super) fn take(&self, kind: Kind, now: Timestamp) -> Result<(), Timestamp> {
        let mut state = self.state.lock().expect(NO_PANIC);
        if state.quiet_until > now {
            return Err(state.quiet_until);
        }
        let bucket = match kind {
            Kind::Read => &mut state.reads,
            Kind::Write => &mut state.writes,
        };
        bucket.fill(now);
        let wait = bucket.wait(now);
        if wait > 0.0 {
            // Rounded up, so that what is waited for is there then.
            let wait = SignedDuration::from_secs_f64((wait * 1000.0).ceil() / 1000.0);
            return Err(now.saturating_add(wait).unwrap_or(Timestamp::MAX));
        }
        bucket.left -= 1.0;
        bucket.taken = now;
        match kind {
            Kind::Read => state.counts.reads += 1,
            Kind::Write => state.counts.writes += 1,
        }
        Ok(())
    }

    /// Takes what the service says is left: others may use the same budget.
    pub(super) fn told(&self, kind: Kind, left: f64, now: Timestamp) {
        let mut state = self.state.lock().expect(NO_PANIC);
        let bucket = match kind {
            Kind::Read => &mut state.reads,
            Kind::Write => &mut state.writes,
        };
        bucket.fill(now);
        bucket.left = bucket.left.min(left.max(0.0));
    }

    /// Leaves the service alone for a while: what one call is told holds for all of them.
    pub(super) fn quiet(&self, wait: Option<Duration>, now: Timestamp) {
        let mut state = self.state.lock().expect(NO_PANIC);
        state.counts.throttled += 1;
        let Some(wait) = wait.and_then(|wait| SignedDuration::try_from(wait).ok()) else { return };
        let until = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        state.quiet_until = state.quiet_until.max(until);
    }

    /// Returns how many requests were sent.
    pub(super) fn usage(&self) -> Usage {
        self.state.lock().expect(NO_PANIC).counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESERVED: u64 = 50;

    fn take_all(budget: &Budget, kind: Kind, now: Timestamp) -> (u64, Timestamp) {
        let mut taken = 0;
        loop {
            match budget.take(kind, now) {
                Ok(()) => taken += 1,
                Err(next) => return (taken, next),
            }
        }
    }

    #[test]
    fn what_is_above_the_reserve_goes_at_once_and_the_rest_as_fast_as_it_comes_back() {
        let start = Timestamp::UNIX_EPOCH;
        let budget = Budget::new(start);
        let (taken, mut next) = take_all(&budget, Kind::Read, start);
        assert_eq!(taken, 250 - RESERVED);
        assert_eq!(next.duration_since(start), SignedDuration::from_millis(40));
        assert_eq!(budget.take(Kind::Write, start), Ok(()), "writes have a bucket of their own");
        let mut later = 0;
        while next.duration_since(start) <= SignedDuration::from_secs(10) {
            let (taken, then) = take_all(&budget, Kind::Read, next);
            (later, next) = (later + taken, then);
        }
        assert!((240..=251).contains(&later), "25 each second: {later}");
    }

    /// The server's bucket, which knows of no reserve.
    #[test]
    fn a_bucket_that_is_served_late_does_not_run_over() {
        let start = Timestamp::UNIX_EPOCH;
        let (budget, mut left, mut at) = (Budget::new(start), 250.0_f64, start);
        let mut now = start;
        for _ in 0..5_000 {
            if let Err(next) = budget.take(Kind::Read, now) {
                now = next;
                continue;
            }
            // It arrives up to a second later than it was taken out.
            let arrives = now + SignedDuration::from_millis(now.as_millisecond() % 1_000);
            left = (left + arrives.duration_since(at).as_secs_f64().max(0.0) * 25.0).min(250.0);
            at = at.max(arrives);
            assert!(left >= 1.0, "one too many at {arrives}");
            left -= 1.0;
        }
    }

    #[test]
    fn what_others_leave_is_taken_at_half_the_speed_at_which_it_comes_back() {
        let start = Timestamp::UNIX_EPOCH;
        let budget = Budget::new(start);
        let (mut taken, mut now) = (0, start);
        while now.duration_since(start) < SignedDuration::from_secs(60) {
            // Whatever comes back, others take until ten are left.
            budget.told(Kind::Read, 10.0, now);
            match budget.take(Kind::Read, now) {
                Ok(()) => taken += 1,
                Err(next) => now = next,
            }
        }
        assert!((700..=751).contains(&taken), "{taken} in a minute");
    }

    #[test]
    fn a_clock_that_was_set_back_fills_the_bucket_again() {
        let start: Timestamp = "2026-11-23T00:00:00Z".parse().expect("a time");
        let budget = Budget::new(start);
        let back: Timestamp = "2026-10-09T11:00:00Z".parse().expect("a time");
        let (_, next) = take_all(&budget, Kind::Read, back);
        assert_eq!(budget.take(Kind::Read, next), Ok(()));
    }

    #[test]
    fn what_one_call_is_told_holds_for_all() {
        let start = Timestamp::UNIX_EPOCH;
        let budget = Budget::new(start);
        budget.quiet(Some(Duration::from_secs(17)), start);
        let until = budget.take(Kind::Write, start).expect_err("everything waits");
        assert_eq!(until.duration_since(start), SignedDuration::from_secs(17));
        budget.told(Kind::Read, 0.0, until);
        assert!(budget.take(Kind::Read, until).is_err(), "others have used the budget up");
        assert_eq!(budget.usage(), Usage { reads: 0, writes: 0, throttled: 1 });
    }
}
