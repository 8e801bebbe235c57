//! Facts that stand in no file: what was observed and kept as text, so that nothing of it has a place.

use crate::source::Sources;
use crate::source::Span;
use crate::syntax::decode::Decode as _;
use crate::syntax::decode::Reader;
use crate::syntax::inventory::Inventory;
use crate::syntax::yaml;

/// Reads an inventory that was kept as text; its values point nowhere.
///
/// # Errors
///
/// A sentence with the first mistake.
pub fn inventory(text: &str) -> Result<Inventory, String> {
    let mut sources = Sources::default();
    let index = sources.add("observed", text.to_owned()).map_err(|error| error.to_string())?;
    let mut mistakes = Vec::new();
    let mut tree = yaml::read(sources.get(index), &yaml::Limits::default(), &mut mistakes);
    for node in &mut tree.nodes {
        node.span = Span::NONE;
    }
    let root = tree.roots.first().copied().ok_or("they hold no document")?;
    let inventory = Inventory::decode(&mut Reader::new(&tree, &mut mistakes), root);
    match mistakes.first() {
        Some(mistake) => Err(mistake.message.clone()),
        None => inventory.ok_or_else(|| "they are no inventory".to_owned()),
    }
}
