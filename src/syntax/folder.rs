//! Finds the YAML files of a folder.

use std::collections::HashSet;
use std::path::Path;
use std::path::PathBuf;

use crate::syntax::file::FileError;
use crate::syntax::file::workspace_of;

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Found {
    /// YAML files, in the order of their names.
    pub files: Vec<PathBuf>,
    /// Folders that could not be listed.
    pub failures: Vec<(PathBuf, FileError)>,
}

/// Returns the YAML files of a folder and the folders in it; hidden ones are left out. Links are followed once, and only
/// within the workspace: whoever may add a link to it must not have other files of the machine read and shown.
///
/// Relative paths begin at `base`, and stay relative. A folder in which more than `most` files were found is left there.
#[must_use]
pub fn yaml_files(base: &Path, folder: &Path, most: usize) -> Found {
    let mut found = Found::default();
    let mut seen = HashSet::new();
    let mut open = vec![folder.to_owned()];
    let workspace = bounds(base, folder);
    while let Some(folder) = open.pop() {
        let full = base.join(&folder);
        if !seen.insert(full.canonicalize().unwrap_or_else(|_| full.clone())) {
            continue;
        }
        let entries = match std::fs::read_dir(&full) {
            Ok(entries) => entries,
            Err(error) => {
                found.failures.push((folder.clone(), FileError::Io { path: folder.clone(), error }));
                continue;
            }
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with('.') {
                continue;
            }
            let path = if folder == Path::new(".") { PathBuf::from(&name) } else { folder.join(&name) };
            let full = base.join(&path);
            let is_dir = full.is_dir();
            if !is_dir && !is_yaml(&path) {
                continue;
            }
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if is_link && full.canonicalize().is_ok_and(|real| !real.starts_with(&workspace)) {
                found.failures.push((path.clone(), FileError::Outside { path }));
            } else if is_dir {
                open.push(path);
            } else {
                found.files.push(path);
            }
        }
        if found.files.len() > most {
            break;
        }
    }
    found.files.sort();
    found
}

/// Returns the folder that links may not lead out of: the workspace, or without one the folder at which paths begin.
fn bounds(base: &Path, folder: &Path) -> PathBuf {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let (base, top) = (real(base), real(&base.join(folder)));
    let workspace = workspace_of(&top);
    if workspace == top && top.starts_with(&base) && !top.join(".git").exists() { base } else { workspace }
}

/// Returns whether a file is one of YAML by its name.
#[must_use]
pub fn is_yaml(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("yaml") || ending.eq_ignore_ascii_case("yml"))
}
