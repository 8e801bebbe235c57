//! What needs no facts, evaluated by the crate that the parser is taken from.

use super::*;

/// The `cel` crate evaluates what needs no facts: two readings of one language.
#[cfg(feature = "cel")]
#[test]
fn what_needs_no_facts_is_as_the_cel_crate_has_it() {
    let model = model();
    let values = [
        "1",
        "2",
        "-3",
        "1.5",
        "2.0",
        "\"a\"",
        "\"b\"",
        "\"\"",
        "true",
        "false",
        "null",
        "[1, 2]",
        "[]",
        "[\"a\"]",
        "{\"a\": 1}",
    ];
    let mut texts: Vec<String> = Vec::new();
    for one in values {
        texts.push(format!("!{one}"));
        texts.push(format!("size({one}) == 1"));
        texts.push(format!("[1, 2, 3].exists(x, x == {one})"));
        texts.push(format!("[1, 2, 3].all(x, x != {one} || 1 / (x - 2) > 0)"));
        texts.push(format!("[1, 2, 3].filter(x, x > 1).map(y, y * 2) == [4, 6] && {one} == {one}"));
        texts.push(format!("[3, 1, 3].exists_one(x, x == {one})"));
        for other in values {
            for operator in ["==", "!=", "<", "<=", ">", ">=", "&&", "||", "in"] {
                texts.push(format!("{one} {operator} {other}"));
            }
            for operator in ["+", "-", "*", "/", "%"] {
                texts.push(format!("{one} {operator} {other} == {other}"));
            }
            texts.push(format!("true ? {one} == {other} : false"));
            texts.push(format!("(1 / 0 > 0) && {one} == {other} || 1 == 1"));
        }
    }
    let (mut compared, mut differ) = (0, String::new());
    for texts in texts.chunks(500) {
        let mut policy = HEAD.to_owned();
        for (index, text) in texts.iter().enumerate() {
            let assert = serde_json::to_string(text).expect("text is JSON");
            let _ = writeln!(
                policy,
                "- {{id: R{index}, severity: error, scope: plan, message: m, assert: {assert}}}"
            );
        }
        let (policies, _) = compiled(&[&policy]);
        let found = policies.evaluate(&model, "2025-06-01T00:00:00Z".parse().expect("a time"));
        // What our types refuse beforehand has no value here, and nothing is in a list that is not there.
        for id in policies.ids() {
            let ours = match found.iter().find(|finding| finding.rule == id) {
                None => Some(true),
                Some(finding) if finding.name == BROKEN => None,
                Some(_) => Some(false),
            };
            let text = &texts[id[1..].parse::<usize>().expect("a number")];
            if text.ends_with("in null") {
                continue;
            }
            let program = cel::Program::compile(text).expect("it was read before");
            let theirs = match program.execute(&cel::Context::default()) {
                Ok(cel::Value::Bool(value)) => Some(value),
                Ok(_) | Err(_) => None,
            };
            compared += 1;
            if ours != theirs {
                let _ = writeln!(differ, "{text}: ours {ours:?}, theirs {theirs:?}");
            }
        }
    }
    assert!(compared > 600, "{compared}");
    assert_eq!(differ, "");
}
