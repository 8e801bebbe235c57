//! The documents that an editor has open, and what is wrong with them: pure and synchronous.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use lsp_types::Diagnostic;
use lsp_types::PublishDiagnosticsParams;
use lsp_types::TextDocumentContentChangeEvent;
use lsp_types::Uri;

use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::rules::Options;
use crate::rules::OriginFilter;
use crate::source::Spanned;
use crate::syntax::file;

use super::around::Reading;
use super::check;
use super::check::Analysis;
use super::check::Cache;
use super::facts::FactsFile;
use super::language;
use super::sketch::Sketch;
use super::text::Encoding;
use super::text::Text;
use super::uri;

/// How documents are checked.
#[derive(Clone)]
pub struct Settings {
    /// Which rules are evaluated.
    pub origin: OriginFilter,
    /// Whether a rule that could be decided from plan and inventory may not stay undecided.
    pub strict: bool,
    /// The moment at which dates are measured; the clock's if there is none.
    pub now: Option<Timestamp>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// The inventory of all plans, in the place of their own.
    pub inventory: Option<PathBuf>,
    /// Policies that count beside those of the workspace.
    pub policies: Vec<PathBuf>,
    /// Bytes that are read from one file.
    pub max_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            origin: OriginFilter::All,
            strict: false,
            now: None,
            clock: Arc::new(SystemClock),
            inventory: None,
            policies: Vec::new(),
            max_bytes: file::DEFAULT_MAX_BYTES,
        }
    }
}

impl Settings {
    pub(super) fn options(&self) -> Options {
        let now = self.now.unwrap_or_else(|| self.clock.now());
        Options { origin: self.origin, strict: self.strict, now }
    }
}

/// A document that is open.
#[derive(Debug)]
pub(super) struct Open {
    pub uri: Uri,
    /// Its file, links followed; `None` if it is none.
    pub path: Option<PathBuf>,
    pub version: i32,
    pub text: Text,
    /// How many edits of all documents there had been with its last one.
    pub edit: u64,
    sketch: OnceCell<Sketch>,
    pub analysis: Option<Analysis>,
    /// Whether the analysis is to be made anew.
    is_old: bool,
    /// What the editor was last told.
    told: Vec<Diagnostic>,
}

impl Open {
    pub(super) fn sketch(&self) -> &Sketch {
        self.sketch.get_or_init(|| Sketch::of(self.text.as_str()))
    }

    /// Returns whether what is shown in it may change with a file.
    fn depends_on(&self, path: &Path) -> bool {
        self.analysis.as_ref().is_some_and(|analysis| analysis.depends.contains(path))
    }

    /// Returns the name that its kind may be known by.
    pub(super) fn file(&self) -> String {
        let name = self.path.as_deref().and_then(Path::file_name);
        name.map_or_else(|| self.uri.as_str().to_owned(), |name| name.to_string_lossy().into_owned())
    }
}

/// The documents that an editor has open.
pub struct Workspace {
    pub(super) settings: Settings,
    pub(super) encoding: Encoding,
    pub(super) documents: BTreeMap<String, Open>,
    pub(super) cache: Cache,
    /// Folders that the editor has open.
    pub(super) roots: Vec<PathBuf>,
    edits: u64,
    /// Documents that must be checked again.
    dirty: BTreeSet<String>,
    /// Documents that were closed since the editor was last told.
    closed: Vec<Uri>,
}

impl Workspace {
    /// Returns a workspace without documents.
    #[must_use]
    pub fn new(settings: Settings, encoding: Encoding) -> Self {
        Self {
            settings,
            encoding,
            documents: BTreeMap::new(),
            cache: Cache::default(),
            roots: Vec::new(),
            edits: 0,
            dirty: BTreeSet::new(),
            closed: Vec::new(),
        }
    }

    /// Takes in the folders that the editor has open: what lies in one folder of plans there counts together.
    pub fn set_roots(&mut self, uris: impl IntoIterator<Item = String>) {
        let paths = uris.into_iter().filter_map(|uri| uri::path_of(&uri));
        self.roots = paths.map(|path| uri::real(&path)).collect();
    }

    /// Takes in a document that was opened.
    pub fn open(&mut self, uri: &Uri, version: i32, text: String) {
        self.edits += 1;
        let path = uri::path_of(uri.as_str()).map(|path| uri::real(&path));
        let open = Open {
            uri: uri.clone(),
            path,
            version,
            text: Text::new(text),
            edit: self.edits,
            sketch: OnceCell::new(),
            analysis: None,
            is_old: false,
            told: Vec::new(),
        };
        let kind = language::Document::of_file(&open.file());
        self.documents.insert(uri.as_str().to_owned(), open);
        self.edited(uri.as_str());
        self.cache.around.look_again();
        if kind == Some(language::Document::Policy) {
            self.plans_are_dirty();
        }
    }

    /// Takes in changes of a document, in their order; changes of one that is not open are ignored.
    pub fn change(&mut self, uri: &Uri, version: i32, changes: &[TextDocumentContentChangeEvent]) {
        let Some(open) = self.documents.get_mut(uri.as_str()) else { return };
        self.edits += 1;
        open.edit = self.edits;
        open.version = version;
        for change in changes {
            open.text.change(change.range, &change.text, self.encoding);
        }
        open.sketch = OnceCell::new();
        self.edited(uri.as_str());
    }

