//! Replaces the text of a file in one step: whatever happens, the file holds the old text or the new one.

use std::fs;
use std::fs::File;
use std::fs::Metadata;
use std::fs::OpenOptions;
use std::io;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

/// Why a file was left as it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplaceError {
    /// Its owner, or the system, does not want it written to.
    #[error("`{}` is read-only", .0.display())]
    ReadOnly(PathBuf),
    /// The same file has several names; the others would keep the old text.
    #[error("`{}` has other names (hard links), which would keep the old text", .0.display())]
    Linked(PathBuf),
    /// Somebody else wrote to it.
    #[error("`{}` was changed meanwhile", .0.display())]
    Changed(PathBuf),
    /// The system refused.
    #[error("can't write `{}`", .0.display())]
    Io(PathBuf, #[source] io::Error),
}

impl ReplaceError {
    /// Returns the same error about a file as a person wrote its name.
    #[must_use]
    pub(crate) fn about(self, shown: &Path) -> Self {
        let shown = shown.to_owned();
        match self {
            Self::ReadOnly(_) => Self::ReadOnly(shown),
            Self::Linked(_) => Self::Linked(shown),
            Self::Changed(_) => Self::Changed(shown),
            Self::Io(_, error) => Self::Io(shown, error),
        }
    }
}

/// Makes a file with this text, or gives it to the one that is there.
///
/// # Errors
///
/// Those of [`replace`].
pub(crate) fn put(path: &Path, text: &str) -> Result<(), ReplaceError> {
    let io = |error| ReplaceError::Io(path.to_owned(), error);
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let before = fs::read_to_string(path).map_err(io)?;
            replace(path, &before, text)
        }
        Err(error) => Err(io(error)),
    }
}

/// Replaces the text of a file; a link is followed, and stays one. Mode and owner stay.
///
/// # Errors
///
/// [`ReplaceError`] if the file may not be written to, does not hold `before` any more, or the system refuses. The file is
/// then as it was.
pub(crate) fn replace(path: &Path, before: &str, after: &str) -> Result<(), ReplaceError> {
    let io = |error: io::Error| match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            ReplaceError::ReadOnly(path.to_owned())
        }
        _ => ReplaceError::Io(path.to_owned(), error),
    };
    let real = path.canonicalize().map_err(io)?;
    let metadata = fs::metadata(&real).map_err(io)?;
    // A privileged user may write to it all the same; the mode says that nobody wants that.
    if metadata.permissions().readonly() {
        return Err(ReplaceError::ReadOnly(path.to_owned()));
    }
    OpenOptions::new().write(true).open(&real).map_err(io)?;
    if has_other_names(&metadata) {
        return Err(ReplaceError::Linked(path.to_owned()));
    }
    let (beside, file) = beside(&real).map_err(io)?;
    let made = write(file, after, &metadata).map_err(io).and_then(|()| {
        if fs::read(&real).map_err(io)? != before.as_bytes() {
            return Err(ReplaceError::Changed(path.to_owned()));
        }
        fs::rename(&beside, &real).map_err(io)
    });
    if made.is_err() {
        // Nothing more can be done about a file that can't be removed.
        let _ = fs::remove_file(&beside);
    }
    made?;
    // The new text is in place; a system that can't sync folders loses at worst the change as a whole.
    if let Some(folder) = real.parent().and_then(|folder| File::open(folder).ok()) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Makes a file in the folder of another, under a name that nobody uses.
fn beside(real: &Path) -> io::Result<(PathBuf, File)> {
    let name = real.file_name().unwrap_or_default().to_string_lossy();
    let mut number = 0;
    loop {
        let beside = real.with_file_name(format!(".{name}.{}.{number}.new", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&beside) {
            // A process of the same number may have died here.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 100 => number += 1,
            made => return made.map(|file| (beside, file)),
        }
    }
}

fn write(mut file: File, text: &str, like: &Metadata) -> io::Result<()> {
    own(&file, like)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(like.permissions())?;
    file.sync_all()
}

#[cfg(unix)]
fn own(file: &File, like: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    use std::os::unix::fs::fchown;
    let own = file.metadata()?;
    if (own.uid(), own.gid()) == (like.uid(), like.gid()) {
        return Ok(());
    }
    fchown(file, Some(like.uid()), Some(like.gid()))
}

#[cfg(not(unix))]
fn own(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn has_other_names(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.nlink() > 1
}

#[cfg(not(unix))]
fn has_other_names(_: &Metadata) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn saved() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.yaml");
        fs::write(&path, "old").expect("written");
        (folder, path)
    }

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).expect("listed").count()
    }

    #[test]
    fn mode_and_link_stay() {
        let (folder, path) = saved();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).expect("set");
        let link = folder.path().join("link.yaml");
        std::os::unix::fs::symlink(&path, &link).expect("linked");
        replace(&link, "old", "new").expect("replaced");
        assert_eq!(fs::read_to_string(&path).expect("read"), "new");
        assert!(link.is_symlink());
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o640);
        assert_eq!(names(folder.path()), 2);
        // What a process that died left behind keeps nobody from writing.
        let (left, _) = beside(&path.canonicalize().expect("there")).expect("made");
        replace(&path, "new", "newer").expect("replaced");
        assert!(left.exists() && names(folder.path()) == 3);
    }

    #[test]
    fn what_may_not_be_replaced_stays_as_it_was() {
        let (folder, path) = saved();
        assert!(matches!(replace(&path, "other", "new"), Err(ReplaceError::Changed(_))));
        fs::set_permissions(&path, PermissionsExt::from_mode(0o444)).expect("set");
        assert!(matches!(replace(&path, "old", "new"), Err(ReplaceError::ReadOnly(_))));
        fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).expect("set");
        let other = folder.path().join("other.yaml");
        fs::hard_link(&path, &other).expect("linked");
        assert!(matches!(replace(&path, "old", "new"), Err(ReplaceError::Linked(_))));
        fs::remove_file(&other).expect("removed");
        let nowhere = folder.path().join("none.yaml");
        assert!(matches!(replace(&nowhere, "old", "new"), Err(ReplaceError::Io(..))));
        assert_eq!(names(folder.path()), 1);
        assert_eq!(fs::read_to_string(&path).expect("read"), "old");
    }
}
