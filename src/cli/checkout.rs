//! Which commit is checked out around a folder, read from git's own files: no program runs, and nothing that a repository's
//! configuration names.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// References that lead to one another are followed this far.
const DEPTH: usize = 5;

/// Returns the commit that is checked out where `folder` lies; `None` outside repositories, before a first commit, and where git
/// keeps references in a way that this program doesn't read.
#[must_use]
pub fn commit(folder: &Path) -> Option<String> {
    let marker = folder.ancestors().map(|above| above.join(".git")).find(|marker| marker.exists())?;
    let own = git_folder(marker)?;
    // A linked working tree has a HEAD of its own, and shares the references.
    let shared = match fs::read_to_string(own.join("commondir")) {
        Ok(text) => own.join(text.trim()),
        Err(_) => own.clone(),
    };
    let mut text = fs::read_to_string(own.join("HEAD")).ok()?;
    for _ in 0..DEPTH {
        let Some(name) = text.trim().strip_prefix("ref:") else { return hash(text.trim()) };
        let name = name.trim();
        // A reference is a name below `refs/`, never a way out of there.
        if !name.starts_with("refs/") || name.split('/').any(|part| part == "..") {
            return None;
        }
        text = [&own, &shared]
            .iter()
            .find_map(|folder| fs::read_to_string(folder.join(name)).ok())
            .or_else(|| packed(&shared, name))?;
    }
    None
}

/// Returns the folder in which git keeps what belongs to a working tree.
fn git_folder(marker: PathBuf) -> Option<PathBuf> {
    if marker.is_dir() {
        return Some(marker);
    }
    let text = fs::read_to_string(&marker).ok()?;
    Some(marker.parent()?.join(text.trim().strip_prefix("gitdir:")?.trim()))
}

fn packed(folder: &Path, name: &str) -> Option<String> {
    let text = fs::read_to_string(folder.join("packed-refs")).ok()?;
    let found = text.lines().filter_map(|line| line.split_once(' ')).find(|(_, of)| *of == name);
    found.map(|(hash, _)| hash.to_owned())
}

fn hash(text: &str) -> Option<String> {
    let is_hash = matches!(text.len(), 40 | 64) && text.bytes().all(|sign| sign.is_ascii_hexdigit());
    is_hash.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0123456789abcdef0123456789abcdef01234567";
    const OTHER: &str = "89abcdef0123456789abcdef0123456789abcdef";

    fn write(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("it is below the folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    #[test]
    fn a_commit_is_found_wherever_git_keeps_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let plans = root.join("repo/plans");
        fs::create_dir_all(&plans).expect("made");
        assert_eq!(commit(&plans), None, "no repository");
        write(root, "repo/.git/HEAD", "ref: refs/heads/main\n");
        assert_eq!(commit(&plans), None, "no commit yet");
        write(root, "repo/.git/packed-refs", &format!("# pack-refs with: peeled\n{ONE} refs/heads/main\n"));
        assert_eq!(commit(&plans).as_deref(), Some(ONE));
        write(root, "repo/.git/refs/heads/main", &format!("{OTHER}\n"));
        assert_eq!(commit(&plans).as_deref(), Some(OTHER), "what is unpacked is newer");
        write(root, "repo/.git/HEAD", &format!("{ONE}\n"));
        assert_eq!(commit(&plans).as_deref(), Some(ONE), "no branch");
        write(root, "linked/.git", "gitdir: ../repo/.git/worktrees/linked\n");
        write(root, "repo/.git/worktrees/linked/HEAD", "ref: refs/heads/main\n");
        write(root, "repo/.git/worktrees/linked/commondir", "../..\n");
        assert_eq!(commit(&root.join("linked")).as_deref(), Some(OTHER));
    }

    #[test]
    fn what_is_no_commit_is_not_told_as_one() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "secret", ONE);
        for head in ["ref: ../secret", "ref: refs/../../secret", "secret", "", "ref: refs/heads/loop"] {
            write(folder.path(), ".git/HEAD", head);
            write(folder.path(), ".git/refs/heads/loop", "ref: refs/heads/loop");
            assert_eq!(commit(folder.path()), None, "{head}");
        }
    }
}
