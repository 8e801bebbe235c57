//! Writing the events of a run: taken one by one, kept in groups.

use std::io::Write as _;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::LazyLock;

use jiff::Timestamp;
use rusqlite::Connection;

use crate::event::Journal;
use crate::event::JournalError;
use crate::event::RunEvent;
use crate::id::RunId;
use crate::journal::Database;
use crate::journal::DatabaseError;
use crate::journal::chain::Link;
use crate::journal::database::failed;
use crate::journal::file::Identity;

/// Most events that one statement keeps.
const ROWS: usize = 16;

/// Columns that an event has of its own.
const OWN: usize = 4;

/// The statements that keep one event, two, and so on.
static INSERTS: LazyLock<[String; ROWS]> = LazyLock::new(|| {
    std::array::from_fn(|more| {
        let row = |row: usize| {
            let [seq, at, event, hash] = std::array::from_fn(|column| 2 + row * OWN + column);
            format!("(?1, ?{seq}, ?{at}, ?{event}, ?{hash})")
        };
        let rows: Vec<String> = (0..=more).map(row).collect();
        format!("INSERT INTO events (run, seq, at, event, hash) VALUES {}", rows.join(", "))
    })
});

const INSERT_FACTS: &str = "INSERT OR IGNORE INTO facts (digest, body) VALUES (?1, ?2)";

/// An event that was taken and is not kept yet, as it will be stored.
#[derive(Debug)]
struct Taken {
    seq: u64,
    /// Where its time and its text are in [`RunWriter::text`].
    at: Range<usize>,
    event: Range<usize>,
    hash: Link,
}

/// Writes the events of a run.
#[derive(Debug)]
pub struct RunWriter {
    connection: Connection,
    path: PathBuf,
    identity: Identity,
    run: RunId,
    /// Number and hash of the last event that was taken.
    end: (u64, Link),
    /// When that happened.
    last_at: Option<Timestamp>,
    taken: Vec<Taken>,
    /// The texts of what was taken, one after another.
    text: Vec<u8>,
    /// Facts that were taken, by their digests.
    facts: Vec<(String, String)>,
    /// Why nothing is written any more: after one failure nobody knows what the file holds.
    failed: Option<String>,
}

impl Database {
    /// Returns a writer of a run's events, which only the process that holds the run's lock may use.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if the run is not entered, or the end of its events can't be read.
    pub fn writer(self, run: &RunId) -> Result<RunWriter, DatabaseError> {
        let end = self.end(run)?;
        // All statements of this file fit.
        self.connection.set_prepared_statement_cache_capacity(ROWS + 8);
        Ok(RunWriter {
            connection: self.connection,
            path: self.path,
            identity: self.identity,
            run: run.clone(),
            end,
            last_at: None,
            taken: Vec::new(),
            text: Vec::new(),
            facts: Vec::new(),
            failed: None,
        })
    }
}

impl RunWriter {
    /// Returns the place and the hash of the last event that was taken; 0 and the chain's head before the first.
    ///
    /// Whoever keeps the hash elsewhere can tell later that nothing before it was changed.
    #[must_use]
    pub fn head(&self) -> (u64, &str) {
        (self.end.0, self.end.1.as_str())
    }

    fn take(&mut self, event: &RunEvent) -> Result<(), DatabaseError> {
        if event.run != self.run || event.seq != self.end.0 + 1 {
            return Err(DatabaseError::OutOfOrder { run: event.run.clone(), seq: event.seq });
        }
        // What comes up in one turn mostly happens at one time.
        let at = match self.taken.last().filter(|_| self.last_at == Some(event.at)) {
            Some(last) => last.at.clone(),
            None => {
                let from = self.text.len();
                write!(self.text, "{}", event.at).expect("a buffer takes everything");
                from..self.text.len()
            }
        };
        self.last_at = Some(event.at);
        let from = self.text.len();
        serde_json::to_writer(&mut self.text, event).expect("an event has a JSON form");
        let event_text = from..self.text.len();
        let hash = self.end.1.then(&self.text[event_text.clone()]);
        self.end = (event.seq, hash.clone());
        self.taken.push(Taken { seq: event.seq, at, event: event_text, hash });
        Ok(())
    }

