//! Compares the rules with the emulated service on many drawn worlds, and measures how many a second.
//!
//! `--worlds N` says how many are drawn, `--first SEED` the seed of the first. It fails if both readings disagree in a way that
//! is not known, and prints the smallest world that shows it.

#![expect(clippy::print_stdout, reason = "the table is what the program is for")]

#[expect(dead_code, unused_imports, reason = "tests use more of it")]
#[path = "../tests/suite/two_readings/mod.rs"]
mod two_readings;

use std::process::ExitCode;
use std::time::Instant;

use two_readings::Summary;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |flag: &str, otherwise: u64| {
        let at = arguments.iter().position(|argument| argument == flag);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(otherwise)
    };
    let (first, worlds) = (number("--first", 0), number("--worlds", 10_000));
    #[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
    let began = Instant::now();
    let mut summary = Summary::of(two_readings::fixtures());
    summary.join(Summary::of_seeds(first, worlds));
    let took = began.elapsed().as_secs_f64();
    print(&summary, worlds, took);
    if summary.new.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[expect(clippy::cast_precision_loss, reason = "worlds are fewer than 2^52")]
fn print(summary: &Summary, worlds: u64, took: f64) {
    println!(
        "{worlds} drawn worlds and those of the fixtures in {took:.1} s: {:.0} a second",
        worlds as f64 / took
    );
    println!("{} agree, {} can't be compared:", summary.agree, summary.apart());
    for (reason, count) in &summary.apart {
        println!("  {count:>7}  {reason}");
    }
    println!("rules that state why something failed:");
    for (rule, count) in &summary.enforced {
        println!("  {count:>7}  {rule}");
    }
    println!("known differences:");
    for (difference, count) in &summary.known {
        println!("  {count:>7}  {difference}");
    }
    println!("new differences:\n{}", summary.explain());
}
