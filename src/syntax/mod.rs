//! Document text into typed documents with spans: shape, no meaning.

pub mod action;
pub(crate) mod block;
pub mod decode;
pub mod drill;
pub mod execution;
pub mod file;
pub mod inventory;
pub mod machine;
pub mod plan;
pub mod scalar;
pub mod schema;
pub mod tree;
pub mod value;
pub mod yaml;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::did_you_mean;
use crate::source::Source;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::decode::Decode;
use crate::syntax::decode::Reader;
use crate::syntax::inventory::Inventory;
use crate::syntax::plan::RecoveryPlan;
use crate::syntax::schema::Schema;
use crate::syntax::tree::Kind;
use crate::syntax::tree::NodeId;

/// The version of the language that a document is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Version(u8);

impl Decode for Version {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        let version = u8::decode(reader, node)?;
        if version == 1 {
            return Some(Self(1));
        }
        let span = reader.span(node);
        let message = format!("version {version} of the language is not known");
        reader.report(
            Diagnostic::error("unknown-version", span, message).help("write 1, the only version there is"),
        );
        None
    }
    fn schema(_: &mut Schema) -> serde_json::Value {
        serde_json::json!({"const": 1})
    }
    fn example() -> serde_json::Value {
        serde_json::json!(1)
    }
}

/// A document of the language.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    /// A recovery plan.
    Plan(Box<RecoveryPlan>),
    /// An inventory.
    Inventory(Box<Inventory>),
}

impl Document {
    /// Returns the document's name.
    #[must_use]
    pub fn name(&self) -> &Spanned<String> {
        match self {
            Self::Plan(plan) => &plan.name,
            Self::Inventory(inventory) => &inventory.name,
        }
    }
}

/// The kinds of documents that there are.
const KINDS: &[&str] = &["RecoveryPlan", "Inventory"];

/// Reads all documents of a text.
///
/// Returns those that could be read whole, and adds every mistake of all of them to `diagnostics`.
pub fn parse(source: &Source, diagnostics: &mut Vec<Diagnostic>) -> Vec<Document> {
    let before = diagnostics.len();
    let tree = yaml::read(source, &yaml::Limits::default(), diagnostics);
    if tree.roots.is_empty() && diagnostics.len() == before {
        let start = source.base();
        diagnostics.push(
            Diagnostic::error("no-document", Span::new(start, start.max(1)), "the file holds no document")
                .help("write a document that begins with `kind: RecoveryPlan` or `kind: Inventory`"),
        );
    }
    let mut documents: Vec<Document> = Vec::new();
    for root in &tree.roots {
        let mut reader = Reader::new(&tree, diagnostics);
        let Some(document) = read_document(&mut reader, *root) else { continue };
        if let Some(same) = documents.iter().find(|other| same_name(other, &document)) {
            let message = format!("a second document is named `{}`", document.name().value);
            diagnostics.push(
                Diagnostic::error("duplicate-name", document.name().span, message)
                    .label(same.name().span, "the first one is here")
                    .help("give each document of a kind its own name"),
            );
        }
        documents.push(document);
    }
    documents
}

fn same_name(one: &Document, other: &Document) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other) && one.name() == other.name()
}

fn read_document(reader: &mut Reader<'_, '_>, root: NodeId) -> Option<Document> {
    let before = reader.count();
    let document = match kind_of(reader, root)? {
        "RecoveryPlan" => reader.document(root).map(|plan| Document::Plan(Box::new(plan))),
        _ => reader.document(root).map(|inventory| Document::Inventory(Box::new(inventory))),
    };
    // A document with a mistake is not used: what stands in for the mistake must not be checked as if it had been written.
    document.filter(|_| reader.count() == before)
}

/// Returns the kind that a document says it is.
fn kind_of(reader: &mut Reader<'_, '_>, root: NodeId) -> Option<&'static str> {
    if !matches!(reader.tree().node(root).kind, Kind::Mapping(_)) {
        return reader.wrong_type(root, "a document, which is a mapping that begins with `kind:`");
    }
    let entries = reader.mapping(root, "a mapping")?;
    let Some(kind) = entries.iter().find(|entry| reader.key(**entry) == "kind") else {
        let near =
            entries.iter().find(|entry| did_you_mean(reader.key(**entry), ["kind"]).is_some()).copied();
        let mut span = reader.span(root);
        if let Some(first) = near.or(entries.first().copied()) {
            span = reader.span(first.key);
        }
        reader.report(
            Diagnostic::error("missing-key", span, "`kind` is missing")
                .help("begin the document with `kind: RecoveryPlan` or `kind: Inventory`"),
        );
        return None;
    };
    let tree = reader.tree();
    let mut value = kind.value;
    while let Kind::Alias(target) = tree.node(value).kind {
        value = target;
    }
    reader.word(value, KINDS)
}
