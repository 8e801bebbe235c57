//! The record of runs on disk: one database for all, one folder for each.

mod claim;
mod folder;
mod lock;
mod memory;
mod nothing;
mod sqlite;

pub use claim::Claim;
pub use claim::ClaimError;
pub use claim::Claims;
pub use folder::StateDir;
pub use folder::StateDirError;
pub use lock::Lock;
pub use lock::LockError;
pub use memory::MemoryJournal;
pub use nothing::NoJournal;
pub use sqlite::Database;
pub use sqlite::DatabaseError;
pub use sqlite::RunRecord;
pub use sqlite::RunWriter;
