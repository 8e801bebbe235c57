//! One run of a graph as it may go: every step begins as soon as its predecessors are done and there is room for it.

use std::cmp::Ordering;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::collections::BinaryHeap;

use jiff::Timestamp;

use crate::forecast::cost::Cost;
use crate::forecast::draw::Draw;
use crate::forecast::duration;
use crate::forecast::limit::LimitKind;
use crate::forecast::line::Line;
use crate::forecast::places::Places;
use crate::forecast::window::Calendar;
use crate::forecast::window::Hours;
use crate::forecast::work::Direction;
use crate::forecast::work::Work;
use crate::forecast::work::Workload;
use crate::graph::Rank;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::graph::wave::SlotUse;
use crate::syntax::inventory::Experience;

/// How a run is simulated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings<'h> {
    /// Where figures come from.
    pub draw: Draw,
    /// Part of their longest time that actions take.
    pub actions: f64,
    /// What is taken away.
    pub without: Option<LimitKind>,
    /// When failover and commit may begin.
    pub hours: Option<&'h Hours>,
    /// When the run begins.
    pub start: Timestamp,
}

/// How a simulated run went; times are seconds after its start.
#[derive(Debug)]
pub(super) struct Outcome {
    /// When each step began: when there was room for it.
    pub begin: Vec<f64>,
    /// When each step ended.
    pub end: Vec<f64>,
    /// The step that each step waited for last.
    pub cause: Vec<StepIndex>,
    /// The end of the last step.
    pub makespan: f64,
    /// Most transfers that shared a line, and the first time at which the window held something up.
    pub peak: usize,
    pub first_wake: Option<f64>,
}

/// Nothing had to end for the step to begin.
pub(super) const NO_CAUSE: StepIndex = StepIndex::MAX;

/// What happens at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    /// A step ends.
    Ends(StepIndex),
    /// The window opens for a step.
    Opens(StepIndex),
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Event {
    at: f64,
    what: Happening,
}

impl Eq for Event {}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.total_cmp(&other.at).then(self.what.cmp(&other.what))
    }
}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

struct Simulation<'w, 'g, 'h> {
    load: &'w Workload<'g>,
    settings: Settings<'h>,
    calendar: Option<Calendar<'h>>,
    /// Steps that each step still waits for.
    open: Vec<u32>,
    events: BinaryHeap<Reverse<Event>>,
    lines: [Line; 2],
    /// Transfers that have begun.
    started: Vec<bool>,
    /// Transfers that ended before their step was ready.
    carried: Vec<bool>,
    places: Places<'g>,
    free: Vec<i64>,
    slot_waiting: Vec<BTreeSet<Rank>>,
    ready: Vec<bool>,
    outcome: Outcome,
}

/// Simulates one run.
pub(super) fn simulate(load: &Workload<'_>, settings: Settings<'_>) -> Outcome {
    let count = load.graph.steps().len();
    let without = |limit| settings.without == Some(limit);
    let bytes_per_second = if without(LimitKind::Bandwidth) { f64::INFINITY } else { load.bytes_per_second };
    let ceiling = if without(LimitKind::MachineRate) { f64::INFINITY } else { duration::MACHINE_CEILING };
    let hours = settings.hours.filter(|_| !without(LimitKind::Window));
    let mut simulation = Simulation {
        load,
        settings,
        calendar: hours.map(|hours| Calendar::new(hours, settings.start)),
        open: vec![0; count],
        events: BinaryHeap::new(),
        lines: [Line::new(bytes_per_second, ceiling), Line::new(bytes_per_second, ceiling)],
        started: vec![false; count],
        carried: vec![false; count],
        places: Places::new(
            load.graph,
            (!without(LimitKind::MaxParallel)).then_some(load.max_parallel),
            load.graph.vcenter_limit().filter(|_| !without(LimitKind::MaxPerVcenter)),
        ),
        free: load.servers.iter().map(|server| server.free).collect(),
        slot_waiting: vec![BTreeSet::new(); load.servers.len()],
        ready: vec![false; count],
        outcome: Outcome {
            begin: vec![0.0; count],
            end: vec![f64::NAN; count],
            cause: vec![NO_CAUSE; count],
            makespan: 0.0,
            peak: 0,
            first_wake: None,
        },
    };
    simulation.run();
    let mut outcome = simulation.outcome;
    outcome.peak = simulation.lines.iter().map(|line| line.peak).max().unwrap_or(0);
    outcome
}

