//! Measures speed and memory of checking, compiling and running plans of many machines, against reading their text.
//!
//! Prints a table, and whether each bar holds; with `--assert` it fails if one does not. `--quick` leaves out what takes long.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the table is what the program is for")]

mod estate;
mod measure;
mod plain;

use std::path::Path;
use std::process::Command;
use std::process::ExitCode;

/// Times that each thing is measured; the fastest counts.
const TIMES: usize = 3;

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
    if let [flag, machines, folder] = arguments.as_slice()
        && flag == "--write"
    {
        let estate = estate::of(machines.parse().expect("a number"));
        std::fs::write(Path::new(folder).join("plan.yaml"), &estate.plan).expect("room on the disk");
        std::fs::write(Path::new(folder).join("inventory.yaml"), &estate.inventory)
            .expect("room on the disk");
        return ExitCode::SUCCESS;
    }
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let held = Bench { quick: has("--quick"), bars: Vec::new() }.run();
    if held || !has("--assert") { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The documents of an estate on disk.
struct Documents {
    folder: tempfile::TempDir,
    machines: usize,
    /// Size of both texts.
    megabytes: f64,
}

impl Documents {
    fn of(machines: usize) -> Self {
        let estate = estate::of(machines);
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("plan.yaml"), &estate.plan).expect("room on the disk");
        std::fs::write(folder.path().join("inventory.yaml"), &estate.inventory).expect("room on the disk");
        #[expect(clippy::cast_precision_loss, reason = "texts are smaller than 4 GiB")]
        let megabytes = (estate.plan.len() + estate.inventory.len()) as f64 / 1e6;
        Self { folder, machines, megabytes }
    }

    /// Measures one thing in processes of its own; the fastest counts.
    fn measure(&self, what: &str, times: usize) -> Measured {
        let program = std::env::current_exe().expect("the bench itself");
        let mut fastest: Option<Measured> = None;
        for _ in 0..times {
            let output = Command::new(&program)
                .args(["--measure", what])
                .arg(self.folder.path())
                .output()
                .expect("the bench itself can be run");
            if !output.status.success() {
                eprintln!("{}", String::from_utf8_lossy(&output.stderr));
                panic!("{what} of {} machines did not come to its end", self.machines);
            }
            let text = String::from_utf8(output.stdout).expect("figures are text");
            let figures = text.lines().filter_map(|line| line.split_once(' '));
            let figures =
                figures.map(|(name, value)| (name.to_owned(), value.parse().expect("a number"))).collect();
            let measured = Measured { figures };
            if fastest.as_ref().is_none_or(|fastest| measured.get("cpu") < fastest.get("cpu")) {
                fastest = Some(measured);
            }
        }
        let measured = fastest.expect("measured at least once");
        let (cpu, peak) = (measured.get("cpu"), measured.get("peak"));
        let rest: Vec<String> =
            measured
                .figures
                .iter()
                .filter(|(name, _)| !matches!(name.as_str(), "cpu" | "peak"))
                .map(|(name, value)| {
                    if value.fract() == 0.0 {
                        format!("{name} {value}")
                    } else {
                        format!("{name} {value:.3}")
                    }
                })
                .collect();
        println!(
            "{what:<12}{:>9}{:>9.1}{cpu:>9.3}{:>9.1}{peak:>9.0}{:>8.1}  {}",
            self.machines,
            self.megabytes,
            self.megabytes / cpu,
            peak / self.megabytes,
            rest.join(", ")
        );
        measured
    }
}

struct Measured {
    figures: Vec<(String, f64)>,
}

impl Measured {
    fn get(&self, name: &str) -> f64 {
        self.figures.iter().find(|(known, _)| known == name).expect("it was measured").1
    }
}

struct Bench {
    /// Leaves out what takes long.
    quick: bool,
    bars: Vec<(String, f64, f64, bool)>,
}

impl Bench {
    /// Returns whether every bar holds.
    fn run(mut self) -> bool {
        println!(
            "{:<12}{:>9}{:>9}{:>9}{:>9}{:>9}{:>8}  of which",
            "what", "machines", "text MB", "CPU s", "MB/s", "peak MB", "× text"
        );
        let (five, ten) = (Documents::of(5_000), Documents::of(10_000));
        let (typed, events) = (ten.measure("serde_yaml", TIMES), ten.measure("events", TIMES));
        let check = ten.measure("check", TIMES);
        self.at_most("check, CPU against serde_yaml", check.get("cpu") / typed.get("cpu"), 2.0);
        self.at_most("check, CPU against the parser's events", check.get("cpu") / events.get("cpu"), 2.5);
        self.at_most("check, peak memory against the text", check.get("peak") / ten.megabytes, 12.0);
        self.at_most("check, peak memory against serde_yaml", check.get("peak") / typed.get("peak"), 1.0);
        if !self.quick {
            let hundred = Documents::of(100_000);
            let (plain, all) = (hundred.measure("serde_yaml", 2), hundred.measure("check", 2));
            self.at_most("check of 100,000 against 10,000, CPU", all.get("cpu") / check.get("cpu"), 12.0);
            self.at_most("check of 100,000, CPU against serde_yaml", all.get("cpu") / plain.get("cpu"), 2.0);
            self.at_most(
                "check of 100,000, memory against serde_yaml",
                all.get("peak") / plain.get("peak"),
                1.0,
            );
        }
        let (half, whole) = (five.measure("compile", TIMES), ten.measure("compile", TIMES));
        // Twice the machines leave the cache: somewhat more than twice the time; four times would be quadratic.
        self.at_most("compile of 10,000 against 5,000, CPU", whole.get("compile") / half.get("compile"), 3.0);
        self.at_most(
            "forecast of 10,000 against 5,000, CPU",
            whole.get("forecast") / half.get("forecast"),
            2.4,
        );
        self.at_most("compile and forecast, CPU against check", whole.get("cpu") / check.get("cpu"), 1.0);
        let two = Documents::of(2_000);
        let per_second = |run: &Measured| run.get("steps") / run.get("cpu");
        let simulated = two.measure("simulate", TIMES);
        self.at_least("simulation of 2,000, steps a second", per_second(&simulated), 200_000.0);
        let simulated = ten.measure("simulate", TIMES);
        self.at_least("simulation of 10,000, steps a second", per_second(&simulated), 200_000.0);
        // The driver of real runs has no bar of its own: it is bound by the services that it asks.
        two.measure("run", 1);
        if !self.quick {
            ten.measure("run", 1);
        }
        println!("\n{:<48}{:>12}{:>12}", "bar", "measured", "asked");
        for (what, measured, asked, holds) in &self.bars {
            println!("{what:<48}{measured:>12.2}{asked:>12.2}  {}", if *holds { "holds" } else { "MISSED" });
        }
        self.bars.iter().all(|bar| bar.3)
    }

    fn at_most(&mut self, what: &str, measured: f64, asked: f64) {
        self.bars.push((what.to_owned(), measured, asked, measured <= asked));
    }

    fn at_least(&mut self, what: &str, measured: f64, asked: f64) {
        self.bars.push((what.to_owned(), measured, asked, measured >= asked));
    }
}
