//! The texts that problems of a document point into, and what editors call the places in them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use lsp_types::Location;
use lsp_types::Uri;

use super::around::Beside;
use super::check::Analysis;
use super::ground::Home;
use super::ground::Spot;
use super::problem;
use super::problem::Problem;
use super::text::Encoding;
use super::text::Text;
use super::uri;
use super::workspace::Open;

/// Texts that problems point into.
#[derive(Clone, Copy)]
pub(super) struct Page<'p> {
    pub open: &'p Open,
    pub documents: &'p BTreeMap<String, Open>,
    /// The inventory, if it is another file.
    pub facts: Option<(&'p Path, &'p Text)>,
    pub beside: &'p Beside,
    pub encoding: Encoding,
}

impl<'p> Page<'p> {
    /// Adds problems to what is shown, as far as anybody reads them.
    pub(super) fn show(&self, problems: impl IntoIterator<Item = Problem>, analysis: &mut Analysis) {
        for problem in problems {
            if analysis.shown.len() >= problem::MOST {
                let more = Problem::more();
                if analysis.shown.last().is_none_or(|last| last.diagnostic.message != more.message) {
                    analysis.shown.push(more.shown(self));
                }
                return;
            }
            for (spot, _) in problem.related.iter().chain([&(problem.at.clone(), String::new())]) {
                analysis.depends.extend(self.path(spot.home).map(Path::to_owned));
            }
            analysis.elsewhere.extend(problem.elsewhere(self));
            analysis.shown.push(problem.shown(self));
        }
    }

    /// Returns the file of a text that is not the document's own.
    pub(super) fn path(&self, home: Home) -> Option<&'p Path> {
        match home {
            Home::Own => None,
            Home::Facts => self.facts.map(|(path, _)| path),
            Home::Beside(index) => self.beside.files.get(index).map(|file| file.path.as_path()),
        }
    }

    fn text(&self, home: Home) -> Option<&'p Text> {
        match home {
            Home::Own => Some(&self.open.text),
            Home::Facts => self.facts.map(|(_, text)| text),
            Home::Beside(index) => self.beside.files.get(index).map(|file| &file.text),
        }
    }

    /// Returns the URI and the range of a spot; `None` for one in a file that has no URI.
    pub(super) fn location(&self, spot: &Spot) -> Option<Location> {
        let uri = match self.path(spot.home) {
            None => self.open.uri.clone(),
            Some(path) => uri_of(self.documents, path)?,
        };
        Some(Location::new(uri, self.text(spot.home)?.range(&spot.range, self.encoding)))
    }

    /// Returns the range of a spot in the document itself.
    pub(super) fn own_range(&self, range: &Range<usize>) -> lsp_types::Range {
        self.open.text.range(range, self.encoding)
    }

    /// Returns the characters of a spot.
    pub(super) fn slice(&self, spot: &Spot) -> &'p str {
        self.text(spot.home).and_then(|text| text.as_str().get(spot.range.clone())).unwrap_or("")
    }
}

/// Returns what the editor calls a file, which it may have open under a name of its own.
pub(super) fn uri_of(documents: &BTreeMap<String, Open>, path: &Path) -> Option<Uri> {
    let open = documents.values().find(|other| other.path.as_deref() == Some(path));
    open.map(|open| open.uri.clone()).or_else(|| uri::of_path(path))
}