    /// Keeps what was taken: all of it, or nothing.
    fn write(&mut self) -> Result<(), DatabaseError> {
        if self.taken.len() <= ROWS && self.facts.is_empty() {
            // A statement by itself is a transaction, and SQLite needs no notes to take a part of it back.
            self.insert(&self.taken)?;
        } else {
            let write = failed(&self.path, "written");
            let execute = |query: &str| {
                self.connection.prepare_cached(query).and_then(|mut query| query.execute([])).map_err(&write)
            };
            execute("BEGIN IMMEDIATE")?;
            if !self.facts.is_empty() {
                let mut insert = self.connection.prepare_cached(INSERT_FACTS).map_err(&write)?;
                for (digest, body) in &self.facts {
                    insert.execute([digest, body]).map_err(&write)?;
                }
            }
            for rows in self.taken.chunks(ROWS) {
                self.insert(rows)?;
            }
            execute("COMMIT")?;
        }
        // What went into a file that was moved away is not what the next process finds.
        if !self.identity.holds(&self.path) {
            return Err(DatabaseError::Replaced { path: self.path.clone() });
        }
        Ok(())
    }

    /// Inserts some of what was taken.
    fn insert(&self, rows: &[Taken]) -> Result<(), DatabaseError> {
        let Some((first, more)) = rows.split_first() else { return Ok(()) };
        let text = |place: &Range<usize>| {
            std::str::from_utf8(&self.text[place.clone()]).expect("JSON and times are text")
        };
        let inserted = || -> rusqlite::Result<usize> {
            let mut insert = self.connection.prepare_cached(&INSERTS[more.len()])?;
            insert.raw_bind_parameter(1, self.run.as_str())?;
            for (place, Taken { seq, at, event, hash }) in (2..).step_by(OWN).zip(rows) {
                let number = i64::try_from(*seq).expect("a run has less than 2^63 events");
                insert.raw_bind_parameter(place, number)?;
                insert.raw_bind_parameter(place + 1, text(at))?;
                insert.raw_bind_parameter(place + 2, text(event))?;
                insert.raw_bind_parameter(place + 3, hash.as_str())?;
            }
            insert.raw_execute()
        };
        inserted().map(|_| ()).map_err(|error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::ConstraintViolation) => {
                DatabaseError::Conflict { run: self.run.clone(), seq: first.seq }
            }
            Some(_) | None => failed(&self.path, "written")(error),
        })
    }

    /// Does something unless something failed before, and remembers if it fails.
    fn unless_failed(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<(), DatabaseError>,
    ) -> Result<(), JournalError> {
        if let Some(message) = &self.failed {
            return Err(JournalError { message: message.clone() });
        }
        act(self).map_err(|error| {
            let mut message = error.in_words();
            if let Some(help) = error.help() {
                message = format!("{message} ({help})");
            }
            // Whatever was begun is taken back; if even that fails, the file is as the last commit left it.
            let _ = self.connection.execute_batch("ROLLBACK");
            self.failed = Some(message.clone());
            JournalError { message }
        })
    }
}

impl Journal for RunWriter {
    fn append(&mut self, event: &RunEvent) -> Result<(), JournalError> {
        self.unless_failed(|writer| writer.take(event))
    }

    fn keep_facts(&mut self, digest: &str, body: &str) -> Result<(), JournalError> {
        self.facts.push((digest.to_owned(), body.to_owned()));
        Ok(())
    }

