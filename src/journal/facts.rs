//! Facts by their digests: what guards judged.

use rusqlite::OptionalExtension as _;

use crate::journal::Database;
use crate::journal::DatabaseError;

/// The first version of the tables that had facts.
const SINCE: i64 = 3;

impl Database {
    /// Returns the text of the facts that have a digest; `None` if they were not kept.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if they can't be read.
    pub fn facts(&self, digest: &str) -> Result<Option<String>, DatabaseError> {
        if self.version < SINCE {
            return Ok(None);
        }
        let read = self.failed("read");
        let mut query =
            self.connection.prepare_cached("SELECT body FROM facts WHERE digest = ?1").map_err(&read)?;
        query.query_row([digest], |row| row.get(0)).optional().map_err(&read)
    }
}

#[cfg(test)]
mod tests {
    use crate::event::Journal as _;
    use crate::id::RunId;
    use crate::journal::fixture::Place;
    use crate::journal::fixture::event;

    #[test]
    fn facts_are_kept_once_and_with_the_event_that_names_them() {
        let place = Place::new();
        let mut writer = place.with_events("r1", 0);
        for _ in 0..2 {
            writer.keep_facts("sha256:1", "{}").expect("taken");
        }
        writer.append(&event("r1", 1)).expect("taken");
        let reader = place.open();
        assert_eq!(reader.facts("sha256:1").expect("read"), None, "nothing is kept before sync");
        writer.sync().expect("kept");
        assert_eq!(reader.facts("sha256:1").expect("read"), Some("{}".to_owned()));
        assert_eq!(reader.facts("sha256:2").expect("read"), None);
        let (place_of_last, hash) = writer.head();
        assert_eq!(place_of_last, 1);
        assert_eq!(reader.head(&RunId::new("r1")).expect("read"), (1, hash.to_owned()));
        for change in ["DELETE FROM facts", "UPDATE facts SET body = '[]'"] {
            place.sqlite().execute(change, []).expect_err("what was kept stands");
        }
    }
}
