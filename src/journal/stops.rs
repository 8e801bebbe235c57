//! Drills whose process ended before they did, and of which somebody was told.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::id::DrillId;
use crate::journal::Database;
use crate::journal::DatabaseError;

/// The first version of the tables that knew of what was told.
const SINCE: i64 = 6;

impl Database {
    /// Returns the drills of which it was told that their process ended before they did.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if they can't be read.
    pub fn told_stops(&self) -> Result<BTreeSet<DrillId>, DatabaseError> {
        if self.version < SINCE {
            return Ok(BTreeSet::new());
        }
        let read = self.failed("read");
        let mut query = self.connection.prepare("SELECT drill FROM stops").map_err(&read)?;
        let rows = query.query_map([], |row| row.get::<_, String>(0).map(DrillId::new)).map_err(&read)?;
        rows.collect::<rusqlite::Result<_>>().map_err(&read)
    }

    /// Enters that it was told of a drill that its process ended before it did; again is as good as once.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if it can't be written, or there is no such drill.
    pub fn stop_was_told(&mut self, drill: &DrillId, at: Timestamp) -> Result<(), DatabaseError> {
        let query = "INSERT INTO stops (drill, told_at) VALUES (?1, ?2) ON CONFLICT (drill) DO NOTHING";
        let written = self.connection.execute(query, [drill.as_str(), &at.to_string()]);
        written.map(|_| ()).map_err(self.failed("written"))
    }

    /// Enters that somebody goes on with a drill: when its process ends once more before it does, that is news.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if it can't be written.
    pub fn forget_stop(&mut self, drill: &DrillId) -> Result<(), DatabaseError> {
        let written = self.connection.execute("DELETE FROM stops WHERE drill = ?1", [drill.as_str()]);
        written.map(|_| ()).map_err(self.failed("written"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::DrillRow;
    use crate::journal::fixture::Place;

    #[test]
    fn a_stop_is_told_once_until_somebody_goes_on() {
        let place = Place::new();
        let mut database = place.open();
        let id = DrillId::new("d1");
        assert!(database.stop_was_told(&id, Timestamp::UNIX_EPOCH).is_err(), "nobody entered it");
        let drill = DrillRow {
            id: id.clone(),
            plan: "erp".into(),
            plan_path: "erp.plan.yaml".into(),
            name: None,
            kind: "rehearsal".into(),
            cause: "person".into(),
            due_at: None,
            began_at: Timestamp::UNIX_EPOCH,
            ended_at: None,
            run: None,
            git_commit: None,
            plan_digest: None,
            verdict: None,
            result: None,
        };
        database.add_drill(&drill).expect("new");
        for _ in 0..2 {
            database.stop_was_told(&id, Timestamp::UNIX_EPOCH).expect("it is there");
        }
        assert_eq!(database.told_stops().expect("read"), BTreeSet::from([id.clone()]));
        database.forget_stop(&id).expect("it was told");
        assert!(database.told_stops().expect("read").is_empty());
        database.forget_stop(&id).expect("nothing is forgotten twice");
    }
}
