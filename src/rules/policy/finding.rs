//! What rules of policies find: evaluated about each subject, within a cost that is set beforehand.

use std::borrow::Cow;
use std::cell::Cell;

use jiff::Timestamp;

use crate::diagnostic::Label;
use crate::diagnostic::Severity;
use crate::model::Model;
use crate::rules::findings::Finding;
use crate::rules::findings::State;
use crate::rules::findings::Subject;
use crate::rules::findings::SubjectKind;
use crate::rules::policy::BROKEN;
use crate::rules::policy::evaluate::Evaluation;
use crate::rules::policy::evaluate::Missing;
use crate::rules::policy::evaluate::Stop;
use crate::rules::policy::expressions::Expression;
use crate::rules::policy::message;
use crate::rules::policy::object::Object;
use crate::rules::policy::rule::Compiled;
use crate::rules::policy::stack;
use crate::source::Span;
use crate::syntax::policy::Scope;

/// Steps of one evaluation: enough for twenty keys of each of ten thousand machines, in a rule about the plan.
const STEPS: u64 = 2_000_000;
/// Steps of one rule about all its subjects: some seconds.
const STEPS_OF_RULE: u64 = 50_000_000;
/// Steps of all rules together.
const STEPS_OF_ALL: u64 = 200_000_000;

/// Values that a finding shows.
const SHOWN: usize = 4;

/// What a rule says about one subject.
enum Verdict<'r> {
    Silent,
    Violated,
    Unknown(Missing),
    Broken { stop: Stop, of: &'r Expression },
}

/// Evaluates rules over a plan.
pub(super) fn of(rules: &[Compiled], model: &Model, now: Timestamp) -> Vec<Finding> {
    if rules.is_empty() { Vec::new() } else { stack::deep(&|| all(rules, model, now)) }
}

fn all(rules: &[Compiled], model: &Model, now: Timestamp) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut left_of_all = STEPS_OF_ALL;
    for rule in rules {
        let budget = STEPS_OF_RULE.min(left_of_all);
        left_of_all -= budget - evaluate(rule, model, now, budget, &mut found);
    }
    found
}

/// Evaluates a rule about each of its subjects; returns the steps that it left.
fn evaluate(rule: &Compiled, model: &Model, now: Timestamp, budget: u64, found: &mut Vec<Finding>) -> u64 {
    let mut left = budget;
    let mut broken: Option<(usize, usize)> = None;
    let mut subject = |object: Object<'_>, kind: SubjectKind, span: Span| {
        // A mistake of the policy is one finding, however many subjects show it.
        if let (Some((_, count)), 0) = (&mut broken, left) {
            *count += 1;
            return;
        }
        let steps = Cell::new(STEPS.min(left));
        let given = steps.get();
        let verdict = verdict(rule, model, object, now, &steps);
        left -= given - steps.get();
        let subject = Subject { kind, name: object.name().to_owned() };
        match verdict {
            Verdict::Silent => {}
            Verdict::Violated => found.push(violated(rule, model, object, subject, span, now)),
            Verdict::Unknown(missing) => found.push(unknown(rule, subject, span, &missing)),
            Verdict::Broken { stop, of } => {
                if matches!(stop, Stop::Exhausted) && given < STEPS {
                    left = 0;
                }
                match &mut broken {
                    Some((_, count)) => *count += 1,
                    None => {
                        broken = Some((found.len(), 0));
                        found.push(failed(rule, subject, span, &stop, of, left == 0));
                    }
                }
            }
        }
    };
    match rule.scope {
        Scope::Machine => {
            for machine in model.machines() {
                subject(Object::Machine(machine), SubjectKind::Machine, machine.name().span);
            }
        }
        Scope::Group => {
            for group in model.groups() {
                subject(Object::Group(group), SubjectKind::ReplicationGroup, group.name().span);
            }
        }
        Scope::Plan => subject(Object::Plan(model), SubjectKind::Plan, model.plan_span()),
    }
    if let Some((at, count)) = broken
        && count > 0
        && let Some(finding) = found.get_mut(at)
    {
        finding.message.push_str(&format!(", and so for {count} more"));
    }
    left
}

