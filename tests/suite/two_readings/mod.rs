//! Two readings of the same documents, compared: the rules, and the emulated service, which enforces its own without knowing
//! the rules.
//!
//! A plan that passes never comes to a failure that a rule states, and one that is refused comes to one: a job of the service
//! fails, a call is refused, or a step of the run can't be done. The run has no guards here, else the rules would only be
//! compared with themselves.
//!
//! Some worlds go wrong on the way: a link, a server, a datastore or a machine fails for good at some moment. The guards that the
//! run would have had are evaluated all the same, so that what a guard found before an act is compared with the act; what strikes
//! between the two no rule can tell. Faults that no fact of the inventory shows are not drawn: lost calls, jobs that fail for no
//! reason, slow lines, and boots that don't end say nothing about rules.

pub mod compare;
mod generate;
mod judge;
mod known;
mod mutate;
mod patch;
pub mod readings;
mod run;
mod shrink;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::panic::catch_unwind;

use fastrand::Rng;

use compare::Comparison;
use compare::compare;
use generate::World;
use mutate::Mutation;

/// What became of one world.
pub struct Trial {
    /// What was changed in it.
    pub faults: Vec<String>,
    pub result: Result,
    world: World,
}

/// How a trial ended.
pub enum Result {
    /// Both readings agree; these rules state why something failed.
    Agree(BTreeSet<String>),
    /// They can't be compared.
    Apart(String),
    /// They disagree in ways that are known, and in others.
    Disagree { known: Vec<String>, new: Vec<String> },
}

/// Draws a world by its seed, with no fault, one or several, and compares.
pub fn trial(seed: u64) -> Trial {
    let mut random = Rng::with_seed(seed);
    let faults = match random.u8(0..100) {
        0..15 => 0,
        15..65 => 1,
        65..85 => 2,
        _ => 3,
    };
    let (mut classic, mut wanted, mut mutations) = (random.bool(), BTreeSet::new(), Vec::new());
    if faults > 0 && random.u8(0..100) < 45 {
        let (of, mutation, machines) = mutate::draw_fixture(&mut random);
        (classic, wanted) = (of, machines);
        mutations.push(mutation);
    }
    let mut world = generate::draw(&mut random, classic, &wanted);
    while mutations.len() < faults {
        mutations.push(mutate::draw_value(&mut random, &world));
    }
    let mut world = world_with(&mut world, &mutations);
    if random.u8(0..100) < 12 {
        world.faults.push(mutate::draw_fault(&mut random, &world));
    }
    on(world, &mutations)
}

fn world_with(world: &mut World, mutations: &[Mutation]) -> World {
    for mutation in mutations {
        mutation.apply(world);
    }
    world.clone()
}

/// Compares both readings of a reference world with each change that a fixture makes, and of the worlds by hand.
pub fn fixtures() -> impl Iterator<Item = Trial> {
    let by_hand = known::SHOWN.iter().map(|shown| on(shown.shown_by.world(), &[]));
    let of_fixtures = mutate::of_fixtures().map(|(classic, mutation)| {
        let mut world = World::reference(classic).clone();
        let mutations = [mutation];
        on(world_with(&mut world, &mutations), &mutations)
    });
    by_hand.chain(of_fixtures)
}

fn on(world: World, mutations: &[Mutation]) -> Trial {
    let faults = mutations.iter().map(ToString::to_string).collect();
    let result = match differences(&world) {
        Ok(Comparison::Agree { enforced }) => Result::Agree(enforced),
        Ok(Comparison::Apart(reason)) => Result::Apart(reason),
        Ok(Comparison::Disagree(found)) => {
            let words = found.differences.iter().map(ToString::to_string);
            let (known, new) = words.partition(|difference| known::is_known(difference));
            Result::Disagree { known, new }
        }
        Err(panicked) => Result::Disagree { known: Vec::new(), new: vec![panicked] },
    };
    Trial { faults, result, world }
}

