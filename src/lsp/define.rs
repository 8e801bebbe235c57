//! Where the thing under the cursor is written: a name of the plan or of its inventory, a file, an anchor.

use lsp_types::Location;
use lsp_types::Position;
use lsp_types::Uri;

use super::language::Document;
use super::name;
use super::name::Sort;
use super::sketch::Part;
use super::sketch::plain;
use super::uri;
use super::workspace::Workspace;

impl Workspace {
    /// Returns where the thing that is named at a position is written.
    pub fn definition(&mut self, uri: &Uri, position: Position) -> Vec<Location> {
        self.defined(uri, position).unwrap_or_default()
    }

    fn defined(&mut self, uri: &Uri, position: Position) -> Option<Vec<Location>> {
        let (open, offset) = self.place(uri, position)?;
        let (text, sketch) = (open.text.as_str(), open.sketch());
        let (item, Part::Value) = sketch.at(offset)? else { return None };
        let value = sketch.item(item).value.clone()?;
        let written = &text[value.clone()];
        if let Some(anchor) = written.strip_prefix('*') {
            let at = anchored(text, anchor, value.start)?;
            return Some(vec![Location::new(open.uri.clone(), open.text.range(&at, self.encoding))]);
        }
        let name = plain(written).to_owned();
        let document = sketch.document_of(item);
        let kind = Document::of(sketch, text, document, &open.file())?;
        let place = kind.language().at(&sketch.path(text, item))?;
        let sort = name::sort_of(kind, &place)?;
        match sort {
            Sort::Name(_) | Sort::Subject => {
                let own = Location::new(open.uri.clone(), open.text.range(&value, self.encoding));
                let found = self
                    .names(uri, document, kind, sort)
                    .into_iter()
                    .filter(|found| found.given.name == name);
                // A name that says where it is itself leads nowhere.
                Some(found.filter_map(|found| found.location).filter(|location| *location != own).collect())
            }
            Sort::File => {
                let (path, _) = self.facts_of(uri.as_str(), Some(&name))?;
                let open = self.documents.values().find(|open| open.path.as_ref() == Some(&path));
                let uri = open.map(|open| open.uri.clone()).or_else(|| uri::of_path(&path))?;
                Some(vec![Location::new(uri, lsp_types::Range::default())])
            }
            Sort::Rule => Some(self.own_rule(uri, &name)?.location.into_iter().collect()),
            Sort::RecoveryPoint => None,
        }
    }
}

/// Returns where an anchor stands, the last one before a use of it.
fn anchored(text: &str, anchor: &str, before: usize) -> Option<std::ops::Range<usize>> {
    let wanted = format!("&{anchor}");
    let ends = |rest: &str| rest.starts_with([' ', '\t', '\r', '\n', ',', ']', '}']) || rest.is_empty();
    let is_it = |at: &usize| ends(&text[at + wanted.len()..]);
    let at = text[..before].match_indices(&wanted).map(|(at, _)| at).filter(is_it).last()?;
    Some(at..at + wanted.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_means_the_last_anchor_before_it() {
        let text = "a: &x 1\nb: &xy 2\nc: &x 3\nd: *x\ne: &x 4\n";
        let at = anchored(text, "x", text.find("*x").expect("there")).expect("an anchor");
        assert_eq!(text[at.start..].lines().next(), Some("&x 3"));
    }
}
