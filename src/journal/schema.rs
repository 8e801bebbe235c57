//! The version of the database's tables, and how those of older programs become those of this one.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::Transaction;
use rusqlite::TransactionBehavior;
use rusqlite::params;

use crate::journal::DatabaseError;
use crate::journal::chain::Link;
use crate::journal::database;
use crate::journal::tables;

/// Version of the tables, in the database's `user_version`.
pub(super) const VERSION: i64 = 6;

/// What tells the database from those of other programs, in its `application_id`: `fail` in ASCII.
const APPLICATION: i64 = 0x6661_696c;

/// Returns the version of a database's tables; 0 if it has none.
///
/// # Errors
///
/// [`DatabaseError`] if it can't be read, another program made it, or a newer one of ours.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<i64, DatabaseError> {
    let pragma =
        |name: &str| -> rusqlite::Result<i64> { connection.pragma_query_value(None, name, |row| row.get(0)) };
    let found = || -> rusqlite::Result<(i64, i64, i64)> {
        let ours = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('runs', 'events')";
        let any = "SELECT count(*) FROM sqlite_master";
        let version = pragma("user_version")?;
        let tables = connection.query_row(if version == 0 { any } else { ours }, [], |row| row.get(0))?;
        Ok((version, pragma("application_id")?, tables))
    };
    let (version, application, tables) = found().map_err(database::failed(path, "opened"))?;
    // The first version had no `application_id` yet.
    let is_ours = match version {
        0 => tables == 0,
        1 => application == 0 && tables == 2,
        _ => application == APPLICATION,
    };
    if !is_ours {
        return Err(DatabaseError::Foreign { path: path.to_owned() });
    }
    if version > VERSION {
        return Err(DatabaseError::Newer { path: path.to_owned(), found: version });
    }
    Ok(version)
}

/// Makes the tables, or brings those of an older program to this version: wholly, or not at all.
///
/// # Errors
///
/// [`DatabaseError`] if that can't be done; the database is then as it was.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), DatabaseError> {
    if version(connection, path)? == VERSION {
        return Ok(());
    }
    let change = database::failed(path, "made");
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&change)?;
    // Another process may have been faster.
    let found = version(&transaction, path)?;
    if found == VERSION {
        return Ok(());
    }
    let changed = || -> rusqlite::Result<()> {
        match found {
            0 => transaction.execute_batch(tables::SECOND)?,
            1 => from_first(&transaction)?,
            _ => (),
        }
        if found < 3 {
            transaction.execute_batch(tables::THIRD)?;
        }
        if found < 4 {
            transaction.execute_batch(tables::FOURTH)?;
        }
        if found < 5 {
            transaction.execute_batch(tables::FIFTH)?;
        }
        transaction.execute_batch(tables::SIXTH)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", VERSION)
    };
    changed().map_err(&change)?;
    transaction.commit().map_err(&change)
}

