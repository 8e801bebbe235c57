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

use super::check;
use super::check::Analysis;
use super::facts::FactsFile;
use super::facts::Shelf;
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
    /// What the editor was last told.
    told: Vec<Diagnostic>,
}

impl Open {
    pub(super) fn sketch(&self) -> &Sketch {
        self.sketch.get_or_init(|| Sketch::of(self.text.as_str()))
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
    pub(super) shelf: Shelf,
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
            shelf: Shelf::default(),
            edits: 0,
            dirty: BTreeSet::new(),
            closed: Vec::new(),
        }
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
            told: Vec::new(),
        };
        self.documents.insert(uri.as_str().to_owned(), open);
        self.edited(uri.as_str());
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
        if self.documents.remove(uri.as_str()).is_some() {
            self.closed.push(uri.clone());
        }
        self.dirty.remove(uri.as_str());
        let documents = &self.documents;
        self.shelf.keep(|path| {
            documents.values().any(|open| {
                let facts = open.analysis.as_ref().and_then(|analysis| analysis.facts.as_deref());
                facts == Some(path) || open.path.as_deref() == Some(path)
            })
        });
    }

    /// Takes in that files on disk may have changed.
    pub fn refresh(&mut self) {
        self.dirty.extend(self.documents.keys().cloned());
    }

    /// Forgets what was made of files, after a mishap in the middle of it.
    pub(super) fn forget(&mut self) {
        self.shelf.clear();
    }

    /// Marks a document, and the plans whose inventory it is, to be checked again.
    fn edited(&mut self, uri: &str) {
        let path = self.documents.get(uri).and_then(|open| open.path.as_deref());
        let depends = |open: &&Open| {
            path.is_some() && open.analysis.as_ref().is_some_and(|analysis| analysis.facts.as_deref() == path)
        };
        let dependent = self.documents.values().filter(depends).map(|open| open.uri.as_str().to_owned());
        self.dirty.extend(dependent.chain([uri.to_owned()]));
    }

    /// Returns what is wrong with a document, with what plans that are open say about an inventory.
    pub fn diagnostics(&mut self, uri: &Uri) -> Vec<Diagnostic> {
        self.check(uri.as_str());
        self.known(uri.as_str())
    }

    /// Checks a document if it has changed since it was checked.
    pub(super) fn check(&mut self, uri: &str) -> Option<&Analysis> {
        let open = self.documents.get(uri)?;
        if self.dirty.contains(uri) || open.analysis.is_none() {
            let analysis =
                check::analyze(open, &self.documents, &mut self.shelf, &self.settings, self.encoding);
            self.documents.get_mut(uri)?.analysis = Some(analysis);
            self.dirty.remove(uri);
        }
        self.documents.get(uri)?.analysis.as_ref()
    }

    fn known(&self, uri: &str) -> Vec<Diagnostic> {
        let Some(open) = self.documents.get(uri) else { return Vec::new() };
        let own = open.analysis.iter().flat_map(|analysis| &analysis.shown);
        let mut all: Vec<Diagnostic> = own.map(|shown| shown.diagnostic.clone()).collect();
        // What is to be changed in an inventory is shown there too.
        for other in self.documents.values().filter(|other| other.uri != open.uri) {
            let Some(analysis) = &other.analysis else { continue };
            if analysis.facts.is_some() && analysis.facts == open.path {
                all.extend(analysis.elsewhere.iter().cloned());
            }
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
        let dirty: Vec<String> = self.dirty.iter().cloned().collect();
        for uri in &dirty {
            self.check(uri);
        }
        self.dirty.clear();
        let uris: Vec<String> = self.documents.keys().cloned().collect();
        for uri in uris {
            let is_dirty = dirty.contains(&uri);
            let is_inventory = self.documents.values().any(|other| {
                let facts = other.analysis.as_ref().and_then(|analysis| analysis.facts.as_ref());
                facts.is_some() && facts == self.documents[&uri].path.as_ref()
            });
            if !is_dirty && !is_inventory && self.documents[&uri].told.is_empty() {
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
        let length = open.text.as_str().len();
        let file = self.shelf.file(&path, &self.documents, length, self.settings.max_bytes).ok()?;
        Some((path, file))
    }
}
