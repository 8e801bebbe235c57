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
    let root = tree.roots.first().copied().ok_or("they hold no document")?;
    // What is wrong is told with its place, so it is looked for first.
    let is_one = Inventory::decode(&mut Reader::new(&tree, &mut mistakes), root).is_some();
    if let Some(mistake) = mistakes.first() {
        return Err(mistake.message.clone());
    }
    if !is_one {
        return Err("they are no inventory".to_owned());
    }
    for node in &mut tree.nodes {
        node.span = Span::NONE;
    }
    let inventory = Inventory::decode(&mut Reader::new(&tree, &mut mistakes), root);
    inventory.ok_or_else(|| "they are no inventory".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_that_were_kept_have_no_places_and_their_mistakes_are_told() {
        let kept =
            r#"{"kind":"Inventory","version":1,"name":"observed","hosts":[{"name":"h1","discovered":true}]}"#;
        let read = inventory(kept).expect("an inventory");
        let host = &read.hosts.as_ref().expect("there are hosts")[0];
        assert!(host.name.span.is_none() && host.discovered.is_some_and(|known| known.span.is_none()));
        for wrong in ["discovered", "name", "true", "version", "{", ":1"] {
            let broken = kept.replacen(wrong, "\u{e9}", 1);
            inventory(&broken).expect_err("it was changed");
        }
        let power = r#"{"kind":"Inventory","version":1,"name":"o","machines":[{"name":"w1","azure_vm":{"power_state":"runninf"}}]}"#;
        let error = inventory(power).expect_err("no such state");
        assert!(error.contains("runninf"), "{error}");
    }
}
