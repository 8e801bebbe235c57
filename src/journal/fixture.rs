//! Runs and events for the tests of the journal.

use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::Connection;

use crate::event::Journal as _;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::id::RunId;
use crate::journal::Database;
use crate::journal::RunRecord;
use crate::journal::RunWriter;

/// A database in a folder that is removed at the end.
pub(super) struct Place {
    pub folder: tempfile::TempDir,
    pub path: PathBuf,
}

impl Place {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("failback.db");
        Self { folder, path }
    }

    pub(super) fn open(&self) -> Database {
        Database::open(&self.path).expect("it can be opened")
    }

    /// Opens the file as SQLite's own program would.
    pub(super) fn sqlite(&self) -> Connection {
        Connection::open(&self.path).expect("it can be opened")
    }

    /// Enters a run with so many events, and returns its writer.
    pub(super) fn with_events(&self, run: &str, count: u64) -> RunWriter {
        let mut database = self.open();
        database.add_run(&record(run)).expect("written");
        let mut writer = database.writer(&RunId::new(run)).expect("entered");
        for seq in 1..=count {
            writer.append(&event(run, seq)).expect("taken");
        }
        writer.sync().expect("kept");
        writer
    }
}

pub(super) fn record(id: &str) -> RunRecord {
    RunRecord {
        id: RunId::new(id),
        plan: "erp".into(),
        plan_path: "plans/erp.plan.yaml".into(),
        plan_digest: "sha256:1".into(),
        facts_digest: "sha256:2".into(),
        provider: "emulator".into(),
        options: "{}".into(),
        created_at: Timestamp::UNIX_EPOCH,
        git_commit: Some("0123456789abcdef0123456789abcdef01234567".into()),
        program: "0.1.0".into(),
        migrated_events: 0,
    }
}

pub(super) fn event(run: &str, seq: u64) -> RunEvent {
    let kind = RunEventKind::Interrupted { reason: "a test".into() };
    RunEvent { run: RunId::new(run), seq, at: Timestamp::UNIX_EPOCH, kind }
}

pub(super) fn events(run: &str, count: u64) -> Vec<RunEvent> {
    (1..=count).map(|seq| event(run, seq)).collect()
}
