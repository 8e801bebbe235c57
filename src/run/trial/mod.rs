//! Many virtual runs of one plan, each with something else that goes wrong: what it costs, and whether the laws of runs hold.

mod attempt;
mod chosen;
pub mod fault;
pub mod law;
mod shrink;
mod tally;
mod way;

pub use attempt::Failure;
pub use attempt::Subject;
pub use attempt::Trial;
pub use chosen::Chosen;
pub use chosen::choose;
pub use shrink::Smallest;
pub use shrink::smallest;
pub use tally::Broke;
pub use tally::Durations;
pub use tally::FaultCost;
pub use tally::Left;
pub use tally::Tally;
pub use way::Way;

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

/// Runs every choice, over as many threads as the machine has; the results are in the order of the choices, and the same
/// whatever the number of threads. `told` is called after each.
#[must_use]
pub fn run_all(subject: &Subject, choices: &[Chosen], told: &(dyn Fn() + Sync)) -> Vec<Trial> {
    let threads =
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(choices.len().max(1));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut trials = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(choice) = choices.get(at) else { return trials };
            trials.push((at, subject.attempt_safely(&choice.scenario)));
            told();
        }
    };
    let mut trials: Vec<(usize, Trial)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let trials = threads.into_iter().flat_map(|thread| match thread.join() {
            Ok(trials) => trials,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        trials.collect()
    });
    trials.sort_by_key(|(at, _)| *at);
    trials.into_iter().map(|(_, trial)| trial).collect()
}
