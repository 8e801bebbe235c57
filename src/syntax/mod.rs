//! Document text into typed documents with spans: shape, no meaning.

pub mod action;
pub mod address;
pub(crate) mod block;
mod container;
pub mod cron;
pub mod decode;
pub mod drill;
pub mod execution;
pub mod file;
pub mod folder;
pub mod inventory;
pub(crate) mod limit;
pub mod machine;
mod mended;
pub mod nullable;
pub mod observed;
pub mod plan;
pub mod policy;
pub mod policy_draft;
pub mod remark;
pub mod repair;
mod respell;
pub mod scalar;
pub mod schema;
pub mod sense;
pub mod settings;
mod tabs;
pub mod template;
pub mod tree;
pub mod value;
mod view;
pub mod workspace;
pub mod yaml;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::did_you_mean;
use crate::source::Source;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::decode::Decode;
use crate::syntax::decode::Reader;
use crate::syntax::decode::quoted;
use crate::syntax::inventory::Inventory;
use crate::syntax::plan::RecoveryPlan;
use crate::syntax::policy::Policy;
use crate::syntax::policy_draft::PolicyDraft;
use crate::syntax::scalar::Plain;
use crate::syntax::schema::Schema;
use crate::syntax::settings::Settings;
use crate::syntax::tree::Kind;
use crate::syntax::tree::NodeId;
use crate::syntax::tree::Tree;
use crate::syntax::view::View;

/// The version of the language that a document is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Version(u8);

impl Version {
    /// The version that there is.
    pub const ONE: Self = Self(1);
}

impl Decode for Version {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        let written = match &reader.tree().node(node).kind {
            Kind::Scalar { text, plain: true } => Plain::of(text),
            _ => Plain::Text,
        };
        let version = match written {
            Plain::Integer(version) => version,
            Plain::Null | Plain::Boolean(_) | Plain::Float(_) | Plain::Text => {
                u8::decode(reader, node)?.into()
            }
        };
        if version == 1 {
            return Some(Self::ONE);
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
    /// An organisation's own rules.
    Policy(Box<Policy>),
    /// Settings of a daemon.
    Settings(Box<Settings>),
}

impl Document {
    /// Returns the document's name; settings have none.
    #[must_use]
    pub fn name(&self) -> Option<&Spanned<String>> {
        match self {
            Self::Plan(plan) => Some(&plan.name),
            Self::Inventory(inventory) => Some(&inventory.name),
            Self::Policy(policy) => Some(&policy.name),
            Self::Settings(_) => None,
        }
    }
}

/// What was read of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The documents without mistakes.
    pub documents: Vec<Document>,
    /// What could be read of those with mistakes: nothing stands in it for what could not, and no rule may look at it. Policies
    /// are not among them.
    pub drafts: Vec<Document>,
    /// What is written in the policies with mistakes.
    pub policies: Vec<PolicyDraft>,
}

/// The kinds of documents that there are.
const KINDS: &[&str] = &["RecoveryPlan", "Inventory", "Policy", "Settings"];

/// Reads all documents of a text.
///
/// Returns those that could be read whole, and adds every mistake of all of them to `diagnostics`.
pub fn parse(source: &Source, diagnostics: &mut Vec<Diagnostic>) -> Vec<Document> {
    read(source, diagnostics).documents
}

/// Reads all documents of a text, and what can be read of those with mistakes.
///
/// Adds every mistake of all of them to `diagnostics`.
pub fn read(source: &Source, diagnostics: &mut Vec<Diagnostic>) -> Reading {
    let before = diagnostics.len();
    let tree = yaml::read(source, &yaml::Limits::default(), diagnostics);
    if tree.roots.is_empty() && diagnostics.len() == before {
        let start = source.base();
        diagnostics.push(
            Diagnostic::error("no-document", Span::new(start, start.max(1)), "the file holds no document")
                .help("write a document that begins with `kind: RecoveryPlan`, `kind: Inventory`, `kind: Policy` or `kind: Settings`"),
        );
    }
    documents(source, &tree, before, diagnostics)
}

/// Reads all documents of a text that may be about something else.
///
/// Returns `None`, and reports nothing, if no document of it is or seems meant to be one of ours.
pub fn parse_if_ours(source: &Source, diagnostics: &mut Vec<Diagnostic>) -> Option<Vec<Document>> {
    read_if_ours(source, diagnostics).map(|read| read.documents)
}

