//! When a failed attempt is tried again: the site says whether it may help, the plan how often, this file when.

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::graph::StepKind;
use crate::syntax::plan::RecoveryPlan;

/// Attempts in all, if the plan says nothing.
const ATTEMPTS: u32 = 5;
/// First pause, if the plan says nothing.
const BACKOFF: SignedDuration = SignedDuration::from_secs(30);
/// Longest pause: a site that recovers is not left waiting for an hour.
const LONGEST: SignedDuration = SignedDuration::from_mins(10);
/// How long an agent may take to register after a boot (site-recovery-failback-azure-to-vmware, Reprotect from on-premises
/// to Azure, 2017-06-05; vmware-azure-reprotect for the boot in Azure).
pub const AGENT_WINDOW: SignedDuration = SignedDuration::from_mins(15);
/// Pause between attempts inside that window.
const AGENT_PAUSE: SignedDuration = SignedDuration::from_mins(1);

/// How often and at what distance a plan's calls are tried again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// Attempts in all.
    pub attempts: u32,
    /// First pause; it doubles.
    pub backoff: SignedDuration,
}

impl Policy {
    /// Returns what a plan says.
    #[must_use]
    pub fn of(plan: &RecoveryPlan) -> Self {
        let retry = plan.execution.as_ref().and_then(|execution| execution.retry.as_ref());
        let backoff = retry.and_then(|retry| retry.backoff).map_or(BACKOFF, |backoff| {
            SignedDuration::from_secs(i64::try_from(backoff.value.0).unwrap_or(i64::MAX))
        });
        let attempts =
            retry.and_then(|retry| retry.attempts).map_or(ATTEMPTS, |attempts| attempts.value.into());
        Self { attempts, backoff }
    }

    /// Returns the pause after attempt number `attempt`: doubled each time, up to ten minutes, and between half and all of
    /// that, so that machines which failed together don't come back together. `salt` makes the choice repeatable.
    #[must_use]
    pub fn pause(&self, attempt: u32, salt: &str) -> SignedDuration {
        let doubled = self.backoff.as_secs().saturating_mul(1_i64 << attempt.saturating_sub(1).min(20));
        let most = doubled.clamp(1, LONGEST.as_secs());
        let seed = salt
            .bytes()
            .fold(u64::from(attempt), |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
        let least = most - most / 2;
        SignedDuration::from_secs(fastrand::Rng::with_seed(seed).i64(least..=most))
    }
}

/// What a failed attempt means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is tried again at this moment.
    Again(Timestamp),
    /// It is not tried again.
    Final,
}

/// Returns whether a code says that an agent has not registered yet.
///
/// 95226 is documented for an Azure VM whose agent does not reach the configuration server; the number for a modernized
/// item is not documented anywhere.
#[must_use]
pub fn is_agent_missing(code: &str) -> bool {
    matches!(code, "95226" | "AgentNotRegistered")
}

/// Another operation on the item is in progress, and nothing was done.
const IN_PROGRESS: &str = "532";

/// How long a site may put a request off until its step fails: as long as a guard may stay closed.
const PUT_OFF_PATIENCE: SignedDuration = SignedDuration::from_hours(2);

/// Codes of failures that another attempt can mend: another operation was in progress (532), a server's link was down
/// (583, 811, 813), the provider's action failed (539, 559).
fn is_transient(code: &str) -> bool {
    matches!(code, IN_PROGRESS | "539" | "559" | "583" | "811" | "812" | "813")
}

/// What is known of the attempt that failed.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Kind of the step.
    pub kind: StepKind,
    /// Its number, counted from 1.
    pub number: u32,
    /// The code with which it failed.
    pub code: &'a str,
    /// Whether the machine is seen to be where it was before, so that a failover may be asked for again.
    pub unmoved: bool,
    /// When the agent's window began: the later of the machine's boot and the first attempt.
    pub window_from: Timestamp,
    /// The present moment.
    pub now: Timestamp,
}

/// Returns whether and when an attempt is followed by another.
#[must_use]
pub fn judge(policy: &Policy, attempt: &Attempt<'_>, salt: &str) -> Verdict {
    let after =
        |pause: SignedDuration| Verdict::Again(attempt.now.saturating_add(pause).unwrap_or(Timestamp::MAX));
    if is_agent_missing(attempt.code) && matches!(attempt.kind, StepKind::Reprotect | StepKind::Forward) {
        let end = attempt.window_from.saturating_add(AGENT_WINDOW).unwrap_or(Timestamp::MAX);
        return if attempt.now < end { after(AGENT_PAUSE) } else { Verdict::Final };
    }
    if attempt.number >= policy.attempts {
        return Verdict::Final;
    }
    // A failover that failed may have moved the machine: then it is not repeated without a person. One that found another
    // operation in progress did nothing.
    let repeats = attempt.kind != StepKind::Failover || attempt.unmoved || attempt.code == IN_PROGRESS;
    if is_transient(attempt.code) && repeats {
        return after(policy.pause(attempt.number, salt));
    }
    Verdict::Final
}

