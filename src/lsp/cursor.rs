//! Where in a document a cursor is, and the texts around it in which names are looked up.

use lsp_types::Location;
use lsp_types::Position;
use lsp_types::Uri;

use crate::model::ReferenceKind;
use crate::syntax::inventory::Inventory;

use super::check::Cache;
use super::language::Document;
use super::name::Book;
use super::name::Given;
use super::name::Sort;
use super::sketch::Sketch;
use super::sketch::plain;
use super::uri;
use super::workspace::Open;
use super::workspace::Workspace;

/// Where a name is given.
pub(super) struct Found {
    pub given: Given,
    /// Whether the text that asks gives it.
    pub own: bool,
    pub location: Option<Location>,
}

impl Workspace {
    /// Returns an open document and the byte at a position of it.
    pub(super) fn place(&self, uri: &Uri, position: Position) -> Option<(&Open, usize)> {
        let open = self.documents.get(uri.as_str())?;
        Some((open, open.text.offset(position, self.encoding)))
    }

    /// Returns the file of its inventory that a plan names, as it is written.
    fn named_inventory(&self, uri: &Uri, document: usize) -> Option<String> {
        let open = self.documents.get(uri.as_str())?;
        let (sketch, text) = (open.sketch(), open.text.as_str());
        let key = sketch.key(text, document, "inventory")?;
        Some(plain(&text[sketch.item(key).value.clone()?]).to_owned())
    }

    /// Returns the facts that a document is about or holds, if they have no mistakes.
    pub(super) fn inventory(&mut self, uri: &Uri, document: usize, kind: Document) -> Option<&Inventory> {
        let named = self.named_inventory(uri, document).filter(|_| kind == Document::Plan);
        if kind == Document::Plan && (named.is_some() || self.settings.inventory.is_some()) {
            return self.facts_of(uri.as_str(), named.as_deref())?.1.inventories.first();
        }
        let path = self.documents.get(uri.as_str())?.path.clone()?;
        let Cache { shelf, room, .. } = &mut self.cache;
        let file = shelf.file(&path, &self.documents, room, self.settings.max_bytes).ok()?;
        file.inventories.first()
    }

    /// Returns where names are given that a place of a document may hold, those of the document first.
    pub(super) fn names(&mut self, uri: &Uri, document: usize, kind: Document, sort: Sort) -> Vec<Found> {
        let mut all = Vec::new();
        let encoding = self.encoding;
        let named = self.named_inventory(uri, document);
        let Some(open) = self.documents.get(uri.as_str()) else { return all };
        let own = |given: Given| {
            let range = open.text.range(&given.range, encoding);
            Found { location: Some(Location::new(open.uri.clone(), range)), own: true, given }
        };
        let (sketch, text) = (open.sketch(), open.text.as_str());
        if kind == Document::Plan {
            all.extend(of_plan(Book { sketch, text, document }, sort).into_iter().map(own));
        }
        if kind == Document::Inventory {
            all.extend(of_inventory(Book { sketch, text, document }, sort).into_iter().map(own));
        } else if named.is_none() && self.settings.inventory.is_none() {
            for book in inventories(sketch, text) {
                all.extend(of_inventory(book, sort).into_iter().map(own));
            }
        } else if let Some((path, file)) = self.facts_of(uri.as_str(), named.as_deref()) {
            let mut found = Vec::new();
            for book in inventories(file.sketch(), file.text.as_str()) {
                found.extend(
                    of_inventory(book, sort)
                        .into_iter()
                        .map(|given| (file.text.range(&given.range, encoding), given)),
                );
            }
            let open = self.documents.values().find(|open| open.path.as_ref() == Some(&path));
            let uri = open.map(|open| open.uri.clone()).or_else(|| uri::of_path(&path));
            all.extend(found.into_iter().map(|(range, given)| Found {
                location: uri.clone().map(|uri| Location::new(uri, range)),
                own: false,
                given,
            }));
        }
        all
    }
}

/// Returns the inventories of a text.
fn inventories<'t>(sketch: &'t Sketch, text: &'t str) -> Vec<Book<'t>> {
    let is_inventory =
        |document: &usize| Document::of(sketch, text, *document, "") == Some(Document::Inventory);
    sketch.documents().filter(is_inventory).map(|document| Book { sketch, text, document }).collect()
}

fn of_plan(book: Book<'_>, sort: Sort) -> Vec<Given> {
    match sort {
        Sort::Name(kind) => book.of_plan(kind),
        Sort::Subject => book.of_plan(ReferenceKind::HookSubject),
        Sort::Rule | Sort::File | Sort::RecoveryPoint => Vec::new(),
    }
}

fn of_inventory(book: Book<'_>, sort: Sort) -> Vec<Given> {
    match sort {
        Sort::Name(kind) => book.of_inventory(kind),
        Sort::Subject => book.subjects(),
        Sort::Rule | Sort::File | Sort::RecoveryPoint => Vec::new(),
    }
}