/// Reads all documents of a text that may be about something else, and what can be read of those with mistakes.
///
/// Returns `None`, and reports nothing, if no document of it is or seems meant to be one of ours.
pub fn read_if_ours(source: &Source, diagnostics: &mut Vec<Diagnostic>) -> Option<Reading> {
    let before = diagnostics.len();
    let tree = yaml::read(source, &yaml::Limits::default(), diagnostics);
    let is_ours = tree.roots.iter().any(|root| seems_ours(&tree, *root))
        // A document with a mistake of syntax may have no root: its first lines must say what it was meant to be.
        || (diagnostics.len() > before && source.text().lines().any(|line| line.strip_prefix("kind:").is_some_and(is_near_kind)));
    if !is_ours {
        diagnostics.truncate(before);
        return None;
    }
    Some(documents(source, &tree, before, diagnostics))
}

/// Returns whether a document is one of ours, or is near enough to one that somebody wants to hear about it.
fn seems_ours(tree: &Tree<'_>, root: NodeId) -> bool {
    let Kind::Mapping(pairs) = &tree.node(root).kind else { return false };
    let keys = || pairs.iter().filter_map(|(key, value)| Some((tree.text(*key)?, *value)));
    let kind = |value: NodeId| tree.text(resolved(tree, value)).is_some_and(is_near_kind);
    let has = |word: &str| keys().any(|(key, _)| key == word);
    // Objects of Kubernetes have kinds too, and some of them are policies.
    if has("apiVersion") {
        return false;
    }
    match keys().find(|(key, _)| *key == "kind") {
        Some((_, value)) => kind(value),
        None => {
            keys().any(|(key, value)| did_you_mean(key, ["kind"]).is_some() && kind(value))
                || (has("version") && (has("machines") || has("replication_groups")))
        }
    }
}

fn is_near_kind(word: &str) -> bool {
    let word = word.trim().trim_matches(['"', '\'']);
    word.contains(char::REPLACEMENT_CHARACTER) || did_you_mean(word, KINDS.iter().copied()).is_some()
}

/// Reads the documents of a tree, and looks behind their mistakes; those from `before` on are those of its text.
fn documents(source: &Source, tree: &Tree<'_>, before: usize, diagnostics: &mut Vec<Diagnostic>) -> Reading {
    let read = read_documents(source, tree, before, diagnostics);
    if !tree.cut.is_empty() {
        let behind = tabs::look_behind(source, &diagnostics[before..]);
        diagnostics.extend(behind);
        mended::look_behind(source, tree, before, diagnostics);
    }
    diagnostics[before..].sort_by_key(|diagnostic| diagnostic.span.start);
    repair::indent_by_spaces(source, &mut diagnostics[before..]);
    read
}

