//! The folder that documents stay in: what they name, and what a folder holds, is read only if it lies there.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use crate::diagnostic::Diagnostic;
use crate::source::Spanned;

/// How many links lead from one path to the file that is meant, at most; a system follows about as many.
const LINKS: usize = 40;

/// The folder whose policies hold for a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// The folder.
    pub folder: PathBuf,
    /// Whether with all that is in it, or with its own files alone.
    pub is_whole: bool,
}

impl Surroundings {
    /// Returns what surrounds a file: the outermost folder `plans` of its workspace that holds it, with everything in it; of a
    /// file elsewhere, its own folder alone.
    ///
    /// `roots` are folders that somebody has open, beyond which nothing is looked for. `None` if the path has no folder.
    #[must_use]
    pub fn of(file: &Path, roots: &[PathBuf]) -> Option<Self> {
        let folder = file.parent()?;
        let workspace = Workspace::of(folder);
        let root =
            roots.iter().filter(|root| folder.starts_with(root)).min_by_key(|root| root.as_os_str().len());
        let outermost = root.map_or(workspace.root(), |root| root.as_path().min(workspace.root()));
        let inside = folder.ancestors().take_while(|above| above.starts_with(outermost));
        let plans = inside.filter(|above| above.file_name().is_some_and(|name| name == "plans")).last();
        Some(Self { folder: plans.unwrap_or(folder).to_owned(), is_whole: plans.is_some() })
    }
}

/// A folder that nothing leads out of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Links followed.
    root: PathBuf,
    /// The folder that it was found from, links followed.
    folder: PathBuf,
}

/// Where a path leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leads {
    /// To a place in the workspace.
    Inside,
    /// Out of it.
    Outside,
    /// From link to link without an end.
    Nowhere,
}

impl Workspace {
    /// Returns the workspace of a folder: the nearest folder with a `.git`, else the folder itself.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let root = folder.ancestors().find(|above| above.join(".git").exists()).unwrap_or(&folder).to_owned();
        Self { root, folder }
    }

    /// Returns its folder, links followed.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns whether it is a git repository.
    #[must_use]
    pub fn is_repository(&self) -> bool {
        self.root.join(".git").exists()
    }

    /// Returns whether a path, seen from the workspace's folder, leads to a place in it, whatever is there.
    #[must_use]
    pub fn holds(&self, path: &Path) -> bool {
        self.leads(path) == Leads::Inside
    }

    /// Returns where a path leads, seen from the workspace's folder.
    ///
    /// Nothing outside is looked at on the way, so that the answer does not tell what is there.
    #[must_use]
    pub fn leads(&self, path: &Path) -> Leads {
        let mut at = self.folder.clone();
        let mut rest: VecDeque<Part> = parts(path).collect();
        let mut links = 0;
        while let Some(part) = rest.pop_front() {
            match part {
                Part::Root(root) => at = root,
                Part::Up => {
                    at.pop();
                }
                Part::Name(name) => {
                    at.push(name);
                    // Of what lies above the workspace it is known that the way to it leads through folders.
                    if at.starts_with(&self.root)
                        && at != self.root
                        && let Ok(target) = at.read_link()
                    {
                        links += 1;
                        if links > LINKS {
                            return Leads::Nowhere;
                        }
                        at.pop();
                        for part in parts(&target).collect::<Vec<_>>().into_iter().rev() {
                            rest.push_front(part);
                        }
                    }
                }
            }
            if !at.starts_with(&self.root) && !self.root.starts_with(&at) {
                return Leads::Outside;
            }
        }
        if at.starts_with(&self.root) { Leads::Inside } else { Leads::Outside }
    }

    /// Returns whether a path lies in the workspace as it is written, without links being followed.
    #[must_use]
    pub fn seems_to_hold(&self, path: &Path) -> bool {
        let mut at = self.folder.clone();
        for part in parts(path) {
            match part {
                Part::Root(root) => at = root,
                Part::Up => {
                    at.pop();
                }
                Part::Name(name) => at.push(name),
            }
        }
        at.starts_with(&self.root)
    }
}

/// A step of a path.
enum Part {
    Root(PathBuf),
    Up,
    Name(OsString),
}

