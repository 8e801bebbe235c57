//! What goes wrong between a client and the service: delays, lost and torn answers, refusals that have nothing to do with the world.
//!
//! Whether a fault hits depends on the seed and on how many requests of its kind came before, and on nothing else.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use jiff::SignedDuration;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::provider::emulator::chance;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::exchange::Content;
use crate::provider::emulator::http::exchange::Delivery;
use crate::provider::emulator::http::rights;
use crate::provider::emulator::http::soap;

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WireFaultKind {
    /// It waits `seconds` of the world's time before anybody looks at it.
    Delay,
    /// The connection is closed before anything is done.
    ResetBefore,
    /// What was asked is done, and the connection is closed without an answer.
    ResetAfter,
    /// 429, with `Retry-After: seconds`.
    Busy,
    /// The `status`, 503 where none is named, and nothing is done.
    Error,
    /// The same after what was asked is done.
    ErrorAfter,
    /// Half of the answer comes.
    Truncated,
    /// The token has expired; of a vCenter, the session has ended.
    ExpiredToken,
    /// The token lacks claims that a policy asks for.
    ClaimsChallenge,
    /// The caller may not do this.
    Forbidden,
    /// The operation succeeds, and its status has an error that only informs.
    Information,
    /// The next page of a list is the same page.
    PageLoop,
    /// The `Date` of the answer is `seconds` off.
    SkewedClock,
}

/// A fault at the wire.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireFault {
    /// What happens.
    pub kind: WireFaultKind,
    /// Words that the kind of request has to hold, as `POST replicationProtectedItems/*/reProtect`; left out: any request.
    pub on: Option<String>,
    /// How likely it is, 0 to 1; left out: it always happens.
    pub chance: Option<f64>,
    /// Requests that are spared first.
    #[serde(default)]
    pub spared: u64,
    /// How often it happens at most.
    pub times: Option<u64>,
    /// Seconds of the world's time after which it begins.
    pub after: Option<f64>,
    /// Seconds of the world's time for which it goes on.
    pub lasting: Option<f64>,
    /// Seconds: of a delay, of `Retry-After`, of a wrong clock.
    pub seconds: Option<f64>,
    /// Status of an error.
    pub status: Option<u16>,
    /// Whether `Retry-After` is a date.
    #[serde(default)]
    pub date: bool,
}

impl WireFault {
    /// Returns a fault that always happens to any request.
    #[must_use]
    pub const fn always(kind: WireFaultKind) -> Self {
        Self {
            kind,
            on: None,
            chance: None,
            spared: 0,
            times: None,
            after: None,
            lasting: None,
            seconds: None,
            status: None,
            date: false,
        }
    }

    /// Returns the fault as one that happens to some requests only.
    #[must_use]
    pub fn on(mut self, kind_of_request: &str) -> Self {
        self.on = Some(kind_of_request.to_owned());
        self
    }

    /// Returns the fault as one that happens this often at most.
    #[must_use]
    pub const fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Returns the fault as one that happens by chance.
    #[must_use]
    pub const fn by_chance(mut self, chance: f64) -> Self {
        self.chance = Some(chance);
        self
    }

    /// Returns the fault with its seconds.
    #[must_use]
    pub const fn of_seconds(mut self, seconds: f64) -> Self {
        self.seconds = Some(seconds);
        self
    }
}

/// The faults at the wire.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireFaults {
    /// The seed of what happens by chance.
    #[serde(default)]
    pub seed: u64,
    /// The faults.
    #[serde(default)]
    pub faults: Vec<WireFault>,
}

impl WireFaults {
    /// Reads the faults from YAML or JSON.
    ///
    /// # Errors
    ///
    /// What of it can't be read.
    pub fn read(text: &str) -> Result<Self, String> {
        let faults: Self = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
        for fault in &faults.faults {
            if fault.chance.is_some_and(|chance| !(0.0..=1.0).contains(&chance)) {
                return Err(format!("{:?}: `chance` is from 0 to 1", fault.kind));
            }
            if fault.status.is_some_and(|status| !(400..=599).contains(&status)) {
                return Err(format!("{:?}: `status` is from 400 to 599", fault.kind));
            }
        }
        Ok(faults)
    }

