//! The database of runs, and the entries of its runs.
//!
//! Write-ahead log, synchronous FULL: what a commit returned is on disk. Events are committed in groups.

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::OpenFlags;
use rusqlite::OptionalExtension as _;
use rusqlite::params;

use crate::id::RunId;
use crate::journal::DatabaseError;
use crate::journal::SqliteError;
use crate::journal::chain::Link;
use crate::journal::file::Identity;
use crate::journal::schema;

/// How long a process waits for another one's short write.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn failed(path: &Path, action: &'static str) -> impl Fn(rusqlite::Error) -> DatabaseError {
    move |source| DatabaseError::Sqlite { path: path.to_owned(), action, source: SqliteError(source) }
}

/// What is kept about a run beside its events; the head of its chain is made of all of it.
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
    /// The commit that was checked out where its plan lies, if that is in a git repository.
    pub git_commit: Option<String>,
    /// Version of the program that began it; empty if that is not known.
    pub program: String,
    /// How many of its first events were chained only when an older program's tables were brought to these; 0 for a run that
    /// was begun with these.
    pub migrated_events: u64,
}

/// A run that is entered, whether its entry can be read or not.
#[derive(Debug)]
pub struct Entry {
    /// Its id.
    pub id: RunId,
    /// What is kept about it.
    pub record: Result<RunRecord, DatabaseError>,
}

const COLUMNS: &str = "id, plan, plan_path, plan_digest, facts_digest, provider, options, created_at,
     git_commit, program, migrated_events";
/// What stands in for the columns that version 1 had not.
const FIRST_COLUMNS: &str = "id, plan, plan_path, plan_digest, facts_digest, provider, options, created_at,
     NULL, '', 0";

/// The database of runs.
#[derive(Debug)]
pub struct Database {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    /// Version of its tables: an older one is only read.
    pub(super) version: i64,
    pub(super) identity: Identity,
}

impl Database {
    /// Opens the database, and makes it if it is not there; one of an older program is brought to this version.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if it can't be opened, or another or a newer program made it.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        crate::journal::file::make_private(path);
        let opened = || -> rusqlite::Result<Connection> {
            let connection = Connection::open(path)?;
            connection.busy_timeout(PATIENCE)?;
            Ok(connection)
        };
        let mut connection = opened().map_err(failed(path, "opened"))?;
        // Whose it is comes first: nothing of another program is changed.
        schema::version(&connection, path)?;
        let prepared = || -> rusqlite::Result<()> {
            connection.pragma_update(None, "journal_mode", "wal")?;
            connection.pragma_update(None, "synchronous", "full")?;
            connection.pragma_update(None, "foreign_keys", true)
        };
        prepared().map_err(failed(path, "opened"))?;
        schema::migrate(&mut connection, path)?;
        // Opening it for writing may have made it another one: a container's file system copies it then.
        let identity = Identity::of(path);
        Ok(Self { connection, path: path.to_owned(), version: schema::VERSION, identity })
    }

    /// Opens the database for reading alone: nothing is made and nothing is written, so that it may lie where this process may
    /// not write.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if it can't be opened, holds nothing, or another or a newer program made it.
    pub fn open_to_read(path: &Path) -> Result<Self, DatabaseError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let looked = |connection: Connection| -> rusqlite::Result<Connection> {
            connection.busy_timeout(PATIENCE)?;
            connection.pragma_query_value(None, "user_version", |_| Ok(()))?;
            Ok(connection)
        };
        let identity = Identity::of(path);
        let mut opened = Connection::open_with_flags(path, flags).and_then(looked);
        if opened.is_err() && crate::journal::file::log_length(path) == 0 {
            // Even a reader needs a file beside a log, unless it is told that nobody writes; without a log, nobody does.
            let uri = format!("file:{}?immutable=1", crate::journal::file::in_uri(path));
            let flags = flags | OpenFlags::SQLITE_OPEN_URI;
            opened = Connection::open_with_flags(uri, flags).and_then(looked);
        }
        let connection = opened.map_err(failed(path, "opened"))?;
        match schema::version(&connection, path)? {
            0 => Err(DatabaseError::Empty { path: path.to_owned() }),
            version => Ok(Self { connection, path: path.to_owned(), version, identity }),
        }
    }

    /// Returns where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn failed(&self, action: &'static str) -> impl Fn(rusqlite::Error) -> DatabaseError {
        failed(&self.path, action)
    }

    /// Enters a run.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if it can't be written.
    pub fn add_run(&mut self, run: &RunRecord) -> Result<(), DatabaseError> {
        insert_run(&self.connection, run, &Link::head(run)).map_err(self.failed("written"))
    }

    /// Returns every run, the newest first; one whose entry can't be read hides no other.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if they can't be read.
    pub fn runs(&self) -> Result<Vec<Entry>, DatabaseError> {
        let read = self.failed("read");
        let query = format!("SELECT {} FROM runs ORDER BY created_at DESC, id DESC", self.columns());
        let mut query = self.connection.prepare(&query).map_err(&read)?;
        let rows = query.query_map([], |row| Ok(entry_of_row(row))).map_err(&read)?;
        rows.collect::<Result<_, _>>().map_err(&read)
    }

    /// Returns a run.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if it can't be read.
    pub fn run(&self, id: &RunId) -> Result<Option<RunRecord>, DatabaseError> {
        let query = format!("SELECT {} FROM runs WHERE id = ?1", self.columns());
        let found = self.connection.query_row(&query, [id.as_str()], |row| Ok(entry_of_row(row)));
        found.optional().map_err(self.failed("read"))?.map(|entry| entry.record).transpose()
    }

    const fn columns(&self) -> &'static str {
        if self.version == 1 { FIRST_COLUMNS } else { COLUMNS }
    }
}

