//! Evaluates plans, several at once, and judges what a baseline does not know.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::cli::baseline::Baseline;
use crate::cli::check::Checked;
use crate::cli::check::evaluate;
use crate::cli::deadline;
use crate::cli::load::Loaded;
use crate::cli::load::LoadedPlan;
use crate::diagnostic::Severity;
use crate::render::Item;
use crate::render::gate::Gate;
use crate::render::summary::Verdict;
use crate::rules;
use crate::rules::Architecture;
use crate::rules::Options;
use crate::rules::Origin;
use crate::rules::OriginFilter;
use crate::rules::Rule;
use crate::rules::State;

/// Plans that are evaluated at once: each holds its own copy of an inventory that several plans share.
const AT_ONCE: usize = 8;

/// How plans are checked, and what is known about them already.
pub(crate) struct Checks {
    /// How rules are evaluated.
    pub options: Options,
    /// What lets the check fail.
    pub gate: Gate,
    /// What is known already.
    pub baseline: Option<Baseline>,
    /// The moment that `--now` gives.
    pub now: Option<Timestamp>,
}

/// A plan that rules looked at.
pub(crate) struct Judged {
    /// What was found, with the verdict on what is not known.
    pub checked: Checked,
    /// Rules that looked at the plan and found nothing.
    pub silent: Vec<&'static Rule>,
    /// Which of the findings the baseline has.
    known: Vec<bool>,
}

impl Checks {
    /// Takes plans and evaluates them, as many at once as the machine has processors, in their order.
    pub(crate) fn next(&mut self, loaded: &mut Loaded) -> Vec<Judged> {
        let at_once = std::thread::available_parallelism().map_or(1, usize::from).min(AT_ONCE);
        let plans: Vec<LoadedPlan> = std::iter::from_fn(|| loaded.next_plan()).take(at_once).collect();
        let (options, now) = (&self.options, self.now);
        let evaluated: Vec<(Checked, Vec<&'static Rule>)> = match plans.len() {
            0 | 1 => plans.into_iter().map(|plan| evaluate_alone(plan, options, now)).collect(),
            _ => std::thread::scope(|scope| {
                let started: Vec<_> = plans
                    .into_iter()
                    .map(|plan| scope.spawn(move || evaluate_alone(plan, options, now)))
                    .collect();
                let ended = started.into_iter().map(std::thread::ScopedJoinHandle::join);
                ended.map(|ended| ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
            }),
        };
        evaluated.into_iter().map(|(checked, silent)| self.judge(checked, silent)).collect()
    }

    /// Sets known findings apart, and says what the others mean.
    fn judge(&mut self, mut checked: Checked, silent: Vec<&'static Rule>) -> Judged {
        let gate = self.gate;
        let items: Vec<Item<'_>> = checked.findings.iter().map(Item::of_finding).collect();
        let known = match (&mut self.baseline, checked.verdict) {
            (None, _) | (_, Verdict::NotChecked) => vec![false; items.len()],
            (Some(baseline), _) => baseline.known(&checked.name, &items),
        };
        let refusing = |is_known: bool| {
            let of = items.iter().zip(&known).filter(move |(_, known)| **known == is_known);
            of.map(|(item, _)| item).filter(|item| gate.refuses(item))
        };
        let heaviest = refusing(false).max_by_key(|item| (item.state == State::Violated, item.severity));
        let verdict = match heaviest.map(|item| (item.state, item.severity)) {
            _ if checked.verdict == Verdict::NotChecked => Verdict::NotChecked,
            Some((State::Violated, Severity::Error)) => Verdict::Refused,
            Some((State::Violated, Severity::Warning | Severity::Info)) => Verdict::RefusedByWarnings,
            Some((State::Indeterminate | State::Unmeasured | State::Pending | State::Waived, _)) => {
                Verdict::RefusedStrictly
            }
            None if refusing(true).next().is_some() => Verdict::Known,
            None => Verdict::Passed,
        };
        checked.verdict = verdict;
        Judged { checked, silent, known }
    }
}

impl Judged {
    /// Returns what is to be shown.
    pub(crate) fn items(&self) -> impl Iterator<Item = Item<'_>> {
        let new = self.checked.findings.iter().zip(&self.known).filter(|(_, known)| !**known);
        new.map(|(finding, _)| Item::of_finding(finding))
    }
}

/// Evaluates the rules over a plan, and lists those that looked at it and found nothing.
fn evaluate_alone(
    plan: LoadedPlan,
    options: &Options,
    now: Option<Timestamp>,
) -> (Checked, Vec<&'static Rule>) {
    let experience = plan.model.as_ref().map(|model| model.experience().ok());
    let mut checked = evaluate(plan, options);
    // The facts are not needed any more, and other plans may need the room.
    if let Some(plan) = checked.plan.take() {
        let start = now.or(checked.as_of).unwrap_or(options.now);
        checked.findings.extend(deadline::finding(&plan, start));
    }
    let found: HashSet<&str> = checked.findings.iter().map(|finding| &*finding.rule).collect();
    let looked = |rule: &&'static Rule| match (options.origin, rule.origin) {
        (OriginFilter::Seed, Origin::Beyond) => false,
        (OriginFilter::Seed, Origin::Seed(_) | Origin::Product) | (OriginFilter::All, _) => {
            match experience {
                None => false,
                Some(None) => rule.architecture == Architecture::Both,
                Some(Some(experience)) => rule.is_about(experience),
            }
        }
    };
    let silent = rules::all().filter(looked).filter(|rule| !found.contains(rule.id)).collect();
    (checked, silent)
}
