//! What the scheduler tells of itself.

use jiff::Timestamp;

use crate::drill::due::Cause;
use crate::drill::due::LeftOut;
use crate::drill::launch::Order;
use crate::drill::plans::Mistake;
use crate::journal::DrillRow;

/// What the scheduler did or saw.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// The plans were read, for the first time or since they changed.
    Read {
        /// How many plans there are.
        plans: usize,
        /// How many of their drills have a schedule.
        drills: usize,
        /// The commit that they are of, if they were taken from one.
        commit: Option<String>,
    },
    /// A plan can't be read, and keeps the drills that it had.
    Mistaken(Mistake),
    /// The plans can't be looked at; those that were read before go on to count.
    Unreachable {
        /// Why.
        message: String,
    },
    /// A drill began.
    Began {
        /// What was begun.
        order: Order,
        /// Name of its plan.
        plan: String,
        /// Why.
        cause: Cause,
        /// How many times before it stands for, too.
        others: u64,
    },
    /// A drill waits for the one before it, or for a place.
    Queued {
        /// Name of its plan.
        plan: String,
        /// Its name.
        drill: String,
        /// The time that it waits for.
        due: Timestamp,
    },
    /// A drill was left out.
    LeftOut {
        /// Name of its plan.
        plan: String,
        /// Its name.
        drill: String,
        /// The last time that was left out.
        due: Timestamp,
        /// Why.
        why: LeftOut,
        /// How many times before that one were left out, too.
        others: u64,
    },
    /// A drill ended.
    Ended {
        /// What is kept about it.
        row: Box<DrillRow>,
        /// Why it has no outcome of its own: it never began, or its process died.
        lost: Option<String>,
    },
    /// A drill's process ended, and its run can go on.
    Stopped {
        /// What is kept about it.
        row: Box<DrillRow>,
        /// Why it ended.
        why: String,
    },
    /// The scheduler was asked to end, and waits for drills that it began.
    Waiting {
        /// How many they are.
        drills: usize,
    },
    /// The clock was put back by far, and a calendar counts on from there.
    PutBack {
        /// Name of the plan.
        plan: String,
        /// Name of the drill.
        drill: String,
    },
}