    /// Returns a bad line: every kind of fault now and then, none for long.
    #[must_use]
    pub fn bad_line(seed: u64) -> Self {
        let rare = |kind: WireFaultKind| WireFault::always(kind).by_chance(0.02);
        // Whoever gets a new token after one has expired is not turned away again.
        let expired = [30, 170, 400].map(|spared| WireFault {
            spared: spared + 7 * (seed % 10),
            ..WireFault::always(WireFaultKind::ExpiredToken).times(1)
        });
        let mut faults = vec![
            rare(WireFaultKind::Delay).of_seconds(7.0),
            rare(WireFaultKind::ResetBefore),
            rare(WireFaultKind::ResetAfter),
            rare(WireFaultKind::Busy).of_seconds(11.0),
            rare(WireFaultKind::Error),
            rare(WireFaultKind::ErrorAfter),
            rare(WireFaultKind::Truncated),
            rare(WireFaultKind::Information),
        ];
        faults.extend(expired);
        Self { seed, faults }
    }
}

/// The faults of a server, and what came so far.
#[derive(Debug)]
pub(super) struct Wire {
    faults: WireFaults,
    start: Timestamp,
    /// For each fault the requests that it could have hit, and the times that it did.
    seen: Mutex<HashMap<usize, (u64, u64)>>,
}

impl Wire {
    pub(super) fn new(faults: WireFaults, start: Timestamp) -> Self {
        Self { faults, start, seen: Mutex::default() }
    }

    /// Returns the faults that hit a request of this kind.
    pub(super) fn hits(&self, kind: &str, now: Timestamp) -> Vec<&WireFault> {
        let kind = kind.to_lowercase();
        let passed = now.duration_since(self.start).as_secs_f64();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut hits = Vec::new();
        for (at, fault) in self.faults.faults.iter().enumerate() {
            let begins = fault.after.unwrap_or(0.0);
            let in_time = passed >= begins && fault.lasting.is_none_or(|lasting| passed < begins + lasting);
            let meant = fault.on.as_ref().is_none_or(|on| kind.contains(&on.to_lowercase()));
            if !in_time || !meant {
                continue;
            }
            let (came, hit) = seen.entry(at).or_default();
            *came += 1;
            let spent = *came <= fault.spared || fault.times.is_some_and(|times| *hit >= times);
            let what = format!("{at} {came}");
            let drawn =
                fault.chance.is_none_or(|chance| chance::draw(self.faults.seed, "wire", &what) < chance);
            if !spent && drawn {
                *hit += 1;
                hits.push(fault);
            }
        }
        hits
    }
}

/// Returns how long a request waits.
pub(super) fn delay(hits: &[&WireFault]) -> Option<SignedDuration> {
    let delays = hits.iter().filter(|fault| fault.kind == WireFaultKind::Delay);
    let seconds: f64 = delays.map(|fault| fault.seconds.unwrap_or(5.0)).sum();
    (seconds > 0.0).then(|| SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::ZERO))
}

/// Returns what a request is answered instead of what it asked for.
pub(super) fn instead(asked: &Asked, hits: &[&WireFault]) -> Option<Answer> {
    let of_vcenter = asked.lower.first().is_some_and(|part| part == "sdk");
    hits.iter().find_map(|fault| match fault.kind {
        // A vCenter knows sessions, and no tokens.
        WireFaultKind::ExpiredToken if of_vcenter => asked.header("cookie").map(|_| soap::session_ended()),
        WireFaultKind::ClaimsChallenge | WireFaultKind::Forbidden if of_vcenter => None,
        WireFaultKind::ResetBefore => Some(Answer::lost()),
        WireFaultKind::Busy => {
            let seconds = fault.seconds.unwrap_or(17.0);
            let message = "The request is being throttled as the limit has been reached for operation type - Read.";
            let answer = Answer::arm_error(429, "TooManyRequests", message);
            Some(answer.with("Retry-After", retry_after(asked, seconds, fault.date)))
        }
        WireFaultKind::Error => Some(error(fault)),
        WireFaultKind::ExpiredToken => Some(
            Answer::arm_error(
                401,
                "ExpiredAuthenticationToken",
                "The access token expiry UTC time is earlier than current UTC time.",
            )
            .with("WWW-Authenticate", "Bearer error=\"invalid_token\", error_description=\"The access token has expired.\""),
        ),
        WireFaultKind::ClaimsChallenge => Some(
            Answer::arm_error(401, "AuthenticationFailed", "The token lacks claims.").with(
                "WWW-Authenticate",
                "Bearer realm=\"\", error=\"insufficient_claims\", claims=\"eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ==\"",
            ),
        ),
        WireFaultKind::Forbidden => Some(rights::forbidden(asked)),
        WireFaultKind::Delay
        | WireFaultKind::ResetAfter
        | WireFaultKind::ErrorAfter
        | WireFaultKind::Truncated
        | WireFaultKind::Information
        | WireFaultKind::PageLoop
        | WireFaultKind::SkewedClock => None,
    })
}

