//! Which runs are tried: some in which nothing goes wrong, then faults alone, then faults in pairs.

use crate::provider::emulator::Scenario;
use crate::provider::emulator::scenario::Fault;
use crate::source::Spanned;

/// Of so many runs, one is tried in which nothing goes wrong.
const HEALTHY: usize = 10;

/// A run to try.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// What goes wrong, and the seed of everything that varies.
    pub scenario: Scenario,
}

impl Chosen {
    /// Returns the faults.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        self.scenario.faults.as_deref().unwrap_or_default()
    }
}

/// Chooses `runs` runs from a seed: a tenth of them without faults, each with a seed of its own; the others with that seed and
/// each of `faults` alone, or as many as there is room for, and then with pairs that are drawn.
///
/// The same arguments choose the same runs. The first of them is the one that the others with its seed are compared with.
#[must_use]
pub fn choose(base: &Scenario, faults: &[Fault], runs: usize, seed: u64) -> Vec<Chosen> {
    let scenario = |name: String, seed: u64, faults: Vec<Fault>| {
        let faults = (!faults.is_empty()).then_some(faults);
        Chosen { scenario: Scenario { name: Spanned::bare(name), faults, ..base.clone() }.with_seed(seed) }
    };
    let healthy = if faults.is_empty() { runs } else { runs.div_ceil(HEALTHY) };
    let others = runs - healthy;
    let mut chosen: Vec<Chosen> = (0..healthy)
        .map(|at| scenario("nothing-goes-wrong".into(), seed.wrapping_add(at as u64), Vec::new()))
        .collect();
    let mut draw = fastrand::Rng::with_seed(seed);
    // Where there is no room for all, each kind of fault comes up as often as the others.
    let alone = if faults.len() < others { faults.len() } else { others.min(others * 2 / 3 + 1) };
    for (at, fault) in spread(faults, alone, &mut draw).into_iter().enumerate() {
        chosen.push(scenario(format!("fault-{}", at + 1), seed, vec![fault.clone()]));
    }
    let mut pair = 0;
    while chosen.len() < runs {
        pair += 1;
        let (first, second) = (&faults[draw.usize(..faults.len())], &faults[draw.usize(..faults.len())]);
        let both = if first == second { vec![first.clone()] } else { vec![first.clone(), second.clone()] };
        chosen.push(scenario(format!("pair-{pair}"), seed, both));
    }
    chosen
}

/// Draws `count` of the faults, each kind in turn.
fn spread<'f>(faults: &'f [Fault], count: usize, draw: &mut fastrand::Rng) -> Vec<&'f Fault> {
    if count >= faults.len() {
        return faults.iter().collect();
    }
    let mut kinds: Vec<Vec<&Fault>> = Vec::new();
    for fault in faults {
        match kinds.iter_mut().find(|kind| *kind[0].kind == *fault.kind) {
            Some(kind) => kind.push(fault),
            None => kinds.push(vec![fault]),
        }
    }
    for kind in &mut kinds {
        draw.shuffle(kind);
    }
    let mut drawn = Vec::with_capacity(count);
    while drawn.len() < count {
        for kind in &mut kinds {
            drawn.extend(kind.pop());
        }
    }
    drawn.truncate(count);
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::trial::fault;

    fn faults(count: usize) -> Vec<Fault> {
        (0..count)
            .map(|at| {
                let kind = fault::KINDS[at % fault::KINDS.len()];
                let text = format!("w{at}");
                fault::tests_only(kind, text)
            })
            .collect()
    }

    #[test]
    fn the_same_seed_chooses_the_same_runs() {
        let base = Scenario::default();
        assert_eq!(choose(&base, &faults(40), 100, 7), choose(&base, &faults(40), 100, 7));
        assert_ne!(choose(&base, &faults(40), 100, 7), choose(&base, &faults(40), 100, 8));
    }

    #[test]
    fn each_fault_is_tried_alone_where_there_is_room() {
        let all = faults(40);
        let chosen = choose(&Scenario::default(), &all, 100, 7);
        assert_eq!(chosen.len(), 100);
        assert!(all.iter().all(|fault| chosen.iter().any(|chosen| chosen.faults() == [fault.clone()])));
        assert_eq!(chosen.iter().filter(|chosen| chosen.faults().is_empty()).count(), 10);
        assert!(chosen.iter().any(|chosen| chosen.faults().len() == 2));
    }

    #[test]
    fn every_kind_of_fault_comes_up_where_there_is_no_room_for_all() {
        let chosen = choose(&Scenario::default(), &faults(500), 60, 7);
        assert_eq!(chosen.len(), 60);
        for kind in fault::KINDS {
            assert!(
                chosen.iter().any(|chosen| chosen.faults().iter().any(|fault| *fault.kind == kind)),
                "{kind}"
            );
        }
    }
}
