//! What counts beside a document: the policies of its workspace, and the other plans about the same facts.
//!
//! The folder that is looked at is the one that `failback check` looks at: the outermost folder `plans` of the workspace that
//! holds the document, with everything in it; of a document elsewhere, its own folder alone.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::rules::Policies;
use crate::source::Sources;
use crate::syntax::folder;
use crate::syntax::folder::is_yaml;
use crate::syntax::policy::Policy;
use crate::syntax::workspace::Surroundings;

use super::facts::Stamp;
use super::ground::Ground;
use super::ground::Home;
use super::ground::Room;
use super::language;
use super::neighbour::Neighbour;
use super::uri;
use super::workspace::Open;
use super::workspace::Settings;

/// Files that are looked at in one folder; of more, the first.
const MOST_FILES: usize = 5000;

/// What counts beside one document.
#[derive(Clone, Debug, Default)]
pub(super) struct Beside {
    /// The other files that hold policies or plans.
    pub files: Vec<Arc<Neighbour>>,
    /// The rules of all policies, the document's own among them.
    pub rules: Arc<Policies>,
    /// What is wrong with policies when they are read together.
    pub mistakes: Vec<Diagnostic>,
}

impl Beside {
    /// Returns the ground on which a document and the files beside it stand.
    pub(super) fn ground(&self) -> Ground {
        let files = self.files.iter().enumerate();
        files.fold(Ground::own(), |ground, (at, file)| ground.with(file.base, Home::Beside(at)))
    }

    /// Returns the files that hold policies.
    pub(super) fn policies(&self) -> impl Iterator<Item = &Arc<Neighbour>> {
        self.files.iter().filter(|file| file.is_policy())
    }
}

/// A folder that documents are in.
#[derive(Debug, Default)]
struct Folder {
    files: Vec<PathBuf>,
    is_fresh: bool,
}

/// The rules of some files, each as it was.
type Compiled = (Vec<(PathBuf, Stamp)>, Arc<Policies>, Vec<Diagnostic>);

/// The files beside the documents that are open.
#[derive(Debug, Default)]
pub(super) struct Around {
    folders: HashMap<PathBuf, Folder>,
    read: HashMap<PathBuf, Arc<Neighbour>>,
    /// Files that may have changed on disk since they were read.
    stale: BTreeSet<PathBuf>,
    compiled: Option<Compiled>,
}

/// What is to be known to read files.
#[derive(Clone, Copy)]
pub(super) struct Reading<'r> {
    pub documents: &'r BTreeMap<String, Open>,
    pub settings: &'r Settings,
    /// Folders that the editor has open.
    pub roots: &'r [PathBuf],
}

impl Around {
    /// Takes in that files may have come, gone or changed on disk.
    pub(super) fn look_again(&mut self) {
        self.folders.values_mut().for_each(|folder| folder.is_fresh = false);
        self.stale.extend(self.read.keys().cloned());
    }

    /// Forgets everything, so that it is read again.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns what counts beside a document, which has policies of its own or none.
    pub(super) fn beside(
        &mut self,
        open: &Open,
        own: (&[Policy], &Sources),
        reading: Reading<'_>,
        room: &mut Room,
    ) -> Beside {
        let given: Vec<PathBuf> = reading.settings.policies.iter().map(|path| uri::real(path)).collect();
        let around = open.path.as_deref().and_then(|path| Surroundings::of(path, reading.roots));
        let mut paths: Vec<PathBuf> = match around {
            Some(Surroundings { folder, is_whole }) => self.listed(&folder, is_whole, reading.documents),
            None => Vec::new(),
        };
        paths.extend(given.iter().cloned());
        let mut seen = BTreeSet::new();
        paths.retain(|path| open.path.as_ref() != Some(path) && seen.insert(path.clone()));
        let mut files: Vec<Arc<Neighbour>> = paths
            .into_iter()
            .filter_map(|path| {
                let is_given = given.contains(&path);
                self.file(path, is_given, reading, room)
            })
            .collect();
        files.retain(|file| !file.is_empty());
        let (rules, mistakes) = self.rules(own, &files);
        Beside { files, rules, mistakes }
    }

