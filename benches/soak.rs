//! A soak: ten thousand machines, faults drawn at random, on the virtual clock. Memory grows with the machines, and with nothing else.
//!
//! Each measure is taken in a process of its own, because a peak of memory never goes down. It fails if a ratio is missed.

#![expect(clippy::print_stdout, reason = "the table is what the program is for")]

#[path = "scale/estate.rs"]
mod estate;

use std::process::Command;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use failback::event::Journal;
use failback::event::JournalError;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::event::RunState;
use failback::forecast;
use failback::graph;
use failback::id::RunId;
use failback::model;
use failback::provider::emulator::Scenario;
use failback::provider::emulator::World;
use failback::rules;
use failback::rules::Options;
use failback::rules::OriginFilter;
use failback::run::Recorder;
use failback::run::SetClock;
use failback::run::Simulation;
use failback::source::Sources;
use failback::syntax;
use failback::syntax::Document;
use jiff::Timestamp;

/// Counts the events and keeps none.
#[derive(Default)]
struct Counts(u64);

impl Journal for Counts {
    fn append(&mut self, _: &RunEvent) -> Result<(), JournalError> {
        self.0 += 1;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), JournalError> {
        Ok(())
    }

    fn keeps(&self) -> bool {
        false
    }
}

/// What one process measured.
#[derive(Clone, Copy)]
struct Figures {
    events: f64,
    seconds: f64,
    peak: f64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, size, times, ..] = arguments.as_slice()
        && let (Ok(size), Ok(times)) = (size.parse(), times.parse())
    {
        let Figures { events, seconds, peak } = soak(size, times);
        println!("{events} {seconds} {peak}");
        return ExitCode::SUCCESS;
    }
    let small = measure(1_000, 1);
    let large = measure(10_000, 1);
    let busy = measure(10_000, 4);
    println!("{:<44} {:>9} {:>9} {:>9}", "", "events", "seconds", "MiB");
    for (what, figures) in [
        ("1,000 machines, each call fails once", small),
        ("10,000 machines, each call fails once", large),
        ("10,000 machines, each call fails four times", busy),
    ] {
        println!("{what:<44} {:>9} {:>9.1} {:>9.1}", figures.events, figures.seconds, figures.peak);
    }
    let mut holds = true;
    for (what, ratio, most) in [
        ("seconds of 10,000 against 1,000", large.seconds / small.seconds, 15.0),
        ("memory of 10,000 against 1,000", large.peak / small.peak, 11.0),
        ("memory of many events against few", busy.peak / large.peak, 1.1),
    ] {
        let verdict = if ratio <= most { "holds" } else { "MISSED" };
        println!("{what:<44} {ratio:>9.2} {most:>9.2}  {verdict}");
        holds &= ratio <= most;
    }
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn measure(size: usize, times: u32) -> Figures {
    let program = std::env::current_exe().expect("it runs");
    let out = Command::new(program).args([size.to_string(), times.to_string()]).output().expect("it runs");
    let said = String::from_utf8_lossy(&out.stdout);
    let figures: Vec<f64> = said.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
    let [events, seconds, peak] = figures[..] else {
        panic!("{said}{}", String::from_utf8_lossy(&out.stderr));
    };
    Figures { events, seconds, peak }
}

/// Faults that hit every machine's calls `times` times, outages that are drawn, and a line that is slow for a while.
fn scenario(times: u32) -> Scenario {
    let mut draw = fastrand::Rng::with_seed(10_000);
    let mut faults = String::new();
    for phase in ["reprotect", "failover", "commit", "forward"] {
        let kind = ["busy", "no_answer_before"][draw.usize(0..2)];
        faults.push_str(&format!("  - {{kind: {kind}, phase: {phase}, times: {times}}}\n"));
    }
    for _ in 0..12 {
        let (kind, at) = (["busy", "no_answer_before"][draw.usize(0..2)], draw.u32(1..600));
        faults.push_str(&format!("  - {{kind: {kind}, at: {{after: {at}m}}, for: {}m}}\n", draw.u32(1..6)));
    }
    for _ in 0..3 {
        let at = draw.u32(1..300);
        faults.push_str(&format!("  - {{kind: vcenter_disconnects, at: {{after: {at}m}}, for: 9m}}\n"));
    }
    faults.push_str("  - {kind: link_slow, at: {after: 2h}, for: 1h, factor: 0.5}\n");
    let text = format!("kind: Scenario\nversion: 1\nname: soak\nseed: 7\nfaults:\n{faults}");
    let mut sources = Sources::new();
    let index = sources.add("soak", text).expect("small");
    let mut diagnostics = Vec::new();
    let scenario = Scenario::parse(sources.get(index), &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    scenario.expect("it has no mistakes")
}

fn soak(size: usize, times: u32) -> Figures {
    let start: Timestamp = "2026-11-01T00:00:00Z".parse().expect("a time");
    let options = Options { origin: OriginFilter::All, strict: false, now: start };
    let graph = {
        let texts = estate::of(size);
        let mut sources = Sources::new();
        let (mut plan, mut inventory) = (None, None);
        for (name, text) in [("plan", texts.plan), ("inventory", texts.inventory)] {
            let index = sources.add(name, text).expect("it fits");
            for document in syntax::parse(sources.get(index), &mut Vec::new()) {
                match document {
                    Document::Plan(document) => plan = Some(*document),
                    Document::Inventory(document) => inventory = Some(*document),
                    Document::Policy(_) | Document::Settings(_) => {}
                }
            }
        }
        let model = model::resolve(plan.expect("a plan"), inventory.expect("an inventory"));
        let checked = rules::check(model, &options).checked.expect("no rule refuses it");
        Arc::new(forecast::ranked(graph::compile(&checked)))
    };
    let planned = graph.model();
    let world = World::new(planned.inventory.clone(), scenario(times), start);
    let model = model::resolve(planned.plan.clone(), planned.inventory.clone());
    let clock = Arc::new(SetClock::new(start));
    let mut journal = Counts::default();
    let state = RunState::new(Arc::clone(&graph));
    let mut recorder = Recorder::new(RunId::new("soak"), clock.clone(), &mut journal, Vec::new(), state);
    recorder.record(started()).expect("the first event is lawful");
    #[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
    let began = Instant::now();
    let end = Simulation::new(recorder, model, world, clock, options).run().expect("nothing is kept");
    let seconds = began.elapsed().as_secs_f64();
    assert!(matches!(end, failback::run::End::Finished(_)), "{end:?}");
    #[expect(clippy::cast_precision_loss, reason = "a count of events is small")]
    let events = journal.0 as f64;
    Figures { events, seconds, peak: peak() }
}

fn started() -> RunEventKind {
    RunEventKind::RunStarted {
        plan: "soak".into(),
        plan_digest: String::new(),
        facts_digest: String::new(),
        provider: "emulator".into(),
        program: "bench".into(),
        machines: 0,
        steps: 0,
        simulated_actions: true,
        author: None,
        ordered_by: None,
        people: Vec::new(),
    }
}

/// Returns the most memory that this process had, in MiB.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kibibytes.map_or(f64::NAN, |kibibytes| kibibytes / 1024.0)
}
