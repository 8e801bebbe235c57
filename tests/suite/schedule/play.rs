//! A run in which the engine alone decides what begins, and which looks at what that must respect.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::collections::BinaryHeap;
use std::collections::HashMap;
use std::sync::Arc;

use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::event::RunState;
use failback::event::RunStatus;
use failback::graph::StepIndex;
use failback::graph::StepKind;
use failback::graph::wave;
use failback::id::RunId;
use failback::run::machine;
use jiff::SignedDuration;
use jiff::Timestamp;

use crate::schedule::job::Cost;
use crate::schedule::job::Job;
use crate::schedule::job::MACHINE;

/// A line whose transfers share it alike.
#[derive(Default)]
struct Line {
    /// Bytes that a transfer has got which is there since the beginning.
    carried: f64,
    /// Transfers by the bytes at which each ends, counted in the same way; a positive number's bits are in its order.
    transfers: BTreeSet<(u64, StepIndex)>,
}

impl Line {
    fn rate(&self, line: f64) -> f64 {
        MACHINE.min(line / self.transfers.len().max(1) as f64)
    }

    fn next_end(&self, now: f64, line: f64) -> Option<(f64, StepIndex)> {
        let (end, step) = *self.transfers.first()?;
        Some((now + (f64::from_bits(end) - self.carried).max(0.0) / self.rate(line), step))
    }

    /// Carries bytes for so many seconds, and lets a step's transfer end if it is of this line.
    fn pass(&mut self, seconds: f64, line: f64, ended: StepIndex) {
        self.carried += self.rate(line) * seconds;
        if self.transfers.first().is_some_and(|(_, step)| *step == ended) {
            self.transfers.pop_first();
        }
    }
}

/// A run that is driven by its steps' costs alone.
pub struct Play<'j> {
    job: &'j Job,
    state: RunState,
    now: f64,
    /// When steps end that take time of their own.
    ends: BinaryHeap<Reverse<(u64, StepIndex)>>,
    /// The line to on-premises and the one to Azure.
    lines: [Line; 2],
    done: BTreeSet<StepIndex>,
    /// Disks that the run holds on each server.
    held: HashMap<String, u32>,
}

impl Play<'_> {
    /// Runs a job and returns how long it takes; what the order must respect is looked at in every step of it.
    pub fn makespan(job: &Job) -> f64 {
        let state = RunState::new(Arc::clone(&job.graph));
        let (ends, done, held) = Default::default();
        let lines = [Line::default(), Line::default()];
        let mut play = Play { job, state, now: 0.0, ends, lines, done, held };
        play.say(RunEventKind::RunStarted {
            plan: "estate".into(),
            plan_digest: String::new(),
            facts_digest: String::new(),
            provider: "none".into(),
            program: String::new(),
            machines: 0,
            steps: 0,
            simulated_actions: true,
            author: None,
            ordered_by: None,
            people: Vec::new(),
        });
        loop {
            while let Some(kind) = machine::next(&play.state) {
                play.say(kind);
            }
            if let RunStatus::Finished(_) = play.state.status() {
                return play.now;
            }
            play.pass();
        }
    }

    fn say(&mut self, kind: RunEventKind) {
        if let RunEventKind::StepStarted { step } = &kind {
            let step = self.state.graph().find(step).expect("a step of the plan");
            let graph = &self.job.graph;
            assert!(graph.before(step).iter().all(|before| self.done.contains(before)), "{}", self.job.words);
            match self.job.costs[step as usize] {
                Cost::Time(seconds) => self.ends.push(Reverse(((self.now + seconds).to_bits(), step))),
                Cost::Bytes(bytes) => {
                    let line = &mut self.lines[usize::from(graph.step(step).kind == StepKind::AwaitForward)];
                    line.transfers.insert(((line.carried + bytes).to_bits(), step));
                }
            }
        }
        let at = Timestamp::UNIX_EPOCH
            .saturating_add(SignedDuration::try_from_secs_f64(self.now).expect("a short time"))
            .expect("in range");
        let event = RunEvent { run: RunId::new("r"), seq: self.state.seq() + 1, at, kind };
        let legal = self.state.check(&event).unwrap_or_else(|error| panic!("{}: {error}", self.job.words));
        self.state.apply(&event, legal);
        match event.kind {
            RunEventKind::StepStarted { .. } => self.look_at_places(),
            RunEventKind::SlotsTaken { server, disks, .. } => {
                let held = self.held.entry(server).or_default();
                *held += disks;
                // The worlds' master targets have disks of their own.
                assert!(
                    *held <= wave::free_slots(self.job.graph.model(), "mtw").max(wave::SLOTS),
                    "{}",
                    self.job.words
                );
            }
            RunEventKind::SlotsFreed { server, disks, .. } => *self.held.entry(server).or_default() -= disks,
            _ => {}
        }
    }

    fn look_at_places(&self) {
        let graph = &self.job.graph;
        let changing = || self.state.active().filter(|step| graph.step(*step).kind.is_mutating());
        assert!(changing().count() <= self.job.most, "{}", self.job.words);
        if let Some(most) = self.job.most_per_vcenter {
            // There is one vCenter, under which reprotects and failovers work.
            let under = changing()
                .filter(|step| matches!(graph.step(*step).kind, StepKind::Reprotect | StepKind::Failover));
            assert!(under.count() <= most, "{}", self.job.words);
        }
    }

    /// Lets time pass until something ends.
    fn pass(&mut self) {
        let end = self.ends.peek().map(|Reverse((end, step))| (f64::from_bits(*end), *step));
        let data = self.lines.iter().filter_map(|line| line.next_end(self.now, self.job.line));
        let (at, step) = data
            .chain(end)
            .min_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)))
            .unwrap_or_else(|| panic!("{}: nothing runs and nothing begins", self.job.words));
        for line in &mut self.lines {
            line.pass(at - self.now, self.job.line, step);
        }
        self.now = at;
        if end.is_some_and(|end| end == (at, step)) {
            self.ends.pop();
        }
        self.done.insert(step);
        let step = self.state.id(step).clone();
        self.say(RunEventKind::StepSucceeded { step, note: None });
    }
}