pub(super) fn insert_run(connection: &Connection, run: &RunRecord, head: &Link) -> rusqlite::Result<()> {
    let query = format!(
        "INSERT INTO runs ({COLUMNS}, head) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    );
    connection.execute(
        &query,
        params![
            run.id.as_str(),
            run.plan,
            run.plan_path,
            run.plan_digest,
            run.facts_digest,
            run.provider,
            run.options,
            run.created_at.to_string(),
            run.git_commit,
            run.program,
            i64::try_from(run.migrated_events).unwrap_or(i64::MAX),
            head.as_str(),
        ],
    )?;
    Ok(())
}

fn entry_of_row(row: &rusqlite::Row<'_>) -> Entry {
    let id = row.get_ref(0).ok().and_then(|id| id.as_bytes().ok()).unwrap_or_default();
    let id = RunId::new(String::from_utf8_lossy(id).into_owned());
    let record = run_of_row(row).map_err(|error| DatabaseError::Broken {
        run: id.clone(),
        seq: 0,
        why: format!("its entry can't be read: {}", SqliteError(error)),
    });
    Entry { id, record }
}

/// Returns the run of a row with the columns in the order of [`COLUMNS`].
pub(super) fn run_of_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<RunRecord> {
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
        git_commit: row.get(8)?,
        program: row.get(9)?,
        migrated_events: row.get::<_, i64>(10)?.unsigned_abs(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixture::Place;
    use crate::journal::fixture::record;

    #[cfg(unix)]
    #[test]
    fn a_record_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = Place::new();
        let mut database = place.open();
        database.add_run(&record("r1")).expect("written");
        for file in std::fs::read_dir(place.folder.path()).expect("listed") {
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
        assert!(matches!(Database::open_to_read(&path), Err(DatabaseError::Empty { .. })));
        assert_eq!(std::fs::read(&path).expect("there"), b"");
        std::fs::remove_file(&path).expect("there");
        let mut database = Database::open(&path).expect("a new database");
        database.add_run(&record("r1")).expect("written");
        let beside = Database::open_to_read(&path).expect("somebody else writes");
        assert_eq!(beside.run(&RunId::new("r1")).expect("read"), Some(record("r1")));
        assert_eq!(beside.runs().expect("read").len(), 1);
        drop(beside);
        drop(database);
        let uri = format!("file:{}?immutable=1", crate::journal::file::in_uri(&path));
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(uri, flags).expect("the name is understood");
        let found: String =
            connection.query_row("SELECT id FROM runs", [], |row| row.get(0)).expect("the run is there");
        assert_eq!(found, "r1");
    }

    #[test]
    fn a_newer_database_is_left_alone() {
        let place = Place::new();
        drop(place.open());
        place.sqlite().pragma_update(None, "user_version", 7).expect("written");
        for opened in [Database::open(&place.path), Database::open_to_read(&place.path)] {
            let error = opened.expect_err("it is newer");
            assert!(matches!(error, DatabaseError::Newer { found: 7, .. }), "{error}");
            assert_eq!(error.help().as_deref(), Some("use the newer program"));
        }
    }

    #[test]
    fn the_database_of_another_program_is_left_alone() {
        for version in [0, 1, 2, 3, 4] {
            let place = Place::new();
            let other = place.sqlite();
            other.execute_batch("CREATE TABLE songs (name TEXT)").expect("made");
            other.pragma_update(None, "user_version", version).expect("written");
            drop(other);
            let before = std::fs::read(&place.path).expect("there");
            for opened in [Database::open(&place.path), Database::open_to_read(&place.path)] {
                let error = opened.expect_err("it is not ours");
                assert!(matches!(error, DatabaseError::Foreign { .. }), "{error}");
            }
            assert_eq!(std::fs::read(&place.path).expect("there"), before, "nothing was changed");
        }
    }

    #[test]
    fn what_is_no_database_is_said_to_be_damaged() {
        let place = Place::new();
        std::fs::write(&place.path, [7; 4096]).expect("written");
        let error = Database::open(&place.path).expect_err("it is none");
        assert!(error.to_string().contains("failback.db` can't be opened"), "{error}");
        assert!(error.help().is_some_and(|help| help.contains("the file is damaged")), "{error:?}");
    }
}
