//! Whether replication keeps the plan's `reprotect_deadline`, as far as the forecast tells.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::cli::outline::range;
use crate::diagnostic::Severity;
use crate::forecast::Forecast;
use crate::forecast::Verdict;
use crate::forecast::forecast;
use crate::forecast::ranked;
use crate::graph::compile;
use crate::quantity::Seconds;
use crate::rules::CheckedPlan;
use crate::rules::Finding;
use crate::rules::State;
use crate::rules::Subject;
use crate::rules::SubjectKind;

/// Name of the finding, which is no rule of the catalogue.
const NAME: &str = "reprotect-deadline";

/// Returns that the deadline may be missed, in words, and how heavy that is; `None` if it is kept.
pub(crate) fn concern(forecast: &Forecast) -> Option<(Severity, String)> {
    let (severity, may) = match forecast.protection.verdict? {
        Verdict::Kept => return None,
        Verdict::Uncertain => (Severity::Info, "may take"),
        Verdict::Missed => (Severity::Warning, "takes"),
    };
    let takes = range(forecast.protection.expected);
    let most = Seconds(forecast.protection.objective_s?);
    Some((severity, format!("replication {may} {takes}, and thresholds.reprotect_deadline is {most}")))
}

/// Returns the finding that a plan states a deadline that a run begun at `start` may miss.
///
/// A plan that states none is not forecast here, which takes longer than all rules together.
pub(crate) fn finding(plan: &CheckedPlan, start: Timestamp) -> Option<Finding> {
    let model = plan.model();
    let stated = model.plan.thresholds.as_ref()?.reprotect_deadline?;
    let (severity, message) = concern(&forecast(&ranked(compile(plan)), start))?;
    Some(Finding {
        rule: Cow::Borrowed(NAME),
        name: Cow::Borrowed(NAME),
        severity,
        state: State::Violated,
        subject: Subject { kind: SubjectKind::Plan, name: model.plan.name.value.clone() },
        message,
        help: "give replication more time, or make it faster: failback plan tells what it waits for".into(),
        source: Cow::Borrowed("the plan's own threshold, and the forecast of `failback plan`"),
        span: stated.span,
        related: Vec::new(),
        fact: None,
        waived_because: None,
        awaited: false,
        explanation: None,
    })
}