/// Reads the documents of a tree; the mistakes from `before` on are those of its text.
fn read_documents(
    source: &Source,
    tree: &Tree<'_>,
    before: usize,
    diagnostics: &mut Vec<Diagnostic>,
) -> Reading {
    // A document with a mistake of syntax is not used either, though its other mistakes are looked for.
    let misread: Vec<Span> = diagnostics[before..].iter().map(|mistake| mistake.span).collect();
    let is_misread =
        |root: Span| misread.iter().any(|span| root.start <= span.start && span.start <= root.end);
    let mut read = Reading::default();
    let mut names: HashMap<(&'static str, String), Span> = HashMap::new();
    for (root, (remarks, mistakes)) in tree.roots.iter().zip(remark::of(source, tree)) {
        let is_cut = tree.is_cut(*root);
        let is_understood = mistakes.is_empty() && !is_cut && !is_misread(tree.node(*root).span);
        let mut reader = Reader::new(tree, diagnostics);
        let before = if is_understood { reader.count() } else { 0 };
        mistakes.into_iter().for_each(|mistake| reader.report(mistake));
        let Some(kind) = kind_of(&mut reader, *root) else { continue };
        let document = read_document(&mut reader, kind, *root);
        // What stands in for a mistake must not be checked as if it had been written.
        let is_whole = !kind.is_guessed && !is_cut && reader.count() == before;
        if let Some(name) = View::of(tree, *root).get("name")
            && let Some(text) = name.text()
        {
            match names.entry((kind.word, text.to_owned())) {
                Entry::Vacant(entry) => {
                    entry.insert(name.span());
                }
                Entry::Occupied(first) => {
                    let name = Spanned::new(text.to_owned(), name.span());
                    diagnostics.push(duplicate_name(&name, *first.get()));
                }
            }
        }
        if kind.word == "Policy" && !is_whole {
            read.policies.push(PolicyDraft::of(View::of(tree, *root)));
            continue;
        }
        let Some(mut document) = document else { continue };
        match &mut document {
            Document::Plan(plan) => plan.remarks = remarks,
            Document::Inventory(inventory) => inventory.remarks = remarks,
            // Nothing of these is found broken by a rule.
            Document::Policy(_) | Document::Settings(_) => {}
        }
        if is_whole { &mut read.documents } else { &mut read.drafts }.push(document);
    }
    read
}

/// Returns the mistake that two documents of a kind have one name.
#[must_use]
pub fn duplicate_name(name: &Spanned<String>, first: Span) -> Diagnostic {
    let message = format!("a second document is named {}", quoted(&name.value));
    Diagnostic::error("duplicate-name", name.span, message)
        .label(first, "the first one is here")
        .help("give each document of a kind its own name")
}

/// What a document is, as far as its first key says.
#[derive(Clone, Copy)]
struct Said {
    word: &'static str,
    /// Whether it is misspelt, which was or will be reported, so that it is read for its other mistakes alone.
    is_guessed: bool,
}

fn read_document(reader: &mut Reader<'_, '_>, kind: Said, root: NodeId) -> Option<Document> {
    match kind.word {
        "RecoveryPlan" => {
            let plan: Option<RecoveryPlan> = reader.document(root);
            sense::check_plan(reader, root, plan.as_ref());
            plan.map(|plan| Document::Plan(Box::new(plan)))
        }
        "Inventory" => {
            let inventory: Option<Inventory> = reader.document(root);
            sense::check_inventory(reader, root);
            inventory.map(|inventory| Document::Inventory(Box::new(inventory)))
        }
        "Settings" => {
            let settings: Option<Settings> = reader.document(root);
            sense::check_settings(reader, root, settings.as_ref());
            settings.map(|settings| Document::Settings(Box::new(settings)))
        }
        _ => reader.document(root).map(|policy| Document::Policy(Box::new(policy))),
    }
}

/// Returns the kind that a document says it is, or seems to mean.
fn kind_of(reader: &mut Reader<'_, '_>, root: NodeId) -> Option<Said> {
    if yaml::is_stand_in(reader.tree().node(root)) {
        return None;
    }
    let is_cut = reader.tree().is_cut(root);
    if !matches!(reader.tree().node(root).kind, Kind::Mapping(_)) {
        if is_cut {
            return None;
        }
        return reader.wrong_type(root, "a document, which is a mapping that begins with `kind:`");
    }
    let before = reader.count();
    let entries = reader.mapping(root, "a mapping")?;
    // What is wrong with the keys is reported when the document is read.
    let meant = |reader: &Reader<'_, '_>, value| {
        let tree = reader.tree();
        let text = tree.text(resolved(tree, value))?;
        let word = KINDS.iter().copied().find(|kind| did_you_mean(text, [*kind]).is_some())?;
        Some(Said { word, is_guessed: true })
    };
    let Some(kind) = entries.iter().find(|entry| reader.key(**entry) == "kind") else {
        // A key of somebody's own, such as `x-kind`, is none that was meant otherwise.
        let is_near = |key: &str| !key.starts_with("x-") && did_you_mean(key, ["kind"]).is_some();
        let near = entries.iter().find(|entry| is_near(reader.key(**entry))).copied();
        if let Some(said) = near.and_then(|near| meant(reader, near.value)) {
            reader.forget(before);
            return Some(said);
        }
        match (near, entries.first()) {
            (Some(near), _) => reader.unknown_key(near, &entries, &["kind"]),
            (None, _) if is_cut => {}
            (None, first) => {
                let span = first.map_or_else(|| reader.span(root), |first| reader.span(first.key));
                reader.report(Diagnostic::error("missing-key", span, "`kind` is missing").help(
                    "begin the document with `kind: RecoveryPlan`, `kind: Inventory`, `kind: Policy` or `kind: Settings`",
                ));
            }
        }
        return None;
    };
    reader.forget(before);
    let value = resolved(reader.tree(), kind.value);
    if yaml::is_stand_in(reader.tree().node(value)) {
        return None;
    }
    if let Some(word) = reader.tree().text(value).and_then(|text| KINDS.iter().find(|kind| **kind == text)) {
        return Some(Said { word, is_guessed: false });
    }
    // The reader of the document tells that its kind is misspelt.
    if let Some(said) = meant(reader, value) {
        return Some(said);
    }
    reader.word(value, KINDS);
    None
}

fn resolved(tree: &Tree<'_>, mut node: NodeId) -> NodeId {
    while let Kind::Alias(target) = tree.node(node).kind {
        node = target;
    }
    node
}
