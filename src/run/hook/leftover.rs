//! What an action started and still runs, whoever started it: its processes hold a lock with their standard input, which is an empty
//! file. The system gives the lock back when the last of them ends.

use std::fs::File;
use std::fs::TryLockError;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::model::digest;

/// The marks of a run's actions.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    folder: PathBuf,
}

impl Marks {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf() }
    }

    /// Makes the mark of an action that begins; it is held by whatever has the file, which is empty, as its input.
    ///
    /// # Errors
    ///
    /// It can't be made.
    pub(super) fn make(&self, action: &str) -> io::Result<File> {
        std::fs::create_dir_all(&self.folder)?;
        let path = self.path(action, "lock");
        // What an earlier attempt left running keeps its own mark.
        for old in [&path, &self.path(action, "pid")] {
            match std::fs::remove_file(old) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        drop(File::options().write(true).create_new(true).open(&path)?);
        let mark = File::open(&path)?;
        mark.lock()?;
        Ok(mark)
    }

    /// Notes the process that leads an action's group, for people: the mark alone says whether it runs.
    pub(super) fn note(&self, action: &str, leader: u32) {
        if let Err(error) = std::fs::write(self.path(action, "pid"), leader.to_string()) {
            tracing::warn!(%error, action, "the process of an action can't be noted");
        }
    }

    /// Returns whether something that an action started still runs, with its process group if that is known.
    pub(super) fn holder(&self, action: &str) -> Option<String> {
        let mark = File::open(self.path(action, "lock")).ok()?;
        match mark.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let leader = std::fs::read_to_string(self.path(action, "pid")).ok();
                let leader = leader.filter(|leader| leader.parse::<u32>().is_ok());
                Some(leader.map_or_else(
                    || "a process of which nothing more is known".to_owned(),
                    |leader| format!("process group {leader}"),
                ))
            }
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }

    /// Returns a file of an action, whose name may hold anything.
    fn path(&self, action: &str, ending: &str) -> PathBuf {
        let digest = digest::of_ordered(&action);
        let name = digest.rsplit(':').next().unwrap_or_default();
        self.folder.join(format!("{name}.{ending}"))
    }
}
