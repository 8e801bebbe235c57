//! Guards: rules evaluated on fresh facts before a step does what can't be taken back.

use crate::diagnostic::Severity;
use crate::event::GuardFinding;
use crate::event::RunState;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::model::Model;
use crate::rules;
use crate::rules::Finding;
use crate::rules::Guard;
use crate::rules::Options;
use crate::rules::Policies;
use crate::rules::State;
use crate::rules::SubjectKind;

/// What a guard found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Everything that was found.
    pub findings: Vec<GuardFinding>,
    /// What stops the step; empty if it may go on.
    pub blocking: Vec<GuardFinding>,
}

fn told(finding: &Finding) -> GuardFinding {
    GuardFinding {
        rule: finding.rule.clone().into_owned(),
        state: finding.state.as_str().to_owned(),
        severity: finding.severity.as_str().to_owned(),
        subject: finding.subject.name.clone(),
        message: finding.message.clone(),
    }
}

fn is_unknown_or_broken(finding: &Finding) -> bool {
    finding.severity == Severity::Error && matches!(finding.state, State::Violated | State::Indeterminate)
}

/// Returns the machines whose facts the guard of a step is about, in the present state of a run.
#[must_use]
pub fn concerned(state: &RunState, step: StepIndex) -> Vec<usize> {
    if state.graph().step(step).kind == StepKind::Preflight {
        return (0..state.graph().model().machines().len()).collect();
    }
    state.machines_of(step).collect()
}

/// Evaluates the rules of a guard: an error that is violated or not known stops the step.
#[must_use]
pub fn evaluate(model: &Model, machines: &[usize], guard: Guard, options: &Options) -> Verdict {
    let findings = rules::check_guard(model, machines, guard, options);
    let blocking = findings.iter().filter(|finding| is_unknown_or_broken(finding)).map(told).collect();
    Verdict { findings: findings.iter().map(told).collect(), blocking }
}

/// The rule about what may be cancelled.
const CANCELLATION: &str = "FB715";

/// Returns what forbids to take failovers of a plan's machines back: a rule that is violated or not decided.
#[must_use]
pub fn cancellation(model: &Model) -> Option<GuardFinding> {
    // The architecture decides, and all machines of a plan are of one.
    let asked: Vec<_> = model.machines().take(1).map(rules::steps::cancellation).collect();
    let found = rules::check_steps(model, &asked);
    let forbids = |finding: &&Finding| {
        // A drill of the plan that ends so is the matter of the plan, and not of who asks now.
        finding.rule == CANCELLATION
            && finding.subject.kind != SubjectKind::Drill
            && is_unknown_or_broken(finding)
    };
    found.iter().find(forbids).map(told)
}

/// The rule about machines whose planned failover stands halfway.
const DISABLEMENT: &str = "FB809";

/// Returns why the replication of machines whose failover failed must not be disabled, as they were just observed: what a
/// person does next at the site is not seen by a run, and this can't be taken back.
#[must_use]
pub fn disablement(model: &Model, machines: &[usize]) -> Vec<GuardFinding> {
    let thought_of: Vec<_> =
        machines.iter().map(|machine| rules::steps::disablement(model.machine(*machine))).collect();
    let found = rules::check_steps(model, &thought_of);
    found
        .iter()
        .filter(|finding| finding.rule == DISABLEMENT && is_unknown_or_broken(finding))
        .map(told)
        .collect()
}

/// The rule about Azure VMs that outlive their commit.
const REMAINS: &str = "FB707";

/// Returns what is said of the Azure VMs of machines that were just committed: of those that remain, and of those of which it is not
/// known. What a waiver accepts is not said.
#[must_use]
pub fn remaining_in_azure(
    model: &Model,
    machines: &[usize],
    options: &Options,
) -> (Vec<String>, Vec<String>) {
    let found = rules::check_guard(model, machines, Guard::Forward, options);
    let found = found.iter().filter(|finding| finding.rule == REMAINS);
    let said = |state: State| {
        found
            .clone()
            .filter(|finding| finding.state == state)
            .map(|finding| finding.message.clone())
            .collect()
    };
    (said(State::Violated), said(State::Indeterminate))
}

/// Evaluates all rules before anything is changed, those of an organisation's policies too, and returns what stops the run. What
/// the run waits for does not, nor does a fact that a later guard will ask for again.
#[must_use]
pub fn preflight(model: &Model, policies: &Policies, options: &Options) -> Vec<GuardFinding> {
    let findings = rules::evaluate_all(model, policies, options);
    let blocks = |finding: &&Finding| {
        let guarded = || rules::find(&finding.rule).is_some_and(|rule| !rule.when.guards.is_empty());
        is_unknown_or_broken(finding) && !finding.awaited && (finding.state == State::Violated || !guarded())
    };
    findings.iter().filter(blocks).map(told).collect()
}