/// Compares both readings; a panic of either is a difference too.
fn differences(world: &World) -> std::result::Result<Comparison, String> {
    catch_unwind(|| compare(world)).map_err(|_| "panicked".to_owned())
}

/// Returns whether a world shows a difference.
fn shows(world: &World, difference: &str) -> bool {
    match differences(world) {
        Ok(Comparison::Disagree(found)) => {
            found.differences.iter().any(|found| found.to_string() == difference)
        }
        Ok(Comparison::Agree { .. } | Comparison::Apart(_)) => false,
        Err(panicked) => panicked == difference,
    }
}

impl Trial {
    /// Says how the smallest world looks in which the readings still differ in this way, and what each of them says.
    pub fn explain(&self, difference: &str) -> String {
        let smallest = shrink::shrink(&self.world, |world| shows(world, difference));
        let said = match differences(&smallest) {
            Ok(Comparison::Disagree(found)) => found.to_string(),
            Ok(Comparison::Agree { .. } | Comparison::Apart(_)) => String::new(),
            Err(panicked) => panicked,
        };
        format!("{difference}, after {:?}\n{}\n{said}\n", self.faults, shrink::described(&smallest))
    }
}

/// What many trials gave.
#[derive(Default)]
pub struct Summary {
    pub agree: usize,
    pub apart: BTreeMap<String, usize>,
    pub known: BTreeMap<String, usize>,
    /// New differences: how often, and the first that showed them.
    pub new: BTreeMap<String, (usize, Option<Trial>)>,
    /// How often each rule stated why something failed.
    pub enforced: BTreeMap<String, usize>,
}

impl Summary {
    pub fn of(trials: impl IntoIterator<Item = Trial>) -> Self {
        let mut summary = Self::default();
        for trial in trials {
            summary.add(trial);
        }
        summary
    }

    fn add(&mut self, trial: Trial) {
        match &trial.result {
            Result::Agree(enforced) => {
                self.agree += 1;
                for rule in enforced {
                    *self.enforced.entry(rule.clone()).or_default() += 1;
                }
            }
            Result::Apart(reason) => *self.apart.entry(reason.clone()).or_default() += 1,
            Result::Disagree { known, new } => {
                for difference in known {
                    *self.known.entry(difference.clone()).or_default() += 1;
                }
                let new = new.clone();
                let mut trial = Some(trial);
                for difference in new {
                    let place = self.new.entry(difference).or_default();
                    place.0 += 1;
                    if place.1.is_none() {
                        place.1 = trial.take();
                    }
                }
            }
        }
    }

    /// Compares the worlds of so many seeds, shared among the processors.
    pub fn of_seeds(first: u64, count: u64) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let seeds = (first..first + count).skip(thread).step_by(threads);
                std::thread::spawn(move || Self::of(seeds.map(trial)))
            })
            .collect();
        let mut summary = Self::default();
        for worker in workers {
            summary.join(worker.join().expect("a trial catches what panics in it"));
        }
        summary
    }

    /// Adds what other trials gave.
    pub fn join(&mut self, other: Self) {
        self.agree += other.agree;
        for (mine, theirs) in [
            (&mut self.apart, other.apart),
            (&mut self.known, other.known),
            (&mut self.enforced, other.enforced),
        ] {
            for (what, count) in theirs {
                *mine.entry(what).or_default() += count;
            }
        }
        for (difference, (count, trial)) in other.new {
            let place = self.new.entry(difference).or_default();
            place.0 += count;
            if place.1.is_none() {
                place.1 = trial;
            }
        }
    }

    /// Returns how many worlds could not be compared.
    pub fn apart(&self) -> usize {
        self.apart.values().sum()
    }

    /// Explains each new difference in a paragraph.
    pub fn explain(&self) -> String {
        let paragraphs = self.new.iter().map(|(difference, (count, trial))| {
            let first = trial.as_ref().map_or_else(String::new, |trial| trial.explain(difference));
            format!("{count} × {difference}\n{first}")
        });
        paragraphs.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests;
