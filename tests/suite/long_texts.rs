//! Long texts, and many aliases of one: refused where a name or a sentence is meant, at a cost that the input alone decides.

use failback::source::Sources;
use failback::syntax::read;

use crate::support::Folder;

const HEAD: &str = "kind: RecoveryPlan\nversion: 1\nname: p\n";

/// Returns the codes of a text's mistakes, with the end of their places relative to their beginning.
fn told(text: &str) -> Vec<(&'static str, u32)> {
    let mut sources = Sources::new();
    let index = sources.add("p.plan.yaml", text.to_owned()).expect("fits");
    let mut mistakes = Vec::new();
    read(sources.get(index), &mut mistakes);
    mistakes.iter().map(|one| (one.code, one.span.end - one.span.start)).collect()
}

fn codes(text: &str) -> Vec<&'static str> {
    told(text).into_iter().map(|(code, _)| code).collect()
}

#[test]
fn a_text_of_many_characters_is_refused_exactly_above_its_limit() {
    let plan = |name: &str, reason: &str| {
        format!(
            "{HEAD}machines: [{name}]\nwaivers:\n- {{rule: FB514, reason: {reason}, until: 2030-01-01}}\n"
        )
    };
    // Characters count, not bytes.
    assert_eq!(codes(&plan(&"가".repeat(256), &"나".repeat(65_536))), [""; 0]);
    let found = told(&plan(&"가".repeat(257), &"나".repeat(65_537)));
    assert_eq!(found, [("too-long", 180), ("too-long", 180)]);
    let long = "x".repeat(300);
    assert_eq!(codes(&format!("{HEAD}machines: [w]\ninventory: {long}.yaml\n")), [""; 0]);
    assert_eq!(codes(&format!("{HEAD}machines: [{{name: w, commit: {long}}}]\n")), ["too-long"]);
}

#[test]
fn free_names_and_free_texts_have_limits_too() {
    let plan = |key: usize, text: usize| {
        let (key, text) = ("k".repeat(key), "t".repeat(text));
        format!(
            "{HEAD}machines: [w]\nactions:\n- name: a\n  after: {{phase: commit, of: w}}\n  \
             runbook: {{automation_account: aa, name: r, parameters: {{{key}: [{text}]}}}}\n"
        )
    };
    assert_eq!(codes(&plan(256, 65_536)), [""; 0]);
    assert_eq!(codes(&plan(257, 65_537)), ["too-long"], "what lies under such a key is not looked at");
    assert_eq!(codes(&plan(9, 65_537)), ["too-long"]);
}

#[test]
fn one_long_text_behind_many_aliases_costs_little() {
    let long = "x".repeat(1_000_000);
    for part in ["machines:\n", "machines: [w]\nwaivers:\n", "machines:\n- name: w\n  depends_on:\n"] {
        let uses = match part.contains("waivers") {
            true => "- {rule: FB514, reason: *s, until: 2030-01-01}\n".repeat(2_000),
            false => "  - *s\n".repeat(2_000),
        };
        let found = told(&format!("{HEAD}x-s: &s \"{long}\"\n{part}{uses}"));
        assert!(found.iter().any(|(code, _)| *code == "too-long"), "{found:?}");
        assert!(found.iter().all(|(_, width)| *width <= 240), "{found:?}");
        assert_eq!(found.iter().filter(|(code, _)| *code == "alias-expansion").count(), 1);
        assert!(found.len() < 50, "{}", found.len());
    }
}

#[test]
fn texts_within_their_limits_may_be_used_until_they_stand_for_too_much() {
    let text = "x".repeat(60_000);
    let plan = |uses: usize| {
        let uses = "- {rule: FB514, reason: *s, until: 2030-01-01}\n".repeat(uses);
        format!("{HEAD}x-s: &s {text}\nmachines: [w]\nwaivers:\n{uses}")
    };
    assert_eq!(codes(&plan(300)), [""; 0]);
    assert_eq!(codes(&plan(3_000)), ["alias-expansion"]);
    let parameters = "- {name: a, runbook: {parameters: *p}}\n".repeat(3_000);
    let found = codes(&format!("{HEAD}x-p: &p {{a: [{text}]}}\nactions:\n{parameters}"));
    assert_eq!(found.iter().filter(|code| **code == "alias-expansion").count(), 1);
}

#[test]
fn a_name_of_a_megabyte_is_shown_by_its_beginning() {
    let plan = format!("{HEAD}machines: [{}]\n", "w".repeat(1_000_000));
    let folder = Folder::with(&[("p.plan.yaml", &plan)]);
    for format in ["human", "json", "sarif"] {
        let ended = folder.run(&["check", "p.plan.yaml", "--format", format]);
        assert_eq!(ended.exit, 1, "{}", ended.err);
        let length = ended.out.len() + ended.err.len();
        assert!(length < 100_000, "{format}: {length} bytes");
    }
}
