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

/// A bucket of requests that is filled again as time passes.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    size: f64,
    per_second: f64,
    left: f64,
    at: Timestamp,
}

impl Bucket {
    fn fill(&mut self, now: Timestamp) {
        let passed = now.duration_since(self.at).as_secs_f64().max(0.0);
        self.left = (self.left + passed * self.per_second).min(self.size);
        // A clock that was set back, as by following an emulator's, goes on from where it stands.
        self.at = now;
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
        let bucket = |size, per_second| Bucket { size, per_second, left: size, at: now };
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
        if bucket.left < 1.0 {
            let wait = SignedDuration::from_secs_f64((1.0 - bucket.left) / bucket.per_second);
            return Err(now.saturating_add(wait).unwrap_or(Timestamp::MAX));
        }
        bucket.left -= 1.0;
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

    #[test]
    fn an_empty_bucket_is_waited_for() {
        let start = Timestamp::UNIX_EPOCH;
        let budget = Budget::new(start);
        for _ in 0..250 {
            assert_eq!(budget.take(Kind::Read, start), Ok(()));
        }
        let next = budget.take(Kind::Read, start).expect_err("the bucket is empty");
        assert_eq!(next.duration_since(start), SignedDuration::from_millis(40));
        assert_eq!(budget.take(Kind::Read, next), Ok(()));
        assert_eq!(budget.take(Kind::Write, start), Ok(()), "writes have a bucket of their own");
    }

    #[test]
    fn a_clock_that_was_set_back_fills_the_bucket_again() {
        let start: Timestamp = "2026-11-23T00:00:00Z".parse().expect("a time");
        let budget = Budget::new(start);
        let back: Timestamp = "2026-10-09T11:00:00Z".parse().expect("a time");
        for _ in 0..250 {
            assert_eq!(budget.take(Kind::Read, back), Ok(()));
        }
        let next = budget.take(Kind::Read, back).expect_err("the bucket is empty");
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
