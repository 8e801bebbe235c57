//! The state directory: `failback.db`, `runs/<id>/` with the lock, logs, documents and world of each run, and `drills/<id>/`
//! with the lock of each drill.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::id::DrillId;
use crate::id::RunId;

/// The state directory can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{path} can't be {action}", path = path.display())]
pub struct StateDirError {
    /// The file or folder.
    pub path: PathBuf,
    /// What was tried: `made`, `read`, `written` or `closed to others`.
    pub action: &'static str,
    /// The cause.
    pub source: io::Error,
}

/// Name of the folder that is used unless another is given, in which nothing else lies.
const DEFAULT: &str = ".failback";

/// A state directory.
#[derive(Clone, Debug)]
pub struct StateDir {
    root: PathBuf,
    /// Its path as it was given, for commands that can be typed as they stand.
    given: PathBuf,
}

impl StateDir {
    /// Makes the directory if it is not there: for its owner alone, and kept out of git.
    ///
    /// One that is there is closed to others too, if it is a state directory and nothing else.
    ///
    /// # Errors
    ///
    /// [`StateDirError`] if it can't be made, or not be closed to others.
    pub fn create(root: &Path) -> Result<Self, StateDirError> {
        let dir = Self { root: root.to_owned(), given: root.to_owned() };
        // A folder that somebody else's things may lie in keeps its mode: what is ours in it has its own.
        let is_ours = !dir.root.exists() || dir.root.ends_with(DEFAULT) || dir.database().exists();
        let runs = dir.root.join("runs");
        for folder in [&dir.root, &runs] {
            make_private(folder)?;
        }
        if is_ours {
            close(&dir.root)?;
        }
        close(&runs)?;
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

    /// Returns the directory if it is there: with a database, or with runs that began in one that is gone.
    ///
    /// # Errors
    ///
    /// [`StateDirError`] if that can't be found out: one that this user may not look into is not one that is missing.
    pub fn existing(root: &Path) -> Result<Option<Self>, StateDirError> {
        let dir = Self { root: root.to_owned(), given: root.to_owned() };
        match fs::metadata(dir.database()) {
            Ok(found) => Ok(found.is_file().then_some(dir)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok((!dir.begun().is_empty()).then_some(dir))
            }
            Err(source) => Err(StateDirError { path: dir.database(), action: "read", source }),
        }
    }

    /// Remembers its path as it was given.
    #[must_use]
    pub fn given_as(self, given: &Path) -> Self {
        Self { given: given.to_owned(), ..self }
    }

    /// Returns its path as it was given.
    #[must_use]
    pub fn given(&self) -> &Path {
        &self.given
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

    /// Returns the ids of the runs that have a folder with a log, in their order: a process that was killed before its run was
    /// entered left none.
    #[must_use]
    pub fn begun(&self) -> Vec<String> {
        let mut ids = self.folders();
        ids.retain(|id| self.root.join("runs").join(id).join("log").exists());
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

    /// Returns the folder of a drill.
    #[must_use]
    pub fn drill(&self, drill: &DrillId) -> PathBuf {
        self.root.join("drills").join(drill.as_str())
    }

    /// Makes the folder of a drill.
    ///
    /// # Errors
    ///
    /// [`StateDirError`] if it can't be made.
    pub fn make_drill(&self, drill: &DrillId) -> Result<PathBuf, StateDirError> {
        let folder = self.drill(drill);
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
    builder.create(path).map_err(|source| {
        // The system says only that something of this name is there.
        let is_file = path.exists() && !path.is_dir();
        let source =
            if is_file { io::Error::new(source.kind(), "it is a file, not a folder") } else { source };
        StateDirError { path: path.to_owned(), action: "made", source }
    })
}

/// Takes all rights from everybody but the owner.
#[cfg(unix)]
fn close(path: &Path) -> Result<(), StateDirError> {
    use std::os::unix::fs::PermissionsExt as _;
    let failed = |source| StateDirError { path: path.to_owned(), action: "closed to others", source };
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)
}

#[cfg(not(unix))]
fn close(_: &Path) -> Result<(), StateDirError> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_no_state_directory() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("state");
        fs::write(&file, "").expect("written");
        let error = StateDir::create(&file).expect_err("it is a file");
        assert_eq!((error.action, error.source.to_string().as_str()), ("made", "it is a file, not a folder"));
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    fn open(path: &Path) {
        fs::create_dir_all(path).expect("made");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }

    #[test]
    fn a_state_directory_that_others_could_read_is_closed() {
        let folder = tempfile::tempdir().expect("a folder");
        let by_name = folder.path().join(".failback");
        open(&by_name);
        StateDir::create(&by_name).expect("made");
        assert_eq!((mode(&by_name), mode(&by_name.join("runs"))), (0o700, 0o700));

        let by_content = folder.path().join("state");
        open(&by_content.join("runs"));
        open(&by_content);
        fs::write(by_content.join("failback.db"), "").expect("written");
        StateDir::create(&by_content).expect("made");
        assert_eq!((mode(&by_content), mode(&by_content.join("runs"))), (0o700, 0o700));
    }

    #[test]
    fn a_folder_of_other_things_stays_open_and_what_is_ours_in_it_does_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let shared = folder.path().join("shared");
        open(&shared);
        StateDir::create(&shared).expect("made");
        assert_eq!((mode(&shared), mode(&shared.join("runs"))), (0o755, 0o700));
    }
}
