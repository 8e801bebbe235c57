//! The record of runs on disk: one database for all, one folder for each.

mod chain;
mod claim;
mod database;
mod drills;
mod error;
mod facts;
mod file;
#[cfg(test)]
mod fixture;
mod folder;
mod inbox;
mod lock;
mod memory;
mod nothing;
mod reader;
mod schedule;
mod schema;
mod stops;
mod tables;
mod writer;

pub use chain::Link;
pub use claim::Claim;
pub use claim::ClaimError;
pub use claim::Claims;
pub use database::Database;
pub use database::Entry;
pub use database::RunRecord;
pub use drills::DrillEnd;
pub use drills::DrillRow;
pub use error::DatabaseError;
pub use error::SqliteError;
pub use folder::StateDir;
pub use folder::StateDirError;
pub use inbox::NewLetter;
pub use inbox::RunInbox;
pub use lock::Lock;
pub use lock::LockError;
pub use memory::MemoryJournal;
pub use nothing::NoJournal;
pub use reader::Intact;
pub use schedule::Handled;
pub use writer::RunWriter;
