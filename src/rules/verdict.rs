//! Whether what was found refuses a plan.

use std::sync::Arc;

use crate::diagnostic::Severity;
use crate::model::Model;
use crate::rules::evaluate::Options;
use crate::rules::evaluate::evaluate_with;
use crate::rules::find;
use crate::rules::findings::Finding;
use crate::rules::findings::State;
use crate::rules::found::Found;
use crate::rules::policy::Policies;

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// Every finding: the heaviest first, then in the order of the document.
    pub findings: Found,
    /// The plan, if nothing refuses it.
    pub checked: Option<CheckedPlan>,
}

/// A plan that no rule refuses. Only [`check`] makes one, and a test [without it](CheckedPlan::unjudged).
#[derive(Clone, Debug)]
pub struct CheckedPlan {
    model: Arc<Model>,
}

impl CheckedPlan {
    /// Returns a plan that nobody checked, so that a refused plan can be run on the emulated service: the test that compares
    /// the rules with the service needs it, and nothing else may call it.
    #[must_use]
    pub const fn unjudged(model: Arc<Model>) -> Self {
        Self { model }
    }

    /// Returns the plan and its facts.
    #[must_use]
    pub const fn model(&self) -> &Arc<Model> {
        &self.model
    }
}

/// Evaluates every built-in rule over a plan.
#[must_use]
pub fn check(model: Model, options: &Options) -> Report {
    check_with(model, &Policies::default(), options)
}

/// Evaluates every built-in rule and those of an organisation's policies over a plan.
#[must_use]
pub fn check_with(model: Model, policies: &Policies, options: &Options) -> Report {
    let findings = evaluate_with(&model, policies, options);
    let refuses = |finding: &Finding| refuses(finding, options.strict, model.is_live);
    let refused =
        findings.kept().iter().any(refuses) || findings.open_once().any(|open| refuses(&open.finding()));
    Report { findings, checked: (!refused).then(|| CheckedPlan { model: Arc::new(model) }) }
}

/// Returns whether a finding refuses a plan.
fn refuses(finding: &Finding, strict: bool, is_live: bool) -> bool {
    let is_error = finding.severity == Severity::Error;
    match finding.state {
        State::Violated => is_error,
        State::Indeterminate => is_error && strict && refuses_undecided(&finding.rule, is_live),
        State::Unmeasured => {
            strict && weighs_as_error(&finding.rule) && refuses_undecided(&finding.rule, is_live)
        }
        State::Pending | State::Waived => false,
    }
}

/// Returns whether an undecided rule refuses a plan under `--strict`: it can be decided from plan and inventory, as those of
/// an organisation are, or the facts were observed just now.
#[must_use]
pub fn refuses_undecided(rule: &str, is_live: bool) -> bool {
    is_live || find(rule).is_none_or(|rule| rule.when.declared)
}

/// Returns whether a built-in rule is an error by itself, whatever its finding weighs.
#[must_use]
pub fn weighs_as_error(rule: &str) -> bool {
    find(rule).is_some_and(|rule| rule.severity == Severity::Error)
}