/// Decides a rule: broken if its condition holds and its assertion does not. A side that is silent by itself is enough.
fn verdict<'r>(
    rule: &'r Compiled,
    model: &Model,
    object: Object<'_>,
    now: Timestamp,
    steps: &Cell<u64>,
) -> Verdict<'r> {
    let mut evaluation = Evaluation::new(model, object, now, steps);
    let mut truth = |expression: &Expression| evaluation.truth(&expression.node);
    let mut missing = None;
    if let Some(when) = &rule.when {
        match truth(when) {
            Ok(true) => {}
            Ok(false) => return Verdict::Silent,
            Err(Stop::Unknown(unknown)) => missing = Some(unknown),
            Err(stop) => return Verdict::Broken { stop, of: when },
        }
    }
    match (truth(&rule.assert), missing) {
        (Ok(true), _) => Verdict::Silent,
        (Ok(false), None) => Verdict::Violated,
        (Ok(false), Some(missing)) => Verdict::Unknown(missing),
        (Err(Stop::Unknown(missing)), None) | (Err(Stop::Unknown(_)), Some(missing)) => {
            Verdict::Unknown(missing)
        }
        (Err(stop), _) => Verdict::Broken { stop, of: &rule.assert },
    }
}

fn finding(rule: &Compiled, state: State, subject: Subject, span: Span, message: String) -> Finding {
    Finding {
        rule: Cow::Owned(rule.id.clone()),
        name: Cow::Owned(rule.id.clone()),
        severity: rule.severity,
        state,
        subject,
        message,
        help: rule.help.clone().into(),
        source: Cow::Owned(rule.source.clone()),
        span,
        related: Vec::new(),
        fact: None,
        waived_because: None,
        awaited: false,
        explanation: None,
    }
}

/// Returns the finding that a rule is broken, with the values that broke it where the rule reads them.
fn violated(
    rule: &Compiled,
    model: &Model,
    object: Object<'_>,
    subject: Subject,
    span: Span,
    now: Timestamp,
) -> Finding {
    let steps = Cell::new(STEPS);
    let mut evaluation = Evaluation::new(model, object, now, &steps);
    let message = message::filled(&rule.message, &mut evaluation);
    let mut finding = finding(rule, State::Violated, subject, span, message);
    evaluation.seen = Some(Vec::new());
    // The same evaluation once more, now remembering what it reads: most subjects never come here.
    let _ = evaluation.truth(&rule.assert.node);
    let seen = evaluation.seen.take().unwrap_or_default();
    for (at, value) in seen.into_iter().rev().take(SHOWN) {
        finding.related.push(Label { span: rule.assert.span(at), text: format!("is {value}") });
    }
    finding.related.sort_by_key(|label| label.span);
    if finding.related.is_empty() {
        finding
            .related
            .push(Label { span: rule.assert.whole(), text: "what the policy asks for".to_owned() });
    }
    finding
}

fn unknown(rule: &Compiled, subject: Subject, span: Span, missing: &Missing) -> Finding {
    let of = missing.of.as_deref().unwrap_or(&subject.name);
    let message = format!("the policy's rule can't be decided: `{}` of {of} is not known", missing.fact);
    let mut finding = finding(rule, State::Indeterminate, subject, span, message);
    finding.help = format!("add `{}` to the inventory", missing.fact).into();
    finding.fact = Some(Cow::Owned(missing.fact.to_string()));
    finding
}

/// Returns the finding that a rule can't be evaluated: the policy is at fault, so it points there.
fn failed(rule: &Compiled, subject: Subject, span: Span, stop: &Stop, of: &Expression, all: bool) -> Finding {
    let name = &subject.name;
    let (at, message, help) = match stop {
        Stop::Exhausted if all => (
            of.whole(),
            format!("the rule takes too many steps in all; it was given up at {name}"),
            "ask about fewer things: a rule about each machine that looks at all machines takes the square of their number",
        ),
        Stop::Exhausted => (
            of.whole(),
            format!("the rule takes more than {STEPS} steps for {name}"),
            "ask about fewer things in one rule",
        ),
        Stop::Wrong { at, message } => (
            of.span(at.clone()),
            format!("the rule can't be evaluated for {name}: {message}"),
            "change the rule of the policy; `x != null && …` guards against what may not be there",
        ),
        Stop::Unknown(missing) => {
            (of.whole(), format!("`{}` is not known", missing.fact), "add it to the inventory")
        }
    };
    let mut finding = finding(rule, State::Violated, subject, at, message);
    finding.name = Cow::Borrowed(BROKEN);
    finding.severity = Severity::Error;
    finding.help = help.to_owned().into();
    finding.also(span, "while looking at this");
    finding
}
