//! What must hold for every input, whoever wrote it: asked of the inputs that were kept, and by the fuzzer of all others.

pub mod cron;
pub mod document;
#[cfg(feature = "cel")]
pub mod policy;
pub mod quantity;
pub mod remark;

use failback::diagnostic::Diagnostic;
use failback::model::Model;
use failback::model::resolve;
use failback::source::Source;
use failback::source::Sources;
use failback::source::Span;
use failback::syntax::Document;
use failback::syntax::parse;
use jiff::Timestamp;

/// A plan of the classic world, without its inventory's name.
const PLAN: &str = include_str!("../../../worlds/classic.plan.yaml");
/// The classic world's inventory.
const INVENTORY: &str = include_str!("../../../worlds/classic.inventory.yaml");

/// A text that was read after another one, so that offsets do not begin at the text.
pub struct Read {
    pub sources: Sources,
    pub documents: Vec<Document>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads all documents of a text.
pub fn read(text: &str) -> Read {
    let mut sources = Sources::new();
    sources.add("before", "이전: 1\n".into()).expect("it is short");
    let index = sources.add("text", text.into()).expect("it is short");
    let mut diagnostics = Vec::new();
    let documents = parse(sources.get(index), &mut diagnostics);
    Read { sources, documents, diagnostics }
}

impl Read {
    /// Returns the text.
    pub fn source(&self) -> &Source {
        self.sources.get(1)
    }
}

/// Asserts that a place is in the text, and cuts no character in two.
pub fn is_in(source: &Source, span: Span, what: &str) {
    let text = source.text();
    for at in [Some(span.start), Some(span.end), Some(span.via).filter(|via| *via != 0)].into_iter().flatten()
    {
        let at = at.checked_sub(source.base()).map(|at| at as usize);
        assert!(at.is_some_and(|at| text.is_char_boundary(at)), "{what}: {at:?} is no place of {text:?}");
    }
    assert!(span.start <= span.end, "{what}: {span:?} ends before it begins in {text:?}");
}

/// Asserts that a mistake can be shown: it says something, and every place of it is in the text.
pub fn can_be_shown(source: &Source, mistake: &Diagnostic) {
    assert!(!mistake.message.is_empty() && !mistake.code.is_empty(), "{mistake:?}");
    is_in(source, mistake.span, &mistake.message);
    for label in &mistake.labels {
        is_in(source, label.span, &label.text);
    }
    for edit in mistake.fix.iter().flat_map(|fix| &fix.edits) {
        is_in(source, edit.span, "an edit");
        assert!(!edit.text.contains(['\n', '\r']), "{edit:?} has lines");
    }
}

/// Returns the reference world's model with other documents in the place of its own.
pub fn world(plan: &str, inventory: &str) -> Model {
    let mut sources = Sources::new();
    let mut diagnostics = Vec::new();
    let mut documents = Vec::new();
    for text in [plan, inventory] {
        let index = sources.add("world", text.to_owned()).expect("it is short");
        documents.extend(parse(sources.get(index), &mut diagnostics));
    }
    match <[Document; 2]>::try_from(documents) {
        Ok([Document::Plan(plan), Document::Inventory(inventory)]) => resolve(*plan, *inventory),
        other => panic!("no plan and inventory: {other:?} {diagnostics:?}"),
    }
}

/// Returns the moment at which the reference world is healthy.
pub fn now() -> Timestamp {
    "2025-06-01T00:00:00Z".parse().expect("the constant is a moment")
}
