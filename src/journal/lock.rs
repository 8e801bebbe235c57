//! One owner for a run: a lock that the system gives back when its holder dies.

use std::fs::File;
use std::fs::TryLockError;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

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

/// How often a lock that only onlookers hold is tried again, and after which pause: they hold it for microseconds.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(2);

/// A run is owned as long as this lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a run's folder. An owner is not waited for; whoever only looks whether there is one lets go at once, and is.
    ///
    /// # Errors
    ///
    /// [`LockError::Held`] if another process has it, [`LockError::Io`] if the file can't be used.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        Self::take_after(folder, || std::thread::sleep(PAUSE))
    }

    fn take_after(folder: &Path, mut pause: impl FnMut()) -> Result<Self, LockError> {
        let path = folder.join("lock");
        let failed = |source| LockError::Io { path: path.clone(), source };
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        for _ in 0..TRIES {
            if tried(file.try_lock()).map_err(failed)? {
                return Ok(Self { _file: file });
            }
            // Onlookers share it, with each other and with this one.
            if !tried(file.try_lock_shared()).map_err(failed)? {
                return Err(LockError::Held);
            }
            file.unlock().map_err(failed)?;
            pause();
        }
        Err(LockError::Held)
    }

    /// Returns whether a process has the lock of a folder. Whoever asks makes no file, and is not taken for an owner by others
    /// who ask.
    #[must_use]
    pub fn is_held(folder: &Path) -> bool {
        let Ok(file) = File::open(folder.join("lock")) else { return false };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}

/// Returns whether a lock was got.
fn tried(result: Result<(), TryLockError>) -> Result<bool, std::io::Error> {
    match result {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(source)) => Err(source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_looks_makes_no_file_and_is_not_taken_for_an_owner() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(!Lock::is_held(folder.path()));
        assert!(!folder.path().join("lock").exists());
        let lock = Lock::take(folder.path()).expect("free");
        assert!(Lock::is_held(folder.path()));
        assert!(matches!(Lock::take(folder.path()), Err(LockError::Held)));
        drop(lock);
        let onlooker = File::open(folder.path().join("lock")).expect("it is there");
        onlooker.try_lock_shared().expect("free");
        assert!(!Lock::is_held(folder.path()));
    }

    #[test]
    fn a_lock_that_somebody_looks_at_is_taken_when_they_let_go() {
        let folder = tempfile::tempdir().expect("a folder");
        drop(Lock::take(folder.path()).expect("free"));
        let onlooker = File::open(folder.path().join("lock")).expect("it is there");
        onlooker.try_lock_shared().expect("free");
        let mut looks = Some(onlooker);
        let mut pauses = 0;
        let lock = Lock::take_after(folder.path(), || {
            pauses += 1;
            if pauses == 3 {
                looks.take();
            }
        });
        assert!(lock.is_ok() && Lock::is_held(folder.path()));
        assert_eq!(pauses, 3);
    }
}
