//! Expressions of policies: mistakes have their place, truth keeps the laws of three values, and fewer facts decide less.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use failback::model::Model;
use failback::rules::Policies;
use failback::rules::State;
use failback::rules::policy::BROKEN;
use failback::rules::policy::test;
use failback::syntax::Document;
use failback::syntax::policy::Policy;

use super::INVENTORY;
use super::PLAN;
use super::can_be_shown;
use super::document;
use super::is_in;
use super::now;
use super::read;
use super::world;

/// Asks everything of a policy, or of an expression.
pub fn claims(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if text.contains("kind:") {
        of_document(&text);
        return;
    }
    for scope in ["machine", "group", "plan"] {
        of_expression(scope, &text);
    }
}

fn of_document(text: &str) {
    document::of_text(text);
    let read = read(text);
    let policies: Vec<Policy> = read
        .documents
        .into_iter()
        .filter_map(|document| match document {
            Document::Policy(policy) => Some(*policy),
            Document::Plan(_) | Document::Inventory(_) | Document::Settings(_) => None,
        })
        .collect();
    let mut mistakes = Vec::new();
    let compiled = Policies::compile(&policies, &read.sources, &mut mistakes);
    for mistake in &mistakes {
        can_be_shown(read.sources.get(1), mistake);
    }
    for policy in &policies {
        assert_eq!(test::run(policy, &compiled).len(), policy.tests.len());
    }
    let _ = compiled.evaluate(known(), now());
}

/// The classic world, in which all is known.
fn known() -> &'static Model {
    static KNOWN: OnceLock<Model> = OnceLock::new();
    KNOWN.get_or_init(|| world(&plan(), INVENTORY))
}

/// The same plan, and no fact but the names of two machines.
fn unknown() -> &'static Model {
    static UNKNOWN: OnceLock<Model> = OnceLock::new();
    UNKNOWN.get_or_init(|| {
        world(&plan(), "kind: Inventory\nversion: 1\nname: classic\nmachines: [{name: w1}, {name: l1}]\n")
    })
}

fn plan() -> String {
    let groups =
        "replication_groups:\n  - {name: g1, machines: [w1, w2]}\n  - {name: g2, machines: [w3, l1]}\n";
    let (head, machines) = PLAN.split_at(PLAN.find("machines:\n").expect("the plan has machines"));
    format!("{head}{groups}{machines}")
}

/// What a rule says about something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    False,
    Unknown,
    Broken,
}

/// What a rule says, by subject; what it does not mention is true.
type Truth = BTreeMap<String, Said>;

/// Returns what an expression says of a world; `None` if it was given up, or is a mistake.
fn said(scope: &str, expression: &str, model: &Model) -> Option<Truth> {
    let assert = serde_json::to_string(expression).expect("text is JSON");
    let text = format!(
        "kind: Policy\nversion: 1\nname: p\nrules:\n- {{id: R1, severity: error, scope: {scope}, message: broken, assert: {assert}}}\n"
    );
    let mut read = read(&text);
    if let Some(mistake) = read.diagnostics.first() {
        let is_known = matches!(mistake.code, "empty" | "control-character");
        assert!(is_known, "{text}: {mistake:?}");
        return None;
    }
    let Some(Document::Policy(policy)) = read.documents.pop() else { panic!("no policy: {text}") };
    let mut mistakes = Vec::new();
    let policies = Policies::compile(&[*policy], &read.sources, &mut mistakes);
    for mistake in &mistakes {
        can_be_shown(read.source(), mistake);
        is_in(read.source(), mistake.span, "a mistake");
    }
    assert_eq!(policies.is_empty(), !mistakes.is_empty(), "{expression:?}: {mistakes:?}");
    if policies.is_empty() {
        return None;
    }
    let findings = policies.evaluate(model, now());
    assert_eq!(policies.evaluate(model, now()), findings, "{expression:?}");
    let mut truth = Truth::new();
    for finding in findings {
        let said = match finding.state {
            _ if finding.name == BROKEN && finding.message.contains("steps") => return None,
            _ if finding.name == BROKEN => {
                is_in(read.source(), finding.span, &finding.message);
                Said::Broken
            }
            State::Violated => Said::False,
            State::Indeterminate => Said::Unknown,
            other @ (State::Unmeasured | State::Pending | State::Waived) => {
                panic!("{expression:?} is {other:?}")
            }
        };
        truth.insert(finding.subject.name, said);
    }
    Some(truth)
}

fn of_expression(scope: &str, expression: &str) {
    let Some(all) = said(scope, expression, known()) else { return };
    let Some(none) = said(scope, expression, unknown()) else { return };
    // Of several mistakes of a rule only the first is told, with a number; who has them is not known then.
    let is_broken = |truth: &Truth| truth.values().any(|said| *said == Said::Broken);
    for (model, truth) in [(known(), &all), (unknown(), &none)] {
        // A comment may end the expression.
        let with =
            |before: &str, after: &str| said(scope, &format!("{before}({expression}\n){after}"), model);
        let same = |other: Option<Truth>, what: &str| {
            if let Some(other) = other {
                assert_eq!(&other, truth, "{expression:?} of a {scope}, {what}");
            }
        };
        same(with("", ""), "in brackets");
        same(with("", " && true"), "and true");
        same(with("", " || false"), "or false");
        same(with("true ? ", " : false"), "chosen");
        if is_broken(truth) {
            continue;
        }
        same(with("true && ", ""), "true and");
        same(with("false || ", ""), "false or");
        same(with("!!", ""), "denied twice");
        let holds = |other: Option<Truth>, expected: &dyn Fn(Option<Said>) -> Option<Said>, what: &str| {
            let Some(other) = other else { return };
            for name in other.keys().chain(truth.keys()) {
                let expected = expected(truth.get(name).copied());
                assert_eq!(other.get(name).copied(), expected, "{expression:?} of {name}, {what}");
            }
        };
        holds(with("", " || true"), &|_| None, "or true");
        holds(with("", " && false"), &|_| Some(Said::False), "and false");
        let denied = |said: Option<Said>| match said {
            None => Some(Said::False),
            Some(Said::False) => None,
            Some(other) => Some(other),
        };
        holds(with("!", ""), &denied, "denied");
    }
    // `has` asks what is known.
    if !expression.contains("has") {
        decides_less(expression, &all, &none);
    }
}

/// With fewer facts, nothing is said that more facts take back.
fn decides_less(expression: &str, all: &Truth, none: &Truth) {
    let either = |said: Option<&Said>| said.is_some_and(|said| matches!(said, Said::Unknown | Said::Broken));
    for name in all.keys().chain(none.keys()) {
        let (more, less) = (all.get(name), none.get(name));
        assert!(
            either(more) || either(less) || more == less,
            "{expression:?} of {name}: {more:?}, then {less:?}"
        );
    }
}
