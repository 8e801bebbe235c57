//! One owner for a run: a lock that the system gives back when its holder dies.

use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::path::Path;
use std::path::PathBuf;

/// A run can't be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("another process holds the run")]
    Held,
    /// The lock file can't be used.
    #[error("the lock {path} can't be taken", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

/// A run is owned as long as this lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a run's folder, without waiting.
    ///
    /// # Errors
    ///
    /// [`LockError::Held`] if another process has it, [`LockError::Io`] if the file can't be used.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        Self::take_with(folder, File::options().create(true).truncate(false).write(true))
    }

    /// Takes the lock of a folder as [`Self::take`] does, and makes no file.
    ///
    /// # Errors
    ///
    /// [`LockError::Held`] if another process has it, [`LockError::Io`] if there is none or it can't be used.
    pub fn try_existing(folder: &Path) -> Result<Self, LockError> {
        Self::take_with(folder, File::options().read(true))
    }

    fn take_with(folder: &Path, options: &OpenOptions) -> Result<Self, LockError> {
        let path = folder.join("lock");
        let opened = options.open(&path);
        let file = opened.map_err(|source| LockError::Io { path: path.clone(), source })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held),
            Err(TryLockError::Error(source)) => Err(LockError::Io { path, source }),
        }
    }
}
