//! Finds the YAML files of a folder.

use std::collections::HashSet;
use std::path::Path;
use std::path::PathBuf;

use crate::syntax::file::FileError;
use crate::syntax::workspace::Leads;
use crate::syntax::workspace::Workspace;

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
    let here = Workspace::of(base);
    // A folder of a repository may be a link out of it itself.
    if here.is_repository() && here.seems_to_hold(folder) && !here.holds(folder) {
        found.failures.push((folder.to_owned(), FileError::Outside { path: folder.to_owned() }));
        return found;
    }
    let own = Workspace::of(&base.join(folder));
    // Without a repository, links may lead to wherever paths begin.
    let workspace = if !own.is_repository() && here.holds(folder) { here } else { own };
    let mut seen = HashSet::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let full = base.join(&folder);
        let real = full.canonicalize().unwrap_or_else(|_| full.clone());
        if !seen.insert(real.clone()) {
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
            // Where a link leads is found out before anything there is looked at.
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            let leads = if is_link { workspace.leads(&real.join(&name)) } else { Leads::Inside };
            if leads == Leads::Outside {
                found.failures.push((path.clone(), FileError::Outside { path }));
            } else if leads == Leads::Nowhere {
                found.failures.push((path.clone(), FileError::Endless { path }));
            } else if base.join(&path).is_dir() {
                open.push(path);
            } else if is_yaml(&path) {
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

/// Returns whether a file is one of YAML by its name.
#[must_use]
pub fn is_yaml(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("yaml") || ending.eq_ignore_ascii_case("yml"))
}

/// Returns the YAML files that lie in a folder itself, at most so many, in the order of their names.
#[must_use]
pub fn own_yaml_files(folder: &Path, most: usize) -> Vec<PathBuf> {
    let entries = folder.read_dir().into_iter().flatten().flatten().take(most);
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| is_yaml(path) && path.is_file()).collect();
    files.sort();
    files
}