    /// Returns the files of a folder that may count, and those that the editor has open there.
    fn listed(&mut self, top: &Path, is_whole: bool, documents: &BTreeMap<String, Open>) -> Vec<PathBuf> {
        let folder = self.folders.entry(top.to_owned()).or_default();
        if !folder.is_fresh {
            let found = match is_whole {
                true => folder::yaml_files(top, top, MOST_FILES).files,
                false => folder::own_yaml_files(top, MOST_FILES),
            };
            folder.files = found.iter().take(MOST_FILES).map(|path| uri::real(path)).collect();
            folder.is_fresh = true;
        }
        let is_here = |path: &&PathBuf| match is_whole {
            true => path.starts_with(top) && is_yaml(path),
            false => path.parent() == Some(top) && is_yaml(path),
        };
        let open = documents.values().filter_map(|open| open.path.as_ref()).filter(is_here);
        folder.files.iter().chain(open).cloned().collect()
    }

    /// Returns a file, read again if it changed since it was read last.
    fn file(
        &mut self,
        path: PathBuf,
        is_given: bool,
        reading: Reading<'_>,
        room: &mut Room,
    ) -> Option<Arc<Neighbour>> {
        if language::Document::of_file(&path.to_string_lossy()) == Some(language::Document::Inventory) {
            return None;
        }
        let open = reading.documents.values().find(|open| open.path.as_ref() == Some(&path));
        let is_stale = self.stale.remove(&path);
        if let Some(known) = self.read.get(&path) {
            let may_differ = is_stale || open.is_some() || matches!(known.stamp, Stamp::Open(_));
            if !may_differ || known.stamp == Stamp::of(&path, open) {
                return Some(Arc::clone(known));
            }
        }
        let file = Arc::new(Neighbour::read(&path, open, is_given, reading.settings, room)?);
        self.read.insert(path, Arc::clone(&file));
        Some(file)
    }

    /// Compiles the rules of a document and of files together, unless they were compiled last.
    fn rules(
        &mut self,
        (own, own_sources): (&[Policy], &Sources),
        files: &[Arc<Neighbour>],
    ) -> (Arc<Policies>, Vec<Diagnostic>) {
        let of: Vec<&Arc<Neighbour>> = files.iter().filter(|file| !file.policies.is_empty()).collect();
        let stamps: Vec<(PathBuf, Stamp)> =
            of.iter().map(|file| (file.path.clone(), file.stamp.clone())).collect();
        if let Some((known, rules, mistakes)) = &self.compiled
            && own.is_empty()
            && *known == stamps
        {
            return (Arc::clone(rules), mistakes.clone());
        }
        let mut sources = Sources::new();
        let mut by_place = of.clone();
        by_place.sort_by_key(|file| file.base);
        let own_texts = own_sources.all().iter();
        let own_texts = own_texts.map(|source| (source.base(), source.name(), source.text()));
        let texts = by_place.iter().filter_map(|file| {
            Some((u32::try_from(file.base).ok()?, file.path.to_str().unwrap_or(""), file.text.as_str()))
        });
        for (base, name, text) in own_texts.chain(texts) {
            // What does not fit has no place, and its mistakes are shown without one.
            let _ = sources.add_at(base, name, text.to_owned());
        }
        let mut policies: Vec<Policy> = own.to_vec();
        policies.extend(of.iter().flat_map(|file| file.policies.iter().cloned()));
        let mut mistakes = Vec::new();
        let rules = Arc::new(Policies::compile(&policies, &sources, &mut mistakes));
        if own.is_empty() {
            self.compiled = Some((stamps, Arc::clone(&rules), mistakes.clone()));
        }
        (rules, mistakes)
    }
}