/// Version 1 had neither an inbox nor a chain: its events are chained as they are found.
fn from_first(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "ALTER TABLE events RENAME TO events_1;
         ALTER TABLE runs RENAME TO runs_1;",
    )?;
    transaction.execute_batch(tables::SECOND)?;
    let columns = "id, plan, plan_path, plan_digest, facts_digest, provider, options, created_at";
    let runs = format!(
        "SELECT {columns}, NULL,
            coalesce((SELECT event ->> '$.kind.program' FROM events_1 WHERE run = id AND seq = 1 AND json_valid(event)), ''),
            (SELECT count(*) FROM events_1 WHERE run = id)
         FROM runs_1"
    );
    let mut query = transaction.prepare(&runs)?;
    let runs = query.query_map([], database::run_of_row)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut events =
        transaction.prepare("SELECT seq, at, event FROM events_1 WHERE run = ?1 ORDER BY seq")?;
    let mut insert =
        transaction.prepare("INSERT INTO events (run, seq, at, event, hash) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for run in &runs {
        let mut link = Link::head(run);
        database::insert_run(transaction, run, &link)?;
        let mut rows = events.query([run.id.as_str()])?;
        while let Some(row) = rows.next()? {
            let event = row.get_ref(2)?;
            link = link.then(event.as_bytes()?);
            let (seq, at) = (row.get_ref(0)?, row.get_ref(1)?);
            insert.execute(params![
                run.id.as_str(),
                seq.as_i64()?,
                at.as_str()?,
                event.as_str()?,
                link.as_str()
            ])?;
        }
    }
    drop((query, events, insert));
    transaction.execute_batch("DROP TABLE events_1; DROP TABLE runs_1;")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::event::Journal as _;
    use crate::id::RunId;
    use crate::journal::Database;
    use crate::journal::Handled;
    use crate::journal::fixture::Place;
    use crate::journal::fixture::event;
    use crate::journal::fixture::events;

    /// A database as version 1 left it, as SQLite's own program dumps it.
    const FIRST: &str = include_str!("first.sql");

    fn tables(place: &Place) -> Vec<(String, Option<String>)> {
        let sqlite = place.sqlite();
        let mut query =
            sqlite.prepare("SELECT name, sql FROM sqlite_master ORDER BY type, name").expect("a query");
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("read");
        rows.collect::<rusqlite::Result<_>>().expect("read")
    }

    #[test]
    fn a_database_of_version_1_is_read_as_it_is() {
        let place = Place::new();
        place.sqlite().execute_batch(FIRST).expect("made");
        let before = std::fs::read(&place.path).expect("there");
        let database = Database::open_to_read(&place.path).expect("it is known");
        let run = RunId::new("r1");
        assert_eq!(database.events(&run).expect("read"), events("r1", 3));
        assert_eq!(database.last_event(&run).expect("read"), Some(event("r1", 3)));
        assert_eq!(database.runs().expect("read").len(), 2);
        assert_eq!(std::fs::read(&place.path).expect("there"), before, "reading changes nothing");
    }

    #[test]
    fn a_database_of_version_1_becomes_one_of_this_and_goes_on() {
        let place = Place::new();
        place.sqlite().execute_batch(FIRST).expect("made");
        let database = place.open();
        let run = RunId::new("r1");
        assert_eq!(database.events(&run).expect("chained"), events("r1", 3));
        let record = database.run(&run).expect("read").expect("it is there");
        assert_eq!((record.migrated_events, record.git_commit.as_ref()), (3, None));
        assert_eq!(record.plan_path, "/srv/plans/erp.plan.yaml");
        let began = database.run(&RunId::new("r0")).expect("read").expect("it is there");
        assert_eq!((began.migrated_events, began.program.as_str()), (1, "0.1.0"), "its first event says so");
        let mut writer = database.writer(&run).expect("entered");
        writer.append(&event("r1", 4)).expect("taken");
        writer.sync().expect("kept");
        drop(writer);
        assert_eq!(place.open().events(&run).expect("read"), events("r1", 4));
        let fresh = Place::new();
        drop(fresh.open());
        assert_eq!(tables(&place), tables(&fresh), "nothing tells it from a new one");
    }

    /// Takes away what version 3 added: a database as version 2 left it.
    fn make_second(place: &Place) {
        let sqlite = place.sqlite();
        sqlite
            .execute_batch(
                "DROP TABLE stops; DROP TABLE facts; DROP TABLE drills; DROP TABLE schedule; DROP TRIGGER inbox_adds; DROP TRIGGER events_add; PRAGMA user_version = 2;",
            )
            .expect("they were there");
    }

    #[test]
    fn a_database_of_version_2_is_read_as_it_is_and_then_becomes_one_of_this() {
        let place = Place::new();
        drop(place.with_events("r1", 3));
        let whole = tables(&place);
        make_second(&place);
        assert_ne!(tables(&place), whole);
        let before = std::fs::read(&place.path).expect("there");
        let database = Database::open_to_read(&place.path).expect("it is known");
        let run = RunId::new("r1");
        assert_eq!(database.events(&run).expect("read"), events("r1", 3));
        assert!(database.drills().expect("it had none").is_empty());
        assert_eq!(database.handled("p", "d").expect("it had no schedule"), None);
        drop(database);
        assert_eq!(std::fs::read(&place.path).expect("there"), before, "reading changes nothing");
        let database = place.open();
        assert_eq!(database.events(&run).expect("the chain is whole"), events("r1", 3));
        assert_eq!(database.run(&run).expect("read").expect("there").migrated_events, 0);
        assert_eq!(tables(&place), whole, "nothing tells it from a new one");
    }

    #[test]
    fn a_database_of_version_3_becomes_one_of_this() {
        let place = Place::new();
        drop(place.with_events("r1", 3));
        let whole = tables(&place);
        let undone = "DROP TRIGGER events_add; DROP TRIGGER inbox_adds; DROP TRIGGER facts_add; DROP TRIGGER drills_add; ALTER TABLE schedule DROP COLUMN timetable; DROP TABLE stops; PRAGMA user_version = 3;";
        place.sqlite().execute_batch(undone).expect("they were there");
        place.sqlite().execute_batch("INSERT INTO facts VALUES ('sha256:1', '{}')").expect("new");
        let before = std::fs::read(&place.path).expect("there");
        let run = RunId::new("r1");
        let database = Database::open_to_read(&place.path).expect("it is known");
        assert_eq!(database.events(&run).expect("read"), events("r1", 3));
        drop(database);
        assert_eq!(std::fs::read(&place.path).expect("there"), before, "reading changes nothing");
        let database = place.open();
        assert_eq!(database.events(&run).expect("the chain is whole"), events("r1", 3));
        assert_eq!(tables(&place), whole, "nothing tells it from a new one");
        let replaced = place.sqlite().execute_batch("INSERT OR REPLACE INTO facts VALUES ('sha256:1', '[]')");
        assert!(replaced.is_err(), "what was there before is kept, too");
    }

    #[test]
    fn a_database_of_version_4_is_read_as_it_is_and_then_becomes_one_of_this() {
        let place = Place::new();
        drop(place.with_events("r1", 3));
        let whole = tables(&place);
        let sqlite = place.sqlite();
        sqlite
            .execute_batch(
                "ALTER TABLE schedule DROP COLUMN timetable; DROP TABLE stops; PRAGMA user_version = 4;",
            )
            .expect("it was there");
        let row = "INSERT INTO schedule VALUES ('p', 'd', '2026-11-23T03:00:00Z')";
        sqlite.execute_batch(row).expect("new");
        drop(sqlite);
        let until = "2026-11-23T03:00:00Z".parse().expect("a time");
        let handled = Some(Handled { until, timetable: None });
        let database = Database::open_to_read(&place.path).expect("it is known");
        assert_eq!(database.handled("p", "d").expect("read"), handled);
        drop(database);
        let database = place.open();
        assert_eq!(database.handled("p", "d").expect("read"), handled, "of which timetable is not known");
        assert_eq!(tables(&place), whole, "nothing tells it from a new one");
    }

    #[test]
    fn a_database_of_version_5_becomes_one_of_this_and_tells_of_no_stop_that_is_long_past() {
        let place = Place::new();
        drop(place.open());
        let whole = tables(&place);
        let drill = |id: &str, ended: &str| {
            format!(
                "INSERT INTO drills (id, plan, plan_path, kind, cause, began_at, ended_at) VALUES ('{id}', 'p', 'p', 'rehearsal', 'person', '2026-11-23T03:00:00Z', {ended});"
            )
        };
        let undone = "DROP TABLE stops; PRAGMA user_version = 5;";
        let both = format!("{undone}{}{}", drill("ended", "'2026-11-23T04:00:00Z'"), drill("died", "NULL"));
        place.sqlite().execute_batch(&both).expect("as it was left");
        let database = Database::open_to_read(&place.path).expect("it is known");
        assert!(database.told_stops().expect("it had none").is_empty());
        drop(database);
        let told = place.open().told_stops().expect("read");
        assert_eq!(told.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["died"]);
        assert_eq!(tables(&place), whole, "nothing tells it from a new one");
    }

    #[test]
    fn nothing_takes_the_place_of_what_is_kept() {
        let place = Place::new();
        drop(place.with_events("r1", 3));
        let sqlite = place.sqlite();
        let change = |query: &str| sqlite.execute_batch(query);
        change(
            "INSERT INTO inbox (run, at, by, known_as, letter) VALUES ('r1', 't', 'ann', 'os_user', '{}')",
        )
        .expect("the first");
        change(
            "INSERT INTO inbox (run, at, by, known_as, letter) VALUES ('r1', 't', 'ann', 'os_user', '{}')",
        )
        .expect("another");
        change("INSERT INTO facts VALUES ('sha256:1', '{}')").expect("new");
        change("INSERT OR IGNORE INTO facts VALUES ('sha256:1', '{}')").expect("the same again");
        let drill = "INTO drills (id, plan, plan_path, kind, cause, began_at) VALUES ('d1', 'p', 'p', 'rehearsal', 'person', 't')";
        change(&format!("INSERT {drill}")).expect("new");
        for refused in [
            "INSERT OR REPLACE INTO events SELECT run, seq, at, replace(event, 'r1', 'r9'), hash FROM events WHERE seq = 2",
            "INSERT OR REPLACE INTO inbox VALUES (1, 'r1', 't', 'bob', 'os_user', '{}')",
            "REPLACE INTO inbox VALUES (2, 'r1', 't', 'bob', 'os_user', '{}')",
            "INSERT OR REPLACE INTO facts VALUES ('sha256:1', '[]')",
            &format!("INSERT OR REPLACE {drill}"),
            &format!("INSERT OR IGNORE {drill}"),
        ] {
            assert!(change(refused).is_err(), "{refused}");
        }
        let mut count = sqlite.prepare("SELECT count(*) FROM inbox WHERE by = 'ann'").expect("a query");
        assert_eq!(count.query_row([], |row| row.get::<_, i64>(0)).expect("read"), 2);
        assert_eq!(place.open().events(&RunId::new("r1")).expect("the chain is whole"), events("r1", 3));
    }

    #[test]
    fn what_was_observed_and_what_was_drilled_stay() {
        let place = Place::new();
        drop(place.open());
        let sqlite = place.sqlite();
        let change = |query: &str| sqlite.execute_batch(query);
        change("INSERT INTO facts VALUES ('sha256:1', '{}')").expect("new");
        let drill = "INSERT INTO drills (id, plan, plan_path, kind, cause, began_at) VALUES ('d1', 'p', 'p', 'rehearsal', 'person', 't')";
        change(drill).expect("new");
        for refused in [
            "UPDATE facts SET body = '[]'",
            "DELETE FROM facts",
            "DELETE FROM drills",
            "UPDATE drills SET plan = 'q'",
            "UPDATE drills SET verdict = 'passed'",
        ] {
            assert!(change(refused).is_err(), "{refused}");
        }
        change("UPDATE drills SET run = 'r1', plan_digest = 'sha256:1'").expect("it was not known");
        assert!(change("UPDATE drills SET run = 'r2'").is_err(), "its run is known");
        change("UPDATE drills SET ended_at = 't', verdict = 'passed'").expect("it had not ended");
        for refused in ["UPDATE drills SET verdict = 'failed'", "UPDATE drills SET ended_at = NULL"] {
            assert!(change(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_migration_that_fails_changes_nothing() {
        let place = Place::new();
        place.sqlite().execute_batch(FIRST).expect("made");
        place.sqlite().execute_batch("CREATE TABLE inbox (own TEXT)").expect("somebody's own");
        let before = tables(&place);
        let error = Database::open(&place.path).expect_err("there is an inbox already");
        assert!(error.in_words().contains("inbox"), "{error:?}");
        assert_eq!(tables(&place), before);
        let database = Database::open_to_read(&place.path).expect("it is known");
        assert_eq!(database.events(&RunId::new("r1")).expect("read"), events("r1", 3));
    }
}
