//! The database of runs: the only file that knows SQLite.
//!
//! Write-ahead log, synchronous FULL: what a commit returned is on disk. Events are committed in groups.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::OpenFlags;
use rusqlite::OptionalExtension as _;
use rusqlite::params;

use crate::event::Journal;
use crate::event::JournalError;
use crate::event::RunEvent;
use crate::id::RunId;

/// Version of the tables, in the database's `user_version`.
const VERSION: i64 = 1;
/// How long a process waits for another one's short write.
const PATIENCE: Duration = Duration::from_secs(10);

const TABLES: &str = "
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    plan TEXT NOT NULL,
    plan_path TEXT NOT NULL,
    plan_digest TEXT NOT NULL,
    facts_digest TEXT NOT NULL,
    provider TEXT NOT NULL,
    options TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
CREATE TABLE events (
    run TEXT NOT NULL REFERENCES runs(id),
    seq INTEGER NOT NULL,
    at TEXT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
";

/// The database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// SQLite says no.
    #[error("the database of runs can't be {action}")]
    Sqlite {
        /// What was tried.
        action: &'static str,
        /// The cause.
        source: rusqlite::Error,
    },
    /// It has no tables: it was replaced or cut short.
    #[error("the database of runs has no tables: the database was replaced or cut short")]
    Empty,
    /// A newer program made it.
    #[error("the database of runs has version {found}, this program knows {VERSION}: use the newer program")]
    Newer {
        /// Its version.
        found: i64,
    },
    /// It holds what this program can't read.
    #[error("event {seq} of run {run} can't be read: {message}")]
    Event {
        /// The run.
        run: RunId,
        /// The event's place.
        seq: u64,
        /// The cause.
        message: String,
    },
    /// Another event has its place already: two processes write one run.
    #[error("run {run} has an event {seq} already")]
    Conflict {
        /// The run.
        run: RunId,
        /// The event's place.
        seq: u64,
    },
}

fn failed(action: &'static str) -> impl Fn(rusqlite::Error) -> DatabaseError {
    move |source| DatabaseError::Sqlite { action, source }
}

/// Makes the file for its owner alone if it is not there, whoever may look into its folder; SQLite gives the files beside it the
/// same mode.
fn keep_private(path: &Path) {
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    // What can't be made is told when it is opened.
    let _ = options.open(path);
}

/// Returns a character as the name of a file has it in a URI of SQLite.
fn in_uri(letter: char) -> String {
    match letter {
        '%' => "%25".into(),
        '?' => "%3f".into(),
        '#' => "%23".into(),
        _ => letter.into(),
    }
}

/// What is kept about a run beside its events.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// Name of its plan.
    pub plan: String,
    /// File of its plan, as it was given.
    pub plan_path: String,
    /// Digest of the resolved plan.
    pub plan_digest: String,
    /// Digest of the facts.
    pub facts_digest: String,
    /// Its provider.
    pub provider: String,
    /// How it was started, as JSON.
    pub options: String,
    /// When it was started, by the machine's clock.
    pub created_at: Timestamp,
}

/// The database of runs.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
}

