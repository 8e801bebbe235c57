//! Reading the events of a run, which are checked against their chain as they are read.

use std::borrow::Cow;

use jiff::Timestamp;
use rusqlite::OptionalExtension as _;
use rusqlite::types::ValueRef;

use crate::event::RunEvent;
use crate::event::TagFirst;
use crate::id::RunId;
use crate::journal::Database;
use crate::journal::DatabaseError;
use crate::journal::chain::Link;

/// What can be read of a run's record.
#[derive(Debug)]
pub struct Intact {
    /// The events before anything that is wrong, in order.
    pub events: Vec<RunEvent>,
    /// What is wrong, if anything is.
    pub broken: Option<DatabaseError>,
}

impl Database {
    /// Returns the events of a run, in order.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if one can't be read, or is not what was written.
    pub fn events(&self, run: &RunId) -> Result<Vec<RunEvent>, DatabaseError> {
        let Intact { events, broken } = self.intact(run);
        broken.map_or(Ok(events), Err)
    }

    /// Returns what can be read of a run: everything, or what is before the first thing that is wrong.
    #[must_use]
    pub fn intact(&self, run: &RunId) -> Intact {
        let mut events = Vec::new();
        let broken = self.each_event(run, |event| events.push(event)).err();
        Intact { events, broken }
    }

    /// Gives each event of a run to `take`, in order; what is wrong ends that.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if one can't be read, or is not what was written.
    pub fn each_event(&self, run: &RunId, take: impl FnMut(RunEvent)) -> Result<(), DatabaseError> {
        self.each_event_after(run, 0, take)
    }

    /// Gives each event of a run after the one at a place to `take`, in order; what is wrong ends that. That these follow from the
    /// one at the place is checked, that one is not.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if one can't be read, or is not what was written.
    pub fn each_event_after(
        &self,
        run: &RunId,
        place: u64,
        mut take: impl FnMut(RunEvent),
    ) -> Result<(), DatabaseError> {
        // Many events happen at one time.
        let mut last: Option<(Vec<u8>, Timestamp)> = None;
        self.each_text(run, place, |seq, beside, text| {
            let Stored { run: of, seq: place, at, kind: TagFirst(kind) } = decoded(run, seq, text)?;
            if place != seq || of != run.as_str() {
                return Err(broken(run, seq, "it is the event of another place"));
            }
            is_dated(run, seq, beside, &at)?;
            let at = match &mut last {
                Some((text, moment)) if text == at.as_bytes() => *moment,
                other => {
                    let moment = at.parse().map_err(|error: jiff::Error| unreadable(run, seq, &error))?;
                    *other = Some((at.as_bytes().to_vec(), moment));
                    moment
                }
            };
            take(RunEvent { run: run.clone(), seq, at, kind });
            Ok(())
        })
    }

    /// Gives the text of each event of a run to `take`, as it is stored and in order; what is wrong ends that.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if one can't be read, or is not what was written.
    pub fn each_stored(&self, run: &RunId, mut take: impl FnMut(String)) -> Result<(), DatabaseError> {
        self.each_text(run, 0, |seq, _, text| {
            let text = std::str::from_utf8(text).map_err(|error| unreadable(run, seq, &error))?;
            take(text.to_owned());
            Ok(())
        })
    }

    /// Checks the chain of a run without decoding what its events say, and returns how many there are.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if one can't be read, or is not what was written.
    pub fn verify(&self, run: &RunId) -> Result<u64, DatabaseError> {
        let mut count = 0;
        self.each_text(run, 0, |seq, beside, text| {
            let Dated { at } = decoded(run, seq, text)?;
            is_dated(run, seq, beside, &at)?;
            count = seq;
            Ok(())
        })?;
        Ok(count)
    }

    /// Checks that the entry of a run is what was written when it began.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if it can't be read, or is not what was written.
    pub fn check_entry(&self, run: &RunId) -> Result<(), DatabaseError> {
        let entry = self.run(run)?.ok_or_else(|| DatabaseError::Unknown { run: run.clone() })?;
        if self.stored_head(run)?.is_some_and(|head| head != Link::head(&entry)) {
            return Err(broken(run, 0, "its entry was changed after it was written, or the file is damaged"));
        }
        Ok(())
    }

