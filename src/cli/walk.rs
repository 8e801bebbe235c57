//! Finds the YAML files of a folder.

use std::collections::HashSet;
use std::path::Path;
use std::path::PathBuf;

use crate::cli::env::Env;
use crate::cli::load::Failure;
use crate::syntax::file::FileError;

/// What a folder holds.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// YAML files, in the order of their names.
    pub files: Vec<PathBuf>,
    /// Folders that could not be listed.
    pub failures: Vec<Failure>,
}

/// Returns the YAML files of a folder and the folders in it; hidden ones are left out, links are followed once.
pub(crate) fn yaml_files(folder: &Path, env: &Env<'_>) -> Found {
    let mut found = Found::default();
    let mut seen = HashSet::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let full = env.path(&folder);
        if !seen.insert(full.canonicalize().unwrap_or_else(|_| full.clone())) {
            continue;
        }
        let entries = match std::fs::read_dir(&full) {
            Ok(entries) => entries,
            Err(error) => {
                let error = FileError::Io { path: folder.clone(), error };
                found.failures.push(Failure::of(&folder, error));
                continue;
            }
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with('.') {
                continue;
            }
            let path = if folder == Path::new(".") { PathBuf::from(&name) } else { folder.join(&name) };
            if env.path(&path).is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| {
                ending.eq_ignore_ascii_case("yaml") || ending.eq_ignore_ascii_case("yml")
            }) {
                found.files.push(path);
            }
        }
    }
    found.files.sort();
    found
}