impl Database {
    /// Opens the database, and makes it if it is not there.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if it can't be opened, or a newer program made it.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        keep_private(path);
        let connection = Connection::open(path).map_err(failed("opened"))?;
        connection.busy_timeout(PATIENCE).map_err(failed("opened"))?;
        connection.pragma_update(None, "journal_mode", "wal").map_err(failed("opened"))?;
        connection.pragma_update(None, "synchronous", "full").map_err(failed("opened"))?;
        connection.pragma_update(None, "foreign_keys", true).map_err(failed("opened"))?;
        let mut database = Self { connection };
        database.migrate()?;
        Ok(database)
    }

    /// Opens the database for reading alone: nothing is made and nothing is written, so that it may lie where this process may
    /// not write.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if it can't be opened, holds nothing, or a newer program made it.
    pub fn open_to_read(path: &Path) -> Result<Self, DatabaseError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let found = |connection: &Connection| -> rusqlite::Result<i64> {
            connection.busy_timeout(PATIENCE)?;
            connection.pragma_query_value(None, "user_version", |row| row.get(0))
        };
        let mut opened = Connection::open_with_flags(path, flags)
            .and_then(|connection| Ok((found(&connection)?, connection)));
        let log = std::fs::metadata(path.with_extension("db-wal")).map_or(0, |log| log.len());
        if opened.is_err() && log == 0 {
            // Even a reader needs a file beside a log, unless it is told that nobody writes; without a log, nobody does.
            let name: String = path.display().to_string().chars().map(in_uri).collect();
            let uri = format!("file:{name}?immutable=1");
            opened = Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)
                .and_then(|connection| Ok((found(&connection)?, connection)));
        }
        match opened.map_err(failed("opened"))? {
            (0, _) => Err(DatabaseError::Empty),
            (VERSION, connection) => Ok(Self { connection }),
            (found, _) => Err(DatabaseError::Newer { found }),
        }
    }

    fn migrate(&mut self) -> Result<(), DatabaseError> {
        let change = failed("made");
        let transaction = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(&change)?;
        let found: i64 =
            transaction.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(&change)?;
        match found {
            0 => {
                transaction.execute_batch(TABLES).map_err(&change)?;
                transaction.pragma_update(None, "user_version", VERSION).map_err(&change)?;
            }
            VERSION => {}
            found => return Err(DatabaseError::Newer { found }),
        }
        transaction.commit().map_err(&change)
    }

    /// Enters a run.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if it can't be written.
    pub fn add_run(&mut self, run: &RunRecord) -> Result<(), DatabaseError> {
        self.connection
            .execute(
                "INSERT INTO runs (id, plan, plan_path, plan_digest, facts_digest, provider, options, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    run.id.as_str(),
                    run.plan,
                    run.plan_path,
                    run.plan_digest,
                    run.facts_digest,
                    run.provider,
                    run.options,
                    run.created_at.to_string()
                ],
            )
            .map_err(failed("written"))?;
        Ok(())
    }

    /// Returns every run, the newest first.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if they can't be read.
    pub fn runs(&self) -> Result<Vec<RunRecord>, DatabaseError> {
        let read = failed("read");
        let mut query = self
            .connection
            .prepare(
                "SELECT id, plan, plan_path, plan_digest, facts_digest, provider, options, created_at
                 FROM runs ORDER BY created_at DESC, id DESC",
            )
            .map_err(&read)?;
        let rows = query.query_map([], run_of_row).map_err(&read)?;
        rows.collect::<Result<_, _>>().map_err(&read)
    }

    /// Returns a run.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if it can't be read.
    pub fn run(&self, id: &RunId) -> Result<Option<RunRecord>, DatabaseError> {
        self.connection
            .query_row(
                "SELECT id, plan, plan_path, plan_digest, facts_digest, provider, options, created_at
                 FROM runs WHERE id = ?1",
                [id.as_str()],
                run_of_row,
            )
            .optional()
            .map_err(failed("read"))
    }

    /// Returns the events of a run, in order.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if one can't be read.
    pub fn events(&self, run: &RunId) -> Result<Vec<RunEvent>, DatabaseError> {
        let read = failed("read");
        let mut query = self
            .connection
            .prepare("SELECT seq, event FROM events WHERE run = ?1 ORDER BY seq")
            .map_err(&read)?;
        let rows = query
            .query_map([run.as_str()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
            .map_err(&read)?;
        let mut events = Vec::new();
        for row in rows {
            let (seq, text) = row.map_err(&read)?;
            events.push(event_of(run, seq, &text)?);
        }
        Ok(events)
    }

    /// Returns the last event of a run; `None` if it has none.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if it can't be read.
    pub fn last_event(&self, run: &RunId) -> Result<Option<RunEvent>, DatabaseError> {
        let found: Option<(i64, String)> = self
            .connection
            .query_row(
                "SELECT seq, event FROM events WHERE run = ?1 ORDER BY seq DESC LIMIT 1",
                [run.as_str()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
            .map_err(failed("read"))?;
        found.map(|(seq, text)| event_of(run, seq, &text)).transpose()
    }

    /// Returns a writer of events, which only the process that holds the run's lock may use.
    #[must_use]
    pub fn writer(self) -> RunWriter {
        RunWriter { connection: self.connection, taken: Vec::new() }
    }
}

fn event_of(run: &RunId, seq: i64, text: &str) -> Result<RunEvent, DatabaseError> {
    serde_json::from_str(text).map_err(|error| DatabaseError::Event {
        run: run.clone(),
        seq: seq.unsigned_abs(),
        message: error.to_string(),
    })
}

fn run_of_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<RunRecord> {
    let text: String = row.get(7)?;
    let created_at = text.parse().map_err(|error: jiff::Error| {
        rusqlite::Error::FromSqlConversionFailure(7, rusqlite::types::Type::Text, Box::new(error))
    })?;
    Ok(RunRecord {
        id: RunId::new(row.get::<_, String>(0)?),
        plan: row.get(1)?,
        plan_path: row.get(2)?,
        plan_digest: row.get(3)?,
        facts_digest: row.get(4)?,
        provider: row.get(5)?,
        options: row.get(6)?,
        created_at,
    })
}

/// Writes the events of a run.
#[derive(Debug)]
pub struct RunWriter {
    connection: Connection,
    taken: Vec<RunEvent>,
}

impl RunWriter {
    fn write(&mut self) -> Result<(), DatabaseError> {
        let write = failed("written");
        let transaction = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(&write)?;
        for event in &self.taken {
            let seq = i64::try_from(event.seq).expect("a run has less than 2^63 events");
            let text = serde_json::to_string(event).expect("an event has a JSON form");
            let written = transaction
                .prepare_cached("INSERT INTO events (run, seq, at, event) VALUES (?1, ?2, ?3, ?4)")
                .and_then(|mut insert| {
                    insert.execute(params![event.run.as_str(), seq, event.at.to_string(), text])
                });
            match written {
                Ok(_) => {}
                Err(rusqlite::Error::SqliteFailure(error, _))
                    if error.code == rusqlite::ErrorCode::ConstraintViolation =>
                {
                    return Err(DatabaseError::Conflict { run: event.run.clone(), seq: event.seq });
                }
                Err(error) => return Err(write(error)),
            }
        }
        transaction.commit().map_err(&write)
    }
}

impl Journal for RunWriter {
    fn append(&mut self, event: &RunEvent) -> Result<(), JournalError> {
        self.taken.push(event.clone());
        Ok(())
    }

    fn sync(&mut self) -> Result<(), JournalError> {
        if self.taken.is_empty() {
            return Ok(());
        }
        self.write().map_err(|error| {
            let mut message = error.to_string();
            if let Some(cause) = std::error::Error::source(&error) {
                message = format!("{message}: {cause}");
            }
            JournalError { message }
        })?;
        self.taken.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::RunEventKind;

    fn record(id: &str) -> RunRecord {
        RunRecord {
            id: RunId::new(id),
            plan: "erp".into(),
            plan_path: "plans/erp.plan.yaml".into(),
            plan_digest: "sha256:1".into(),
            facts_digest: "sha256:2".into(),
            provider: "emulator".into(),
            options: "{}".into(),
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn event(run: &str, seq: u64) -> RunEvent {
        let kind = RunEventKind::Interrupted { reason: "a test".into() };
        RunEvent { run: RunId::new(run), seq, at: Timestamp::UNIX_EPOCH, kind }
    }

    #[test]
    fn events_read_back_equal_and_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("failback.db");
        let mut database = Database::open(&path).expect("a new database");
        database.add_run(&record("r1")).expect("written");
        let mut writer = database.writer();
        for seq in 1..=3 {
            writer.append(&event("r1", seq)).expect("taken");
        }
        let reader = Database::open(&path).expect("open twice");
        assert_eq!(reader.events(&RunId::new("r1")).expect("read"), [], "nothing is kept before sync");
        writer.sync().expect("kept");
        assert_eq!(reader.events(&RunId::new("r1")).expect("read"), [1, 2, 3].map(|seq| event("r1", seq)));
        assert_eq!(reader.runs().expect("read"), [record("r1")]);
    }

    #[test]
    fn one_place_takes_one_event() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("failback.db");
        let mut database = Database::open(&path).expect("a new database");
        database.add_run(&record("r1")).expect("written");
        let (mut one, mut other) = (database.writer(), Database::open(&path).expect("open twice").writer());
        one.append(&event("r1", 1)).expect("taken");
        one.sync().expect("kept");
        other.append(&event("r1", 1)).expect("taken");
        let error = other.sync().expect_err("the place is taken");
        assert!(error.message.contains("event 1 already"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_record_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("failback.db");
        let mut database = Database::open(&path).expect("a new database");
        database.add_run(&record("r1")).expect("written");
        for file in std::fs::read_dir(folder.path()).expect("listed") {
            let file = file.expect("listed");
            let mode = file.metadata().expect("there").permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}", file.path().display());
        }
    }

    #[test]
    fn reading_makes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("what? 100%.db");
        assert!(matches!(Database::open_to_read(&path), Err(DatabaseError::Sqlite { .. })));
        std::fs::write(&path, b"").expect("written");
        assert!(matches!(Database::open_to_read(&path), Err(DatabaseError::Empty)));
        assert_eq!(std::fs::read(&path).expect("there"), b"");
        std::fs::remove_file(&path).expect("there");
        let mut database = Database::open(&path).expect("a new database");
        database.add_run(&record("r1")).expect("written");
        let beside = Database::open_to_read(&path).expect("somebody else writes");
        assert_eq!(beside.runs().expect("read"), [record("r1")]);
        drop(beside);
        drop(database);
        let uri = format!(
            "file:{}?immutable=1",
            path.display().to_string().chars().map(in_uri).collect::<String>()
        );
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(uri, flags).expect("the name is understood");
        assert_eq!(Database { connection }.runs().expect("read"), [record("r1")]);
    }

    #[test]
    fn a_newer_database_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("failback.db");
        drop(Database::open(&path).expect("a new database"));
        let connection = Connection::open(&path).expect("open");
        connection.pragma_update(None, "user_version", 7).expect("written");
        assert!(matches!(Database::open(&path), Err(DatabaseError::Newer { found: 7 })));
    }
}
