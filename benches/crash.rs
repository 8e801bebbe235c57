//! Lets the runs of the examples die at each of their cuts, and others go on: all of it, where the tests take a part.
//!
//! `cargo bench --bench crash -- [PLAN [EVERY]]` tries all cuts of a plan, or one in so many; `-- faults [PLAN [FAULTS [CUTS]]]` a sample of
//! the cuts of runs that meet a fault, of so many faults of each kind. It fails if any run does not end as if nothing had been cut.

#![expect(clippy::print_stdout, reason = "the counts are what the program is for")]

#[path = "../tests/suite/crash"]
mod crash {
    pub mod everywhere;
    pub mod faults;
    mod fork;
}
#[expect(dead_code, reason = "tests use more of it")]
#[path = "../tests/suite/estate.rs"]
mod estate;
#[expect(dead_code, reason = "tests use more of it")]
#[path = "../tests/suite/lab/mod.rs"]
mod lab;

use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).peekable();
    if arguments.next_if(|argument| argument == "faults").is_some() {
        return faults(arguments.collect());
    }
    let only = arguments.next();
    let every = arguments.next().and_then(|every| every.parse().ok()).unwrap_or(1);
    let mut well = true;
    for plan in ["branch-office", "enterprise"] {
        if only.as_ref().is_some_and(|only| only != plan) {
            continue;
        }
        #[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
        let began = Instant::now();
        let tried = crash::everywhere::try_cuts(&lab::example(plan), every);
        let took = began.elapsed().as_secs_f64();
        let count: usize = tried.tried.values().sum();
        println!("{plan}: {count} of {} cuts tried in {took:.1} s: {:?}", tried.cuts, tried.tried);
        println!("{plan}: {} did not end as the run that was not cut", tried.wrong.len());
        for wrong in tried.wrong.iter().take(3) {
            println!("{wrong}\n");
        }
        well &= tried.wrong.is_empty();
    }
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Lets runs that meet a fault die at some of their cuts.
fn faults(arguments: Vec<String>) -> ExitCode {
    let number = |at: usize, usual| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let mut well = true;
    for plan in ["branch-office", "enterprise"] {
        if arguments.first().is_some_and(|only| only != plan) {
            continue;
        }
        #[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
        let began = Instant::now();
        let faulted = crash::faults::try_faults(&mut lab::example(plan), number(1, 3), number(2, 30));
        let took = began.elapsed().as_secs_f64();
        let cuts: usize = faulted.iter().map(|of| of.tried.tried.values().sum::<usize>()).sum();
        let wrong: usize = faulted.iter().map(|of| of.tried.wrong.len()).sum();
        let failed = faulted.iter().filter(|of| of.uncut.failed()).count();
        println!(
            "{plan}: {cuts} cuts of {} runs with a fault tried in {took:.1} s, {failed} of which the fault ends",
            faulted.len()
        );
        println!(
            "{plan}: {wrong} did not end as the run that met the fault and was not cut, nor as one that met none"
        );
        for of in &faulted {
            for wrong in of.tried.wrong.iter().take(1) {
                println!("{}: {wrong}\n", of.fault);
            }
        }
        well &= wrong == 0;
    }
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
