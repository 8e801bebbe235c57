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
use crate::rules::One;
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
    /// Which of the findings the baseline has, in their order; `None` if it has none of the plan.
    known: Option<Vec<bool>>,
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
        let findings = &checked.findings;
        let known = match (&mut self.baseline, checked.verdict) {
            (None, _) | (_, Verdict::NotChecked) => None,
            (Some(baseline), _) => baseline.known(&checked.name, findings),
        };
        let (mut heaviest, mut knows_one) = (None, false);
        let mut weigh = |one: One<'_>, is_known: bool| {
            if !gate.refuses(&Item::of_finding(&one.finding())) {
                return;
            }
            match is_known {
                true => knows_one = true,
                false => heaviest = heaviest.max(Some((one.state() == State::Violated, one.severity()))),
            }
        };
        match &known {
            Some(known) => findings.each().zip(known).for_each(|(one, known)| weigh(one, *known)),
            None => {
                // What the lack of one fact leaves open weighs the same, whatever it is about.
                let once = findings.kept().iter().map(One::Kept).chain(findings.open_once().map(One::Open));
                once.for_each(|one| weigh(one, false));
            }
        }
        let verdict = match heaviest {
            _ if checked.verdict == Verdict::NotChecked => Verdict::NotChecked,
            Some((true, Severity::Error)) => Verdict::Refused,
            Some((true, Severity::Warning | Severity::Info)) => Verdict::RefusedByWarnings,
            Some((false, _)) => Verdict::RefusedStrictly,
            None if knows_one => Verdict::Known,
            None => Verdict::Passed,
        };
        checked.verdict = verdict;
        Judged { checked, silent, known }
    }
}

impl Judged {
    /// Returns what is to be shown.
    pub(crate) fn each(&self) -> impl Iterator<Item = One<'_>> {
        let is_known = |at: usize| self.known.as_ref().is_some_and(|known| known[at]);
        self.checked.findings.each().enumerate().filter(move |(at, _)| !is_known(*at)).map(|(_, one)| one)
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
    let kept = checked.findings.kept().iter().map(|finding| &*finding.rule);
    let found: HashSet<&str> = kept.chain(checked.findings.open_once().map(|open| open.rule().id)).collect();
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
