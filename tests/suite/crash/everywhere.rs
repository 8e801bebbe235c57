//! Every cut of a run is gone on from, and every time the run ends as if nothing had been cut.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc::Receiver;

use failback::clock::pace::Speed;
use failback::clock::pace::WorldPace;
use failback::event::Outcome;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::event::RunState;
use failback::event::StepStatus;
use failback::id::MachineName;
use failback::journal::MemoryJournal;
use failback::model::resolve;
use failback::provider::emulator::Emulator;
use failback::provider::emulator::World as EmulatedWorld;
use failback::run::Driver;
use failback::run::End;
use failback::run::Parts;
use failback::run::Recorder;
use failback::run::Site;
use failback::run::approver::AutoApprove;
use failback::run::hook::Simulated;
use failback::run::trial::law::Breach;
use failback::run::trial::law::Law;
use failback::run::trial::law::astray;
use failback::run::trial::law::breaches_of_site;
use failback::run::trial::law::side;
use failback::syntax::machine::State;
use jiff::SignedDuration;

use crate::crash::fork::Cut;
use crate::crash::fork::Fork;
use crate::crash::fork::Tape;
use crate::crash::fork::run;
use crate::lab::World;

/// How long a run lies dead before another process takes it over: the site goes on meanwhile.
const DEAD: [SignedDuration; 3] =
    [SignedDuration::ZERO, SignedDuration::from_mins(7), SignedDuration::from_hours(3)];

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    end: Result<End, String>,
    /// Whether each step is done.
    done: Vec<bool>,
    /// State of each machine, and whether it runs in Azure and on-premises.
    machines: Vec<(MachineName, State, bool, bool)>,
}

impl Ended {
    /// Returns whether not every step was done.
    pub const fn failed(&self) -> bool {
        !matches!(self.end, Ok(End::Finished(Outcome::Succeeded)))
    }

    fn new(end: Result<End, String>, state: &RunState, world: &EmulatedWorld) -> Self {
        let steps = (0..).zip(state.graph().steps());
        let done = steps.map(|(step, _)| state.step(step).status.is_good()).collect();
        let machines = world.machines().map(|is| (is.machine, is.state, is.runs_in_azure, is.runs_onprem));
        Self { end, done, machines: machines.collect() }
    }
}

/// What was tried, and what did not end well.
#[derive(Default)]
pub struct Tried {
    /// Cuts that there are.
    pub cuts: usize,
    /// Cuts that were gone on from, by their kind.
    pub tried: BTreeMap<Cut, usize>,
    /// Each cut that did not end well, and why.
    pub wrong: Vec<String>,
}

/// Runs a world, lets the process die at each `every`th of its cuts, and lets another process go on: each has to end as the run
/// that was not cut.
pub fn try_cuts(world: &World, every: usize) -> Tried {
    try_cuts_of(world, Which { every, first: 0, by_clock: false }, &[]).0
}

/// Which cuts are tried: each `every`th, from the `first` on.
#[derive(Clone, Copy, Debug)]
pub struct Which {
    pub every: usize,
    pub first: usize,
    /// Whether something goes wrong at a moment of the clock: a run that lost time by its death meets it elsewhere, and may end otherwise
    /// than the one that was not cut, by the same laws. To look for a request that was not sent takes time, too.
    pub by_clock: bool,
}

impl Which {
    pub const fn has(self, number: usize) -> bool {
        number % self.every == self.first % self.every
    }
}

/// Does the same, where a run may end in one of `others`, too; returns how the run ended that was not cut, as well.
pub fn try_cuts_of(world: &World, which: Which, others: &[Ended]) -> (Tried, Ended) {
    let (sender, forks) = std::sync::mpsc::sync_channel::<Fork>(4);
    let forks = Mutex::new(forks);
    let ends = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let (uncut, cuts) = std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(fork) = next(&forks) {
                    let ended = go_on(world, fork);
                    ends.lock().expect("no thread panics while it holds the list").push(ended);
                }
            });
        }
        let pace = Arc::new(WorldPace::new(world.start, Speed::Max));
        let site = EmulatedWorld::new(world.inventory.clone(), world.scenario.clone(), world.start);
        let emulator = Arc::new(Emulator::holding(site, pace.clone()));
        let state = RunState::new(Arc::clone(&world.graph));
        let mut tape = Tape::new(state.clone(), Arc::clone(&emulator), which, sender);
        let site = Arc::new(tape.clone());
        let recorder = |journal| Recorder::new(run(), pace.clone(), journal, Vec::new(), state);
        let end = drive(world, recorder(&mut tape), site, pace.clone(), world.started());
        let (state, breaches) = tape.ended();
        let site = emulator.fork();
        assert_eq!((breaches, breaches_of_site(&site)), (Vec::new(), Vec::new()), "the run that was not cut");
        (Ended::new(end, &state, &site), tape.cuts())
    });
    assert!(matches!(uncut.end, Ok(End::Finished(_))), "{:?}", uncut.end);
    let mut tried = Tried { cuts, ..Tried::default() };
    let mut ends = ends.into_inner().expect("no thread panics while it holds the list");
    ends.sort_by_key(|(number, ..)| *number);
    for (number, cut, loses_time, ended) in ends {
        let is_elsewhere = which.by_clock && loses_time;
        *tried.tried.entry(cut).or_default() += 1;
        let wrong = ended.and_then(|(context, ended)| match differences(&world.graph, &uncut, &ended) {
            Some(differences) if !is_elsewhere && !others.contains(&ended) => {
                Err(format!("{context}\n{differences}"))
            }
            Some(_) | None => Ok(()),
        });
        tried.wrong.extend(wrong.err().map(|wrong| format!("cut {number}: {wrong}")));
    }
    (tried, uncut)
}

