//! The state directory: `failback.db`, and `runs/<id>/` with the lock, logs, documents and world of each run.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::id::RunId;

/// The state directory can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{path} can't be {action}", path = path.display())]
pub struct StateDirError {
    /// The file or folder.
    pub path: PathBuf,
    /// What was tried: `made`, `read` or `written`.
    pub action: &'static str,
    /// The cause.
    pub source: io::Error,
}

/// A state directory.
#[derive(Clone, Debug)]
pub struct StateDir {
    root: PathBuf,
}

impl StateDir {
    /// Makes the directory if it is not there: for its owner alone, and kept out of git.
    ///
    /// # Errors
    ///
    /// [`StateDirError`] if it can't be made.
    pub fn create(root: &Path) -> Result<Self, StateDirError> {
        let dir = Self { root: root.to_owned() };
        make_private(&dir.root)?;
        make_private(&dir.root.join("runs"))?;
        let ignore = dir.root.join(".gitignore");
        if !ignore.exists() {
            fs::write(&ignore, "*\n").map_err(|source| StateDirError {
                path: ignore,
                action: "written",
                source,
            })?;
        }
        Ok(dir)
    }

    /// Returns the directory if it is there.
    #[must_use]
    pub fn existing(root: &Path) -> Option<Self> {
        root.join("failback.db").is_file().then(|| Self { root: root.to_owned() })
    }

    /// Returns its path.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the path of the database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.root.join("failback.db")
    }

    /// Returns the folder of a run.
    #[must_use]
    pub fn run(&self, run: &RunId) -> PathBuf {
        self.root.join("runs").join(run.as_str())
    }

    /// Returns the ids of the runs that have a folder, in their order.
    #[must_use]
    pub fn folders(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root.join("runs")).into_iter().flatten().flatten();
        let mut ids: Vec<String> = entries
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        ids.sort_unstable();
        ids
    }

    /// Makes the folder of a run.
    ///
    /// # Errors
    ///
    /// [`StateDirError`] if it can't be made.
    pub fn make_run(&self, run: &RunId) -> Result<PathBuf, StateDirError> {
        let folder = self.run(run);
        make_private(&folder)?;
        Ok(folder)
    }
}

fn make_private(path: &Path) -> Result<(), StateDirError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path).map_err(|source| StateDirError { path: path.to_owned(), action: "made", source })
}
