//! Measures the journal against SQLite alone: the same bytes into the same tables, and the same rows read, decoded and checked.
//!
//! Prints a table, and whether each bar holds; with `--assert` it fails if one does not. `--quick` takes a run of a tenth of the
//! events.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the table is what the program is for")]
#![expect(clippy::disallowed_methods, reason = "time is what is measured")]

#[path = "../scale/estate.rs"]
mod estate;
mod measure;
mod sample;

use std::path::Path;
use std::process::Command;
use std::process::ExitCode;

/// Rounds in which things that are compared are measured side by side; the fastest of each counts.
const ROUNDS: usize = 3;
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, what, folder] = arguments.as_slice()
        && flag == "--measure"
    {
        for (name, value) in measure::measure(what, Path::new(folder)) {
            println!("{name} {value}");
        }
        return ExitCode::SUCCESS;
    }
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let held = Bench { bars: Vec::new() }.run(has("--quick"));
    if held || !has("--assert") { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What one process measured, by name.
struct Figures(Vec<(String, f64)>);

impl Figures {
    fn get(&self, name: &str) -> f64 {
        self.0.iter().find(|(known, _)| known == name).expect("it was measured").1
    }
}

fn measured(what: &str, folder: &Path) -> Figures {
    let program = std::env::current_exe().expect("the bench itself");
    let output = Command::new(program)
        .args(["--measure", what])
        .arg(folder)
        .output()
        .expect("the bench itself can be run");
    if !output.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        panic!("{what} did not come to its end");
    }
    let text = String::from_utf8(output.stdout).expect("figures are text");
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    Figures(pairs.map(|(name, value)| (name.to_owned(), value.parse().expect("a number"))).collect())
}

/// Measures two things in turn, and returns the fastest of each by `figure`.
fn side_by_side(ours: &str, bare: &str, folder: &Path, figure: &str) -> (f64, f64) {
    let (mut best, mut other) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        best = best.min(shown(ours, folder).get(figure));
        other = other.min(shown(bare, folder).get(figure));
    }
    (best, other)
}

fn shown(what: &str, folder: &Path) -> Figures {
    let figures = measured(what, folder);
    let words: Vec<String> = figures.0.iter().map(|(name, value)| format!("{name} {value:.3}")).collect();
    println!("{what:<12}  {}", words.join(", "));
    figures
}

struct Bench {
    bars: Vec<(String, f64, f64)>,
}

impl Bench {
    /// Returns whether every bar holds.
    fn run(mut self, quick: bool) -> bool {
        let folder = tempfile::tempdir().expect("a folder");
        let small = folder.path().join("small");
        sample::write(2_000, &small);
        let ratio = |figures: &Figures, what: &str| figures.get(what) / figures.get(&format!("bare_{what}"));
        let groups = shown("groups", &small);
        self.at_most("events against a bare insert, CPU", ratio(&groups, "cpu_us"), 1.5);
        let steps = shown("steps", &small);
        self.at_most("one sync a step against a bare loop, CPU", ratio(&steps, "cpu_us"), 1.3);
        self.at_most("one sync a step against a bare loop, wall", ratio(&steps, "wall_us"), 1.3);
        let large = folder.path().join("large");
        sample::write(if quick { 2_000 } else { 26_000 }, &large);
        let written = shown("record", &large).get("events");
        println!("a run of {written} events");
        let (ours, bare) = side_by_side("resume", "read", &large, "cpu");
        self.at_most("resume against reading, decoding and checking, CPU", ours / bare, 1.5);
        self.first_call("first call after the journal is read, ms", &large);
        if !quick {
            let normal = folder.path().join("normal");
            sample::write(10_000, &normal);
            println!("a run of {} events", shown("record", &normal).get("events"));
            self.first_call("the same of 10,000 machines, ms", &normal);
        }
        println!();
        for (name, value, bar) in &self.bars {
            let verdict = if value <= bar { "holds" } else { "MISSED" };
            println!("{name:<56}{value:>9.2}{bar:>9.2} {verdict}");
        }
        self.bars.iter().all(|(_, value, bar)| value <= bar)
    }

    fn first_call(&mut self, name: &str, folder: &Path) {
        let next = (0..ROUNDS).map(|_| shown("resume", folder).get("next_ms"));
        self.at_most(name, next.fold(f64::INFINITY, f64::min), 100.0);
    }

    fn at_most(&mut self, name: &str, value: f64, bar: f64) {
        self.bars.push((name.into(), value, bar));
    }
}