    /// Takes in that a document was closed: its file counts again, and nothing more is said about it.
    pub fn close(&mut self, uri: &Uri) {
        self.edited(uri.as_str());
        self.cache.around.look_again();
        if self.documents.remove(uri.as_str()).is_some() {
            self.closed.push(uri.clone());
        }
        self.dirty.remove(uri.as_str());
        let documents = &self.documents;
        self.cache.shelf.keep(|path| {
            let is_used = |open: &Open| open.depends_on(path) || open.path.as_deref() == Some(path);
            documents.values().any(is_used)
        });
    }

    /// Takes in that files on disk may have changed.
    pub fn refresh(&mut self) {
        self.cache.around.look_again();
        self.dirty.extend(self.documents.keys().cloned());
    }

    /// Forgets what was made of files, after a mishap in the middle of it.
    pub(super) fn forget(&mut self) {
        self.cache.clear(0);
    }

    /// Marks a document, and those for which it counts, to be checked again.
    fn edited(&mut self, uri: &str) {
        let path = self.documents.get(uri).and_then(|open| open.path.as_deref());
        let depends = |open: &&Open| path.is_some_and(|path| open.depends_on(path));
        let dependent = self.documents.values().filter(depends).map(|open| open.uri.as_str().to_owned());
        self.dirty.extend(dependent.chain([uri.to_owned()]));
    }

    /// Marks all documents with plans to be checked again.
    fn plans_are_dirty(&mut self) {
        let brings = |open: &&Open| open.analysis.as_ref().is_some_and(|analysis| analysis.brings.is_some());
        self.dirty.extend(self.documents.values().filter(brings).map(|open| open.uri.as_str().to_owned()));
    }

    /// Returns what is wrong with a document, with what plans that are open say about an inventory.
    pub fn diagnostics(&mut self, uri: &Uri) -> Vec<Diagnostic> {
        self.check(uri.as_str());
        self.known(uri.as_str())
    }

    /// Checks a document if it has changed since it was checked.
    pub(super) fn check(&mut self, uri: &str) -> Option<&Analysis> {
        let open = self.documents.get(uri)?;
        if open.is_old || self.dirty.contains(uri) || open.analysis.is_none() {
            let (documents, settings, roots) = (&self.documents, &self.settings, &self.roots);
            let reading = Reading { documents, settings, roots };
            let analysis = check::analyze(open, reading, &mut self.cache, self.encoding);
            let before = open.analysis.as_ref().map(|analysis| analysis.brings);
            // Other plans may share machines with it that they did not share before.
            if before.is_some_and(|before| before != analysis.brings) {
                self.plans_are_dirty();
            }
            let open = self.documents.get_mut(uri)?;
            open.analysis = Some(analysis);
            open.is_old = false;
            self.dirty.remove(uri);
        }
        self.documents.get(uri)?.analysis.as_ref()
    }

    fn known(&self, uri: &str) -> Vec<Diagnostic> {
        let Some(open) = self.documents.get(uri) else { return Vec::new() };
        let own = open.analysis.iter().flat_map(|analysis| &analysis.shown);
        let mut all: Vec<Diagnostic> = own.map(|shown| shown.diagnostic.clone()).collect();
        // What is to be changed in an inventory or a policy is shown there too.
        for other in self.documents.values().filter(|other| other.uri != open.uri) {
            let elsewhere = other.analysis.iter().flat_map(|analysis| &analysis.elsewhere);
            let here = elsewhere.filter(|(path, _)| open.path.as_ref() == Some(path));
            all.extend(here.map(|(_, diagnostic)| diagnostic.clone()));
        }
        all.dedup();
        all
    }

    /// Checks what has changed, and returns what the editor has to be told.
    pub fn publish(&mut self) -> Vec<PublishDiagnosticsParams> {
        let told = |uri, diagnostics, version| PublishDiagnosticsParams { uri, diagnostics, version };
        let mut all: Vec<_> =
            std::mem::take(&mut self.closed).into_iter().map(|uri| told(uri, Vec::new(), None)).collect();
        // A document that was opened again is not cleared.
        all.retain(|closed| !self.documents.contains_key(closed.uri.as_str()));
        let mut checked = BTreeSet::new();
        // What is found in one document may send others round once more.
        for _ in 0..2 {
            for uri in std::mem::take(&mut self.dirty) {
                if let Some(open) = self.documents.get_mut(&uri) {
                    open.is_old = true;
                    self.check(&uri);
                    checked.insert(uri);
                }
            }
        }
        self.dirty.clear();
        let uris: Vec<String> = self.documents.keys().cloned().collect();
        for uri in uris {
            let is_dirty = checked.contains(&uri);
            let path = self.documents[&uri].path.as_deref();
            let counts = path.is_some_and(|path| self.documents.values().any(|other| other.depends_on(path)));
            if !is_dirty && !counts && self.documents[&uri].told.is_empty() {
                continue;
            }
            let diagnostics = self.known(&uri);
            let open = self.documents.get_mut(&uri).expect("its key was just read");
            if is_dirty || diagnostics != open.told {
                open.told.clone_from(&diagnostics);
                all.push(told(open.uri.clone(), diagnostics, Some(open.version)));
            }
        }
        all
    }

    /// Returns the file with the inventory that a plan names, or a folder's plan is given; `None` if there is none that
    /// may be read.
    pub(super) fn facts_of(&mut self, uri: &str, named: Option<&str>) -> Option<(PathBuf, &FactsFile)> {
        let open = self.documents.get(uri)?;
        let path = match &self.settings.inventory {
            Some(path) => uri::real(path),
            None => check::place_of(open, &Spanned::bare(named?.to_owned())).ok()?,
        };
        let Cache { shelf, room, .. } = &mut self.cache;
        let file = shelf.file(&path, &self.documents, room, self.settings.max_bytes).ok()?;
        Some((path, file))
    }
}