    /// Returns the last event of a run; `None` if it has none.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if it can't be read.
    pub fn last_event(&self, run: &RunId) -> Result<Option<RunEvent>, DatabaseError> {
        let query = "SELECT seq, event FROM events WHERE run = ?1 ORDER BY seq DESC LIMIT 1";
        let found: Option<(i64, String)> = self
            .connection
            .query_row(query, [run.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(self.failed("read"))?;
        found.map(|(seq, text)| decoded(run, seq.unsigned_abs(), text.as_bytes())).transpose()
    }

    /// Returns the head of a run's chain as it is stored; a database of version 1 has none.
    fn stored_head(&self, run: &RunId) -> Result<Option<Link>, DatabaseError> {
        let column = if self.version == 1 { "NULL" } else { "head" };
        let query = format!("SELECT {column} FROM runs WHERE id = ?1");
        let found = self.connection.query_row(&query, [run.as_str()], |row| row.get(0)).optional();
        let found: Option<Option<String>> = found.map_err(self.failed("read"))?;
        let stored = found.ok_or_else(|| DatabaseError::Unknown { run: run.clone() })?;
        let link =
            |text: String| Link::parse(text.as_bytes()).ok_or_else(|| broken(run, 0, "its head is none"));
        stored.map(link).transpose()
    }

    /// Returns the place and the hash of a run's last event, as they are stored; 0 and the chain's head, if it has none.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if they can't be read, or the run was kept by a program that kept no chain.
    pub fn head(&self, run: &RunId) -> Result<(u64, String), DatabaseError> {
        let (seq, link) = self.end(run)?;
        Ok((seq, link.as_str().to_owned()))
    }

    /// Returns the number and the hash of a run's last event; 0 and the head, if it has none.
    pub(super) fn end(&self, run: &RunId) -> Result<(u64, Link), DatabaseError> {
        self.check_entry(run)?;
        let head = self.stored_head(run)?.ok_or_else(|| broken(run, 0, "it has no head"))?;
        let query = "SELECT seq, hash FROM events WHERE run = ?1 ORDER BY seq DESC LIMIT 1";
        let found: Option<(i64, String)> = self
            .connection
            .query_row(query, [run.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(self.failed("read"))?;
        let Some((seq, hash)) = found else { return Ok((0, head)) };
        let seq = seq.unsigned_abs();
        let link = Link::parse(hash.as_bytes()).ok_or_else(|| broken(run, seq, "its hash is none"))?;
        Ok((seq, link))
    }

    /// Gives the place, the time that is stored beside it, and the text of each event after a place to `take`, in order, after
    /// checking that it follows the one before it.
    fn each_text(
        &self,
        run: &RunId,
        after: u64,
        take: impl FnMut(u64, &[u8], &[u8]) -> Result<(), DatabaseError>,
    ) -> Result<(), DatabaseError> {
        // A changed entry hides no events that follow from the head as it stands.
        let entry = self.check_entry(run);
        let head = if after == 0 { self.stored_head(run)? } else { self.link_of(run, after)? };
        let events = self.chained(run, after, head, take);
        entry.and(events)
    }

    /// Returns the hash of the event at a place; a database of version 1 has none.
    fn link_of(&self, run: &RunId, seq: u64) -> Result<Option<Link>, DatabaseError> {
        if self.version == 1 {
            return Ok(None);
        }
        let query = "SELECT hash FROM events WHERE run = ?1 AND seq = ?2";
        let place = (run.as_str(), i64::try_from(seq).unwrap_or(i64::MAX));
        let found = self.connection.query_row(query, place, |row| row.get(0)).optional();
        let found: Option<String> = found.map_err(self.failed("read"))?;
        let hash = found.ok_or_else(|| broken(run, seq, "it is not there"))?;
        let link = Link::parse(hash.as_bytes()).ok_or_else(|| broken(run, seq, "its hash is none"))?;
        Ok(Some(link))
    }

    fn chained(
        &self,
        run: &RunId,
        after: u64,
        mut link: Option<Link>,
        mut take: impl FnMut(u64, &[u8], &[u8]) -> Result<(), DatabaseError>,
    ) -> Result<(), DatabaseError> {
        let read = self.failed("read");
        let hash = if link.is_some() { "hash" } else { "NULL" };
        let query =
            format!("SELECT seq, event, {hash}, at FROM events WHERE run = ?1 AND seq > ?2 ORDER BY seq");
        let mut query = self.connection.prepare(&query).map_err(&read)?;
        let mut last = i64::try_from(after).unwrap_or(i64::MAX);
        let mut rows = query.query((run.as_str(), last)).map_err(&read)?;
        while let Some(row) = rows.next().map_err(&read)? {
            let column = |index| row.get_ref(index).map_err(&read);
            let (seq, text) = (column(0)?, bytes(column(1)?));
            last += 1;
            if seq != ValueRef::Integer(last) {
                return Err(broken(run, last.unsigned_abs(), "it is not there"));
            }
            let seq = last.unsigned_abs();
            if let Some(before) = &mut link {
                *before = before.then(text);
                if !before.is(bytes(column(2)?)) {
                    let why = "it does not follow from what is before it: one of both was changed after it was written, or the file is damaged";
                    return Err(broken(run, seq, why));
                }
            }
            take(seq, bytes(column(3)?), text)?;
        }
        Ok(())
    }
}

fn broken(run: &RunId, seq: u64, why: &str) -> DatabaseError {
    DatabaseError::Broken { run: run.clone(), seq, why: why.into() }
}

/// Returns the bytes of a text; a strict table holds nothing else in its place.
fn bytes(value: ValueRef<'_>) -> &[u8] {
    value.as_bytes().unwrap_or_default()
}

/// An event as it is stored; its run is named once, not by each event anew.
#[derive(serde::Deserialize)]
struct Stored<'t> {
    #[serde(borrow)]
    run: Cow<'t, str>,
    seq: u64,
    #[serde(borrow)]
    at: Cow<'t, str>,
    kind: TagFirst,
}

/// When an event happened.
#[derive(serde::Deserialize)]
struct Dated<'t> {
    #[serde(borrow)]
    at: Cow<'t, str>,
}

/// Refuses an event beside which another time stands than in it: the chain binds only what is in it.
fn is_dated(run: &RunId, seq: u64, beside: &[u8], at: &str) -> Result<(), DatabaseError> {
    if beside == at.as_bytes() {
        return Ok(());
    }
    Err(broken(
        run,
        seq,
        "the time beside it is not its own: it was changed after it was written, or the file is damaged",
    ))
}

fn unreadable(run: &RunId, seq: u64, error: &dyn std::error::Error) -> DatabaseError {
    DatabaseError::Event { run: run.clone(), seq, message: error.to_string() }
}

/// Decodes an event, or a part of one.
fn decoded<'t, T: serde::Deserialize<'t>>(run: &RunId, seq: u64, text: &'t [u8]) -> Result<T, DatabaseError> {
    serde_json::from_slice(text).map_err(|error| unreadable(run, seq, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixture::Place;
    use crate::journal::fixture::events;

    const UNLOCKED: &str = "DROP TRIGGER events_stay; DROP TRIGGER events_stand;";

    /// Returns how the record of a run of five events reads after `change`.
    fn after(change: &str) -> (Vec<RunEvent>, Option<DatabaseError>) {
        let place = Place::new();
        drop(place.with_events("r1", 5));
        drop(place.with_events("r2", 5));
        place.sqlite().execute_batch(&format!("{UNLOCKED} {change}")).expect("somebody changes it");
        let run = RunId::new("r1");
        let database = place.open();
        let Intact { events, broken } = database.intact(&run);
        assert_eq!(database.verify(&run).is_ok(), broken.is_none(), "{change}");
        assert_eq!(database.events(&RunId::new("r2")).expect("the other run is intact").len(), 5);
        (events, broken)
    }

    fn breaks(change: &str, at: u64, words: &str) {
        let (found, broken) = after(change);
        assert_eq!(found, events("r1", at.saturating_sub(1)), "{change}");
        match broken.expect(change) {
            DatabaseError::Broken { run, seq, why } => {
                assert_eq!((run.as_str(), seq), ("r1", at), "{change}");
                assert!(why.contains(words), "{change}: {why}");
            }
            other => panic!("{change}: {other:?}"),
        }
    }

    #[test]
    fn what_was_not_changed_is_intact() {
        let (found, broken) = after("");
        assert_eq!(found, events("r1", 5));
        assert!(broken.is_none(), "{broken:?}");
    }

    #[test]
    fn a_changed_event_breaks_the_chain_where_it_is() {
        let change = "SET event = replace(event, 'a test', 'a lie') WHERE run = 'r1'";
        breaks(&format!("UPDATE events {change} AND seq = 3"), 3, "does not follow");
        breaks(&format!("UPDATE events {change} AND seq = 1"), 1, "does not follow");
        breaks(&format!("UPDATE events {change} AND seq = 5"), 5, "does not follow");
        breaks("UPDATE events SET event = event || ' ' WHERE run = 'r1' AND seq = 2", 2, "does not follow");
        breaks(
            "UPDATE events SET hash = replace(hash, '0', '1') WHERE run = 'r1' AND seq = 4",
            4,
            "does not follow",
        );
    }

    #[test]
    fn a_changed_time_beside_an_event_breaks_the_record_there() {
        for at in ["2020-01-01T00:00:00Z", "soon", ""] {
            let change = format!("UPDATE events SET at = '{at}' WHERE run = 'r1' AND seq = 4");
            breaks(&change, 4, "the time beside it is not its own");
        }
    }

    #[test]
    fn an_event_that_is_gone_or_elsewhere_breaks_the_chain() {
        breaks("DELETE FROM events WHERE run = 'r1' AND seq = 3", 3, "it is not there");
        breaks("DELETE FROM events WHERE run = 'r1' AND seq = 1", 1, "it is not there");
        let swapped = "UPDATE events SET seq = -seq WHERE run = 'r1' AND seq IN (2, 3);
             UPDATE events SET seq = 5 + seq WHERE run = 'r1' AND seq < 0;";
        breaks(swapped, 2, "does not follow");
        let shifted = "DELETE FROM events WHERE run = 'r1' AND seq = 2;
             UPDATE events SET seq = seq - 1 WHERE run = 'r1' AND seq = 3;
             UPDATE events SET seq = seq - 1 WHERE run = 'r1' AND seq = 4;
             UPDATE events SET seq = seq - 1 WHERE run = 'r1' AND seq = 5;";
        breaks(shifted, 2, "does not follow");
    }

    #[test]
    fn the_events_of_a_run_belong_to_its_entry() {
        let changes =
            ["plan_digest", "facts_digest", "git_commit", "program", "options", "plan_path", "created_at"];
        for change in
            changes.map(|column| format!("{column} = 'x'")).into_iter().chain(["git_commit = NULL".into()])
        {
            let (found, broken) = after(&format!("UPDATE runs SET {change} WHERE id = 'r1'"));
            assert_eq!(found, events("r1", 5), "what follows from the head is not hidden: {change}");
            let error = broken.expect("the entry was changed").to_string();
            assert!(error.contains("at its beginning: its entry"), "{error}");
        }
        breaks("UPDATE runs SET head = replace(head, '0', '1') WHERE id = 'r1'", 0, "its entry was changed");
        breaks("UPDATE runs SET head = 'x' WHERE id = 'r1'", 0, "its head is none");
        // An entry that is changed together with its head no longer fits the first event.
        let place = Place::new();
        drop(place.with_events("r1", 2));
        let mut changed = crate::journal::fixture::record("r1");
        changed.plan_digest = "sha256:3".into();
        let head = Link::head(&changed);
        let change = "UPDATE runs SET plan_digest = 'sha256:3', head = ?1";
        place.sqlite().execute(change, [head.as_str()]).expect("somebody changes it");
        let broken = place.open().intact(&RunId::new("r1")).broken;
        assert!(matches!(broken, Some(DatabaseError::Broken { seq: 1, .. })), "{broken:?}");
    }

    #[test]
    fn events_that_are_cut_off_at_the_end_are_not_missed() {
        let (found, broken) = after("DELETE FROM events WHERE run = 'r1' AND seq > 3");
        assert_eq!(found, events("r1", 3));
        assert!(broken.is_none(), "an earlier state can't be told from the inside: {broken:?}");
    }

    #[test]
    fn an_event_of_a_newer_program_is_told_as_such() {
        let place = Place::new();
        let writer = place.with_events("r1", 2);
        drop(writer);
        let run = RunId::new("r1");
        let text = r#"{"run":"r1","seq":3,"at":"1970-01-01T00:00:00Z","kind":{"event":"moon_landed"}}"#;
        let (_, end) = place.open().end(&run).expect("read");
        let insert = "INSERT INTO events VALUES ('r1', 3, '1970-01-01T00:00:00Z', ?1, ?2)";
        place.sqlite().execute(insert, [text, end.then(text.as_bytes()).as_str()]).expect("written");
        let Intact { events: found, broken } = place.open().intact(&run);
        assert_eq!(found, events("r1", 2));
        assert!(matches!(&broken, Some(DatabaseError::Event { seq: 3, .. })), "{broken:?}");
        assert_eq!(place.open().verify(&run).expect("the chain holds"), 3);
    }

    #[test]
    fn a_damaged_page_hides_only_what_is_on_it_and_after_it() {
        let place = Place::new();
        let count = 3_000;
        drop(place.with_events("r1", count));
        place.sqlite().pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(())).expect("set");
        let mut bytes = std::fs::read(&place.path).expect("there");
        let middle = bytes.len() / 4096 / 2 * 4096;
        bytes[middle..middle + 4096].fill(0xff);
        std::fs::write(&place.path, bytes).expect("damaged");
        let Intact { events: found, broken } =
            Database::open_to_read(&place.path).expect("its head is whole").intact(&RunId::new("r1"));
        let error = broken.expect("something is missing");
        assert!(!found.is_empty() && found.len() < 3_000, "{}", found.len());
        assert_eq!(found, events("r1", found.len() as u64));
        assert!(error.help().is_some(), "{error:?}");
    }
}
