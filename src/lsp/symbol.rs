//! The outline of a document: its keys, and what its lists name.

use lsp_types::DocumentSymbol;
use lsp_types::SymbolKind;
use lsp_types::Uri;

use super::sketch::Kind;
use super::sketch::Sketch;
use super::sketch::plain;
use super::text::Encoding;
use super::text::Text;
use super::workspace::Workspace;

impl Workspace {
    /// Returns the outline of a document.
    #[must_use]
    pub fn symbols(&self, uri: &Uri) -> Vec<DocumentSymbol> {
        let Some(open) = self.documents.get(uri.as_str()) else { return Vec::new() };
        let outline = Outline { text: &open.text, sketch: open.sketch(), encoding: self.encoding };
        outline.sketch.documents().flat_map(|document| outline.keys(document)).collect()
    }
}

struct Outline<'t> {
    text: &'t Text,
    sketch: &'t Sketch,
    encoding: Encoding,
}

impl Outline<'_> {
    fn keys(&self, document: usize) -> Vec<DocumentSymbol> {
        let keys = self.sketch.children(document).filter(|key| self.sketch.item(*key).kind == Kind::Key);
        keys.filter_map(|key| {
            let name = self.sketch.item(key).name.clone();
            let elements: Vec<DocumentSymbol> =
                self.sketch.children(key).filter_map(|element| self.element(element)).collect();
            let kind = if elements.is_empty() { SymbolKind::KEY } else { SymbolKind::ARRAY };
            self.symbol(key, name, kind, elements)
        })
        .collect()
    }

    /// Returns an item of a list, if it is one and is named.
    fn element(&self, element: usize) -> Option<DocumentSymbol> {
        let item = self.sketch.item(element);
        if item.kind != Kind::Element {
            return None;
        }
        let text = self.text.as_str();
        let name = item.value.clone().or_else(|| {
            let key =
                ["name", "id", "rule"].into_iter().find_map(|key| self.sketch.key(text, element, key))?;
            self.sketch.item(key).value.clone()
        })?;
        self.symbol(element, name, SymbolKind::OBJECT, Vec::new())
    }

    #[expect(deprecated, reason = "the protocol's type has a field that is not used any more")]
    fn symbol(
        &self,
        item: usize,
        name: std::ops::Range<usize>,
        kind: SymbolKind,
        children: Vec<DocumentSymbol>,
    ) -> Option<DocumentSymbol> {
        let item = self.sketch.item(item);
        let label = plain(&self.text.as_str()[name.clone()]).to_owned();
        // Editors take no outline with an empty name.
        (!label.is_empty()).then(|| DocumentSymbol {
            name: label,
            detail: None,
            kind,
            tags: None,
            deprecated: None,
            range: self.text.range(&(item.name.start.min(name.start)..item.end.max(name.end)), self.encoding),
            selection_range: self.text.range(&name, self.encoding),
            children: (!children.is_empty()).then_some(children),
        })
    }
}
