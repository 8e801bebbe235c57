//! The plans that a daemon looks after: which drills they ask for, and whether their files have changed.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::drill::timetable::Timetable;
use crate::source::Sources;
use crate::syntax;
use crate::syntax::Document;
use crate::syntax::action::Notice;
use crate::syntax::drill::Drill;
use crate::syntax::file;
use crate::syntax::folder;

/// Files of a folder that are looked at; of more, the first.
const MOST_FILES: usize = 20_000;

/// A plan that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanFile {
    /// Its name.
    pub name: String,
    /// The file that it is read from.
    pub path: PathBuf,
    /// The file that it is known by, wherever it is read from: an absolute path.
    pub known_as: String,
    /// Its drills.
    pub drills: Vec<Drill>,
    /// Whom it tells of what.
    pub notify: Vec<Notice>,
}

impl PlanFile {
    /// Returns when a drill of the plan is due; `None` if persons alone begin it.
    #[must_use]
    pub fn timetable(&self, drill: &Drill) -> Option<Timetable> {
        Timetable::of(&self.name, drill)
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The plans, in the order of their files.
    pub plans: Vec<PlanFile>,
    /// What could not be read, each with its file: such a plan keeps the drills that it had.
    pub mistakes: Vec<Mistake>,
    /// The commit that the plans are of, if they were taken from one.
    pub commit: Option<String>,
}

/// A file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file.
    pub path: PathBuf,
    /// The file that it is known by.
    pub known_as: String,
    /// What is wrong, in words.
    pub message: String,
}

/// What a file looked like.
type Stamp = BTreeMap<PathBuf, Option<(SystemTime, u64)>>;

/// Files and folders that are looked at again and again.
#[derive(Clone, Debug)]
pub struct Folder {
    /// The folder that the paths begin at, absolute.
    root: PathBuf,
    /// The folder that plans are known to lie in, absolute: the same, unless they are read from a copy of it.
    known_as: PathBuf,
    paths: Vec<PathBuf>,
    max_bytes: u64,
    seen: Option<Stamp>,
}

impl Folder {
    /// Returns files and folders below `root`; plans of which are known as if they lay below `known_as`.
    #[must_use]
    pub const fn new(root: PathBuf, known_as: PathBuf, paths: Vec<PathBuf>, max_bytes: u64) -> Self {
        Self { root, known_as, paths, max_bytes, seen: None }
    }

    /// Returns what there is, if it is not what there was when this was asked before.
    pub fn changed(&mut self) -> Option<Found> {
        let (files, mistakes) = self.files();
        let stamp: Stamp = files.iter().map(|path| (path.clone(), stamp_of(&self.root.join(path)))).collect();
        if self.seen.as_ref() == Some(&stamp) {
            return None;
        }
        let mut found = self.read(&files);
        found.mistakes.extend(mistakes);
        self.seen = Some(stamp);
        Some(found)
    }

    /// Returns the files as they are named from the root, and what can't be listed.
    fn files(&self) -> (Vec<PathBuf>, Vec<Mistake>) {
        let (mut files, mut mistakes) = (Vec::new(), Vec::new());
        for path in &self.paths {
            if !self.root.join(path).is_dir() {
                files.push(path.clone());
                continue;
            }
            let found = folder::yaml_files(&self.root, path, MOST_FILES);
            files.extend(found.files);
            mistakes.extend(found.failures.into_iter().map(|(path, error)| self.mistake(&path, &error)));
        }
        files.sort();
        files.dedup();
        (files, mistakes)
    }