/// A request that the site put off, once or several times in a row.
#[derive(Clone, Copy, Debug)]
pub struct PutOff {
    /// How often it was, this time included.
    pub times: u32,
    /// How long the site asks to wait.
    pub retry_after: Option<SignedDuration>,
    /// When it was for the first time.
    pub since: Timestamp,
    /// The present moment.
    pub now: Timestamp,
}

/// Returns whether and when a request that was put off is sent again. What was never taken on is no attempt that failed: the time
/// counts, two hours of it. The site is obeyed when it says how long to wait; who is put off more often than the plan has attempts
/// comes back less often, too.
#[must_use]
pub fn put_off(policy: &Policy, request: &PutOff, salt: &str) -> Verdict {
    if request.now.duration_since(request.since) >= PUT_OFF_PATIENCE {
        return Verdict::Final;
    }
    let own = policy.pause(request.times, salt);
    let pause = match request.retry_after {
        Some(asked) if request.times < policy.attempts => asked.max(SignedDuration::from_secs(1)),
        Some(asked) => asked.max(own),
        None => own,
    };
    Verdict::Again(request.now.saturating_add(pause).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(kind: StepKind, number: u32, code: &str) -> Attempt<'_> {
        Attempt {
            kind,
            number,
            code,
            unmoved: false,
            window_from: Timestamp::UNIX_EPOCH,
            now: Timestamp::UNIX_EPOCH,
        }
    }

    const POLICY: Policy = Policy { attempts: 3, backoff: BACKOFF };

    #[test]
    fn a_missing_agent_is_waited_for_inside_its_window_only() {
        let early = Attempt {
            now: Timestamp::from_second(14 * 60).expect("in range"),
            ..attempt(StepKind::Forward, 14, "95226")
        };
        assert!(matches!(judge(&POLICY, &early, "w1"), Verdict::Again(_)));
        let late = Attempt { now: Timestamp::from_second(15 * 60).expect("in range"), ..early };
        assert_eq!(judge(&POLICY, &late, "w1"), Verdict::Final);
        assert_eq!(judge(&POLICY, &attempt(StepKind::Commit, 1, "95226"), "w1"), Verdict::Final);
    }

    #[test]
    fn pauses_double_and_stay_below_ten_minutes() {
        for number in 1..40 {
            let pause = POLICY.pause(number, "w1").as_secs();
            let most = (30_i64 << (number - 1).min(20)).min(600);
            assert!(pause >= most / 2 && pause <= most, "{number}: {pause}");
        }
    }

    #[test]
    fn the_site_is_obeyed_when_it_says_how_long_to_wait() {
        let at = |second| Timestamp::from_second(second).expect("in range");
        let seven = Some(SignedDuration::from_secs(7));
        let busy =
            PutOff { times: 1, retry_after: seven, since: Timestamp::UNIX_EPOCH, now: Timestamp::UNIX_EPOCH };
        assert_eq!(put_off(&POLICY, &busy, ""), Verdict::Again(at(7)));
        assert_eq!(put_off(&POLICY, &PutOff { times: 2, ..busy }, ""), Verdict::Again(at(7)));
        // After as many times as the plan has attempts it is asked less often, and still not given up.
        let often = put_off(&POLICY, &PutOff { times: 9, ..busy }, "");
        assert!(matches!(often, Verdict::Again(next) if next >= at(300)), "{often:?}");
        let late = PutOff { times: 9, now: at(2 * 3600 - 1), ..busy };
        assert!(matches!(put_off(&POLICY, &late, ""), Verdict::Again(_)));
        assert_eq!(put_off(&POLICY, &PutOff { now: at(2 * 3600), ..late }, ""), Verdict::Final);
    }

    #[test]
    fn a_failed_failover_is_not_repeated_by_its_code() {
        let failed = attempt(StepKind::Failover, 1, "811");
        assert_eq!(judge(&POLICY, &failed, ""), Verdict::Final);
        let unmoved = Attempt { unmoved: true, ..failed };
        assert!(matches!(judge(&POLICY, &unmoved, ""), Verdict::Again(_)), "nothing was moved");
        let busy = attempt(StepKind::Failover, 1, "532");
        assert!(matches!(judge(&POLICY, &busy, ""), Verdict::Again(_)), "nothing was done");
        assert!(matches!(judge(&POLICY, &attempt(StepKind::Reprotect, 1, "811"), ""), Verdict::Again(_)));
    }
}
