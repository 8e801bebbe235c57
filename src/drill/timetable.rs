//! When a drill is due, and when it then begins. Pure: it knows no clock, no files and no processes.

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::drill::calendar::Calendar;
use crate::drill::calendar::jitter;
use crate::model::digest;
use crate::quantity::Seconds;
use crate::syntax::drill::Drill;
use crate::syntax::drill::Missed;
use crate::syntax::drill::Overlap;

/// When a drill is due, and what happens to it when that is not possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timetable {
    /// Its times.
    pub calendar: Calendar,
    /// Name of its plan.
    pub plan: String,
    /// Its name.
    pub drill: String,
    /// The longest delay of its start.
    pub jitter: Seconds,
    /// What happens to it when it was due while nothing ran.
    pub missed: Missed,
    /// What happens to it when the one before it still runs.
    pub overlap: Overlap,
}

impl Timetable {
    /// Returns the timetable of a drill; `None` if persons alone begin it.
    #[must_use]
    pub fn of(plan: &str, drill: &Drill) -> Option<Self> {
        Some(Self {
            calendar: Calendar::of(drill)?,
            plan: plan.to_owned(),
            drill: drill.name.value.clone(),
            jitter: drill.jitter.as_ref().map_or(Seconds(0), |jitter| jitter.value),
            missed: drill.missed.as_ref().map_or(Missed::RunOnce, |missed| missed.value),
            overlap: drill.overlap.as_ref().map_or(Overlap::Skip, |overlap| overlap.value),
        })
    }

    /// Returns when a drill begins that is due at a time: before the next blackout, over which no delay reaches.
    #[must_use]
    pub fn begins(&self, due: Timestamp) -> Timestamp {
        let mut most = self.jitter;
        if most > Seconds(0)
            && let Some(blackout) = self.calendar.blackout_begins(due)
        {
            let left = u64::try_from(blackout.duration_since(due).as_secs()).unwrap_or(0);
            most = most.min(Seconds(left.saturating_sub(1)));
        }
        let delay = jitter(&self.plan, &self.drill, due, most);
        due.saturating_add(delay).unwrap_or(Timestamp::MAX)
    }

    /// Returns the digest of what a plan says about when a drill is due, whatever else it says about it.
    #[must_use]
    pub fn digest(plan: &str, drill: &Drill) -> String {
        let when = (&drill.schedule, &drill.timezone, &drill.blackout);
        digest::of(&(plan, &drill.name, when, &drill.jitter, &drill.missed, &drill.overlap))
    }

    /// Returns when the drill begins next after a moment.
    #[must_use]
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        let delayed = SignedDuration::from_secs(i64::try_from(self.jitter.0).unwrap_or(i64::MAX));
        let early = moment.saturating_sub(delayed).unwrap_or(Timestamp::MIN);
        let mut next: Option<Timestamp> = None;
        for due in self.calendar.after(early) {
            if next.is_some_and(|next| next <= due) {
                break;
            }
            let begins = self.begins(due);
            if begins > moment && next.is_none_or(|next| begins < next) {
                next = Some(begins);
            }
        }
        next
    }
}
