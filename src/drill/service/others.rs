//! The drills that this scheduler did not begin: which of them go on, and what is told of how they ended.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::drill::service::Happening;
use crate::drill::service::Service;
use crate::drill::service::ServiceError;
use crate::drill::service::children::SCHEDULE;
use crate::event::RunEventKind;
use crate::id::DrillId;
use crate::journal::DrillRow;

/// How long a process has for reading its plan before it counts as one that never began.
const STARTED: SignedDuration = SignedDuration::from_mins(5);

impl Service {
    /// Looks which drills go on that this scheduler did not begin, and tells of those that ended, and of those whose process ended
    /// before they did: whoever began them, and also if nobody looked then.
    pub(super) fn look_at_others(&mut self, now: Timestamp) -> Result<(), ServiceError> {
        let mut open = self.database.open_drills()?;
        open.retain(|row| !self.running.values().any(|order| order.id == row.id));
        let (stopped, others): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|row| row.has_died(&self.setup.state));
        self.others = others;
        // Who is to be told of a plan's drills is known when the plans were looked at.
        if self.has_looked {
            self.tell_of_ends()?;
            self.tell_of_stops(stopped, now)?;
        }
        Ok(())
    }

    /// Tells of drills that went on when they were looked at last and have ended.
    fn tell_of_ends(&mut self) -> Result<(), ServiceError> {
        let others: BTreeSet<DrillId> = self.others.iter().map(|row| row.id.clone()).collect();
        for id in std::mem::replace(&mut self.followed, others.clone()).difference(&others) {
            if let Some(row) = self.database.drill(id)?.filter(|row| row.ended_at.is_some()) {
                (self.setup.told)(&Happening::Ended { row: Box::new(row), lost: None });
            }
        }
        Ok(())
    }

    /// Tells, once, of drills whose process ended before they did.
    fn tell_of_stops(&mut self, stopped: Vec<DrillRow>, now: Timestamp) -> Result<(), ServiceError> {
        let told = self.database.told_stops()?;
        for row in self.others.iter().filter(|row| told.contains(&row.id)) {
            // Somebody goes on with it.
            self.database.forget_stop(&row.id)?;
        }
        for row in stopped.into_iter().filter(|row| row.never_began() || !told.contains(&row.id)) {
            // Whoever ends a drill lets go of its lock, too: it may have ended since it was read.
            let Some(row) = self.database.drill(&row.id)?.filter(|row| row.ended_at.is_none()) else {
                continue;
            };
            if !row.never_began() {
                self.stopped(row, now)?;
            } else if row.cause == SCHEDULE && now.duration_since(row.began_at) >= STARTED {
                self.lost(row, "its process died before it began".to_owned())?;
            }
        }
        Ok(())
    }

    /// Tells of a drill whose process ended before it did: it was stopped in order if the last thing that its run says is that.
    fn stopped(&mut self, row: DrillRow, now: Timestamp) -> Result<(), ServiceError> {
        let last = row.run.as_ref().and_then(|run| self.database.last_event(run).ok().flatten());
        let id = row.id.clone();
        let row = Box::new(row);
        (self.setup.told)(&match last.map(|event| event.kind) {
            Some(RunEventKind::Interrupted { reason }) => Happening::Stopped { row, why: reason },
            Some(_) | None => Happening::Ended { row, lost: Some("its process died".to_owned()) },
        });
        self.database.stop_was_told(&id, now)?;
        Ok(())
    }
}