fn parts(path: &Path) -> impl Iterator<Item = Part> {
    path.components().filter_map(|component| match component {
        Component::Prefix(prefix) => Some(Part::Root(PathBuf::from(prefix.as_os_str()))),
        Component::RootDir => Some(Part::Root(PathBuf::from(std::path::MAIN_SEPARATOR_STR))),
        Component::CurDir => None,
        Component::ParentDir => Some(Part::Up),
        Component::Normal(name) => Some(Part::Name(name.to_owned())),
    })
}

/// Refuses a file that a document in `folder` names and that does not lie in the document's workspace, links followed.
///
/// The answer is the same whether there is such a file or not; one that is missing inside is left to whoever reads it.
#[must_use]
pub fn outside_workspace(named: &Spanned<String>, folder: &Path) -> Option<Diagnostic> {
    if Workspace::of(folder).holds(Path::new(&named.value)) {
        return None;
    }
    let message = format!("`{}` is outside the plan's workspace", named.value);
    Some(
        Diagnostic::error("outside-workspace", named.span, message)
            .help("move it under the plan's folder or git root, or name it with --inventory"),
    )
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Returns a folder with a workspace `in` and, beside it, `out`.
    fn site() -> (tempfile::TempDir, Workspace) {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["in/.git", "in/plans", "in/sites", "out"] {
            std::fs::create_dir_all(folder.path().join(name)).expect("made");
        }
        std::fs::write(folder.path().join("out/secret.yaml"), "x").expect("written");
        std::fs::write(folder.path().join("in/sites/a.yaml"), "x").expect("written");
        let workspace = Workspace::of(&folder.path().join("in/plans"));
        (folder, workspace)
    }

    #[test]
    fn what_lies_in_the_workspace_is_held_whether_it_exists_or_not() {
        let (folder, workspace) = site();
        let real = folder.path().canonicalize().expect("there").join("in/sites/a.yaml");
        for path in
            ["b.yaml", "../sites/a.yaml", "../sites/none.yaml", "none/../a.yaml", "../../in/sites/a.yaml"]
        {
            assert!(workspace.holds(Path::new(path)), "{path}");
        }
        assert!(workspace.holds(&real) && workspace.seems_to_hold(&real));
    }

    #[test]
    fn what_lies_outside_is_not_held_and_is_not_looked_at() {
        let (folder, workspace) = site();
        let out = folder.path().canonicalize().expect("there").join("out");
        for path in [
            "../../out/secret.yaml",
            "../../out/none.yaml",
            "../../out/../in/sites/a.yaml",
            "../../none/../in/sites/a.yaml",
            "../..",
            "/etc/passwd",
        ] {
            assert!(!workspace.holds(Path::new(path)), "{path}");
        }
        assert!(!workspace.holds(&out.join("secret.yaml")) && !workspace.seems_to_hold(&out));
    }

    #[test]
    fn a_link_counts_as_what_it_leads_to() {
        let (folder, workspace) = site();
        let plans = folder.path().join("in/plans");
        symlink("../sites", plans.join("near")).expect("linked");
        symlink(folder.path().join("out"), plans.join("far")).expect("linked");
        symlink("../../out/none.yaml", plans.join("dangling.yaml")).expect("linked");
        symlink("round.yaml", plans.join("round.yaml")).expect("linked");
        assert!(workspace.holds(Path::new("near/a.yaml")));
        for path in ["far", "far/secret.yaml", "far/../in/sites/a.yaml", "dangling.yaml", "round.yaml"] {
            assert!(!workspace.holds(Path::new(path)), "{path}");
        }
        assert!(workspace.seems_to_hold(Path::new("far")));
    }

    #[test]
    fn the_outermost_folder_of_plans_surrounds_a_file_and_else_its_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("there");
        let deep = root.join("repo/plans/seoul/plans/x");
        std::fs::create_dir_all(&deep).expect("made");
        let plan = deep.join("a.plan.yaml");
        let of =
            |roots: &[PathBuf]| Surroundings::of(&plan, roots).map(|around| (around.folder, around.is_whole));
        assert_eq!(of(&[]), Some((deep.clone(), false)));
        let all = root.join("repo/plans");
        assert_eq!(of(&[root.join("repo")]), Some((all.clone(), true)));
        assert_eq!(of(&[root.join("other")]), Some((deep.clone(), false)));
        std::fs::create_dir(root.join("repo/.git")).expect("made");
        assert_eq!(of(&[]), Some((all, true)));
    }
}
