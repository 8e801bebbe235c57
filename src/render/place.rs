//! Names of files for services that know the repository: relative to its root, or absolute outside of it.

use std::fmt::Write as _;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

/// Where files lie: the folder that their names begin at, and the root that a service counts from.
#[derive(Clone, Debug)]
pub struct Places {
    folder: PathBuf,
    root: PathBuf,
}

/// A file as a service names it; parts of a path are separated by `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Below the root.
    Below(String),
    /// Elsewhere, from the top.
    Elsewhere(String),
}

impl Places {
    /// Returns the places of files whose names begin at `folder`; the root is the nearest folder above with a `.git`, else
    /// `folder` itself.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        let folder = tidy(folder);
        let root = folder.ancestors().find(|above| above.join(".git").exists()).unwrap_or(&folder).to_owned();
        Self { folder, root }
    }

    /// Returns where a file lies. Links are not followed: a service shows the file under the name that git knows.
    pub(super) fn place(&self, file: &str) -> Place {
        let whole = tidy(&self.folder.join(file));
        match whole.strip_prefix(&self.root) {
            Ok(below) => Place::Below(slashed(below)),
            Err(_) => Place::Elsewhere(slashed(&whole)),
        }
    }

    /// Returns the path of a file as a service shows it.
    pub(super) fn path(&self, file: &str) -> String {
        match self.place(file) {
            Place::Below(path) | Place::Elsewhere(path) => path,
        }
    }
}

/// Returns a path without `.` and `..`.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                tidy.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => tidy.push(part),
        }
    }
    tidy
}

fn slashed(path: &Path) -> String {
    let mut text = String::new();
    for part in path.components() {
        match part {
            Component::RootDir => text.push('/'),
            Component::Prefix(_) | Component::Normal(_) | Component::CurDir | Component::ParentDir => {
                if !text.is_empty() && !text.ends_with('/') {
                    text.push('/');
                }
                text.push_str(&part.as_os_str().to_string_lossy());
            }
        }
    }
    text
}

/// Returns a path as a part of a URI, RFC 3986: everything but unreserved characters and `/` as `%` and two digits.
pub(super) fn percent_encoded(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                text.push(char::from(byte));
            }
            _ => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_from_the_root_of_its_repository() {
        let folder = tempfile::tempdir().expect("a folder");
        let work = folder.path().join("repo/site");
        std::fs::create_dir_all(folder.path().join("repo/.git")).expect("made");
        std::fs::create_dir_all(&work).expect("made");
        let places = Places::of(&work);
        assert_eq!(places.path("./plans/a.yaml"), "site/plans/a.yaml");
        assert_eq!(places.path("../plans/a.yaml"), "plans/a.yaml");
        assert!(
            matches!(places.place("../../else/a.yaml"), Place::Elsewhere(path) if path.ends_with("/else/a.yaml"))
        );
        let whole = work.join("b.yaml");
        assert_eq!(places.path(whole.to_str().expect("text")), "site/b.yaml");
    }

    #[test]
    fn a_path_in_a_uri_holds_nothing_but_plain_letters() {
        assert_eq!(percent_encoded("a b/서울#1?:%\n.yaml"), "a%20b/%EC%84%9C%EC%9A%B8%231%3F%3A%25%0A.yaml");
    }
}
