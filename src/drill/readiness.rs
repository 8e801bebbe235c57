//! Whether a plan could be run now, as far as rules, facts and forecast tell. Changes nothing and asks nobody.

use jiff::SignedDuration;

use crate::diagnostic::Severity;
use crate::forecast::Forecast;
use crate::forecast::Objective;
use crate::forecast::Verdict as Promise;
use crate::graph::Graph;
use crate::quantity::Seconds;
use crate::report::assessment::Assessment;
use crate::report::assessment::Compared;
use crate::report::assessment::Kept;
use crate::report::assessment::Objectives;
use crate::report::assessment::Reason;
use crate::report::assessment::Verdict;
use crate::report::assessment::Weight;
use crate::report::assumed;
use crate::rules::Found;
use crate::rules::State;

/// How old facts may be, unless the plan says otherwise: as for a run on a real site.
const OLDEST: Seconds = Seconds(24 * 60 * 60);

fn reason(weight: Weight, code: &str, message: String) -> Reason {
    Reason { weight, code: code.to_owned(), subject: None, step: None, message }
}

/// Returns what findings of rules mean for a plan that is to be ready.
pub fn of_findings(findings: &Found) -> impl Iterator<Item = Reason> {
    findings.iter().filter_map(|finding| {
        let (weight, what) = match (finding.state, finding.severity) {
            (State::Violated, Severity::Error) => (Weight::Failed, ""),
            (State::Violated, Severity::Warning) => (Weight::Degraded, ""),
            (State::Indeterminate, Severity::Error) => (Weight::Degraded, "can't be told: "),
            (State::Pending, _) => (Weight::Note, "the run waits for it: "),
            (State::Waived, _) => (Weight::Note, "accepted: "),
            (State::Violated | State::Indeterminate | State::Unmeasured, _) => return None,
        };
        let mut reason = reason(weight, &finding.rule, format!("{what}{}", finding.message));
        reason.subject = Some(finding.subject.name.clone());
        Some(reason)
    })
}

/// Returns what the age of facts means; `None` if they are young enough.
///
/// `limit` is the plan's own, if it has one.
#[must_use]
pub fn of_age(age: Option<SignedDuration>, limit: Option<Seconds>) -> Option<Reason> {
    let limit = limit.unwrap_or(OLDEST);
    match age {
        Some(age) if age.as_secs() <= i64::try_from(limit.0).unwrap_or(i64::MAX) => None,
        Some(age) => {
            let age = Seconds(age.as_secs().unsigned_abs());
            let message =
                format!("the facts are {age} old, and {limit} is the most for a run on a real site");
            Some(reason(Weight::Degraded, "facts-old", message))
        }
        None => {
            let message = "the facts do not say when they were observed".to_owned();
            Some(reason(Weight::Degraded, "facts-undated", message))
        }
    }
}

/// Returns what a forecast means for the plan's objectives.
pub fn of_forecast(forecast: &Forecast) -> impl Iterator<Item = Reason> {
    let named = [("rto", "RTO", forecast.rto), ("rpo", "RPO", forecast.rpo)];
    named.into_iter().filter_map(|(code, name, objective)| {
        let Objective { objective_s, expected, verdict } = objective;
        let (weight, code, how) = match verdict? {
            Promise::Kept => return None,
            Promise::Uncertain => (Weight::Degraded, format!("{code}-at-risk"), "may not be kept"),
            Promise::Missed => (Weight::Failed, format!("{code}-out-of-reach"), "can't be kept"),
        };
        let (low, high) = (Seconds(expected.low_s), Seconds(expected.high_s));
        let asked = Seconds(objective_s.unwrap_or_default());
        let message = format!("the objective {name} {asked} {how}: the forecast is {low} to {high}");
        Some(reason(weight, &code, message))
    })
}

/// Returns what keeps a promise from being known: the forecast of a plan with objectives takes for granted what no fact tells.
pub fn of_assumed(forecast: &Forecast) -> Option<Reason> {
    let promises = [forecast.rto, forecast.rpo].iter().any(|objective| objective.objective_s.is_some());
    let assumed = assumed::all(&forecast.assumed);
    (promises && !assumed.is_empty()).then(|| {
        let message = format!("the forecast takes for granted what no fact tells: {}", assumed.join("; "));
        reason(Weight::Degraded, "forecast-assumed", message)
    })
}

fn compared(objective: Objective) -> Compared {
    let kept = objective.verdict.map(|verdict| match verdict {
        Promise::Kept => Kept::Kept,
        Promise::Uncertain => Kept::Unknown,
        Promise::Missed => Kept::Missed,
    });
    Compared {
        objective_s: objective.objective_s,
        forecast: Some(objective.expected),
        measured_s: None,
        at_least_s: None,
        kept,
    }
}

/// Returns whether a plan could be run now. Nothing is measured: objectives stand against the forecast alone.
#[must_use]
pub fn assess(
    graph: &Graph,
    forecast: &Forecast,
    findings: &Found,
    age: Option<SignedDuration>,
) -> Assessment {
    let plan = &graph.model().plan;
    let limit = plan.thresholds.as_ref().and_then(|thresholds| thresholds.facts_max_age);
    let of_plan = Objectives {
        subject: plan.name.value.clone(),
        rto: compared(forecast.rto),
        rpo: compared(forecast.rpo),
        spent: None,
    };
    let assessment = Assessment {
        verdict: Some(Verdict::Passed),
        reasons: Vec::new(),
        plan: of_plan,
        groups: Vec::new(),
        machines: Vec::new(),
    };
    assessment.with(
        of_findings(findings)
            .chain(of_age(age, limit.map(|limit| limit.value)))
            .chain(of_forecast(forecast))
            .chain(of_assumed(forecast)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::Range;

    #[test]
    fn facts_are_old_beyond_the_limit_of_the_plan_or_a_day() {
        let hours = |hours| Some(SignedDuration::from_hours(hours));
        assert_eq!(of_age(hours(24), None), None);
        assert_eq!(of_age(hours(25), None).expect("older").code, "facts-old");
        assert_eq!(of_age(hours(25), Some(Seconds(26 * 3600))), None);
        assert_eq!(of_age(hours(-1), None), None, "a site's clock may be ahead");
        assert_eq!(of_age(None, None).expect("not told").code, "facts-undated");
    }

    #[test]
    fn an_objective_that_nothing_can_keep_fails_and_one_at_risk_degrades() {
        let objective = |verdict| Objective {
            objective_s: Some(3600),
            expected: Range { low_s: 1, high_s: 7200 },
            verdict: Some(verdict),
        };
        assert_eq!(compared(objective(Promise::Missed)).kept, Some(Kept::Missed));
        assert_eq!(compared(objective(Promise::Uncertain)).kept, Some(Kept::Unknown));
        assert_eq!(compared(objective(Promise::Kept)).kept, Some(Kept::Kept));
    }
}
