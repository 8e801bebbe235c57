//! The database as a file: for its owner alone, and the one that was opened.

use std::path::Path;
use std::path::PathBuf;

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

/// Which files a database and its log are: what is written into a file that its path no longer leads to is lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity {
    database: Option<(u64, u64)>,
    log: Option<(u64, u64)>,
}

impl Identity {
    /// Notes which file a database is; its log is noted as soon as it is there.
    pub(super) fn of(path: &Path) -> Self {
        Self { database: number(path), log: None }
    }

    /// Returns whether the paths still lead to the files that were opened.
    pub(super) fn holds(&mut self, path: &Path) -> bool {
        let log = number(&log_of(path));
        let known = *self.log.get_or_insert_with(|| log.unwrap_or_default());
        number(path) == self.database && log.unwrap_or_default() == known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_file_that_took_the_place_of_another_is_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db");
        std::fs::write(&path, b"1").expect("written");
        std::fs::write(folder.path().join("a.db-wal"), b"1").expect("written");
        let mut identity = Identity::of(&path);
        assert!(identity.holds(&path));
        std::fs::write(&path, b"2").expect("written");
        assert!(identity.holds(&path), "what is in it is not looked at");
        std::fs::rename(folder.path().join("a.db-wal"), folder.path().join("b")).expect("moved");
        assert!(!identity.holds(&path));
        std::fs::rename(folder.path().join("b"), folder.path().join("a.db-wal")).expect("moved back");
        assert!(identity.holds(&path));
        std::fs::write(folder.path().join("b"), b"1").expect("written");
        std::fs::rename(folder.path().join("b"), &path).expect("replaced");
        assert!(!identity.holds(&path));
    }
}
