//! What a program costs: CPU time of all its threads, time on the wall, and the most memory that it had.

use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

/// Ticks of the system's clock a second: Linux shows times of processes in these.
const TICKS: f64 = 100.0;

/// What a program cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// CPU seconds, all threads.
    pub cpu: f64,
    /// Seconds on the wall.
    pub wall: f64,
    /// Most memory, in MB.
    pub peak: f64,
}

/// CPU seconds above which a program is not measured again: what else the machine does weighs little then.
const LONG: f64 = 5.0;

/// Runs a program to its end, several times unless it takes long; the fastest counts. What it says is thrown away.
pub fn run(times: usize, make: impl Fn() -> Command) -> Option<Cost> {
    let mut fastest: Option<Cost> = None;
    for _ in 0..times {
        let before = ended_children();
        let began = Instant::now();
        let mut child =
            make().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        let mut peak = 0.0_f64;
        let status = loop {
            peak = peak.max(most_memory(child.id()));
            match child.try_wait().ok()? {
                Some(status) => break status,
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        let wall = began.elapsed().as_secs_f64();
        // Linters end with another code when they find something; 2 and more mean that nothing was looked at.
        status.code().filter(|code| (0..=1).contains(code) || (10..=14).contains(code))?;
        let cost = Cost { cpu: ended_children() - before, wall, peak };
        if fastest.is_none_or(|fastest| cost.cpu < fastest.cpu) {
            fastest = Some(cost);
        }
        if cost.cpu > LONG {
            break;
        }
    }
    fastest
}

/// Returns whether a program is installed.
pub fn is_there(program: &Path) -> bool {
    program.is_file()
}

/// Returns the CPU seconds of a process that lives, all threads.
pub fn cpu_of(child: &Child) -> f64 {
    times(&format!("/proc/{}/stat", child.id()), 11)
}

/// Returns the CPU seconds of all processes that were waited for.
fn ended_children() -> f64 {
    times("/proc/self/stat", 13)
}

/// Returns the sum of two times that stand beside each other; fields are counted after the program's name.
fn times(file: &str, first: usize) -> f64 {
    let text = std::fs::read_to_string(file).expect("Linux tells it");
    let (_, fields) = text.rsplit_once(')').expect("the name is in brackets");
    let ticks: f64 = fields
        .split_whitespace()
        .skip(first)
        .take(2)
        .map(|ticks| ticks.parse::<f64>().expect("a number"))
        .sum();
    ticks / TICKS
}

/// Returns the most memory that a process has had, in MB; nothing if it has ended.
pub fn most_memory(id: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kibibytes.unwrap_or(0.0) * 1024.0 / 1e6
}