/// Returns how long a run lies dead after a cut.
fn dead_at(number: usize) -> SignedDuration {
    DEAD[number / 3 % DEAD.len()]
}

fn next(forks: &Mutex<Receiver<Fork>>) -> Option<Fork> {
    forks.lock().expect("no thread panics while it waits").recv().ok()
}

/// Lets another process go on from a cut; returns where it was cut, whether that cost time, and how it ended, or what went wrong.
fn go_on(world: &World, fork: Fork) -> (usize, Cut, bool, Result<(String, Ended), String>) {
    let Fork { cut, number, state, mut order, world: site, last } = fork;
    let dead = dead_at(number);
    let is_intent = |event: &Arc<RunEvent>| matches!(event.kind, RunEventKind::IntentRecorded { .. });
    let loses_time = !dead.is_zero() || last.as_ref().is_some_and(is_intent);
    let context = format!("{cut:?} {}, dead for {dead:#}", last.map_or_else(String::new, |last| told(&last)));
    let at = site.now().max(state.last_at().unwrap_or(world.start));
    let at = at.saturating_add(dead).expect("in range");
    let pace = Arc::new(WorldPace::new(at, Speed::Max));
    let emulator = Arc::new(Emulator::holding(site, pace.clone()));
    let memory = MemoryJournal::default();
    let mut journal = memory.clone();
    let first =
        if state.seq() == 0 { world.started() } else { RunEventKind::Resumed { program: "test".into() } };
    let mut after = state.clone();
    let recorder = Recorder::new(run(), pace.clone(), &mut journal, Vec::new(), state);
    let end = drive(world, recorder, Arc::clone(&emulator), pace.clone(), first);
    let events = memory.events();
    let mut breaches = breaches_of_site(&emulator.fork());
    for event in &events {
        match after.check(event) {
            Ok(legal) => after.apply(event, legal),
            Err(error) => return (number, cut, loses_time, Err(format!("{context}: {error}"))),
        }
        breaches.extend(order.take(&world.graph, event));
    }
    breaches.extend(astray_untold(&after, &emulator.fork()));
    if !matches!(end, Ok(End::Finished(_))) {
        breaches.push(Breach::new(Law::Ends, format!("it ended as {end:?}")));
    }
    if !breaches.is_empty() {
        let said: String = events.iter().map(|event| format!("  {}\n", told(event))).collect();
        return (number, cut, loses_time, Err(format!("{context}: {breaches:#?}\n{said}")));
    }
    let failed = events.iter().filter(|event| {
        let kind = &event.kind;
        matches!(kind, RunEventKind::StepFailed { .. } | RunEventKind::MemberFailed { .. })
    });
    let context = failed.fold(context, |context, event| format!("{context}\n{}", told(event)));
    let ended = Ended::new(end, &after, &emulator.fork());
    (number, cut, loses_time, Ok((context, ended)))
}

/// Returns the machines of a run that are left running on both sides or on neither, and that no step tells of.
fn astray_untold(state: &RunState, world: &EmulatedWorld) -> Vec<Breach> {
    let graph = state.graph();
    let is_told = |machine: &MachineName| {
        (0..).zip(graph.steps()).any(|(step, _)| {
            let is_open = matches!(state.step(step).status, StepStatus::Failed | StepStatus::Blocked);
            is_open && graph.machines_of(step).iter().any(|of| of.name().value == machine.as_str())
        })
    };
    let of_plan = astray(world).filter(|is| graph.model().machine_named(is.machine.as_str()).is_some());
    let untold = of_plan.filter(|is| !is_told(&is.machine));
    untold.map(|is| Breach::new(Law::OneSide, format!("{} is left {}", is.machine, side(&is)))).collect()
}

fn told(event: &RunEvent) -> String {
    format!("{} {} {:?}", event.seq, event.at, event.kind)
}

fn drive<S: Site + 'static>(
    world: &World,
    mut recorder: Recorder<'_>,
    site: Arc<S>,
    pace: Arc<WorldPace>,
    first: RunEventKind,
) -> Result<End, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let (plan, inventory) = (world.graph.model().plan.clone(), world.inventory.clone());
        let (_never, stop) = tokio::sync::watch::channel(false);
        let parts = Parts {
            site,
            pace,
            hooks: Arc::new(Simulated),
            approver: Arc::new(AutoApprove),
            model: resolve(plan, inventory),
            options: world.options,
            stop,
        };
        recorder.record(first).map_err(|error| error.to_string())?;
        Driver::new(recorder, parts).drive().await.map_err(|error| error.to_string())
    })
}

/// Says in what two ends differ.
fn differences(graph: &failback::graph::Graph, uncut: &Ended, ended: &Ended) -> Option<String> {
    if uncut == ended {
        return None;
    }
    let mut text = format!("ended as {:?}, not as {:?}\n", ended.end, uncut.end);
    for (step, (before, after)) in graph.steps().iter().zip(uncut.done.iter().zip(&ended.done)) {
        if before != after {
            writeln!(text, "{}: done {after}, uncut {before}", step.id).expect("text");
        }
    }
    for (before, after) in uncut.machines.iter().zip(&ended.machines) {
        if before != after {
            writeln!(text, "{after:?}, uncut {before:?}").expect("text");
        }
    }
    Some(text)
}
