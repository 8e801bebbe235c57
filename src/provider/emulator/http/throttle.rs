//! The limits of Azure Resource Manager: a bucket of requests for each caller and kind, filled again by the world's clock.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use hyper::Method;
use jiff::Timestamp;

use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;

/// A bucket's size and how fast it fills.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// Requests that it holds.
    pub size: u32,
    /// Requests that come back in a second.
    pub refill: f64,
}

/// The limits of a caller in one region (`request-limits-and-throttling`, 2024): reads, writes, deletes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Reads.
    pub reads: Limit,
    /// Writes.
    pub writes: Limit,
    /// Deletes.
    pub deletes: Limit,
    /// How many times as large the bucket is that all callers of a subscription share.
    pub shared: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reads: Limit { size: 250, refill: 25.0 },
            writes: Limit { size: 200, refill: 10.0 },
            deletes: Limit { size: 200, refill: 10.0 },
            shared: 15,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Reads,
    Writes,
    Deletes,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::Deletes => "deletes",
        }
    }
}

fn kind_of(method: &Method) -> Kind {
    if *method == Method::GET || *method == Method::HEAD {
        Kind::Reads
    } else if *method == Method::DELETE {
        Kind::Deletes
    } else {
        Kind::Writes
    }
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Timestamp,
}

impl Bucket {
    fn fill(&mut self, limit: Limit, now: Timestamp) {
        let passed = now.duration_since(self.at).as_secs_f64().max(0.0);
        self.left = passed.mul_add(limit.refill, self.left).min(f64::from(limit.size));
        self.at = self.at.max(now);
    }
}

/// What is left to each caller.
#[derive(Debug)]
pub(super) struct Throttle {
    limits: Option<Limits>,
    buckets: Mutex<HashMap<(String, Kind), Bucket>>,
}

impl Throttle {
    pub(super) fn new(limits: Option<Limits>) -> Self {
        Self { limits, buckets: Mutex::new(HashMap::new()) }
    }

    /// Takes a request out of a caller's buckets and returns the headers that say what is left, or the answer to one too many.
    pub(super) fn take(&self, asked: &Asked, principal: &str) -> Result<Vec<(String, String)>, Answer> {
        let kind = kind_of(&asked.method);
        let headers = |own: f64, all: f64| {
            vec![
                (format!("x-ms-ratelimit-remaining-subscription-{}", kind.word()), whole(own)),
                (format!("x-ms-ratelimit-remaining-subscription-global-{}", kind.word()), whole(all)),
            ]
        };
        let limits = self.limits.unwrap_or_default();
        let own = match kind {
            Kind::Reads => limits.reads,
            Kind::Writes => limits.writes,
            Kind::Deletes => limits.deletes,
        };
        let all = Limit { size: own.size * limits.shared, refill: own.refill * f64::from(limits.shared) };
        if self.limits.is_none() {
            return Ok(headers(f64::from(own.size) - 1.0, f64::from(all.size) - 1.0));
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = |whose: &str, limit: Limit| {
            let bucket = buckets
                .entry((whose.to_owned(), kind))
                .or_insert(Bucket { left: f64::from(limit.size), at: asked.now });
            bucket.fill(limit, asked.now);
            let has = bucket.left >= 1.0;
            let wait = ((1.0 - bucket.left) / limit.refill).ceil();
            if has {
                bucket.left -= 1.0;
            }
            (bucket.left, (!has).then_some(wait))
        };
        let (mine, wait) = left(principal, own);
        let (ours, shared_wait) = if wait.is_none() { left("\0all", all) } else { (0.0, None) };
        let headers = headers(mine, ours);
        let Some(wait) = wait.or(shared_wait) else { return Ok(headers) };
        let words = match kind {
            Kind::Reads => "Read",
            Kind::Writes => "Write",
            Kind::Deletes => "Delete",
        };
        let message = format!(
            "The request is being throttled as the limit has been reached for operation type - {words}."
        );
        let mut answer =
            Answer::arm_error(429, "TooManyRequests", message).with("Retry-After", whole(wait.max(1.0)));
        answer.headers.extend(headers);
        Err(answer)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "requests are few")]
fn whole(number: f64) -> String {
    (number.max(0.0) as u64).to_string()
}
