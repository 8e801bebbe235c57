//! What is going to happen, in order of time, and in order of decision where the time is the same.

use std::cmp::Ordering;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use jiff::Timestamp;

use crate::clock::turn::Turn;
use crate::provider::request::Request;
use crate::syntax::machine::ActiveSite;

/// Something that is going to happen by itself.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// The present task of a part of a job ends.
    TaskEnds {
        /// The job.
        job: usize,
        /// The part.
        part: usize,
    },
    /// An agent has registered after a boot.
    AgentRegisters {
        /// The machine.
        machine: usize,
        /// Where it booted.
        side: ActiveSite,
        /// Which boot of the machine: a later one makes this registration void.
        boot: u32,
    },
    /// VMware Tools run again after a boot on-premises.
    ToolsRun {
        /// The machine.
        machine: usize,
        /// Which boot of the machine.
        boot: u32,
    },
    /// A machine has its first recovery point after an initial replication.
    FirstPoint {
        /// The machine.
        machine: usize,
    },
    /// A fault begins.
    FaultBegins {
        /// The fault.
        fault: usize,
    },
    /// A fault is over.
    FaultEnds {
        /// The fault.
        fault: usize,
        /// The machine that it hit, for a fault of machines; else all.
        machine: Option<usize>,
    },
    /// An on-premises VM that did not boot does.
    BootsAtLast {
        /// The machine.
        machine: usize,
    },
    /// A person does in the portal what the service refused to take from a program.
    ByHand {
        /// What.
        request: Box<Request>,
    },
}

#[derive(Clone, Debug)]
struct Scheduled {
    /// Its moment, and its place among all that was ever scheduled.
    turn: Turn,
    event: Event,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.turn == other.turn
    }
}

impl Eq for Scheduled {}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> Ordering {
        self.turn.cmp(&other.turn)
    }
}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The events to come.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    events: BinaryHeap<Reverse<Scheduled>>,
    /// When the first of them is due: this is asked far more often than it changes.
    next: Option<Timestamp>,
    sequence: u64,
}

impl Queue {
    /// Adds an event.
    pub(super) fn push(&mut self, at: Timestamp, event: Event) {
        self.sequence += 1;
        self.events.push(Reverse(Scheduled { turn: Turn::new(at, self.sequence), event }));
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    /// Returns when the next event is due.
    pub(super) const fn next(&self) -> Option<Timestamp> {
        self.next
    }

    /// Takes the next event.
    pub(super) fn pop(&mut self) -> Option<Event> {
        let first = self.events.pop();
        self.next = self.events.peek().map(|Reverse(scheduled)| scheduled.turn.at());
        first.map(|Reverse(scheduled)| scheduled.event)
    }
}