impl Simulation<'_, '_, '_> {
    fn run(&mut self) {
        let count = StepIndex::try_from(self.open.len()).expect("a graph counts its steps in as many bits");
        for step in 0..count {
            let before = self.load.graph.before(step).iter().filter(|before| !self.is_cut(**before, step));
            self.open[step as usize] = u32::try_from(before.count()).unwrap_or(u32::MAX);
        }
        let running = &self.load.running;
        for step in running {
            self.begin_transfer(*step, 0.0);
        }
        for step in 0..count {
            if self.open[step as usize] == 0 {
                self.becomes_ready(step, 0.0, NO_CAUSE);
            }
        }
        while self.next() || self.force() {}
    }

    /// Returns whether an edge is taken away in thought.
    fn is_cut(&self, from: StepIndex, to: StepIndex) -> bool {
        let Some(limit) = self.settings.without else { return false };
        let kinds = (self.load.graph.step(from).kind, self.load.graph.step(to).kind);
        match limit {
            LimitKind::Slots => kinds == (StepKind::Barrier, StepKind::AwaitAzureAgent),
            LimitKind::Order => matches!(
                kinds,
                (
                    StepKind::Verify | StepKind::BootGroup,
                    StepKind::ApproveFailover | StepKind::AwaitPoint | StepKind::Recheck,
                )
            ),
            LimitKind::Bandwidth
            | LimitKind::MachineRate
            | LimitKind::MaxParallel
            | LimitKind::MaxPerVcenter
            | LimitKind::Window
            | LimitKind::RecoveryPoints
            | LimitKind::Actions
            | LimitKind::Service => false,
        }
    }

    /// Lets the next thing happen; `false` when nothing is to come.
    fn next(&mut self) -> bool {
        let event = self.events.peek().map(|Reverse(event)| event.at);
        let ends = [self.lines[0].next_end(), self.lines[1].next_end()];
        let Some(at) = ends.into_iter().chain([event]).flatten().min_by(f64::total_cmp) else { return false };
        for (line, end) in ends.into_iter().enumerate() {
            if end == Some(at) {
                if let Some(step) = self.lines[line].end_next(at) {
                    self.data_is_there(step, at);
                }
                return true;
            }
        }
        if let Some(Reverse(event)) = self.events.pop() {
            match event.what {
                Happening::Ends(step) => self.ends(step, event.at),
                Happening::Opens(step) => self.admit(step, event.at),
            }
        }
        true
    }

    /// Lets a machine begin for whose disks there is never room: what can't be is for the rules to say.
    fn force(&mut self) -> bool {
        let at = self.outcome.makespan;
        for server in 0..self.slot_waiting.len() {
            if let Some(rank) = self.slot_waiting[server].pop_first() {
                let step = self.load.graph.ranked(rank);
                self.take_slots(step);
                self.enter(step, at, NO_CAUSE);
                return true;
            }
        }
        false
    }

    fn is_mutating(&self, step: StepIndex) -> bool {
        let step = self.load.graph.step(step);
        step.kind.is_mutating() && !step.adopted
    }

    fn becomes_ready(&mut self, step: StepIndex, at: f64, cause: StepIndex) {
        self.outcome.cause[step as usize] = cause;
        self.ready[step as usize] = true;
        if self.load.graph.step(step).kind == StepKind::Reprotect
            && self.is_mutating(step)
            && let Some(server) = self.slots_missing(step)
        {
            self.slot_waiting[server].insert(self.load.graph.rank(step));
            return;
        }
        self.take_slots(step);
        self.admit(step, at);
    }

    /// Returns the server that has no room for a machine's disks.
    fn slots_missing(&self, step: StepIndex) -> Option<usize> {
        let StepSubject::Machine(machine) = self.load.graph.step(step).subject else { return None };
        let slots = self.load.slots[machine].filter(|slots| slots.now == SlotUse::Needed)?;
        let server = slots.server as usize;
        let unlimited = self.settings.without == Some(LimitKind::Slots);
        (!unlimited && self.free[server] < i64::from(slots.disks)).then_some(server)
    }

    fn take_slots(&mut self, step: StepIndex) {
        let of = self.load.graph.step(step);
        if of.kind != StepKind::Reprotect || of.adopted {
            return;
        }
        if let StepSubject::Machine(machine) = of.subject
            && let Some(slots) = self.load.slots[machine].filter(|slots| slots.now == SlotUse::Needed)
        {
            self.free[slots.server as usize] -= i64::from(slots.disks);
        }
    }

    fn release_slots(&mut self, step: StepIndex, at: f64) {
        let of = self.load.graph.step(step);
        let releases = match self.load.graph.experience() {
            Experience::Classic => StepKind::Failover,
            Experience::Modernized => StepKind::Commit,
        };
        if of.kind != releases || of.adopted {
            return;
        }
        let mut servers = Vec::new();
        for machine in self.load.members(step) {
            if let Some(slots) = self.load.slots[*machine].filter(|slots| slots.now == SlotUse::Needed) {
                self.free[slots.server as usize] += i64::from(slots.disks);
                servers.push(slots.server as usize);
            }
        }
        for server in servers {
            let waiting = std::mem::take(&mut self.slot_waiting[server]);
            for rank in waiting {
                let waits = self.load.graph.ranked(rank);
                if self.slots_missing(waits).is_some() {
                    self.slot_waiting[server].insert(rank);
                } else {
                    self.take_slots(waits);
                    self.enter(waits, at, step);
                }
            }
        }
    }

    fn enter(&mut self, step: StepIndex, at: f64, cause: StepIndex) {
        self.outcome.cause[step as usize] = cause;
        self.admit(step, at);
    }

    /// Lets a step begin if the window is open and there is room for one more operation.
    fn admit(&mut self, step: StepIndex, at: f64) {
        let gated = self.load.graph.begins_inside_window(step);
        if gated
            && !self.load.graph.step(step).adopted
            && let Some(calendar) = &mut self.calendar
        {
            let opens = calendar.next(at);
            if opens > at {
                self.outcome.first_wake.get_or_insert(opens);
                self.events.push(Reverse(Event { at: opens, what: Happening::Opens(step) }));
                return;
            }
        }
        if self.is_mutating(step) {
            let inside = gated && self.calendar.is_some();
            if !self.places.take(step, inside) {
                return;
            }
        }
        self.begins(step, at);
    }

    fn begins(&mut self, step: StepIndex, at: f64) {
        self.outcome.begin[step as usize] = at;
        if let Work::Transfer { .. } = self.load.work[step as usize] {
            if self.carried[step as usize] {
                self.first_point(step, at);
            } else if !self.started[step as usize] {
                self.begin_transfer(step, at);
            }
            return;
        }
        let seconds = self.cost().seconds(step, at);
        self.events.push(Reverse(Event { at: at + seconds, what: Happening::Ends(step) }));
    }

    fn begin_transfer(&mut self, step: StepIndex, at: f64) {
        if let Work::Transfer { direction, amount } = self.load.work[step as usize] {
            self.started[step as usize] = true;
            let bytes = self.cost().bytes(step, amount, at);
            let line = match direction {
                Direction::ToOnprem => 0,
                Direction::ToAzure => 1,
            };
            self.lines[line].begin(at, step, bytes);
        }
    }

    fn data_is_there(&mut self, step: StepIndex, at: f64) {
        if self.ready[step as usize] {
            self.first_point(step, at);
        } else {
            self.carried[step as usize] = true;
        }
    }

    fn first_point(&mut self, step: StepIndex, at: f64) {
        let seconds = self.cost().first_point(step);
        self.events.push(Reverse(Event { at: at + seconds, what: Happening::Ends(step) }));
    }

    const fn cost(&self) -> Cost<'_> {
        Cost { load: self.load, settings: &self.settings, ends: self.outcome.end.as_slice() }
    }

    fn ends(&mut self, step: StepIndex, at: f64) {
        self.outcome.end[step as usize] = at;
        self.outcome.makespan = self.outcome.makespan.max(at);
        if self.is_mutating(step) {
            self.places.give_back(step);
        }
        self.release_slots(step, at);
        for after in self.load.graph.after(step) {
            if self.is_cut(step, *after) {
                continue;
            }
            let open = &mut self.open[*after as usize];
            *open -= 1;
            if *open == 0 {
                self.becomes_ready(*after, at, step);
            }
        }
        while let Some(waits) = self.places.next() {
            self.outcome.cause[waits as usize] = step;
            self.admit(waits, at);
        }
    }
}
