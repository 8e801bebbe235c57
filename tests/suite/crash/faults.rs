//! Runs in which something goes wrong are cut, too: a sample of each kind of fault, each at a sample of its cuts.

use failback::provider::emulator::Scenario;
use failback::provider::emulator::scenario::Fault;
use failback::run::trial::Subject;
use failback::run::trial::fault;
use jiff::SignedDuration;

use crate::crash::everywhere::Ended;
use crate::crash::everywhere::Tried;
use crate::crash::everywhere::Which;
use crate::crash::everywhere::try_cuts_of;
use crate::lab::World;

/// What was tried with one fault.
pub struct Faulted {
    /// The fault, as a scenario writes it.
    pub fault: String,
    /// Its cuts.
    pub tried: Tried,
    /// How the run ended that met the fault and was not cut.
    pub uncut: Ended,
}

/// Runs a world with `faults` of each kind, and lets the process die at about `cuts` cuts of each of these runs.
///
/// A run that was cut has to end as the one that met the fault and was not cut, or as the one that met no fault: whoever asks again
/// meets once what befell the first call. One that lay dead for a time meets what begins at a moment of the clock elsewhere: it has to
/// end, and may end otherwise. In all of them nothing is begun twice, no order is violated, and no machine is left on both sides or on
/// neither without a word.
pub fn try_faults(world: &mut World, faults: usize, cuts: usize) -> Vec<Faulted> {
    let subject = Subject {
        graph: world.graph.clone(),
        start: world.start,
        options: world.options,
        people: SignedDuration::ZERO,
    };
    let every_fault = fault::everywhere(&subject, &Scenario::default()).expect("a healthy run goes on");
    let (healthy, as_healthy) =
        try_cuts_of(world, Which { every: usize::MAX, first: 1, by_clock: false }, &[]);
    let every = (healthy.cuts / cuts).max(1);
    let chosen = fault::KINDS.iter().flat_map(|kind| {
        let of_kind: Vec<&Fault> = every_fault.iter().filter(|fault| *fault.kind == *kind).collect();
        let count = faults.min(of_kind.len());
        (0..count).map(move |at| of_kind[at * of_kind.len() / count].clone()).collect::<Vec<_>>()
    });
    let chosen: Vec<Fault> = chosen.collect();
    let tried = chosen.into_iter().enumerate().map(|(at, fault)| {
        let words = fault::in_words(&fault);
        let by_clock = fault.at.is_some();
        let scenario = Scenario { faults: Some(vec![fault]), ..Scenario::default() };
        let breaches = subject.attempt(&scenario).breaches;
        assert!(breaches.is_empty(), "{words}: {breaches:#?}");
        world.scenario = scenario;
        // Each fault is cut elsewhere.
        let which = Which { every, first: at * 7, by_clock };
        let (tried, uncut) = try_cuts_of(world, which, std::slice::from_ref(&as_healthy));
        Faulted { fault: words, tried, uncut }
    });
    tried.collect()
}
