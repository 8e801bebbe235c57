//! The database as a file: for its owner alone, and the one that was opened.

use std::path::Path;
use std::path::PathBuf;

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::clock::Clock as _;
use crate::clock::SystemClock;

/// Makes the file for its owner alone if it is not there, whoever may look into its folder; SQLite gives the files beside it the
/// same mode.
pub(super) fn make_private(path: &Path) {
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    // What can't be made is told when it is opened.
    let _ = options.open(path);
}

/// Returns the path as a URI of SQLite has it.
pub(super) fn in_uri(path: &Path) -> String {
    let text = path.display().to_string();
    text.replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

/// Returns the length of the write-ahead log beside a database; 0 without one.
pub(super) fn log_length(path: &Path) -> u64 {
    std::fs::metadata(log_of(path)).map_or(0, |log| log.len())
}

fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Which file a path leads to, as the system counts files; `None` where there is none, or the system doesn't tell.
#[cfg(unix)]
fn number(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn number(_path: &Path) -> Option<(u64, u64)> {
    None
}

/// Which folder files lie in, and when a name in it was last given, taken away or moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Folder {
    number: (u64, u64),
    changed: Timestamp,
}

impl Folder {
    #[cfg(unix)]
    fn of(file: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let found = std::fs::metadata(file.parent()?).ok()?;
        let nanoseconds = i32::try_from(found.mtime_nsec()).ok()?;
        let changed = Timestamp::new(found.mtime(), nanoseconds).ok()?;
        Some(Self { number: (found.dev(), found.ino()), changed })
    }

    #[cfg(not(unix))]
    fn of(_file: &Path) -> Option<Self> {
        None
    }

    /// Returns whether whatever changes in it from now on gives it another time: systems count that in steps.
    fn is_settled(&self) -> bool {
        SystemClock.now().duration_since(self.changed) > STEP
    }
}

/// More than the step in which any system counts the times of its folders.
const STEP: SignedDuration = SignedDuration::from_millis(50);

/// Which files a database and its log are: what is written into a file that its path no longer leads to is lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity {
    database: Option<(u64, u64)>,
    log: Option<(u64, u64)>,
    /// Their folder as it was when both were looked at last, if it tells when one of them is another: this is asked with every
    /// sync, and one look is cheaper than two.
    folder: Option<Folder>,
    /// Whether the files may be changed without their folder: the path leads to another one.
    is_link: bool,
}

impl Identity {
    /// Notes which file a database is; its log is noted as soon as it is there.
    pub(super) fn of(path: &Path) -> Self {
        let is_link = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
        Self { database: number(path), log: None, folder: None, is_link }
    }

    /// Returns whether the paths still lead to the files that were opened.
    pub(super) fn holds(&mut self, path: &Path) -> bool {
        // Before the files, so that what changes meanwhile is seen the next time.
        let folder = Folder::of(path);
        if folder.is_some() && folder == self.folder {
            return true;
        }
        let log = number(&log_of(path));
        let known = *self.log.get_or_insert_with(|| log.unwrap_or_default());
        self.folder = folder.filter(|folder| !self.is_link && folder.is_settled());
        number(path) == self.database && log.unwrap_or_default() == known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_file_that_took_the_place_of_another_is_another() {
        // In a folder that changed long ago, too, one look at which stands for both files.
        for is_settled in [false, true] {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("a.db");
            std::fs::write(&path, b"1").expect("written");
            std::fs::write(folder.path().join("a.db-wal"), b"1").expect("written");
            let settle = || {
                let long_ago = std::fs::FileTimes::new().set_modified(std::time::SystemTime::UNIX_EPOCH);
                let opened = std::fs::File::open(folder.path()).expect("there");
                opened.set_times(long_ago).expect("it is ours");
            };
            let mut identity = Identity::of(&path);
            if is_settled {
                settle();
            }
            assert!(identity.holds(&path));
            assert_eq!(identity.folder.is_some(), is_settled);
            std::fs::write(&path, b"2").expect("written");
            assert!(identity.holds(&path), "what is in it is not looked at");
            std::fs::rename(folder.path().join("a.db-wal"), folder.path().join("b")).expect("moved");
            assert!(!identity.holds(&path));
            std::fs::rename(folder.path().join("b"), folder.path().join("a.db-wal")).expect("moved back");
            if is_settled {
                settle();
            }
            assert!(identity.holds(&path));
            std::fs::write(folder.path().join("b"), b"1").expect("written");
            std::fs::rename(folder.path().join("b"), &path).expect("replaced");
            assert!(!identity.holds(&path));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_says_nothing_about_a_file_that_lies_elsewhere() {
        let (folder, elsewhere) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("another"));
        let (path, target) = (folder.path().join("a.db"), elsewhere.path().join("b.db"));
        std::fs::write(&target, b"1").expect("written");
        std::os::unix::fs::symlink(&target, &path).expect("made");
        let long_ago = std::fs::FileTimes::new().set_modified(std::time::SystemTime::UNIX_EPOCH);
        std::fs::File::open(folder.path()).and_then(|folder| folder.set_times(long_ago)).expect("it is ours");
        let mut identity = Identity::of(&path);
        assert!(identity.holds(&path));
        std::fs::write(elsewhere.path().join("c"), b"1").expect("written");
        std::fs::rename(elsewhere.path().join("c"), &target).expect("replaced");
        assert!(!identity.holds(&path));
    }
}
