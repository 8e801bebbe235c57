//! What becomes of one plan: the rules evaluated over it, and what they come to.

use jiff::Timestamp;

use crate::cli::load::LoadedPlan;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::render::summary::Verdict;
use crate::rules;
use crate::rules::CheckedPlan;
use crate::rules::Found;
use crate::rules::Options;
use crate::rules::State;
use crate::rules::consistency;
use crate::rules::consistency::GroupPoints;

/// What became of one plan.
#[derive(Debug)]
pub struct Checked {
    /// The plan's name.
    pub name: String,
    /// What rules found.
    pub findings: Found,
    /// Mistakes that were found when it was bound to its facts.
    pub diagnostics: Vec<Diagnostic>,
    /// What became of it.
    pub verdict: Verdict,
    /// When its facts were observed.
    pub as_of: Option<Timestamp>,
    /// The plan, if nothing refuses it.
    pub plan: Option<CheckedPlan>,
    /// What recovery points mean for each replication group.
    pub recovery_points: Vec<GroupPoints>,
}

/// Evaluates the rules over a plan that was read.
#[must_use]
pub fn evaluate(loaded: LoadedPlan, options: &Options) -> Checked {
    let LoadedPlan { name, model, diagnostics, policies } = loaded;
    let Some(model) = model else {
        let (findings, verdict) = (Found::default(), Verdict::NotChecked);
        let recovery_points = Vec::new();
        return Checked {
            name: name.value,
            findings,
            diagnostics,
            verdict,
            as_of: None,
            plan: None,
            recovery_points,
        };
    };
    let as_of = model.observed_at().ok();
    let recovery_points = consistency::of(&model);
    let report = rules::check_with(model, &policies, options);
    let violated = report
        .findings
        .kept()
        .iter()
        .any(|finding| finding.state == State::Violated && finding.severity == Severity::Error);
    let verdict = match report.checked {
        Some(_) => Verdict::Passed,
        None if violated => Verdict::Refused,
        None => Verdict::RefusedStrictly,
    };
    let (name, findings, plan) = (name.value, report.findings, report.checked);
    Checked { name, findings, diagnostics, verdict, as_of, plan, recovery_points }
}
