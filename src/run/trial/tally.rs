//! What many runs came to: how long they took, which fault cost most, and how what failed can be left.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::event::Outcome;
use crate::provider::emulator::scenario::FaultKind;
use crate::run::trial::attempt::Trial;
use crate::run::trial::chosen::Chosen;
use crate::run::trial::fault;
use crate::run::trial::law::Law;

/// How long runs took, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Durations {
    /// How many succeeded; the figures are of these.
    pub runs: usize,
    /// The least.
    pub min_s: i64,
    /// The median.
    pub median_s: i64,
    /// The 95th percentile.
    pub p95_s: i64,
    /// The most.
    pub max_s: i64,
}

impl Durations {
    fn of(mut seconds: Vec<i64>) -> Self {
        seconds.sort_unstable();
        // The least value that so many percent of all do not exceed.
        let percentile = |percent: usize| {
            let rank = (seconds.len() * percent).div_ceil(100).max(1);
            seconds.get(rank - 1).copied().unwrap_or_default()
        };
        Self {
            runs: seconds.len(),
            min_s: percentile(0),
            median_s: percentile(50),
            p95_s: percentile(95),
            max_s: percentile(100),
        }
    }
}

/// What a kind of fault cost in the runs in which it was alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultCost {
    /// The kind.
    pub fault: FaultKind,
    /// Runs.
    pub runs: usize,
    /// Of these, runs that failed.
    pub failed: usize,
    /// Seconds that the others took longer than the run with the same seed in which nothing went wrong: the median.
    pub added_median_s: i64,
    /// The most.
    pub added_max_s: i64,
}

/// What failed in the same way, and how it is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Kind of the step that failed first.
    pub step: &'static str,
    /// With which code.
    pub code: String,
    /// What was said, once.
    pub message: String,
    /// Runs.
    pub runs: usize,
    /// The way on, in words; none if none was found.
    pub way: Option<String>,
    /// The faults of one of them, as a scenario writes them.
    pub faults: Vec<String>,
}

/// A law that was broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broke {
    /// The law.
    pub law: Law,
    /// Runs that broke it.
    pub runs: usize,
    /// What happened, once.
    pub what: String,
    /// The faults of one of them, as a scenario writes them.
    pub faults: Vec<String>,
}

/// What many runs came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Runs.
    pub runs: usize,
    /// Runs that did every step.
    pub succeeded: usize,
    /// Runs that failed, each in a state that can be left.
    pub failed: usize,
    /// Runs that broke a law.
    pub broken: usize,
    /// Runs in which nothing went wrong.
    pub healthy: Durations,
    /// Runs with faults that succeeded all the same.
    pub faulted: Durations,
    /// What each kind of fault cost, the worst first.
    pub faults: Vec<FaultCost>,
    /// What failed, the most frequent first.
    pub failures: Vec<Left>,
    /// Laws that were broken.
    pub breaches: Vec<Broke>,
}

impl Tally {
    /// Counts runs and what came of them.
    #[must_use]
    pub fn of(choices: &[Chosen], trials: &[Trial]) -> Self {
        let pairs = || choices.iter().zip(trials);
        let took = |faults: bool| {
            let of = pairs().filter(|(choice, trial)| {
                trial.outcome == Some(Outcome::Succeeded) && choice.faults().is_empty() != faults
            });
            Durations::of(of.map(|(_, trial)| trial.took.as_secs()).collect())
        };
        let failed = |trial: &&Trial| trial.breaches.is_empty() && trial.outcome != Some(Outcome::Succeeded);
        Self {
            runs: trials.len(),
            succeeded: trials.iter().filter(|trial| trial.is_well()).count(),
            failed: trials.iter().filter(failed).count(),
            broken: trials.iter().filter(|trial| !trial.breaches.is_empty()).count(),
            healthy: took(false),
            faulted: took(true),
            faults: costs(choices, trials),
            failures: left(choices, trials),
            breaches: broke(choices, trials),
        }
    }
}

fn costs(choices: &[Chosen], trials: &[Trial]) -> Vec<FaultCost> {
    let healthy = choices.iter().zip(trials).find(|(choice, _)| choice.faults().is_empty());
    let Some((_, healthy)) = healthy else { return Vec::new() };
    let mut of: BTreeMap<&'static str, (FaultKind, Vec<i64>, usize)> = BTreeMap::new();
    for (choice, trial) in choices.iter().zip(trials) {
        let [fault] = choice.faults() else { continue };
        let (_, added, failed) = of.entry(fault.kind.as_str()).or_insert((*fault.kind, Vec::new(), 0));
        if trial.outcome == Some(Outcome::Succeeded) {
            added.push((trial.took - healthy.took).as_secs());
        } else {
            *failed += 1;
        }
    }
    let mut costs: Vec<FaultCost> = of
        .into_values()
        .map(|(fault, added, failed)| {
            let runs = added.len() + failed;
            let Durations { median_s, max_s, .. } = Durations::of(added);
            FaultCost { fault, runs, failed, added_median_s: median_s, added_max_s: max_s }
        })
        .collect();
    // Parts of the runs that failed are compared as fractions: 2 of 3 is worse than 3 of 6.
    costs.sort_by(|one, other| {
        (other.failed * one.runs, other.added_max_s).cmp(&(one.failed * other.runs, one.added_max_s))
    });
    costs
}

fn left(choices: &[Chosen], trials: &[Trial]) -> Vec<Left> {
    let mut left: BTreeMap<(&'static str, String, Option<String>), Left> = BTreeMap::new();
    for (choice, trial) in choices.iter().zip(trials) {
        let Some(first) = trial.failures.first().filter(|_| trial.outcome != Some(Outcome::Succeeded)) else {
            continue;
        };
        let way = trial.way.as_ref().map(super::Way::in_words);
        let kind = first.kind.as_str();
        left.entry((kind, first.code.clone(), way.clone()))
            .or_insert_with(|| Left {
                step: kind,
                code: first.code.clone(),
                message: first.message.clone(),
                runs: 0,
                way,
                faults: choice.faults().iter().map(fault::in_words).collect(),
            })
            .runs += 1;
    }
    let mut left: Vec<Left> = left.into_values().collect();
    left.sort_by_key(|left| std::cmp::Reverse(left.runs));
    left
}

fn broke(choices: &[Chosen], trials: &[Trial]) -> Vec<Broke> {
    let mut broke: BTreeMap<Law, Broke> = BTreeMap::new();
    for (choice, trial) in choices.iter().zip(trials) {
        let mut laws: Vec<Law> = Vec::new();
        for breach in &trial.breaches {
            if laws.contains(&breach.law) {
                continue;
            }
            laws.push(breach.law);
            broke
                .entry(breach.law)
                .or_insert_with(|| Broke {
                    law: breach.law,
                    runs: 0,
                    what: breach.what.clone(),
                    faults: choice.faults().iter().map(fault::in_words).collect(),
                })
                .runs += 1;
        }
    }
    broke.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let durations = Durations::of((1..=40).rev().collect());
        let Durations { runs, min_s, median_s, p95_s, max_s } = durations;
        assert_eq!((runs, min_s, median_s, p95_s, max_s), (40, 1, 20, 38, 40));
        assert_eq!(Durations::of(Vec::new()), Durations::default());
    }
}
