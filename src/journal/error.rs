//! What can be wrong with the database of runs, and what to do about it.

use std::path::PathBuf;

use crate::id::RunId;
use crate::journal::schema::VERSION;

/// What SQLite says.
#[derive(Debug)]
pub struct SqliteError(pub(super) rusqlite::Error);

impl std::error::Error for SqliteError {}

impl std::fmt::Display for SqliteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            // The words alone: the numbers beside them say the same.
            rusqlite::Error::SqliteFailure(_, Some(message)) => f.write_str(message),
            other => other.fmt(f),
        }
    }
}

/// The database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// SQLite says no.
    #[error("`{}` can't be {action}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What was tried: `opened`, `made`, `read` or `written`.
        action: &'static str,
        /// The cause.
        source: SqliteError,
    },
    /// It has no tables: it was replaced or cut short.
    #[error("`{}` has no tables: the database was replaced or cut short", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Another program made it.
    #[error("`{}` is the database of another program", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer program made it.
    #[error("`{}` has version {found}, and this program knows {VERSION}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// Another file took its place while it was in use.
    #[error("`{}` is no longer the file that was opened: it was moved, deleted or replaced", path.display())]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// An event follows the ones before it, and this program can't read it.
    #[error("event {seq} of run {run} can't be read: {message}")]
    Event {
        /// The run.
        run: RunId,
        /// The event's place.
        seq: u64,
        /// The cause.
        message: String,
    },
    /// The record of a run is no longer what was written.
    #[error("the record of run {run} is broken at {}: {why}", at(*seq))]
    Broken {
        /// The run.
        run: RunId,
        /// Place of the first event that is not intact; 0 for the run's own entry.
        seq: u64,
        /// What is wrong there.
        why: String,
    },
    /// Another event has its place already: two processes write one run.
    #[error("run {run} has an event {seq} already: another process writes it")]
    Conflict {
        /// The run.
        run: RunId,
        /// The event's place.
        seq: u64,
    },
    /// An event is not the next one of the run that is written.
    #[error("event {seq} of run {run} is not the next one")]
    OutOfOrder {
        /// The run of the event.
        run: RunId,
        /// The event's place.
        seq: u64,
    },
    /// No such run is entered.
    #[error("there is no run {run}")]
    Unknown {
        /// The run.
        run: RunId,
    },
    /// Writing failed before: nothing is written any more.
    #[error("{0}")]
    Failed(String),
}

fn at(seq: u64) -> String {
    if seq == 0 { "its beginning".into() } else { format!("event {seq}") }
}

impl DatabaseError {
    /// Returns what a person can do about it, if there is anything.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        self.help_typed_with("")
    }

    /// Returns the same, where commands need `flags`, which begin with a space, to find the database.
    #[must_use]
    pub fn help_typed_with(&self, flags: &str) -> Option<String> {
        Some(match self {
            Self::Sqlite { source, .. } => return of_sqlite(&source.0).map(str::to_owned),
            Self::Empty { .. } | Self::Foreign { .. } => {
                "put back a copy of the database, or name another folder with --state-dir".into()
            }
            Self::Newer { .. } => "use the newer program".into(),
            Self::Replaced { .. } => {
                "put the file back, with the `-wal` beside it if there is one, then resume the run".into()
            }
            Self::Event { .. } => "a newer program wrote it: use that one".into(),
            Self::Broken { run, seq, .. } => {
                let intact = match seq {
                    0 => format!(
                        "its events are shown as far as they follow from one another: failback logs {run} --events{flags}; "
                    ),
                    1 => String::new(),
                    _ => format!("what is before it is intact: failback logs {run} --events{flags}; "),
                };
                format!(
                    "{intact}put back a copy of the database from before the change; without one, start another run, which looks at the site first"
                )
            }
            Self::Conflict { .. } | Self::OutOfOrder { .. } | Self::Unknown { .. } | Self::Failed(_) => {
                return None;
            }
        })
    }

    /// Returns the error and its causes as one text.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        text
    }
}

fn of_sqlite(error: &rusqlite::Error) -> Option<&'static str> {
    use rusqlite::ErrorCode;
    Some(match error.sqlite_error_code()? {
        ErrorCode::DiskFull => "make room on the disk of the state directory",
        ErrorCode::SystemIoFailure => {
            "the disk of the state directory is full or fails: make room, or look at the disk"
        }
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
            "make the state directory and the files in it writable for this user"
        }
        ErrorCode::CannotOpen => {
            "make sure that the state directory is there, and that this user may write in it"
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
            "the file is damaged: put back a copy of it, or read what is left with `sqlite3 failback.db .recover`"
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            "another process keeps it locked: wait until that ends"
        }
        _ => return None,
    })
}
