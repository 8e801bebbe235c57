//! The smallest scenario that still goes wrong in the same way.

use crate::graph::StepKind;
use crate::provider::emulator::Scenario;
use crate::provider::emulator::scenario::Fault;
use crate::run::trial::attempt::Subject;
use crate::run::trial::attempt::Trial;
use crate::run::trial::chosen::Chosen;
use crate::run::trial::law::Law;
use crate::source::Spanned;

/// The smallest scenario that was found to go wrong.
#[derive(Clone, Debug)]
pub struct Smallest {
    /// The scenario.
    pub scenario: Scenario,
    /// What comes of it.
    pub trial: Trial,
}

/// In what way a run went wrong: by the first law that it broke, else by the first step that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wrong {
    Broke(Law),
    Failed(StepKind, String),
    Otherwise,
}

fn wrong(trial: &Trial) -> Option<Wrong> {
    if trial.is_well() {
        return None;
    }
    if let Some(breach) = trial.breaches.first() {
        return Some(Wrong::Broke(breach.law));
    }
    let failure = trial.failures.first();
    Some(failure.map_or(Wrong::Otherwise, |failure| Wrong::Failed(failure.kind, failure.code.clone())))
}

/// Returns how much a scenario says, less being simpler.
fn size(scenario: &Scenario) -> (usize, usize) {
    let faults = scenario.faults.as_deref().unwrap_or_default();
    let said = |fault: &Fault| {
        [
            fault.of.is_some(),
            fault.at.is_some(),
            fault.phase.is_some(),
            fault.nth.is_some(),
            fault.times.is_some(),
            fault.lasting.is_some(),
            fault.code.is_some(),
            fault.task.is_some(),
            fault.health.is_some(),
            fault.factor.is_some(),
        ]
        .into_iter()
        .filter(|said| *said)
        .count()
    };
    (faults.len(), faults.iter().map(said).sum())
}

/// Returns the smallest scenario that goes wrong, made smaller still as far as it goes wrong in the same way. What broke a law
/// comes before what only failed.
#[must_use]
pub fn smallest(subject: &Subject, choices: &[Chosen], trials: &[Trial]) -> Option<Smallest> {
    let of_wrong =
        choices.iter().zip(trials).filter_map(|(choice, trial)| Some((choice, trial, wrong(trial)?)));
    let (choice, trial, wrong_how) = of_wrong.min_by_key(|(choice, trial, _)| {
        (trial.breaches.is_empty(), size(&choice.scenario), choice.scenario.name.value.len())
    })?;
    let mut smallest = Smallest { scenario: choice.scenario.clone(), trial: trial.clone() };
    while let Some(smaller) = simpler(&smallest.scenario).into_iter().find_map(|scenario| {
        let trial = subject.attempt_safely(&scenario);
        (wrong(&trial).as_ref() == Some(&wrong_how)).then_some(Smallest { scenario, trial })
    }) {
        smallest = smaller;
    }
    smallest.scenario.name = Spanned::bare("smallest".to_owned());
    Some(smallest)
}

/// Returns the scenarios that say one thing less, the simplest first.
fn simpler(scenario: &Scenario) -> Vec<Scenario> {
    let faults = scenario.faults.as_deref().unwrap_or_default();
    let with = |faults: Vec<Fault>| Scenario {
        faults: Some(faults).filter(|faults| !faults.is_empty()),
        ..scenario.clone()
    };
    let mut simpler = Vec::new();
    for at in 0..faults.len() {
        let mut fewer = faults.to_vec();
        fewer.remove(at);
        simpler.push(with(fewer));
    }
    for (at, fault) in faults.iter().enumerate() {
        let mut say = |less: Fault| {
            if less != *fault {
                let mut faults = faults.to_vec();
                faults[at] = less;
                simpler.push(with(faults));
            }
        };
        say(Fault { at: None, ..fault.clone() });
        say(Fault { lasting: None, ..fault.clone() });
        say(Fault { times: None, ..fault.clone() });
        say(Fault { nth: None, ..fault.clone() });
        say(Fault { task: None, ..fault.clone() });
        say(Fault { of: None, ..fault.clone() });
    }
    simpler
}