    fn sync(&mut self) -> Result<(), JournalError> {
        if self.taken.is_empty() && self.failed.is_none() {
            return Ok(());
        }
        self.unless_failed(Self::write)?;
        self.taken.clear();
        self.facts.clear();
        self.text.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixture::Place;
    use crate::journal::fixture::event;
    use crate::journal::fixture::events;

    #[test]
    fn events_read_back_equal_and_in_order() {
        let place = Place::new();
        let mut writer = place.with_events("r1", 0);
        for seq in 1..=3 {
            writer.append(&event("r1", seq)).expect("taken");
        }
        let reader = place.open();
        let run = RunId::new("r1");
        assert_eq!(reader.events(&run).expect("read"), [], "nothing is kept before sync");
        writer.sync().expect("kept");
        assert_eq!(reader.events(&run).expect("read"), events("r1", 3));
        drop(writer);
        let mut writer = place.open().writer(&run).expect("entered");
        writer.append(&event("r1", 4)).expect("it goes on");
        writer.sync().expect("kept");
        assert_eq!(reader.events(&run).expect("read"), events("r1", 4));
        assert_eq!(reader.verify(&run).expect("read"), 4);
    }

    #[test]
    fn one_place_takes_one_event() {
        let place = Place::new();
        let mut one = place.with_events("r1", 0);
        let mut other = place.open().writer(&RunId::new("r1")).expect("entered");
        one.append(&event("r1", 1)).expect("taken");
        one.sync().expect("kept");
        other.append(&event("r1", 1)).expect("taken");
        let error = other.sync().expect_err("the place is taken");
        assert!(error.message.contains("event 1 already"), "{error}");
        let error = other.append(&event("r1", 2)).expect_err("it failed before");
        assert!(error.message.contains("event 1 already"), "{error}");
    }

    #[test]
    fn an_event_that_is_not_the_next_one_is_not_taken() {
        for wrong in [event("r1", 4), event("r1", 2), event("r2", 3)] {
            let place = Place::new();
            let mut writer = place.with_events("r1", 2);
            let error = writer.append(&wrong).expect_err("it is not the next one");
            assert!(error.message.contains("is not the next one"), "{error}");
            writer.sync().expect_err("it failed before");
            assert_eq!(place.open().events(&RunId::new("r1")).expect("read"), events("r1", 2));
        }
    }

    #[test]
    fn a_full_disk_is_told_and_what_was_kept_stays() {
        let place = Place::new();
        let mut writer = place.with_events("r1", 2);
        let pages: i64 =
            writer.connection.pragma_query_value(None, "page_count", |row| row.get(0)).expect("read");
        writer.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).expect("set");
        let mut seq = 2;
        let error = loop {
            for _ in 0..50 {
                seq += 1;
                writer.append(&event("r1", seq)).expect("taken");
            }
            if let Err(error) = writer.sync() {
                break error;
            }
            assert!(seq < 10_000, "the disk is never full");
        };
        assert!(error.message.contains("database or disk is full"), "{error}");
        assert!(error.message.contains("make room"), "{error}");
        writer.connection.pragma_update_and_check(None, "max_page_count", 10_000, |_| Ok(())).expect("set");
        writer.sync().expect_err("after one failure nothing is written, room or not");
        drop(writer);
        let kept = place.open().events(&RunId::new("r1")).expect("what was kept is intact");
        assert_eq!(kept, events("r1", seq - 50));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_moved_away_takes_nothing_more() {
        let place = Place::new();
        let mut writer = place.with_events("r1", 2);
        let away = place.folder.path().join("elsewhere.db");
        std::fs::rename(&place.path, &away).expect("moved");
        std::fs::copy(&away, &place.path).expect("another one takes its place");
        writer.append(&event("r1", 3)).expect("taken");
        let error = writer.sync().expect_err("nobody would find it");
        assert!(error.message.contains("moved, deleted or replaced"), "{error}");
    }

    #[test]
    fn events_and_letters_stand() {
        let place = Place::new();
        drop(place.with_events("r1", 2));
        let sqlite = place.sqlite();
        let letter = "INSERT INTO inbox (run, at, by, known_as, letter) VALUES ('r1', '', '', '', '')";
        sqlite.execute(letter, []).expect("anybody may send one");
        for (what, column) in [("events", "event"), ("inbox", "letter")] {
            for change in [format!("DELETE FROM {what}"), format!("UPDATE {what} SET {column} = '{{}}'")] {
                let error = sqlite.execute(&change, []).expect_err("it is append-only");
                assert!(error.to_string().contains("are kept"), "{error}");
            }
        }
    }
}
