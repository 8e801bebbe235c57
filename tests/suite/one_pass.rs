//! All that can be told of documents with mistakes is told at once: no mistake hides another.

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

/// Returns the codes of the mistakes that a check tells, each with its line, in their order.
fn told(files: &[(&str, &str)], path: &str) -> Vec<String> {
    let ended = Folder::with(files).run(&["check", path, "--format", "json"]);
    let json = ended.json();
    let of = |finding: &serde_json::Value| {
        let rule = finding["rule"].as_str().expect("a code");
        format!("{}:{rule}", finding["location"]["line"])
    };
    json["findings"].as_array().expect("a list").iter().map(of).collect()
}

const HEAD: &str = "kind: RecoveryPlan\nversion: 1\nname: p\n";

#[test]
fn a_bad_value_hides_no_contradiction() {
    let plan = format!(
        "{HEAD}\
recovery_pint: latest
machines: [w1, w1, {{name: w2, verify: [{{name: v}}]}}]
boot_groups: [{{name: b, members: [w1]}}, {{name: b, members: [w2]}}]
drills: [{{name: d, schedule: soon, kind: rehearsal}}, {{name: d, schedule: \"0 3 * * SUN\", kind: rehearsal}}]
actions:
  - {{name: a, timeout: often}}
  - {{name: c, before: {{phase: failover}}, run: {{command: [x]}}}}
"
    );
    let files = [("p.plan.yaml", plan.as_str())];
    let mut found = told(&files, "p.plan.yaml");
    found.sort();
    assert_eq!(
        found,
        [
            "10:bad-action",
            "4:unknown-key",
            "5:bad-action",
            "5:duplicate-name",
            "6:duplicate-name",
            "7:bad-schedule",
            "7:duplicate-name",
            "9:bad-action",
            "9:bad-action",
            "9:bad-unit",
        ]
    );
}

#[test]
fn what_a_mistake_may_have_said_is_not_missed() {
    for action in [
        "{name: a, befor: {phase: run}, run: {command: [x]}}",
        "{name: a, before: {phase: rum}, run: {command: [x]}}",
        "{name: a, before: {phase: failover, off: w1}, run: {command: [x]}}",
        "{name: a, before: {phase: run}, http: {ulr: \"https://x.example\"}}",
        "{name: a, before: 1, run: {comand: [x]}}",
    ] {
        let plan = format!("{HEAD}machines: [w1]\nactions: [{action}]\n");
        let found = told(&[("p.plan.yaml", plan.as_str())], "p.plan.yaml");
        assert!(
            !found.is_empty() && !found.iter().any(|code| code.contains("bad-action")),
            "{action}: {found:?}"
        );
    }
    // What is no list of machines may have named some.
    let plan = format!("{HEAD}machnes: [w1]\n");
    assert_eq!(told(&[("p.plan.yaml", plan.as_str())], "p.plan.yaml"), ["4:unknown-key"]);
}

#[test]
fn merged_and_aliased_blocks_are_looked_at_as_they_are_used() {
    let plan = format!(
        "{HEAD}x-a: &a {{before: {{phase: run}}, run: {{command: [x]}}}}\nmachines: [w1]\n\
         actions:\n  - {{<<: *a, name: one}}\n  - {{<<: *a, name: two, http: {{url: \"https://x.example\"}}}}\n  - {{<<: *a, name: one}}\n"
    );
    let found = told(&[("p.plan.yaml", plan.as_str())], "p.plan.yaml");
    assert_eq!(found, ["8:bad-action", "9:duplicate-name"]);
}

#[test]
fn a_plan_with_mistakes_hides_none_of_its_inventory() {
    let plan = CLASSIC_PLAN.replacen("kind: RecoveryPlan", "kind: RecoveryPlan\nownr: x", 1);
    let inventory = CLASSIC_INVENTORY.replacen("kind: Inventory", "kind: Inventory\nhots: []", 1);
    let files = [("p.plan.yaml", plan.as_str()), ("classic.inventory.yaml", inventory.as_str())];
    assert_eq!(told(&files, "p.plan.yaml").len(), 2);
}

#[test]
fn a_document_whose_kind_is_misspelt_is_read_for_its_other_mistakes() {
    let plan = "kind: RecoverPlan\nversion: 2\nname: p\nmachines: [w1, w1]\n";
    let found = told(&[("p.plan.yaml", plan)], "p.plan.yaml");
    assert_eq!(found, ["1:unknown-word", "2:unknown-version", "4:duplicate-name"]);
    let plan = "knd: RecoveryPlan\nversion: 2\nname: p\nmachines: [w1]\n";
    let found = told(&[("p.plan.yaml", plan)], "p.plan.yaml");
    assert_eq!(found, ["1:unknown-key", "2:unknown-version"]);
}

#[test]
fn names_of_documents_with_mistakes_are_compared_too() {
    let plan = format!("{HEAD}ownr: x\nmachines: [w1]\n---\n{HEAD}machines: [w2]\n");
    let found = told(&[("p.plan.yaml", plan.as_str())], "p.plan.yaml");
    assert!(found.contains(&"9:duplicate-name".to_owned()), "{found:?}");
}

#[test]
fn a_bracket_that_is_left_open_is_told_where_it_opens_and_what_follows_is_read() {
    let list = format!(
        "{HEAD}machines:\n  - {{name: w1, depends_on: [w2]}}\n  - {{name: w2, failback: {{master_target: mtw}}\n  \
         - {{name: w3, x: 1}}\n  - w4\n"
    );
    let found = told(&[("p.plan.yaml", &list)], "p.plan.yaml");
    assert_eq!(found, ["6:unclosed-bracket", "7:unknown-key"]);
    // Each of several, one after the other.
    let several =
        format!("{HEAD}machines:\n  - {{name: w1\n  - {{name: w2\n  - {{name: w3, x: 1}}\nactions: {{\n");
    let found = told(&[("p.plan.yaml", &several)], "p.plan.yaml");
    for expected in ["5:unclosed-bracket", "6:unclosed-bracket", "7:unknown-key", "8:unclosed-bracket"] {
        assert!(found.contains(&expected.to_owned()), "{expected}: {found:?}");
    }
    assert!(found.iter().all(|found| !found.ends_with("yaml-syntax")), "{found:?}");
}

#[test]
#[cfg(feature = "cel")]
fn a_mistake_of_a_policys_text_hides_none_of_its_expressions() {
    let policy = "kind: Policy\nversion: 1\nname: p\nrules:\n\
        - {id: ACME01, severity: eror, scope: plan, assert: \"true\", message: m}\n\
        - {id: ACME02, severity: error, scope: machine, assert: machine.os.family == \"linx\", message: m}\n\
        - {id: ACME02, severity: error, scope: machine, assert: \"true\", message: m}\n\
        tests:\n- {name: t, rule: ACME01, given: {}, expect: silent}\n";
    let found = told(&[("p.policy.yaml", policy)], "p.policy.yaml");
    assert_eq!(found, ["5:unknown-word", "7:duplicate-rule", "6:unknown-word"]);
}

#[test]
#[cfg(feature = "cel")]
fn a_rule_that_can_not_be_read_hides_none_of_its_expressions_nor_those_of_others() {
    let rules = "rules:\n\
        - {id: ACME01, severity: eror, scope: plan, assert: plan.nmae != null, message: \"{{ plan.onwer }}\"}\n\
        - {id: ACME02, severity: error, scope: machine, when: machine.os.famly == \"linux\", message: m}\n\
        - {id: ACME03, severity: error, scope: machine, assert: machine.nmae != null, message: m, wieght: 1}\n\
        - {id: ACME01, severity: error, scope: group, assert: group.nmae != null, message: [m]}\n";
    let policy = format!("kind: Policy\nversion: 1\nname: p\n{rules}");
    let expected = [
        "5:unknown-word",
        "6:missing-key",
        "7:unknown-key",
        "8:wrong-type",
        "8:duplicate-rule",
        "5:unknown-name",
        "5:unknown-name",
        "6:unknown-name",
        "7:unknown-name",
        "8:unknown-name",
    ];
    assert_eq!(told(&[("p.policy.yaml", &policy)], "p.policy.yaml"), expected);
    // Nor does a mistake of the policy itself.
    let found = told(&[("p.policy.yaml", &policy.replace("name: p", "nmae: p"))], "p.policy.yaml");
    assert_eq!(found[1..], expected, "{found:?}");
}

#[test]
#[cfg(feature = "cel")]
fn a_rule_whose_scope_nobody_can_read_is_wrong_where_it_is_wrong_in_every_scope() {
    let told_of = |assert: &str| {
        let rule = format!("- {{id: ACME01, severity: error, scope: vm, assert: {assert}, message: m}}\n");
        let policy = format!("kind: Policy\nversion: 1\nname: p\nrules:\n{rule}");
        told(&[("p.policy.yaml", &policy)], "p.policy.yaml")
    };
    for right in ["machine.name != null", "group.name != null", "plan.name != null"] {
        assert_eq!(told_of(right), ["5:unknown-word"], "{right}");
    }
    for wrong in ["machine.nmae != null", "group.nmae != null", "plan.nmae != null"] {
        assert_eq!(told_of(wrong), ["5:unknown-word", "5:unknown-name"], "{wrong}");
    }
    assert_eq!(told_of("machin.name != null"), ["5:unknown-word", "5:unknown-name"]);
}

#[test]
#[cfg(feature = "cel")]
fn a_test_names_a_rule_that_can_not_be_read_whole_and_no_other() {
    let policy = "kind: Policy\nversion: 1\nname: p\nrules:\n\
        - {id: ACME01, severity: eror, scope: plan, assert: \"true\", message: m}\n\
        tests:\n\
        - {name: t, rule: ACME01, given: {}, expect: silent}\n\
        - {name: u, rule: ACME02, given: {}, expect: silent}\n";
    let found = told(&[("p.policy.yaml", policy)], "p.policy.yaml");
    assert_eq!(found, ["5:unknown-word", "8:unknown-rule"]);
    // A rule without an id may be the one that is meant.
    let found = told(&[("p.policy.yaml", &policy.replace("id: ACME01", "di: ACME01"))], "p.policy.yaml");
    assert!(!found.iter().any(|found| found.ends_with("unknown-rule")), "{found:?}");
}

#[test]
fn a_mistake_behind_an_anchor_is_told_once_with_the_places_that_use_it() {
    let uses = "- {<<: *d, name: w1}\n- {<<: *d, name: w2}\n- {<<: *d, name: w3}\n";
    let plan = format!("{HEAD}x-d: &d\n  commit: somtimes\n  ownr: x\nmachines:\n{uses}");
    let files = [("p.plan.yaml", plan.as_str())];
    let ended = Folder::with(&files).run(&["check", "p.plan.yaml", "--format", "json"]);
    let json = ended.json();
    let found = json["findings"].as_array().expect("a list");
    let codes: Vec<&str> = found.iter().filter_map(|one| one["rule"].as_str()).collect();
    assert_eq!(codes, ["unknown-word", "unknown-key"]);
    for one in found {
        assert_eq!(one["location"]["used_in_line"], 8);
        let lines: Vec<_> = one["related"].as_array().expect("a list").iter().collect();
        assert_eq!(lines.len(), 2, "{one}");
    }
}

#[test]
fn a_mapping_merged_into_itself_is_one_mistake() {
    let plan = format!("{HEAD}machines:\n- &d\n  <<: *d\n  name: w1\n");
    assert_eq!(told(&[("p.plan.yaml", plan.as_str())], "p.plan.yaml"), ["6:recursive-alias"]);
    // The key that is missing may be in what could not be read.
    let plan = format!("{HEAD}machines:\n- {{<<: *nothing}}\n");
    assert_eq!(told(&[("p.plan.yaml", plan.as_str())], "p.plan.yaml"), ["5:unknown-alias"]);
}
