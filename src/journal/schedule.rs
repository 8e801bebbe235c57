//! How far the calendar of each drill is dealt with, in the database.

use jiff::Timestamp;
use rusqlite::OptionalExtension as _;
use rusqlite::params;

use crate::journal::Database;
use crate::journal::DatabaseError;
use crate::journal::drills::SINCE;
use crate::journal::drills::time;

/// The first version of the tables that told of which timetable.
const TIMETABLES_SINCE: i64 = 5;

/// How far the calendar of a drill is dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handled {
    /// Up to when.
    pub until: Timestamp,
    /// Digest of the timetable that it was; programs before version 5 of the tables did not tell.
    pub timetable: Option<String>,
}

impl Database {
    /// Returns how far the calendar of a plan's drill is dealt with; `None` of one that nobody looks after.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if it can't be read.
    pub fn handled(&self, plan_path: &str, drill: &str) -> Result<Option<Handled>, DatabaseError> {
        if self.version < SINCE {
            return Ok(None);
        }
        let timetable = if self.version < TIMETABLES_SINCE { "NULL" } else { "timetable" };
        let query =
            format!("SELECT handled_until, {timetable} FROM schedule WHERE plan_path = ?1 AND drill = ?2");
        let found = self.connection.query_row(&query, [plan_path, drill], |row| {
            Ok(Handled { until: time(row, 0)?, timetable: row.get(1)? })
        });
        found.optional().map_err(self.failed("read"))
    }

    /// Enters how far the calendar of a plan's drill is dealt with.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if it can't be written.
    pub fn set_handled(
        &mut self,
        plan_path: &str,
        drill: &str,
        handled: &Handled,
    ) -> Result<(), DatabaseError> {
        let query =
            "INSERT INTO schedule (plan_path, drill, handled_until, timetable) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (plan_path, drill) DO UPDATE
             SET handled_until = excluded.handled_until, timetable = excluded.timetable";
        let (until, timetable) = (handled.until.to_string(), &handled.timetable);
        let written = self.connection.execute(query, params![plan_path, drill, until, timetable]);
        written.map(|_| ()).map_err(self.failed("written"))
    }

    /// Forgets the calendars of all drills but those that are looked after: whoever comes back is new.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if they can't be read or written.
    pub fn forget_calendars(
        &mut self,
        is_looked_after: impl Fn(&str, &str) -> bool,
    ) -> Result<(), DatabaseError> {
        let read = self.failed("read");
        let mut query = self.connection.prepare("SELECT plan_path, drill FROM schedule").map_err(&read)?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(&read)?;
        let known: Vec<(String, String)> = rows.collect::<rusqlite::Result<_>>().map_err(&read)?;
        drop(query);
        for (plan_path, drill) in known.iter().filter(|(path, drill)| !is_looked_after(path, drill)) {
            let query = "DELETE FROM schedule WHERE plan_path = ?1 AND drill = ?2";
            self.connection.execute(query, [plan_path, drill]).map_err(self.failed("written"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixture::Place;

    fn handled(second: i64, timetable: Option<&str>) -> Handled {
        let until = Timestamp::from_second(second).expect("a time");
        Handled { until, timetable: timetable.map(str::to_owned) }
    }

    #[test]
    fn the_calendar_is_dealt_with_up_to_a_moment() {
        let place = Place::new();
        let mut database = place.open();
        assert_eq!(database.handled("p", "d").expect("read"), None);
        for handled in [handled(5, Some("sha256:1")), handled(9, Some("sha256:2")), handled(9, None)] {
            database.set_handled("p", "d", &handled).expect("written");
            assert_eq!(database.handled("p", "d").expect("read"), Some(handled));
        }
        assert_eq!(database.handled("p", "e").expect("read"), None);
    }

    #[test]
    fn drills_that_nobody_looks_after_are_forgotten() {
        let place = Place::new();
        let mut database = place.open();
        for (plan, drill) in [("p", "d"), ("p", "e"), ("q", "d")] {
            database.set_handled(plan, drill, &handled(5, None)).expect("written");
        }
        database.forget_calendars(|plan, drill| (plan, drill) == ("p", "d")).expect("written");
        let is_known = |plan, drill| database.handled(plan, drill).expect("read").is_some();
        assert_eq!([is_known("p", "d"), is_known("p", "e"), is_known("q", "d")], [true, false, false]);
    }
}
