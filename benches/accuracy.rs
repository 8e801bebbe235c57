//! Measures forecasts against runs: estates drawn from seeds are forecast, and then run in the emulated world.
//!
//! Prints a table, what lies outside, and whether each bar holds; with `--assert` it fails if one does not. `--worlds N`
//! says how many estates are drawn, `--first N` the seed of the first.

#![expect(clippy::print_stdout, reason = "the table is what the program is for")]

#[expect(dead_code, reason = "tests use more of it")]
#[path = "../tests/suite/estate.rs"]
mod estate;
#[expect(dead_code, reason = "tests use more of it")]
#[path = "../tests/suite/lab/mod.rs"]
mod lab;
#[path = "../tests/suite/worlds.rs"]
mod worlds;

use std::process::ExitCode;

use worlds::Drawn;
use worlds::Trial;

/// Most machines of an estate.
const MOST: usize = 60;
/// Part of the runs that has to lie in the range that was foretold.
const CONTAINED: f64 = 0.95;
/// Most that the upper bound may be above the lower one where all data is copied.
const WIDTH: f64 = 1.2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |flag: &str, otherwise: u64| {
        let at = arguments.iter().position(|argument| argument == flag);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(otherwise)
    };
    let (first, count) = (number("--first", 1), number("--worlds", 200));
    let runs: Vec<(Drawn, Trial)> = (first..first + count)
        .map(|seed| {
            let drawn = worlds::draw(seed, MOST);
            let trial = drawn.trial();
            (drawn, trial)
        })
        .collect();
    let held = print(&runs);
    let asserts = arguments.iter().any(|argument| argument == "--assert");
    if held || !asserts { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

type Runs<'r> = Vec<&'r (Drawn, Trial)>;

/// Prints everything, and returns whether every bar holds.
fn print(runs: &[(Drawn, Trial)]) -> bool {
    let (good, bad): (Runs<'_>, Runs<'_>) = runs.iter().partition(|(_, trial)| trial.failure.is_none());
    println!("{} estates were drawn, and {} of their runs succeeded. The others:", runs.len(), good.len());
    for (drawn, trial) in &bad {
        let failure = trial.failure.as_deref().unwrap_or_default();
        println!(
            "  {:>5}  {}: {failure}; deadline foretold as {:?}",
            drawn.seed, drawn.words, trial.deadline
        );
    }
    let surprises: Runs<'_> = runs.iter().filter(|(_, trial)| trial.is_surprise()).collect();
    if !surprises.is_empty() {
        println!("\nOf all runs, these ended otherwise than was foretold:");
        list(&surprises);
    }

    println!("\n{:<73}upper bound / lower bound", "");
    println!(
        "{:<40}{:>6}{:>8}{:>7}{:>8}{:>8}{:>8}{:>8}{:>8}",
        "estates", "runs", "inside", "share", "place", "median", "9 of 10", "most", "<= 1.2"
    );
    let is_alternate = |drawn: &Drawn| drawn.all_alternate;
    for (name, classic, app_consistent) in [
        ("classic, latest", true, false),
        ("classic, app_consistent", true, true),
        ("modernized, crash_consistent", false, false),
        ("modernized, app_consistent", false, true),
    ] {
        let of = |alternate: bool| -> Runs<'_> {
            let is = |drawn: &Drawn| {
                let estate = &drawn.estate;
                (estate.classic, estate.recovery_point == "app_consistent") == (classic, app_consistent)
                    && is_alternate(drawn) == alternate
            };
            good.iter().copied().filter(|(drawn, _)| is(drawn)).collect()
        };
        row(&format!("{name}: all copied"), &of(true));
        row(&format!("{name}: others"), &of(false));
    }
    let copied: Runs<'_> = good.iter().copied().filter(|(drawn, _)| is_alternate(drawn)).collect();
    row("all copied", &copied);
    row("all", &good);

    let outside: Runs<'_> = good.iter().copied().filter(|(_, trial)| !trial.is_inside()).collect();
    println!("\nOutside of their range:");
    list(&outside);
    let wide: Runs<'_> = copied.iter().copied().filter(|(_, trial)| trial.ratio() > WIDTH).collect();
    println!("\nAll copied, and wider than {WIDTH}:");
    list(&wide);

    println!("\n{:<48}{:>12}{:>12}", "bar", "measured", "asked");
    let contained = share(good.len() - outside.len(), good.len());
    let narrow = share(copied.len() - wide.len(), copied.len());
    let bars = [
        ("runs that ended as was foretold", 1.0 - share(surprises.len(), runs.len()), 1.0),
        ("runs inside of their range", contained, CONTAINED),
        ("all copied, at most 1.2 wide", narrow, 1.0),
    ];
    for (what, measured, asked) in bars {
        let word = if measured >= asked { "holds" } else { "MISSED" };
        println!("{what:<48}{measured:>12.3}{asked:>12.2}  {word}");
    }
    bars.iter().all(|(_, measured, asked)| measured >= asked)
}

#[expect(clippy::cast_precision_loss, reason = "few runs are made")]
fn share(part: usize, of: usize) -> f64 {
    part as f64 / of.max(1) as f64
}

fn row(name: &str, runs: &Runs<'_>) {
    let inside = runs.iter().filter(|(_, trial)| trial.is_inside()).count();
    let mut ratios: Vec<f64> = runs.iter().map(|(_, trial)| trial.ratio()).collect();
    ratios.sort_by(f64::total_cmp);
    let at = |tenths: usize| ratios.get(ratios.len() * tenths / 10).or(ratios.last()).copied().unwrap_or(0.0);
    let narrow = ratios.iter().filter(|ratio| **ratio <= WIDTH).count();
    println!(
        "{name:<40}{:>6}{inside:>8}{:>7.3}{:>8.2}{:>8.3}{:>8.3}{:>8.3}{narrow:>8}",
        runs.len(),
        share(inside, runs.len()),
        mean_place(runs),
        at(5),
        at(9),
        at(10),
    );
}

/// Returns where in their ranges runs end, on average: 0 at the lower bound, 1 at the upper one.
fn mean_place(runs: &Runs<'_>) -> f64 {
    let place = |trial: &Trial| (trial.took - trial.low) / (trial.high - trial.low).max(1.0);
    #[expect(clippy::cast_precision_loss, reason = "few runs are made")]
    let count = runs.len().max(1) as f64;
    runs.iter().map(|(_, trial)| place(trial)).sum::<f64>() / count
}

fn list(runs: &Runs<'_>) {
    for (drawn, trial) in runs {
        println!(
            "  {:>5}  {}: {:.0} to {:.0} s ({:.3}), took {:.0} s; {}",
            drawn.seed,
            drawn.words,
            trial.low,
            trial.high,
            trial.ratio(),
            trial.took,
            trial.binding
        );
    }
}
