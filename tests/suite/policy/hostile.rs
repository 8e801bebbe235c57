//! Policies that somebody wrote to hold a check up.

use super::*;

#[test]
fn hostile_expressions_are_refused() {
    let code = |assert: &str| mistake("plan", assert);
    let sum = vec!["1"; 1000].join("+");
    for (assert, expected) in [
        (format!("true{}", " ".repeat(5000)), "too-complex"),
        (format!("{}true{}", "(".repeat(1000), ")".repeat(1000)), "too-complex"),
        (format!("{}true{}", "[".repeat(25), "]".repeat(25)), "too-complex"),
        (format!("{}true", "true ? true : ".repeat(50)), "too-complex"),
        (format!("{sum} == 1000"), "too-complex"),
        (format!("plan{} == 1", ".name".repeat(200)), "too-complex"),
        (format!("plan.name.matches(\"{}\")", "(a{999}){999}"), "the pattern can't be used"),
        (format!("plan.name.matches(\"{}a\")", "(".repeat(30)), "the pattern can't be used"),
    ] {
        let told = code(&assert);
        assert!(told.contains(expected) && told.lines().count() == 1, "{:.60}: {told:.200}", assert);
    }
    // What is just small enough is evaluated, whatever stack there is.
    let model = model();
    assert_eq!(said("plan", &format!("{} == 95", vec!["1"; 95].join("+")), &model), "");
    let nested = format!("{}true{}", "[1].all(x, ".repeat(23), ")".repeat(23));
    assert_eq!(said("plan", &nested, &model), "");
    // Long chains of `&&` are no deep trees, and negations cancel each other.
    assert_eq!(code(&vec!["true"; 300].join(" && ")), "");
    assert_eq!(code(&format!("{}true", "!".repeat(1000))), "");
    assert_eq!(code(&format!("{}true{}", "(".repeat(24), ")".repeat(24))), "");
}

#[test]
fn no_expression_takes_longer_than_it_may() {
    let model = model();
    // Each step multiplies: lists of lists of lists, and texts that double.
    let lists = "[1,2,3,4,5,6,7,8,9,10]";
    let nested = (0..12).fold("true".to_owned(), |body, depth| format!("{lists}.all(x{depth}, {body})"));
    let doubled = (0..20).fold("plan.name".to_owned(), |text, depth| {
        format!("[{text}].map(t{depth}, t{depth} + t{depth})[0]")
    });
    let listed = (0..20)
        .fold("[1]".to_owned(), |list, depth| format!("[{list}].map(t{depth}, t{depth} + t{depth})[0]"));
    for (assert, expected) in [
        (nested, "takes more than 2000000 steps"),
        (format!("{doubled} == \"\""), "the result is too large"),
        (format!("{listed} == []"), "the result is too large"),
    ] {
        let told = said("plan", &assert, &model);
        assert!(told.contains(expected), "{told:.200}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_the_parser(text in "[-a-c0-3.(){}\\[\\]?:!&|=<>+*/%\"' \\\\\n,rbu_$\u{1}\u{e9}\u{d55c}\u{1f600}]{0,40}") {
        let (policies, mistakes) = compiled(&[&rule("machine", &text)]);
        prop_assert!(policies.is_empty() != mistakes.is_empty());
    }

    #[test]
    fn no_words_break_the_parser(words in prop::collection::vec(prop::sample::select(vec![
        "machine", ".", "name", "os", "(", ")", "[", "]", "==", "&&", "!", "?", ":", "all", "has", "x", ",", "1", "\"a\"",
        "in", "null", "{", "}", "-", "+", "size", "machines", "// c\n", "matches", "timestamp", "true", "plan",
    ]), 0..16)) {
        let (policies, _) = compiled(&[&rule("machine", &words.join(" "))]);
        drop(policies.evaluate(&model(), "2025-06-01T00:00:00Z".parse().expect("a time")));
    }
}