    fn mistake(&self, path: &Path, error: &dyn std::error::Error) -> Mistake {
        let message = match error.source() {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
        Mistake { path: self.root.join(path), known_as: self.known_as(path), message }
    }

    fn known_as(&self, path: &Path) -> String {
        let path = self.known_as.join(path);
        let mut plain = PathBuf::new();
        // `./` and `..` that a person wrote name no other plan.
        for part in path.components() {
            match part {
                std::path::Component::CurDir => {}
                std::path::Component::ParentDir => {
                    plain.pop();
                }
                other => plain.push(other),
            }
        }
        plain.to_string_lossy().into_owned()
    }

    fn read(&self, files: &[PathBuf]) -> Found {
        let mut found = Found::default();
        for path in files {
            let full = self.root.join(path);
            let text = match file::read_file(&full, self.max_bytes) {
                Ok(text) => text,
                Err(error) => {
                    found.mistakes.push(self.mistake(path, &error));
                    continue;
                }
            };
            let mut sources = Sources::new();
            let Ok(index) = sources.add(path.display().to_string(), text.text) else { continue };
            let mut diagnostics = Vec::new();
            sources.set_lossy(index, text.bad_utf8);
            let documents = syntax::parse_if_ours(sources.get(index), &mut diagnostics).unwrap_or_default();
            if let Some(first) = diagnostics.first() {
                let line = sources.locate(first.span).map(|place| format!("line {}: ", place.start.line));
                let message = format!("{}{}", line.unwrap_or_default(), first.message);
                found.mistakes.push(Mistake { path: full.clone(), known_as: self.known_as(path), message });
            }
            for document in documents {
                let Document::Plan(plan) = document else { continue };
                found.plans.push(PlanFile {
                    name: plan.name.value.clone(),
                    path: full.clone(),
                    known_as: self.known_as(path),
                    drills: plan.drills.clone(),
                    notify: plan.notify.clone(),
                });
            }
        }
        found
    }
}

fn stamp_of(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = "kind: RecoveryPlan\nversion: 1\nname: erp\nmachines: [w1]\ndrills:\n  - {name: daily, kind: readiness, schedule: \"0 3 * * *\"}\n";

    fn place() -> (tempfile::TempDir, Folder) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("plans")).expect("made");
        std::fs::write(folder.path().join("plans/erp.plan.yaml"), PLAN).expect("written");
        let root = folder.path().to_path_buf();
        let plans = Folder::new(root, "/srv/./site/../dr".into(), vec!["./plans".into()], 1 << 20);
        (folder, plans)
    }

    #[test]
    fn plans_are_found_once_and_again_when_they_change() {
        let (folder, mut plans) = place();
        let found = plans.changed().expect("nobody looked before");
        assert_eq!(found.plans.len(), 1);
        assert_eq!(found.plans[0].known_as, "/srv/dr/plans/erp.plan.yaml");
        assert_eq!(found.plans[0].drills[0].name.value, "daily");
        assert_eq!(plans.changed(), None);
        std::fs::write(folder.path().join("plans/two.plan.yaml"), PLAN.replace("erp", "two"))
            .expect("written");
        assert_eq!(plans.changed().map(|found| found.plans.len()), Some(2));
        std::fs::remove_file(folder.path().join("plans/two.plan.yaml")).expect("removed");
        assert_eq!(plans.changed().map(|found| found.plans.len()), Some(1));
    }

    #[test]
    fn a_file_with_a_mistake_is_told_with_its_line() {
        let (folder, mut plans) = place();
        std::fs::write(folder.path().join("plans/bad.plan.yaml"), PLAN.replace("daily", ""))
            .expect("written");
        std::fs::write(folder.path().join("plans/values.yaml"), "a: [1, 2]\n").expect("written");
        let found = plans.changed().expect("nobody looked before");
        assert_eq!(found.plans.len(), 1);
        let [mistake] = &found.mistakes[..] else { panic!("{:?}", found.mistakes) };
        assert!(mistake.message.starts_with("line 6: "), "{}", mistake.message);
        assert_eq!(mistake.known_as, "/srv/dr/plans/bad.plan.yaml");
    }

    #[test]
    fn a_folder_that_is_not_there_is_told() {
        let (_folder, plans) = place();
        let mut none = Folder { paths: vec!["none".into()], ..plans };
        let found = none.changed().expect("nobody looked before");
        assert!(found.plans.is_empty() && found.mistakes[0].message.contains("does not exist"));
    }
}
