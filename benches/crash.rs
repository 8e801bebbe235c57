//! Lets the runs of the examples die at each of their cuts, and others go on: all of it, where the tests take a part.
//!
//! `cargo bench --bench crash -- [PLAN [EVERY]]` tries all cuts of a plan, or one in so many. It fails if any run does not end as if nothing had been cut.

#![expect(clippy::print_stdout, reason = "the counts are what the program is for")]

#[path = "../tests/suite/crash"]
mod crash {
    pub mod everywhere;
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
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
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
