//! Documents: every place is in the text, what was written reads back the same, and fixes change no meaning.

use failback::graph;
use failback::model::resolve;
use failback::rules;
use failback::rules::Options;
use failback::rules::OriginFilter;
use failback::source::Source;
use failback::syntax::Document;
use failback::syntax::file::text_of;
use failback::syntax::parse_if_ours;
use failback::syntax::repair::Repaired;
use failback::syntax::repair::repair;
use failback::syntax::tree::Kind;
use failback::syntax::tree::Node;
use failback::syntax::tree::NodeId;
use failback::syntax::tree::Tree;
use failback::syntax::yaml;
use serde_yaml::to_string;

use super::Read;
use super::can_be_shown;
use super::is_in;
use super::now;
use super::read;

/// Asks everything of a text.
pub fn claims(bytes: &[u8]) {
    of_text(&text_of(bytes.to_vec()).text);
}

/// Asks everything of a text.
pub fn of_text(text: &str) {
    let read = read(text);
    let source = read.source();
    for mistake in &read.diagnostics {
        can_be_shown(source, mistake);
    }
    let in_order = read.diagnostics.is_sorted_by_key(|mistake| mistake.span.start);
    assert!(in_order, "mistakes are not in the order of {text:?}");
    // A duplicate name is a mistake of both documents, which are read.
    let all_are_read = read.diagnostics.is_empty();
    assert!(
        !(all_are_read && read.documents.is_empty()),
        "nothing is wrong with {text:?}, and nothing was read"
    );
    of_tree(source);
    for document in &read.documents {
        reads_back(document);
    }
    if let Some(documents) = parse_if_ours(source, &mut Vec::new()) {
        assert_eq!(documents, read.documents, "{text:?}");
    }
    of_repair(text, &read);
    of_check(&read);
}

/// The tree: children are inside their parents, in order; plain scalars are what is written.
fn of_tree(source: &Source) {
    let tree = yaml::read(source, &yaml::Limits::default(), &mut Vec::new());
    for node in &tree.nodes {
        is_in(source, node.span, "a node");
        match &node.kind {
            Kind::Scalar { text, plain } => {
                let written = tree.slice(node.span);
                let is_one_line = !written.contains(['\n', '\r']);
                // A tag may make a text in quotes a number.
                let is_quoted = written.starts_with(['"', '\'', '|', '>']);
                if *plain && is_one_line && !is_quoted && !written.is_empty() && !yaml::is_stand_in(node) {
                    assert_eq!(written, text, "in {:?}", source.text());
                }
            }
            Kind::Sequence(items) => are_inside(&tree, node, items.iter().copied()),
            Kind::Mapping(pairs) => {
                are_inside(&tree, node, pairs.iter().flat_map(|(key, value)| [*key, *value]))
            }
            Kind::Alias(target) => assert!((*target as usize) < tree.nodes.len()),
        }
    }
}

fn are_inside(tree: &Tree<'_>, parent: &Node<'_>, children: impl Iterator<Item = NodeId>) {
    let mut at = parent.span.start;
    for child in children {
        let span = tree.node(child).span;
        assert!(
            (at <= span.start || span.start == span.end) && span.end <= parent.span.end,
            "{:?} is not in its place in {:?} of {:?}",
            tree.slice(span),
            tree.slice(parent.span),
            tree.written
        );
        // Where nothing is written, the parser names a place near by, which may be behind what follows.
        if span.start < span.end {
            at = span.end;
        }
    }
}

/// What was read and is written reads back the same, and is then written the same.
fn reads_back(document: &Document) {
    let bare = without_remarks(document);
    let text = written(&bare);
    let again = read(&text);
    assert!(again.diagnostics.is_empty(), "{:?} in what was written: {text}", again.diagnostics);
    let [again] = &again.documents[..] else { panic!("not one document: {text}") };
    assert_eq!(*again, bare, "{text}");
    assert_eq!(written(again), text);
}

fn written(document: &Document) -> String {
    let text = match document {
        Document::Plan(plan) => to_string(plan),
        Document::Inventory(inventory) => to_string(inventory),
        Document::Policy(policy) => to_string(policy),
        Document::Settings(settings) => to_string(settings),
    };
    text.expect("every document can be written")
}

/// Comments are not written: what is equal without them is equal.
pub fn without_remarks(document: &Document) -> Document {
    let mut document = document.clone();
    match &mut document {
        Document::Plan(plan) => plan.remarks.clear(),
        Document::Inventory(inventory) => inventory.remarks.clear(),
        Document::Policy(_) | Document::Settings(_) => {}
    }
    document
}

/// A text that was put right needs nothing more, has its lines, and means what it meant.
fn of_repair(text: &str, before: &Read) {
    let Some(Repaired { text: right, repairs }) = repair(text) else { return };
    assert_eq!(repair(&right), None, "{text:?} became {right:?}");
    let lines =
        |text: &str| text.split('\n').map(|line| line.trim_end_matches('\r').to_owned()).collect::<Vec<_>>();
    let (old, new) = (lines(text), lines(&right));
    assert_eq!(old.len(), new.len(), "{text:?} became {right:?}");
    assert!(right != text && !repairs.is_empty());
    assert!(repairs.iter().all(|repair| !repair.title.is_empty()), "{repairs:?}");
    // Tabs of all lines are one repair; a lone carriage return ends a line here, and not above.
    if !repairs.iter().any(|repair| repair.title == "indent with spaces")
        && !text.replace("\r\n", "").contains('\r')
    {
        for (at, (old, new)) in old.iter().zip(&new).enumerate() {
            let is_told = repairs.iter().any(|repair| repair.line == at + 1);
            assert!(old == new || is_told, "line {} became {new:?}, and nobody was told: {text:?}", at + 1);
        }
    }
    let after = read(&right);
    let mut left = after.documents.iter();
    for document in &before.documents {
        assert!(
            left.any(|after| after == document),
            "{document:?} is not what it was: {text:?} became {right:?}"
        );
    }
    if before.diagnostics.is_empty() {
        assert_eq!(after.diagnostics, [], "{text:?} became {right:?}");
    }
}

/// A plan and an inventory of one text can be checked: twice the same, and what is not refused is steps.
fn of_check(read: &Read) {
    let plan = read.documents.iter().find_map(|document| match document {
        Document::Plan(plan) => Some(plan),
        Document::Inventory(_) | Document::Policy(_) | Document::Settings(_) => None,
    });
    let inventory = read.documents.iter().find_map(|document| match document {
        Document::Inventory(inventory) => Some(inventory),
        Document::Plan(_) | Document::Policy(_) | Document::Settings(_) => None,
    });
    let (Some(plan), Some(inventory)) = (plan, inventory) else { return };
    let options = Options { origin: OriginFilter::All, strict: false, now: now() };
    let checked = || rules::check(resolve((**plan).clone(), (**inventory).clone()), &options);
    let (report, again) = (checked(), checked());
    assert_eq!(again.findings, report.findings);
    for finding in &report.findings {
        let related = finding.related.iter().map(|label| label.span);
        for span in related.chain([finding.span]).filter(|span| !span.is_none()) {
            is_in(read.source(), span, &finding.message);
        }
        assert!(!finding.message.is_empty());
    }
    if let Some(checked) = report.checked {
        let _ = graph::compile(&checked);
    }
}