/// Changes an answer on its way.
pub(super) fn change(asked: &Asked, answer: &mut Answer, hits: &[&WireFault]) {
    for fault in hits {
        match fault.kind {
            WireFaultKind::ResetAfter => *answer = Answer::lost(),
            WireFaultKind::ErrorAfter => *answer = error(fault),
            WireFaultKind::Truncated => answer.delivery = Delivery::Torn,
            WireFaultKind::PageLoop => {
                if let Content::Json(Value::Object(body)) = &mut answer.content
                    && body.contains_key("value")
                {
                    body.insert("nextLink".to_owned(), format!("{}{}", asked.base, asked.target).into());
                }
            }
            WireFaultKind::SkewedClock => {
                let off = SignedDuration::try_from_secs_f64(fault.seconds.unwrap_or(600.0));
                let then = asked.now.saturating_add(off.unwrap_or(SignedDuration::ZERO)).unwrap_or(asked.now);
                answer.headers.push(("Date".to_owned(), http_date(then)));
            }
            WireFaultKind::Delay
            | WireFaultKind::ResetBefore
            | WireFaultKind::Busy
            | WireFaultKind::Error
            | WireFaultKind::ExpiredToken
            | WireFaultKind::ClaimsChallenge
            | WireFaultKind::Forbidden
            | WireFaultKind::Information => {}
        }
    }
}

/// Returns what an operation has to say although it succeeds.
pub(super) fn information(hits: &[&WireFault]) -> Option<(String, String)> {
    let informs = hits.iter().any(|fault| fault.kind == WireFaultKind::Information);
    let message = "The VM name was modified to avoid name conflicts.";
    informs.then(|| ("28175".to_owned(), message.to_owned()))
}

fn error(fault: &WireFault) -> Answer {
    let status = fault.status.unwrap_or(503);
    let (code, message) = match status {
        409 => ("Conflict", "Another request is changing the resource."),
        412 => ("PreconditionFailed", "The condition specified using HTTP conditional header(s) is not met."),
        500 => ("InternalServerError", "An internal error occurred."),
        502 => ("BadGateway", "The gateway got no good answer."),
        504 => ("GatewayTimeout", "The gateway did not receive a response in time."),
        _ => ("ServiceUnavailable", "The service is temporarily unavailable."),
    };
    let answer = Answer::arm_error(status, code, message);
    match fault.seconds {
        Some(seconds) => answer.with("Retry-After", format!("{}", seconds.ceil())),
        None => answer,
    }
}

fn retry_after(asked: &Asked, seconds: f64, date: bool) -> String {
    if !date {
        return format!("{}", seconds.ceil());
    }
    let wait = SignedDuration::try_from_secs_f64(seconds.ceil()).unwrap_or(SignedDuration::ZERO);
    http_date(asked.now.saturating_add(wait).unwrap_or(asked.now))
}

/// Returns a moment as headers write it.
pub(super) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(faults: &str, kinds: &[&str]) -> Vec<usize> {
        let start = Timestamp::UNIX_EPOCH;
        let wire = Wire::new(WireFaults::read(faults).expect("they can be read"), start);
        kinds.iter().map(|kind| wire.hits(kind, start).len()).collect()
    }

    #[test]
    fn a_fault_hits_what_it_is_meant_for_and_no_more_often_than_it_may() {
        let faults = "faults: [{kind: busy, on: 'POST', spared: 1, times: 2}]";
        assert_eq!(hits(faults, &["POST a", "GET a", "post b", "POST c", "POST d"]), [0, 0, 1, 1, 0]);
    }

    #[test]
    fn chance_is_the_same_in_every_run() {
        let faults = "{seed: 3, faults: [{kind: reset_after, chance: 0.3}]}";
        let kinds = ["GET a"; 200];
        let first = hits(faults, &kinds);
        assert_eq!(first, hits(faults, &kinds));
        let count: usize = first.iter().sum();
        assert!((30..90).contains(&count), "{count}");
        assert_ne!(first, hits(&faults.replace('3', "4"), &kinds));
    }

    #[test]
    fn what_is_no_fault_is_said() {
        assert!(WireFaults::read("faults: [{kind: fire}]").is_err());
        assert!(WireFaults::read("faults: [{kind: busy, chance: 2}]").is_err());
        assert!(WireFaults::read("faults: [{kind: error, status: 200}]").is_err());
    }
}
